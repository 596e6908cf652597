"""`status`: wait until the version that has the tag serves and is healthy."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from time import monotonic

import click

from pennant.api.conditions import Condition, ConditionStatus, find
from pennant.api.history import Trigger
from pennant.api.reasons import ConditionType, Reason
from pennant.cli import names, targets
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors, cluster_options, target_options, timeout_option
from pennant.cli.session import Session, run
from pennant.core.facts.in_place import InPlace, in_place
from pennant.core.facts.observation import Invalid, Key, Snapshot
from pennant.core.versions.selection import Selected, select

POLL_SECONDS = 1.0
TRUE, FALSE = ConditionStatus.TRUE, ConditionStatus.FALSE
HALTS = frozenset({Reason.INVALID_SPEC, Reason.NAME_CONFLICT, Reason.STATUS_UNREADABLE, Reason.HISTORY_TAMPERED})
"""Reasons for which the operator takes no note of a new target version."""


class Phase(Enum):
    """What a rollout is at."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a rollout, and the line that says it."""

    phase: Phase
    line: str


@click.command("status", short_help="Show the status of the rollout and wait for its end")
@target_options
@cluster_options
@click.option(
    "-w",
    "--watch",
    type=bool,
    default=True,
    show_default=True,
    is_flag=False,
    flag_value="true",
    help="Watch the status until it is done.",
)
@click.option("--revision", type=click.IntRange(min=1), help="Fail when the current revision is another one.")
@timeout_option("0s", "The length of time to wait before ending watch, zero means never.")
def command(selectors: Selectors, cluster: ClusterOptions, watch: bool, revision: int | None, timeout: float) -> None:
    """Show the status of the rollout, and wait until it ends.

    Exit code 0: the version that has the tag serves and is healthy. Exit code 1: it was rolled back or is stalled, or
    the time is over. With --watch=false a rollout that is under way exits with 0.
    """
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _all(session, selectors, watch, revision, timeout))


async def _all(session: Session, selectors: Selectors, watch: bool, revision: int | None, timeout: float) -> None:
    for key in await targets.keys(session, selectors):
        await wait(session, key, watch=watch, revision=revision, timeout=timeout)


async def wait(
    session: Session, key: Key, *, watch: bool = True, revision: int | None = None, timeout: float = 0
) -> None:
    """Print each new line of the status until the rollout is done; raises `CliError` where it failed.

    `timeout` is in seconds; 0 means no limit.
    """
    ends = monotonic() + timeout if timeout else None
    said = ""
    while True:
        snapshot = await session.inspector.snapshot(key)
        if snapshot is None:
            raise CliError("object has been deleted") if said else await targets.missing(session, key)
        now = progress(snapshot, revision)
        if now.phase is Phase.FAILED:
            raise CliError(now.line)
        if now.line != said:
            click.echo(now.line)
            said = now.line
        if now.phase is Phase.DONE or not watch:
            return
        if ends is not None and monotonic() >= ends:
            raise CliError("timed out waiting for the condition")
        await asyncio.sleep(POLL_SECONDS)


def progress(snapshot: Snapshot, revision: int | None = None) -> Progress:
    """Return what the rollout of the target version is at."""
    name, status = snapshot.key.name, snapshot.status
    what = f'modeldeployment "{name}"'
    if status.observed_generation < snapshot.generation:
        return Progress(Phase.WAITING, f"Waiting for {what} spec update to be observed...")
    rollout = in_place(status.history)
    current = rollout.current
    if revision is not None and current is not None and current.revision != revision:
        line = f"desired revision ({revision}) is different from the running revision ({current.revision})"
        return Progress(Phase.FAILED, line)
    conditions = {kind: find(status.conditions, kind) for kind in ConditionType}
    is_behind = _is_behind(snapshot)
    for kind in (ConditionType.ROLLED_BACK, ConditionType.STALLED):
        found = conditions.get(kind)
        # What the status says of an earlier target version says nothing about this one.
        is_about_it = not is_behind or (found is not None and found.reason in HALTS)
        if found is not None and found.status is TRUE and is_about_it and not _is_restarting(rollout, found):
            failed = "was rolled back" if kind is ConditionType.ROLLED_BACK else "is stalled"
            return Progress(Phase.FAILED, f"{what} {failed}: {found.message}")
    if is_behind:
        return Progress(Phase.WAITING, f"Waiting for {what} to observe the version that has the tag...")
    ready = conditions.get(ConditionType.READY)
    paused = "; spec.paused is true" if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused else ""
    if ready is not None and ready.status is TRUE and status.serving is not None:
        return Progress(Phase.DONE, f"{what} successfully rolled out: {status.serving.version} serves{paused}")
    return Progress(Phase.WAITING, _waiting(what, snapshot, ready.message if ready is not None else ""))


def _is_restarting(rollout: InPlace, found: Condition) -> bool:
    """Return whether a rollout that a user asked for after the rollback is still in progress."""
    candidate = rollout.candidate
    asked = candidate is not None and candidate.trigger in (Trigger.RESTART, Trigger.SPEC_CHANGED)
    return asked and found.reason in (Reason.ROLLED_BACK, Reason.METRIC_BREACH, Reason.PROGRESS_DEADLINE_EXCEEDED)


def _is_behind(snapshot: Snapshot) -> bool:
    """Return whether the tag is on another version than the status says."""
    if isinstance(snapshot.spec, Invalid):
        return False
    selected = select(snapshot.versions, snapshot.spec)
    desired = snapshot.status.desired
    return isinstance(selected, Selected) and (desired is None or desired.digest != selected.version.digest)


def _waiting(what: str, snapshot: Snapshot, message: str) -> str:
    """Return what the rollout waits for, in the words of `kubectl rollout status` where that knows it."""
    workload, current = snapshot.workload, in_place(snapshot.status.history)
    start = f"Waiting for {what} rollout to finish"
    if current.candidate is None or workload is None:
        return f"{start}: {message}" if message else f"{start}..."
    if workload.template_hash == current.candidate.template_hash and workload.settled:
        if workload.updated < workload.replicas:
            return f"{start}: {workload.updated} out of {workload.replicas} new pods have been updated..."
        if workload.total > workload.updated:
            return f"{start}: {workload.total - workload.updated} old pods are pending termination..."
        if workload.available < workload.updated:
            return f"{start}: {workload.available} of {workload.updated} updated pods are available..."
    return f"{start}: {message}" if message else f"{start}..."
