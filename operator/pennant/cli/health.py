"""A ModelDeployment in one word, as Argo Rollouts shows a rollout: from the conditions of its status."""

from enum import Enum

from pennant.api.conditions import Condition, ConditionStatus, find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.reasons import ConditionType

TRUE = ConditionStatus.TRUE


class Health(Enum):
    """The word, with the sign before it."""

    HEALTHY = "✔ Healthy"
    PROGRESSING = "◌ Progressing"
    PAUSED = "॥ Paused"
    DEGRADED = "✖ Degraded"
    UNKNOWN = "? Unknown"


_BY = (
    (ConditionType.STALLED, TRUE, Health.DEGRADED),
    (ConditionType.ROLLED_BACK, TRUE, Health.DEGRADED),
    (ConditionType.RECONCILING, TRUE, Health.PROGRESSING),
    (ConditionType.SUSPENDED, TRUE, Health.PAUSED),
    (ConditionType.READY, TRUE, Health.HEALTHY),
    (ConditionType.READY, ConditionStatus.FALSE, Health.DEGRADED),
)


def health(status: ModelDeploymentStatus) -> tuple[Health, str]:
    """Return the health and the message of the condition that it follows from."""
    for kind, is_status, found in _BY:
        condition = find(status.conditions, kind)
        if condition is not None and condition.status is is_status:
            return found, condition.message
    return Health.UNKNOWN, "the operator has not written a status yet"


def ready(status: ModelDeploymentStatus) -> Condition | None:
    """Return the condition Ready; None: there is none yet."""
    return find(status.conditions, ConditionType.READY)
