"""The conditions of a ModelDeployment, each computed from the pass.

`Ready` depends on `Stalled`, `RolledBack`, `TagResolved`, `Reconciling`, `Available`, `Suspended` and `MetricsHealthy`,
in this order. `Verified`, `HistoryIntact` and `TemplateValid` do not affect it.
"""

from collections.abc import Callable
from datetime import datetime

from pennant.api.conditions import Condition, carried
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Trigger
from pennant.api.meta import clip
from pennant.api.reasons import ConditionType, Reason
from pennant.core.rollout.pass_state import Pass
from pennant.core.status.availability import as_it_began, available, is_scaled_to_zero, stalled_by_pods
from pennant.core.status.inputs import (
    FALSE,
    TRUE,
    UNKNOWN,
    ConditionValue,
    broken_records,
    quarantined_target,
    unresolved_since,
)
from pennant.core.status.stalls import stalled
from pennant.core.status.targeting import asks, is_grace_over, rolled_back, tag_resolved
from pennant.core.status.verification import metrics_healthy, verified
from pennant.core.versions.selection import Selected


def conditions(at: Pass) -> tuple[Condition, ...]:
    """Return all conditions, `Ready` first."""
    said = {kind: check(at) for kind, check in CONDITIONS.items()}
    said[ConditionType.AVAILABLE] = as_it_began(said[ConditionType.AVAILABLE], at.before)
    said = {ConditionType.READY: _ready(at, said), **said}
    return stamped(said, at.snapshot.generation, at.now, at.before)


def stamped(
    said: dict[ConditionType, ConditionValue], generation: int, now: datetime, before: ModelDeploymentStatus
) -> tuple[Condition, ...]:
    """Return these conditions with the generation, and the time of their last transition.

    `before` is the stored status: a condition that keeps its status keeps its time.
    """
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


def _reconciling(at: Pass) -> ConditionValue:
    """Return `Reconciling`: True while a change is in progress that needs no user."""
    if at.spec.paused:
        return ConditionValue(FALSE, Reason.PAUSED, "spec.paused is true")
    if _is_stuck(at):
        return ConditionValue(FALSE, Reason.UP_TO_DATE, "the operator cannot continue; see Stalled")
    for check in CHANGES:
        if (found := check(at)) is not None:
            return found
    return ConditionValue(FALSE, Reason.UP_TO_DATE, "no change is in progress")


def _cooling_down(at: Pass) -> ConditionValue | None:
    """Return that a rollback waits for the end of the cooldown."""
    blocked = at.rollback_blocked
    if blocked is None or blocked.limit.reason is not Reason.ROLLBACK_COOLING_DOWN:
        return None
    message = f"{blocked.message}; a rollback is due, but {blocked.limit.message}"
    return ConditionValue(TRUE, Reason.ROLLBACK_COOLING_DOWN, message)


def _rolling_out(at: Pass) -> ConditionValue | None:
    """Return that the current revision is being rolled out, or that the first one is about to be."""
    active = at.active
    if active is None:
        nothing_yet = quarantined_target(at) is None and unresolved_since(at) is None
        message = "the first revision is about to be rolled out"
        return ConditionValue(TRUE, Reason.ROLLOUT_IN_PROGRESS, message) if nothing_yet else None
    if not at.pending and (active.rolled_out_at is not None or is_scaled_to_zero(at)):
        return None
    rollback = active.trigger is Trigger.AUTOMATIC_ROLLBACK
    reason = Reason.ROLLBACK_IN_PROGRESS if rollback else Reason.ROLLOUT_IN_PROGRESS
    progress = at.status.progress
    cause = f": {progress.message}" if progress is not None and progress.message else ""
    return ConditionValue(TRUE, reason, f"{active.version} is being rolled out (revision {active.revision}){cause}")


def _rolling_back(at: Pass) -> ConditionValue | None:
    """Return that the current revision failed and its rollback is about to begin."""
    if at.failed_as is None or at.rollback_target is None:
        return None
    return ConditionValue(
        TRUE, Reason.ROLLBACK_IN_PROGRESS, f"{at.failed_as.version} failed and is about to be rolled back"
    )


def _being_moved(at: Pass) -> ConditionValue | None:
    """Return that no version or several have the tag, which happens while it is moved.

    Rule: R7.
    """
    if unresolved_since(at) is None:
        return None
    said = tag_resolved(at)
    return ConditionValue(TRUE, said.reason, said.message)


CHANGES = (_cooling_down, _rolling_out, _rolling_back, _being_moved)
"""The changes that may be in progress; the first that applies is reported."""


def _is_stuck(at: Pass) -> bool:
    """Return whether nothing can continue until a user acts; `Stalled` says why."""
    if at.refusal or at.template_problem or is_grace_over(at) or at.is_frozen or stalled_by_pods(at) is not None:
        return True
    return (at.gate is not None and at.active is None) or (at.failed_as is not None and at.rollback_target is None)


def _suspended(at: Pass) -> ConditionValue:
    if at.spec.paused:
        by = f", set by the user {user}" if (user := at.snapshot.users.paused) else ""
        return ConditionValue(
            TRUE, Reason.PAUSED, f"spec.paused is true{by}; rollouts, rollbacks and corrections are paused"
        )
    return ConditionValue(FALSE, Reason.NOT_PAUSED, "rollouts and rollbacks are automatic")


def _history_intact(at: Pass) -> ConditionValue:
    if broken := broken_records(at):
        return ConditionValue(FALSE, Reason.HISTORY_TAMPERED, "; ".join(broken))
    return ConditionValue(TRUE, Reason.HISTORY_CONSISTENT, "all history entries match their ControllerRevisions")


def _template_valid(at: Pass) -> ConditionValue:
    """Return `TemplateValid`: whether the API server accepts the Deployment of the present spec.

    Rule: R104.
    """
    problem = at.template_problem
    if problem is None and at.refusal is not None and at.refusal.reason is Reason.DEPLOYMENT_REFUSED:
        problem = at.refusal
    if problem is not None:
        status = UNKNOWN if problem.reason is Reason.WRITE_FAILING else FALSE
        return ConditionValue(status, problem.reason, problem.message)
    return ConditionValue(TRUE, Reason.TEMPLATE_ACCEPTED, "the API server accepts the Deployment of this spec")


def _is_held_up(at: Pass) -> bool:
    """Return whether `spec.paused` prevents a change: the target version is not served, or not rolled out yet."""
    active, selection = at.active, at.selection
    if not at.spec.paused:
        return False
    serves = active is not None and isinstance(selection, Selected) and active.digest == selection.version.digest
    return not serves or active is None or active.rolled_out_at is None


def _ready(at: Pass, said: dict[ConditionType, ConditionValue]) -> ConditionValue:
    """Return `Ready`, with reason and message of the first of the other conditions, `said`, that makes it False."""
    for kind, good in (
        (ConditionType.STALLED, FALSE),
        (ConditionType.ROLLED_BACK, FALSE),
        (ConditionType.TAG_RESOLVED, TRUE),
        (ConditionType.RECONCILING, FALSE),
        (ConditionType.AVAILABLE, TRUE),
    ):
        if said[kind].status is not good:
            return ConditionValue(FALSE, said[kind].reason, said[kind].message)
    if _is_held_up(at):
        return ConditionValue(FALSE, Reason.PAUSED, said[ConditionType.SUSPENDED].message)
    # Unknown metrics are not a failure.
    if said[ConditionType.METRICS_HEALTHY].status is FALSE:
        return ConditionValue(
            FALSE, said[ConditionType.METRICS_HEALTHY].reason, said[ConditionType.METRICS_HEALTHY].message
        )
    version = at.active.version if at.active else ""
    return ConditionValue(TRUE, Reason.SERVING, f"{version} {asks(at)} and serves")


CONDITIONS: dict[ConditionType, Callable[[Pass], ConditionValue]] = {
    ConditionType.AVAILABLE: available,
    ConditionType.TAG_RESOLVED: tag_resolved,
    ConditionType.RECONCILING: _reconciling,
    ConditionType.STALLED: stalled,
    ConditionType.METRICS_HEALTHY: metrics_healthy,
    ConditionType.ROLLED_BACK: rolled_back,
    ConditionType.VERIFIED: verified,
    ConditionType.SUSPENDED: _suspended,
    ConditionType.HISTORY_INTACT: _history_intact,
    ConditionType.TEMPLATE_VALID: _template_valid,
}
