"""`undo`: back to the last good revision, or to one that is named."""

import click

from pennant.cli import names, output, targets
from pennant.cli.acting import ANSWER, commanded, give
from pennant.cli.completion import complete_versions
from pennant.cli.errors import CliError
from pennant.cli.options import (
    ClusterOptions,
    Selectors,
    cluster_options,
    dry_run_option,
    target_options,
    timeout_option,
)
from pennant.cli.session import Session, run
from pennant.core.facts.command import Verb
from pennant.core.facts.observation import Invalid, Key
from pennant.core.rollout.undo import NoTarget, undo_target


@click.command("undo", short_help="Undo to an earlier revision")
@target_options
@cluster_options
@click.option(
    "--to-revision", type=click.IntRange(min=0), help="The revision to go back to; 0 or none: the last good one."
)
@click.option("--to-version", shell_complete=complete_versions, help="The version to go back to.")
@click.option("--reason", default="", help="Why, for the history.")
@dry_run_option
@timeout_option(ANSWER, "How long to wait for the operator's answer.")
def command(
    selectors: Selectors,
    cluster: ClusterOptions,
    to_revision: int | None,
    to_version: str | None,
    reason: str,
    dry_run: str,
    timeout: float,
) -> None:
    """Roll back to an earlier revision of a ModelDeployment.

    The undone version is quarantined here until the tag moves on or `retry` releases it: the undo lasts, also where
    Argo CD or Flux keeps the objects as they are in Git.
    """
    names.require_some(selectors, cluster)
    if to_revision is not None and to_version is not None:
        raise CliError("give --to-revision or --to-version, not both")
    value = to_version or (str(to_revision) if to_revision else "")
    run(cluster, lambda session: _all(session, selectors, value, reason, dry_run, timeout))


async def _all(session: Session, selectors: Selectors, value: str, reason: str, dry_run: str, timeout: float) -> None:
    for key in await targets.keys(session, selectors):
        await _one(session, key, value, reason, dry_run, timeout)


async def _one(session: Session, key: Key, value: str, reason: str, dry_run: str, timeout: float) -> None:
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
        click.echo(f"{output.full_name(key.name)} {skipped}")
        return
    what = f"to {target.version} (revision {target.revision})"
    if target.verified_at is None:
        output.warn(f"{target.version} (revision {target.revision}) was never verified")
    order = await commanded(Verb.ROLLBACK_TO, str(target.revision), session, reason)
    await give(session, key, snapshot.uid, order, done="rolled back", dry_run=dry_run, timeout=timeout, what=what)
