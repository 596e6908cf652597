"""Conditions: what a person or a tool needs to know, each computed from the same few facts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.conditions import Condition, ConditionStatus, carried, find
from pennant.api.meta import clip
from pennant.api.model_deployment import (
    HistoryEntry,
    MetricState,
    ModelDeploymentStatus,
    QuarantineEntry,
    Trigger,
)
from pennant.api.reasons import ConditionType, Reason
from pennant.core.analysis import Verdict
from pennant.core.observation import Workload
from pennant.core.tags import Ambiguous, Held, Holder, HolderInvalid, Unassigned

TAG_GRACE = timedelta(seconds=300)
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions of one pass are computed from."""

    now: datetime
    generation: int
    tag: str
    holder: Holder
    unresolved_since: datetime | None
    """Since when the tag has not been held by exactly one version; None: it is."""
    active: HistoryEntry | None
    workload: Workload | None
    verdict: Verdict
    condemned: QuarantineEntry | None
    """Says that the active revision was found bad."""
    blocked: QuarantineEntry | None
    """Says that the version that holds the tag was found bad, and is not the one in place."""
    has_target: bool
    """Whether a version known good is there to go back to."""
    pending: bool
    """Whether the Deployment is still to be written."""
    refusal: str


@dataclass(frozen=True, slots=True)
class Said:
    """Status, reason and message of a condition."""

    status: ConditionStatus
    reason: Reason
    message: str


def conditions(facts: Facts, before: ModelDeploymentStatus) -> tuple[Condition, ...]:
    """Return all conditions; `Ready` takes the first failing one's reason and message."""
    said = {kind: tell(facts) for kind, tell in TELLERS.items()}
    said = {ConditionType.READY: _ready(facts, said), **said}
    return stamped(said, facts.generation, facts.now, before)


def stamped(
    said: dict[ConditionType, Said], generation: int, now: datetime, before: ModelDeploymentStatus
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


def unresolved_since(before: ModelDeploymentStatus, holder: Holder, now: datetime) -> datetime | None:
    """Return since when the tag is not resolved; kept in the condition, so that a restart does not begin anew."""
    if isinstance(holder, Held):
        return None
    condition = find(before.conditions, ConditionType.TAG_RESOLVED)
    if condition is None or condition.status is not FALSE:
        return now
    return condition.last_transition_time


def _available(facts: Facts) -> Said:
    workload = facts.workload
    if workload is None:
        return Said(FALSE, Reason.NOT_DEPLOYED, "nothing is deployed yet")
    message = f"{workload.available} of {workload.replicas} pods are available"
    if workload.minimum_available:
        return Said(TRUE, Reason.MINIMUM_AVAILABLE, message)
    return Said(FALSE, Reason.PODS_UNAVAILABLE, message)


def _tag_resolved(facts: Facts) -> Said:
    match facts.holder:
        case Held(version):
            return Said(TRUE, Reason.TAG_HELD, f"{version.name} holds the tag {facts.tag}")
        case Unassigned():
            return Said(FALSE, Reason.TAG_UNASSIGNED, f"no version holds the tag {facts.tag}{_meanwhile(facts)}")
        case Ambiguous(names):
            listed = ", ".join(names)
            return Said(FALSE, Reason.TAG_AMBIGUOUS, f"{listed} all hold the tag {facts.tag}{_meanwhile(facts)}")
        case HolderInvalid(name, problem):
            return Said(FALSE, Reason.HOLDER_INVALID, f"{name} holds the tag {facts.tag}, but {problem}")


def _meanwhile(facts: Facts) -> str:
    return f"; {facts.active.version} goes on serving" if facts.active else ""


def _reconciling(facts: Facts) -> Said:
    if _is_stuck(facts):
        return Said(FALSE, Reason.UP_TO_DATE, "nothing more can be done without a person")
    active = facts.active
    if active is not None and (facts.pending or active.rolled_out_at is None):
        rollback = active.trigger is Trigger.AUTOMATIC_ROLLBACK
        reason = Reason.ROLLBACK_IN_PROGRESS if rollback else Reason.ROLLOUT_IN_PROGRESS
        return Said(TRUE, reason, f"{active.version} is being rolled out (revision {active.revision})")
    if facts.condemned is not None and facts.has_target:
        return Said(TRUE, Reason.ROLLBACK_IN_PROGRESS, f"{facts.condemned.version} is being taken out of service")
    if facts.unresolved_since is not None:
        said = _tag_resolved(facts)
        return Said(TRUE, said.reason, said.message)
    if active is None and facts.blocked is None:
        return Said(TRUE, Reason.ROLLOUT_IN_PROGRESS, "the first revision is about to be rolled out")
    return Said(FALSE, Reason.UP_TO_DATE, "no change is under way")


def _is_stuck(facts: Facts) -> bool:
    return bool(facts.refusal) or _grace_over(facts) or (facts.condemned is not None and not facts.has_target)


def _grace_over(facts: Facts) -> bool:
    return facts.unresolved_since is not None and facts.now - facts.unresolved_since >= TAG_GRACE


def _stalled(facts: Facts) -> Said:
    if facts.refusal:
        return Said(TRUE, Reason.DEPLOYMENT_REFUSED, f"the API server refuses the Deployment: {facts.refusal}")
    if facts.condemned is not None and not facts.has_target:
        message = (
            f"{facts.condemned.message}; no other version is known good, so {facts.condemned.version} goes on serving"
        )
        return Said(TRUE, Reason.NO_ROLLBACK_TARGET, message)
    if facts.blocked is not None and facts.active is None:
        message = f"{facts.blocked.version} was found bad here: {facts.blocked.message}; nothing is served"
        return Said(TRUE, Reason.QUARANTINED, f"{message}. Move the tag {facts.tag} to a good version")
    if facts.blocked is not None:
        return Said(TRUE, Reason.ROLLED_BACK, _rolled_back(facts).message)
    if _grace_over(facts):
        said = _tag_resolved(facts)
        return Said(TRUE, said.reason, said.message)
    return Said(FALSE, Reason.NOT_STALLED, "no person needs to act")


def _rolled_back(facts: Facts) -> Said:
    if facts.blocked is None:
        return Said(FALSE, Reason.NOT_ROLLED_BACK, "the version that holds the tag is not quarantined here")
    message = (
        f"the tag {facts.tag} asks for {facts.blocked.version}, {_in_place(facts.active)}: {facts.blocked.message}. "
        f"Move the tag to a good version"
    )
    return Said(TRUE, facts.blocked.reason, message)


def _in_place(active: HistoryEntry | None) -> str:
    if active is None:
        return "nothing is served"
    return f"{active.version} is served" if active.rolled_out_at else f"{active.version} is being put back"


def _metrics_healthy(facts: Facts) -> Said:
    metrics = facts.verdict.metrics
    breaching = [each for each in metrics if each.state is MetricState.BREACHING]
    if breaching:
        return Said(FALSE, breaching[0].reason, "; ".join(each.message for each in breaching))
    unknown = [each for each in metrics if each.state is MetricState.UNKNOWN]
    if unknown:
        return Said(UNKNOWN, unknown[0].reason, "; ".join(each.message for each in unknown))
    if not metrics:
        return Said(TRUE, Reason.NO_METRICS, "no metric is configured")
    return Said(TRUE, Reason.METRICS_PASSING, "; ".join(each.message for each in metrics))


def _ready(facts: Facts, said: dict[ConditionType, Said]) -> Said:
    for kind, good in (
        (ConditionType.STALLED, FALSE),
        (ConditionType.ROLLED_BACK, FALSE),
        (ConditionType.TAG_RESOLVED, TRUE),
        (ConditionType.RECONCILING, FALSE),
        (ConditionType.AVAILABLE, TRUE),
    ):
        if said[kind].status is not good:
            return Said(FALSE, said[kind].reason, said[kind].message)
    # Not knowing whether the metrics pass is not a failure.
    if said[ConditionType.METRICS_HEALTHY].status is FALSE:
        return Said(FALSE, said[ConditionType.METRICS_HEALTHY].reason, said[ConditionType.METRICS_HEALTHY].message)
    version = facts.active.version if facts.active else ""
    return Said(TRUE, Reason.SERVING, f"{version} holds the tag {facts.tag} and is served")


TELLERS: dict[ConditionType, Callable[[Facts], Said]] = {
    ConditionType.AVAILABLE: _available,
    ConditionType.TAG_RESOLVED: _tag_resolved,
    ConditionType.RECONCILING: _reconciling,
    ConditionType.STALLED: _stalled,
    ConditionType.METRICS_HEALTHY: _metrics_healthy,
    ConditionType.ROLLED_BACK: _rolled_back,
}
