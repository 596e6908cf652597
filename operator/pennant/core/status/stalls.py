"""The condition `Stalled`: problems that need a user, in order of urgency, each with what to do."""

from pennant.api.meta import clip
from pennant.api.reasons import Reason
from pennant.core.rollout.pass_state import Pass
from pennant.core.status.availability import stalled_by_pods
from pennant.core.status.inputs import FALSE, TRUE, ConditionValue, quarantined_target, unusable_record
from pennant.core.status.targeting import is_grace_over, meanwhile, rolled_back, tag_resolved, what_to_change

LONGEST_CAUSE = 768
"""Characters of the cause in a message, so that what to do fits behind it."""


def stalled(at: Pass) -> ConditionValue:
    """Return the condition `Stalled`, with the first problem that applies."""
    for check in STALLS:
        if (found := check(at)) is not None:
            return found
    return ConditionValue(FALSE, Reason.NOT_STALLED, "no action needed")


def _stalled_by_refusal(at: Pass) -> ConditionValue | None:
    """Return that the API server refuses a write that the next ones depend on."""
    if at.refusal is None:
        return None
    return stall(at.refusal.reason, at.refusal.message)


def _stalled_by_template(at: Pass) -> ConditionValue | None:
    """Return that the API server refused the dry run of the Deployment of this spec.

    Rule: R104.
    """
    if at.template_problem is None:
        return None
    return stall(at.template_problem.reason, f"{at.template_problem.message}{meanwhile(at)}")


def _stalled_by_copy(at: Pass) -> ConditionValue | None:
    """Return that a copy of the status could not be written for a minute."""
    failing = at.observation.failing
    if not failing:
        return None
    to_do = "Correct spec.service, or what the message names" if failing.startswith("Service ") else ""
    return stall(Reason.WRITE_FAILING, failing, to_do)


def _stalled_by_breach(at: Pass) -> ConditionValue | None:
    """Return that the current revision failed and keeps serving, or that a limit blocks its quarantine.

    Rule: R59.
    """
    if at.failed_as is not None and at.is_frozen:
        message = (
            f"{at.failed_as.version} failed: {at.failed_as.message}; rollback.action is Pause, so its rollout is paused"
        )
        return ConditionValue(
            TRUE, Reason.BREACH_PAUSED, f"{message}. Move the tag, or give pennant.dev/rollback-to or pennant.dev/retry"
        )
    if at.failed_as is not None and at.rollback_target is None:
        has_served = at.active is None or at.active.available_at is not None
        stays = "it keeps serving" if has_served else "its rollout stays as it is"
        keeps = f"there is no verified revision to roll back to, so {stays}"
        message = f"{at.failed_as.version} failed: {at.failed_as.message}; {keeps}"
        return stall(Reason.NO_ROLLBACK_TARGET, message)
    if at.rollback_blocked is None or at.rollback_blocked.limit.reason in (Reason.PAUSED, Reason.ROLLBACK_COOLING_DOWN):
        return None
    limit = at.rollback_blocked.limit
    return stall(limit.reason, f"{at.rollback_blocked.message}; {limit.message}")


def _stalled_by_quarantine(at: Pass) -> ConditionValue | None:
    """Return that the target version is quarantined."""
    found = quarantined_target(at)
    if found is None:
        return None
    if at.active is None:
        message = f"{found.version} failed here before: {found.message}; no version serves"
        return ConditionValue(TRUE, Reason.QUARANTINED, f"{message}. {what_to_change(at)}")
    return ConditionValue(TRUE, Reason.ROLLED_BACK, rolled_back(at).message)


def _stalled_by_lost_record(at: Pass) -> ConditionValue | None:
    """Return that the current revision cannot be applied again, because its ControllerRevision is lost.

    Rule: R77.
    """
    problem = unusable_record(at)
    if not problem or at.active is None:
        return None
    fix = "Set spec.version" if at.tag is None else f"Move the tag {at.tag}"
    message = (
        f"{problem}. {at.active.version} keeps serving, but the Deployment cannot be corrected, "
        f"scaled or restarted. {fix} to an existing ModelVersion, or give pennant.dev/rollback-to"
    )
    return ConditionValue(TRUE, Reason.HISTORY_TAMPERED, message)


def _stalled_by_gate(at: Pass) -> ConditionValue | None:
    """Return that a gate blocks the target version."""
    if at.gate is None:
        return None
    return stall(at.gate.reason, f"{at.gate.message}{meanwhile(at)}")


def _stalled_by_grace(at: Pass) -> ConditionValue | None:
    """Return that no version or several have been selected for longer than `TAG_GRACE`."""
    if not is_grace_over(at):
        return None
    said = tag_resolved(at)
    return stall(said.reason, said.message)


def stall(reason: Reason, message: str, to_do: str = "") -> ConditionValue:
    """Return `Stalled=True` with the message and what to do; `to_do` replaces the advice of the reason."""
    return ConditionValue(TRUE, reason, f"{clip(message, LONGEST_CAUSE).removesuffix('.')}. {to_do or reason.to_do}")


STALLS = (
    _stalled_by_refusal,
    _stalled_by_breach,
    stalled_by_pods,
    _stalled_by_lost_record,
    _stalled_by_template,
    _stalled_by_quarantine,
    _stalled_by_gate,
    _stalled_by_grace,
    _stalled_by_copy,
)
"""The problems that need a user; the first that applies is reported."""
