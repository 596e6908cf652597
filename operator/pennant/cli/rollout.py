"""What the rollout of a target version is at, from a snapshot, and the line that says it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pennant.api.conditions import Condition, ConditionStatus, find
from pennant.api.history import Trigger
from pennant.api.reasons import ConditionType, Reason
from pennant.cli import output, spans
from pennant.cli.forecast import verified_at
from pennant.core.facts.in_place import InPlace, in_place
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.facts.pods import UNSERVABLE
from pennant.core.versions.selection import Selected, select

TRUE = ConditionStatus.TRUE
HALTS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.NAME_CONFLICT,
        Reason.ADOPTION_BLOCKED,
        Reason.STATUS_UNREADABLE,
        Reason.HISTORY_TAMPERED,
    }
)
"""Reasons for which the operator takes no note of a new target version."""


class Goal(Enum):
    """What a user waits for."""

    SERVING = "serving"
    """All pods are of the target version."""
    VERIFIED = "verified"
    """The target version is verified as well: it has passed its bake time."""


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


def progress(snapshot: Snapshot, now: datetime, revision: int | None = None, goal: Goal = Goal.SERVING) -> Progress:
    """Return what the rollout of the target version is at; with a revision, fail where another one is current."""
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
            return Progress(Phase.FAILED, f"{what} {_failed(found)}")
    if is_behind:
        return Progress(Phase.WAITING, f"Waiting for {what} to observe the version that has the tag...")
    return _of_current(snapshot, what, conditions.get(ConditionType.READY), now, goal)


def _of_current(snapshot: Snapshot, what: str, ready: Condition | None, now: datetime, goal: Goal) -> Progress:
    """Return what a rollout is at that has not failed, of the target version that the status has."""
    status = snapshot.status
    if ready is None or ready.status is not TRUE or status.serving is None:
        return Progress(Phase.WAITING, _waiting(what, snapshot, ready.message if ready is not None else ""))
    if goal is Goal.VERIFIED and not _is_verified(snapshot):
        return Progress(Phase.WAITING, f"Waiting for {what} to be verified: {_unverified(snapshot, None)}")
    paused = "; spec.paused is true" if not isinstance(snapshot.spec, Invalid) and snapshot.spec.paused else ""
    verified = "" if _is_verified(snapshot) else f", not verified yet ({_unverified(snapshot, now)})"
    return Progress(Phase.DONE, f"{what} successfully rolled out: {status.serving.version} serves{verified}{paused}")


def _failed(found: Condition) -> str:
    """Return what became of the rollout, by the condition Stalled or RolledBack, whose message may begin with it."""
    if found.message.startswith("Rolled back "):
        return f"was rolled back {found.message.removeprefix('Rolled back ')}"
    if found.reason == Reason.UNDONE or found.type == ConditionType.ROLLED_BACK:
        return f"does not serve its target version: {found.message}"
    return f"is stalled: {found.message}"


def _is_verified(snapshot: Snapshot) -> bool:
    found = find(snapshot.status.conditions, ConditionType.VERIFIED)
    return found is not None and found.status is TRUE


def _unverified(snapshot: Snapshot, now: datetime | None) -> str:
    """Return what verification waits for; the end of the bake time as a time, or with `now`, as the time until then."""
    if (at := verified_at(snapshot)) is not None:
        return f"the bake time ends {f'at {output.moment(at)}' if now is None else spans.left(at, now)}"
    found = find(snapshot.status.conditions, ConditionType.VERIFIED)
    if found is None:
        return "the operator has not said why"
    _, _, why = found.message.partition(" is not verified: ")
    return why or found.message


def _is_restarting(rollout: InPlace, found: Condition) -> bool:
    """Return whether a rollout that a user asked for after the rollback is still in progress."""
    candidate = rollout.candidate
    asked = candidate is not None and candidate.trigger in (Trigger.RESTART, Trigger.SPEC_CHANGED)
    failed = (Reason.METRIC_BREACH, Reason.PROGRESS_DEADLINE_EXCEEDED, *UNSERVABLE.values())
    return asked and found.reason in (Reason.ROLLED_BACK, *failed)


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
