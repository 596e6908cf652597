"""The writes of a restore, one after the other. Each is complete by itself, so that a second run continues.

Rule: R143.
"""

from contextlib import suppress

from pennant.cli.errors import CliError
from pennant.cli.restoring import marks
from pennant.cli.restoring.plan import Does, Plan, Step
from pennant.cli.session import Session, explained
from pennant.core.facts.observation import Key
from pennant.kube.http.errors import Missing
from pennant.ports import Conflict, PortError

ATTEMPTS = 5
"""Attempts to write the status of a ModelVersion, which the operator writes at the same time."""


async def applied(session: Session, plan: Plan, step: Step, dry_run: str) -> None:
    """Carry out a step; raises `CliError` with the object where that fails."""
    try:
        match step.does:
            case Does.CREATE:
                await session.create(step.kind, step.body, dry_run=dry_run)
            case Does.MARK:
                await _marked(session, plan, step, dry_run)
            case Does.KEEP:
                pass
    except PortError as error:
        raise CliError(f"{step.full_name}: {explained(error, session.server)}. {_advice(error, session)}") from error


def _advice(error: PortError, session: Session) -> str:
    if isinstance(error, Missing) and str(error).startswith("namespaces "):
        return f"Create it: kubectl create namespace {session.namespace}"
    return "What was restored stays; run the same command again"


async def _marked(session: Session, plan: Plan, step: Step, dry_run: str) -> None:
    """Add the marks; once more where the operator has written the status in between."""
    for _ in range(ATTEMPTS - 1):
        with suppress(Conflict):
            await _write(session, plan, step, dry_run)
            return
    await _write(session, plan, step, dry_run)


async def _write(session: Session, plan: Plan, step: Step, dry_run: str) -> None:
    key = Key(session.namespace, step.name)
    stored = await session.client.get(step.kind, key.namespace, key.name)
    if stored is None and dry_run == "server":
        # Its creation was not persisted.
        return
    if stored is None:
        raise Conflict("it was deleted meanwhile")
    if not (found := marks.missing(stored, step.body, plan.unknown)):
        return
    metadata = {name: stored["metadata"][name] for name in ("uid", "resourceVersion")}
    body = {"metadata": metadata, "status": found}
    await session.patch(step.kind, key, body, dry_run=dry_run, subresource="status")
