"""The conditions about the analysis of the current revision: `MetricsHealthy` and `Verified`."""

from collections.abc import Callable

from pennant.api.deployment_status import MetricState
from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.rollout.pass_state import Pass
from pennant.core.status.availability import is_scaled_to_zero
from pennant.core.status.inputs import FALSE, TRUE, UNKNOWN, ConditionValue


def metrics_healthy(at: Pass) -> ConditionValue:
    """Return the condition `MetricsHealthy`, with the reason of the first enforced metric that does not pass."""
    metrics = at.verdict.enforced
    if metrics and is_scaled_to_zero(at):
        return ConditionValue(UNKNOWN, Reason.SCALED_TO_ZERO, "spec.replicas is 0, so no metrics are read")
    breaching = [each for each in metrics if each.state is MetricState.BREACHING]
    if breaching:
        return ConditionValue(FALSE, breaching[0].reason, "; ".join(each.message for each in breaching))
    unknown = [each for each in metrics if each.state is MetricState.UNKNOWN]
    if unknown:
        return ConditionValue(UNKNOWN, unknown[0].reason, "; ".join(each.message for each in unknown))
    if not metrics:
        return ConditionValue(TRUE, Reason.NO_METRICS, "no enforced metric is configured")
    return ConditionValue(TRUE, Reason.METRICS_PASSING, "; ".join(each.message for each in metrics))


def verified(at: Pass) -> ConditionValue:
    """Return the condition `Verified`, with the obstacle that the current revision waits for.

    Rule: R51.
    """
    active = at.active
    if active is None:
        return ConditionValue(FALSE, Reason.NOT_DEPLOYED, "nothing is deployed yet")
    if active.verified_at is not None and at.failed_as is None:
        return ConditionValue(TRUE, Reason.VERIFIED, f"{_name(active)} is verified")
    for check in OBSTACLES:
        if (found := check(at, active)) is not None:
            return found
    message = f"{_name(active)} is verified when it has passed analysis.bakeSeconds without interruption"
    return ConditionValue(FALSE, Reason.BAKING, message)


def _failed(at: Pass, active: HistoryEntry) -> ConditionValue | None:
    """Return that the revision failed."""
    found = at.failed_as
    return (
        ConditionValue(FALSE, found.reason, f"{_name(active)} failed: {found.message}") if found is not None else None
    )


def _scaled_to_zero(at: Pass, active: HistoryEntry) -> ConditionValue | None:
    """Return that `spec.replicas` is 0."""
    if not is_scaled_to_zero(at):
        return None
    return ConditionValue(FALSE, Reason.SCALED_TO_ZERO, f"{_name(active)} has no pods, because spec.replicas is 0")


def _rolling_out(_: Pass, active: HistoryEntry) -> ConditionValue | None:
    """Return that the revision is not rolled out yet."""
    if active.rolled_out_at is not None:
        return None
    return ConditionValue(FALSE, Reason.ROLLOUT_IN_PROGRESS, f"{_name(active)} is not rolled out yet")


def _unavailable(at: Pass, active: HistoryEntry) -> ConditionValue | None:
    """Return that too few pods are available."""
    if at.status.progress is None:
        return None
    message = f"{_name(active)} has too few available pods; its bake time begins again when there are enough"
    return ConditionValue(FALSE, Reason.PODS_UNAVAILABLE, message)


def _measured(at: Pass, active: HistoryEntry) -> ConditionValue | None:
    """Return that a metric does not pass, or is unknown."""
    metrics = metrics_healthy(at)
    if metrics.status is TRUE:
        return None
    return ConditionValue(FALSE, metrics.reason, f"{_name(active)} is not verified: {metrics.message}")


OBSTACLES: tuple[Callable[[Pass, HistoryEntry], ConditionValue | None], ...] = (
    _failed,
    _scaled_to_zero,
    _rolling_out,
    _unavailable,
    _measured,
)
"""What prevents verification; the first that applies is reported."""


def _name(entry: HistoryEntry) -> str:
    return f"{entry.version} (revision {entry.revision})"
