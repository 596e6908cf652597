"""Conditions: what a person or a tool needs to know, each computed from the same few facts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from pennant.api.conditions import Condition, carried, find
from pennant.api.deployment_status import ModelDeploymentStatus, Trigger
from pennant.api.meta import clip
from pennant.api.reasons import ConditionType, Reason
from pennant.core.status.availability import as_it_began, available, is_scaled_to_zero, stalled_by_pods
from pennant.core.status.inputs import FALSE, TRUE, ConditionValue, Facts
from pennant.core.status.verification import metrics_healthy, verified
from pennant.core.versions.selection import Ambiguous, NotFound, Selected, SelectedInvalid, Selection, Unassigned

LONGEST_CAUSE = 768
"""Characters of a cause, so that there is room for what to do about it."""
TAG_GRACE = timedelta(seconds=300)


def conditions(facts: Facts, before: ModelDeploymentStatus) -> tuple[Condition, ...]:
    """Return all conditions; `Ready` takes the first failing one's reason and message."""
    said = {kind: tell(facts) for kind, tell in CONDITIONS.items()}
    said[ConditionType.AVAILABLE] = as_it_began(said[ConditionType.AVAILABLE], before)
    said = {ConditionType.READY: _ready(facts, said), **said}
    return stamped(said, facts.generation, facts.now, before)


def stamped(
    said: dict[ConditionType, ConditionValue], generation: int, now: datetime, before: ModelDeploymentStatus
) -> tuple[Condition, ...]:
    """Return the conditions with their generation and times."""
    fresh = (
        Condition(
            type=kind.value,
            status=each.status,
            reason=each.reason.value,
            message=clip(each.message),
            observed_generation=generation,
            last_transition_time=now,
        )
        for kind, each in said.items()
    )
    return carried(before.conditions, fresh)


def unresolved_since(before: ModelDeploymentStatus, holder: Selection, now: datetime) -> datetime | None:
    """Return since when the tag is not resolved; kept in the condition, so that a restart does not begin anew."""
    if isinstance(holder, Selected):
        return None
    condition = find(before.conditions, ConditionType.TAG_RESOLVED)
    if condition is None or condition.status is not FALSE:
        return now
    return min(condition.last_transition_time, now)


def _tag_resolved(facts: Facts) -> ConditionValue:
    match facts.holder:
        case Selected():
            return _held(facts, facts.holder)
        case Unassigned():
            return ConditionValue(
                FALSE, Reason.TAG_UNASSIGNED, f"no version holds the tag {facts.tag}{_meanwhile(facts)}"
            )
        case NotFound(version):
            message = f"spec.version asks for {version}, which does not exist{_meanwhile(facts)}"
            return ConditionValue(FALSE, Reason.VERSION_NOT_FOUND, message)
        case Ambiguous(names):
            listed = ", ".join(names)
            return ConditionValue(
                FALSE, Reason.TAG_AMBIGUOUS, f"{listed} all hold the tag {facts.tag}{_meanwhile(facts)}"
            )
        case SelectedInvalid(name, problem):
            return ConditionValue(FALSE, Reason.HOLDER_INVALID, f"{name} {_asks(facts)}, but {problem}")
        case _ as never:
            assert_never(never)


def _held(facts: Facts, held: Selected) -> ConditionValue:
    name = held.version.name
    if facts.tag is None:
        return ConditionValue(TRUE, Reason.VERSION_PINNED, f"spec.version asks for {name}")
    if held.others:
        message = f"{name} is the newest that holds the tag {facts.tag}; so do {', '.join(held.others)}"
        return ConditionValue(TRUE, Reason.NEWEST_OF_SEVERAL, message)
    return ConditionValue(TRUE, Reason.TAG_HELD, f"{name} holds the tag {facts.tag}")


def _asks(facts: Facts) -> str:
    return "is asked for" if facts.tag is None else f"holds the tag {facts.tag}"


def _meanwhile(facts: Facts) -> str:
    return f"; {facts.active.version} goes on serving" if facts.active else ""


def _reconciling(facts: Facts) -> ConditionValue:
    if facts.paused:
        return ConditionValue(FALSE, Reason.PAUSED, "spec.paused is true")
    if _is_stuck(facts):
        return ConditionValue(FALSE, Reason.UP_TO_DATE, "nothing more can be done without a person")
    for tell in CHANGES:
        if (said := tell(facts)) is not None:
            return said
    return ConditionValue(FALSE, Reason.UP_TO_DATE, "no change is under way")


def _cooling_down(facts: Facts) -> ConditionValue | None:
    withheld = facts.withheld
    if withheld is None or withheld.brake.reason is not Reason.ROLLBACK_COOLING_DOWN:
        return None
    message = f"{withheld.message}; {withheld.brake.message}, so a rollback waits"
    return ConditionValue(TRUE, Reason.ROLLBACK_COOLING_DOWN, message)


def _rolling_out(facts: Facts) -> ConditionValue | None:
    active = facts.active
    if active is None:
        nothing_yet = facts.blocked is None and facts.unresolved_since is None
        message = "the first revision is about to be rolled out"
        return ConditionValue(TRUE, Reason.ROLLOUT_IN_PROGRESS, message) if nothing_yet else None
    if not facts.pending and (active.rolled_out_at is not None or is_scaled_to_zero(facts)):
        return None
    rollback = active.trigger is Trigger.AUTOMATIC_ROLLBACK
    reason = Reason.ROLLBACK_IN_PROGRESS if rollback else Reason.ROLLOUT_IN_PROGRESS
    cause = f": {facts.progress.message}" if facts.progress is not None and facts.progress.message else ""
    return ConditionValue(TRUE, reason, f"{active.version} is being rolled out (revision {active.revision}){cause}")


def _rolling_back(facts: Facts) -> ConditionValue | None:
    if facts.condemned is None or not facts.has_target:
        return None
    return ConditionValue(TRUE, Reason.ROLLBACK_IN_PROGRESS, f"{facts.condemned.version} is being taken out of service")


def _being_moved(facts: Facts) -> ConditionValue | None:
    """Rule: R7."""
    if facts.unresolved_since is None:
        return None
    said = _tag_resolved(facts)
    return ConditionValue(TRUE, said.reason, said.message)


CHANGES = (_cooling_down, _rolling_out, _rolling_back, _being_moved)
"""What can be under way, the most telling first."""


def _is_stuck(facts: Facts) -> bool:
    if facts.refusal or _grace_over(facts) or facts.frozen or stalled_by_pods(facts) is not None:
        return True
    return (facts.gate is not None and facts.active is None) or (facts.condemned is not None and not facts.has_target)


def _grace_over(facts: Facts) -> bool:
    return facts.unresolved_since is not None and facts.now - facts.unresolved_since >= TAG_GRACE


def _stalled(facts: Facts) -> ConditionValue:
    """Return the first reason for which a person must act."""
    for tell in STALLS:
        if (said := tell(facts)) is not None:
            return said
    return ConditionValue(FALSE, Reason.NOT_STALLED, "no person needs to act")


def _stalled_by_refusal(facts: Facts) -> ConditionValue | None:
    if facts.refusal is None:
        return None
    return stall(facts.refusal.reason, facts.refusal.message)


def _stalled_by_copy(facts: Facts) -> ConditionValue | None:
    return stall(Reason.WRITE_FAILING, facts.failing) if facts.failing else None


def _stalled_by_breach(facts: Facts) -> ConditionValue | None:
    """Rule: R59."""
    if facts.condemned is not None and facts.frozen:
        message = f"{facts.condemned.message}; rollback.action is Pause, so {facts.condemned.version} stays where it is"
        return ConditionValue(TRUE, Reason.BREACH_PAUSED, f"{message}. Undo, retry, or move the tag")
    if facts.condemned is not None and not facts.has_target:
        message = (
            f"{facts.condemned.message}; no other version is known good, so {facts.condemned.version} goes on serving"
        )
        return stall(Reason.NO_ROLLBACK_TARGET, message)
    if facts.withheld is None or facts.withheld.brake.reason in (Reason.PAUSED, Reason.ROLLBACK_COOLING_DOWN):
        return None
    brake = facts.withheld.brake
    return stall(brake.reason, f"{facts.withheld.message}; {brake.message}")


def _stalled_by_quarantine(facts: Facts) -> ConditionValue | None:
    if facts.blocked is None:
        return None
    if facts.active is None:
        message = f"{facts.blocked.version} was found bad here: {facts.blocked.message}; nothing is served"
        return ConditionValue(TRUE, Reason.QUARANTINED, f"{message}. {_mend(facts)}")
    return ConditionValue(TRUE, Reason.ROLLED_BACK, _rolled_back(facts).message)


def _stalled_by_lost_record(facts: Facts) -> ConditionValue | None:
    """Rule: R77."""
    if not facts.unrecorded or facts.active is None:
        return None
    mend = "Set spec.version" if facts.tag is None else f"Move the tag {facts.tag}"
    message = (
        f"{facts.unrecorded}. {facts.active.version} keeps serving as it is deployed, and can be neither corrected, "
        f"scaled nor restarted. {mend} to a ModelVersion that is there, or go back by pennant.dev/rollback-to"
    )
    return ConditionValue(TRUE, Reason.HISTORY_TAMPERED, message)


def _stalled_by_gate(facts: Facts) -> ConditionValue | None:
    if facts.gate is None:
        return None
    return stall(facts.gate.reason, f"{facts.gate.message}{_meanwhile(facts)}")


def _stalled_by_grace(facts: Facts) -> ConditionValue | None:
    if not _grace_over(facts):
        return None
    said = _tag_resolved(facts)
    return stall(said.reason, said.message)


def stall(reason: Reason, message: str, to_do: str = "") -> ConditionValue:
    """Return what is said where a person must act, with what to do at its end: this, or what the reason says."""
    return ConditionValue(TRUE, reason, f"{clip(message, LONGEST_CAUSE).removesuffix('.')}. {to_do or reason.to_do}")


STALLS = (
    _stalled_by_refusal,
    _stalled_by_breach,
    stalled_by_pods,
    _stalled_by_lost_record,
    _stalled_by_quarantine,
    _stalled_by_gate,
    _stalled_by_grace,
    _stalled_by_copy,
)
"""What can make a person necessary, the most urgent first."""


def _mend(facts: Facts) -> str:
    if facts.blocked is not None and facts.active is not None and facts.blocked.digest == facts.active.digest:
        # The version serves, with another pod template than the one that is asked for.
        return "Change spec.template"
    if facts.tag is None:
        return "Change spec.version to a good version"
    return f"Move the tag {facts.tag} to a good version"


def _rolled_back(facts: Facts) -> ConditionValue:
    if facts.blocked is None:
        return ConditionValue(FALSE, Reason.NOT_ROLLED_BACK, "what is asked for is not quarantined here")
    who = "spec.version" if facts.tag is None else f"the tag {facts.tag}"
    what = facts.blocked.version
    if facts.blocked.inputs_hash is not None:
        what = f"{what} with the pod template of revision {facts.blocked.revision}"
    instead = f"{facts.active.version} takes its place" if facts.active is not None else "nothing is served"
    message = f"{who} asks for {what}, {instead}: {facts.blocked.message}. {_mend(facts)}"
    return ConditionValue(TRUE, facts.blocked.reason, message)


def _suspended(facts: Facts) -> ConditionValue:
    if facts.paused:
        return ConditionValue(TRUE, Reason.PAUSED, "spec.paused is true; nothing is changed until it is false")
    return ConditionValue(FALSE, Reason.NOT_PAUSED, "rollouts and rollbacks happen by themselves")


def _history_intact(facts: Facts) -> ConditionValue:
    if facts.broken:
        return ConditionValue(FALSE, Reason.HISTORY_TAMPERED, "; ".join(facts.broken))
    return ConditionValue(TRUE, Reason.HISTORY_CONSISTENT, "every entry agrees with its record")


def _is_held_up(facts: Facts) -> bool:
    """Return whether the pause keeps something from happening."""
    active, holder = facts.active, facts.holder
    if not facts.paused:
        return False
    serves = active is not None and isinstance(holder, Selected) and active.digest == holder.version.digest
    return not serves or active is None or active.rolled_out_at is None


def _ready(facts: Facts, said: dict[ConditionType, ConditionValue]) -> ConditionValue:
    for kind, good in (
        (ConditionType.STALLED, FALSE),
        (ConditionType.ROLLED_BACK, FALSE),
        (ConditionType.TAG_RESOLVED, TRUE),
        (ConditionType.RECONCILING, FALSE),
        (ConditionType.AVAILABLE, TRUE),
    ):
        if said[kind].status is not good:
            return ConditionValue(FALSE, said[kind].reason, said[kind].message)
    if _is_held_up(facts):
        return ConditionValue(FALSE, Reason.PAUSED, said[ConditionType.SUSPENDED].message)
    # Not knowing whether the metrics pass is not a failure.
    if said[ConditionType.METRICS_HEALTHY].status is FALSE:
        return ConditionValue(
            FALSE, said[ConditionType.METRICS_HEALTHY].reason, said[ConditionType.METRICS_HEALTHY].message
        )
    version = facts.active.version if facts.active else ""
    return ConditionValue(TRUE, Reason.SERVING, f"{version} {_asks(facts)} and is served")


CONDITIONS: dict[ConditionType, Callable[[Facts], ConditionValue]] = {
    ConditionType.AVAILABLE: available,
    ConditionType.TAG_RESOLVED: _tag_resolved,
    ConditionType.RECONCILING: _reconciling,
    ConditionType.STALLED: _stalled,
    ConditionType.METRICS_HEALTHY: metrics_healthy,
    ConditionType.ROLLED_BACK: _rolled_back,
    ConditionType.VERIFIED: verified,
    ConditionType.SUSPENDED: _suspended,
    ConditionType.HISTORY_INTACT: _history_intact,
}
