"""`undo`: back to the last good revision, or to one that is named."""

from typing import Any

from pennant.api.history import HistoryEntry
from pennant.cli import names, output, targets
from pennant.cli.acting import Giving, give
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.core.rollout.undo import NoTarget, undo_target


def execute(
    selectors: Selectors, cluster: ClusterOptions, to_revision: int | None, to_version: str | None, **options: Any
) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.undo`."""
    names.require_some(selectors, cluster)
    if to_revision is not None and to_version is not None:
        raise CliError("give --to-revision or --to-version, not both")
    value = f"version:{to_version}" if to_version else f"revision:{to_revision}" if to_revision else ""
    how = Giving("rolled back", **options)
    run(cluster, lambda session: _all(session, selectors, value, how))


async def _all(session: Session, selectors: Selectors, value: str, how: Giving) -> None:
    keys = await targets.keys(session, selectors)
    (await targets.each(session, keys, lambda key: _one(session, key, value, how))).end()


async def _one(session: Session, key: Key, value: str, how: Giving) -> None:
    snapshot = await targets.snapshot(session, key)
    status = snapshot.status
    if not status.history:
        raise CliError(f"no rollout history found for modeldeployment {key.name}")
    if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused:
        raise CliError(
            f'you cannot roll back the paused modeldeployment "{key.name}"; '
            f"resume it first with 'kubectl pennant resume {key.name}' and try again"
        )
    target = undo_target(status.history, status.quarantine, snapshot, value)
    if isinstance(target, NoTarget):
        if target.already is None:
            raise CliError(target.problem)
        skipped = f"skipped rollback (current template already matches revision {target.already})"
        raw = await targets.raw(session, key) if how.output is not None else {}
        output.tell(f"{output.full_name(key.name)} {skipped}", raw, how.output)
        return
    if target.verified_at is None:
        output.warn(f"{target.version} (revision {target.revision}) was never verified")
    value, what = f"revision:{target.revision}", f"to {target.version} (revision {target.revision})"
    await give(session, snapshot, Verb.ROLLBACK_TO, value, how, what=what, note=same_version(snapshot, target))


def same_version(snapshot: Snapshot, target: HistoryEntry) -> str:
    """Return that only the pod template changes, such as after a restart; empty where the version does, too."""
    active = current(snapshot.status.history)
    if active is None or active.digest != target.digest:
        return ""
    return f"; the same version, with the pod template of revision {target.revision}"
