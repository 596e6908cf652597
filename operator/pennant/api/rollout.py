"""How pods are replaced: `spec.rollout` of a ModelDeployment."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api.meta import ApiModel, IntOrText

SHORTEST_DEADLINE, AFTER_STARTUP_SECONDS = 600, 300
PERCENT_PATTERN = r"^[0-9]{1,3}%$"
WHOLE_OR_PERCENT = (
    f"type(self) == int || self.matches('{PERCENT_PATTERN}')",
    "must be an integer, or a percentage such as 25%",
)
IntOrPercent = Annotated[int | str, IntOrText(PERCENT_PATTERN, 0, 4, WHOLE_OR_PERCENT)]


class RolloutStrategy(StrEnum):
    """Whether old pods keep serving while new ones start."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


class OnUnschedulable(StrEnum):
    """What happens if the cluster, and not the version, prevents new pods from starting."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"


class Rollout(ApiModel):
    """How pods are replaced, as in the strategy of a Deployment."""

    strategy: RolloutStrategy = RolloutStrategy.ROLLING_UPDATE
    """RollingUpdate: replace pods a few at a time. Recreate: end all old pods before the first new one starts, such as
    where two pods cannot share a GPU or a volume; nothing serves in between. Default: RollingUpdate."""
    max_surge: IntOrPercent | None = None
    """Maximum number of pods above `replicas` during a rollout, as a number or a percentage. Default: 25%."""
    max_unavailable: IntOrPercent | None = None
    """Maximum number of unavailable pods during a rollout, as a number or a percentage. Default: 25%."""
    min_ready_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Minimum number of seconds for which a new pod must be ready to count as available. Default: 0."""
    progress_deadline_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Maximum number of seconds in which a further pod of a new revision must become available. After that the rollout
    has failed and is rolled back, if the revision itself is at fault. Must be larger than `minReadySeconds`. Default:
    the longest time that a probe of the template allows a container to start (`initialDelaySeconds` + `periodSeconds`
    x `failureThreshold`) plus 300, and at least 600."""
    on_unschedulable: OnUnschedulable = OnUnschedulable.HOLD
    """What happens if the cluster prevents the pods of a new revision from starting: no node has room, a quota or an
    admission policy refuses them, they are evicted, or their volumes cannot be mounted. Hold: wait, and set `Stalled`
    with the reason. Rollback: treat it as a failed rollout. Default: Hold."""

    RULES: ClassVar = (
        (
            "(has(self.minReadySeconds) ? self.minReadySeconds : 0) < "
            "(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600)",
            "rollout.progressDeadlineSeconds must be larger than rollout.minReadySeconds",
        ),
        (
            "!has(self.strategy) || self.strategy != 'Recreate' || !has(self.maxSurge) && !has(self.maxUnavailable)",
            "rollout.maxSurge and rollout.maxUnavailable need the strategy RollingUpdate",
        ),
        (
            "!has(self.maxSurge) || !has(self.maxUnavailable) || !((self.maxSurge == 0 || self.maxSurge == '0%') && "
            "(self.maxUnavailable == 0 || self.maxUnavailable == '0%'))",
            "rollout.maxSurge and rollout.maxUnavailable must not both be 0: no pod could be replaced",
        ),
    )

    @model_validator(mode="after")
    def _deadline_after_ready(self) -> "Rollout":
        if (self.min_ready_seconds or 0) >= (self.progress_deadline_seconds or SHORTEST_DEADLINE):
            raise ValueError(self.RULES[0][1])
        return self

    @model_validator(mode="after")
    def _some_pod_is_replaced(self) -> "Rollout":
        if self.max_surge in (0, "0%") and self.max_unavailable in (0, "0%"):
            raise ValueError(self.RULES[2][1])
        return self

    @model_validator(mode="after")
    def _limits_of_a_rolling_update(self) -> "Rollout":
        is_limited = self.max_surge is not None or self.max_unavailable is not None
        if self.strategy is RolloutStrategy.RECREATE and is_limited:
            raise ValueError(self.RULES[1][1])
        return self
