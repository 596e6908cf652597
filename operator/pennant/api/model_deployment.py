"""ModelDeployment: which version to serve, how to roll it out and how to watch it."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pennant.api.analysis import Analysis
from pennant.api.meta import (
    ATOMIC,
    STORED_DEFAULT,
    ApiModel,
    Label,
    PositiveDecimal,
    Seconds,
    SemanticVersion,
    Word,
    validated,
)
from pennant.api.pod_template import PodTemplate, longest_startup_seconds
from pennant.api.recorded_metric import Split

Replicas = Annotated[int, Field(ge=0, le=100_000)]
SHORTEST_DEADLINE, AFTER_STARTUP_SECONDS = 600, 300
PERCENT_PATTERN = r"^[0-9]{1,3}%$"
WHOLE_OR_PERCENT = (
    f"type(self) == int || self.matches('{PERCENT_PATTERN}')",
    "must be a whole number, or a percentage such as 25%",
)


def _whole_or_percent(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(PERCENT_PATTERN, value):
        return value
    if type(value) is int and value >= 0:
        return value
    raise ValueError(WHOLE_OR_PERCENT[1])


IntOrPercent = Annotated[
    int | str,
    BeforeValidator(_whole_or_percent),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 4,
            "pattern": PERCENT_PATTERN,
            **validated(WHOLE_OR_PERCENT),
        }
    ),
]


class OnUnschedulable(StrEnum):
    """What is done where the cluster, and not the version, keeps new pods from starting."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"


class Rollout(ApiModel):
    """How pods are replaced; the fields mean what they mean in a Deployment."""

    max_surge: IntOrPercent | None = None
    """Pods above `replicas` during a rollout, as a number or a percentage. Default: 25%."""
    max_unavailable: IntOrPercent | None = None
    """Pods below `replicas` during a rollout, as a number or a percentage. Default: 25%."""
    min_ready_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds for which a new pod must be ready before it counts as available. Default: 0."""
    progress_deadline_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds in which one more pod of a new revision must become available; after that the rollout has failed and is
    rolled back, if the revision itself is to blame. Must be larger than `minReadySeconds`. Default: the longest time
    that a probe of the template gives a container to start (`initialDelaySeconds` + `periodSeconds` x
    `failureThreshold`) plus 300, and at least 600."""
    on_unschedulable: OnUnschedulable = OnUnschedulable.HOLD
    """What is done where the cluster keeps the pods of a new revision from starting: no node has room, a quota or an
    admission policy refuses them, they are evicted, or their volumes do not come. Hold (wait, and say why: `Stalled`)
    or Rollback (as where the version itself is to blame). Default: Hold."""

    RULES: ClassVar = (
        (
            "(has(self.minReadySeconds) ? self.minReadySeconds : 0) < "
            "(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600)",
            "rollout.progressDeadlineSeconds must be larger than rollout.minReadySeconds",
        ),
    )

    @model_validator(mode="after")
    def _deadline_after_ready(self) -> "Rollout":
        if (self.min_ready_seconds or 0) >= (self.progress_deadline_seconds or SHORTEST_DEADLINE):
            raise ValueError(self.RULES[0][1])
        return self


class RollbackAction(StrEnum):
    """What follows when the version in place is found bad."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    REPORT = "Report"


class OnUnavailable(StrEnum):
    """What is done where a version that was known good has no available pod any more."""

    REPORT = "Report"
    ROLLBACK = "Rollback"


class RollbackBudget(ApiModel):
    """How many automatic rollbacks there may be in a span of time."""

    count: Annotated[int, Field(ge=1, le=50)] = 3
    """Automatic rollbacks that may be made within the window. Default: 3."""
    window_seconds: Annotated[int, Field(ge=1, le=31_536_000)] = 3600
    """Length of the window, which ends now, in seconds. Default: 3600."""


class Rollback(ApiModel):
    """What follows when the version in place is found bad, and how often."""

    action: RollbackAction = RollbackAction.ROLLBACK
    """Rollback (go back to the last version known good), Pause (freeze the rollout where it is and wait for a person)
    or Report (say so, and change nothing). Default: Rollback."""
    cooldown_seconds: Seconds = 0
    """Seconds after an automatic rollback in which no further one begins. Default: 0."""
    budget: RollbackBudget = RollbackBudget()
    """The most automatic rollbacks in a span of time; when it is used up, nothing is rolled back, and nothing new is
    promoted, until it is not. Default: 3 in an hour."""
    limit: Annotated[int, Field(ge=1, le=50)] = 1
    """How many automatic rollbacks may follow each other without one of them becoming known good. A version that was
    known good and breaches as well right after a rollback is evidence that the cause lies elsewhere. Default: 1."""
    on_unavailable: OnUnavailable = OnUnavailable.REPORT
    """What is done where a version that was known good has had no available pod for
    `rollout.progressDeadlineSeconds`, by its own fault: Report (`Stalled`, with the cause) or Rollback. Default:
    Report."""


class AmbiguousTag(StrEnum):
    """What several holders of one tag mean."""

    HOLD = "Hold"
    NEWEST = "Newest"


class PromotionGate(ApiModel):
    """A number of the record that must not become worse: the candidate's against that of the version in place.

    Compared are values of the same metric on the same data set (by digest where both records have one) and split; which
    way is better is said by the record.
    """

    metric: Word
    """Name of the metric in the records of both versions."""
    dataset: Label | None = None
    """Name of the data set that it was computed on. Default: values without a data set."""
    split: Split | None = None
    """Train, Validation or Test. Default: values without a split."""
    max_regression: PositiveDecimal | None = None
    """By how much the candidate may be worse, in the unit of the metric. Default: 0."""
    max_regression_percent: PositiveDecimal | None = None
    """By how many percent of the present value the candidate may be worse."""
    required: bool = True
    """Whether a value that is missing, or cannot be compared, blocks the promotion. Default: true."""

    @model_validator(mode="after")
    def _one_bound(self) -> "PromotionGate":
        if self.max_regression is not None and self.max_regression_percent is not None:
            raise ValueError(Promotion.RULES[0][1])
        return self


class Promotion(ApiModel):
    """What a version must show before it is rolled out; one that was known good here before need not show it again."""

    require_complete: bool = False
    """Whether all nine elements of a complete record must be there. Default: false."""
    gates: Annotated[tuple[PromotionGate, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Recorded numbers that must not become worse."""
    on_ambiguous_tag: AmbiguousTag = AmbiguousTag.HOLD
    """What is done while several versions hold the tag: Hold (go on serving what serves) or Newest (serve the one of
    the highest semantic version). Default: Hold."""

    # Not a rule of the gate itself: an item of an atomic list has no older self that could have broken it already.
    RULES: ClassVar = (
        (
            "!has(self.gates) || self.gates.all(g, !(has(g.maxRegression) && has(g.maxRegressionPercent)))",
            "each of promotion.gates may set at most one of maxRegression and maxRegressionPercent",
        ),
    )


class ModelDeploymentSpec(ApiModel):
    """What to serve and how to watch it."""

    model: Label
    """Name of the model, as in `spec.model` of its ModelVersions. Immutable."""
    tag: Label = "production"
    """The tag to follow: the version that carries it is served. Default: `production`."""
    version: SemanticVersion | None = None
    """A version to serve whatever its tags; instead of `tag`."""
    replicas: Annotated[Replicas | None, Field(json_schema_extra={STORED_DEFAULT: 1})] = None
    """Number of pods. Leave it out of the manifest when a HorizontalPodAutoscaler scales this object. Default: 1."""
    paused: bool = False
    """Whether everything is left as it is: no rollout begins or goes on, nothing is rolled back or put right. Metrics
    are still measured, and `replicas` is still followed. Default: false."""
    template: PodTemplate
    """The pods that serve the model, as in a Deployment. The operator adds MODEL_NAME, MODEL_VERSION, MODEL_URI and
    MODEL_DIGEST to the environment of the model's container, each exactly as it is recorded, and the labels
    `pennant.dev/model`, `pennant.dev/version` and `pennant.dev/template-hash` to the pods."""
    container: Label | None = None
    """Name of the container that gets the model. Default: the first one."""
    rollout: Rollout = Rollout()
    """How pods are replaced."""
    analysis: Analysis = Analysis()
    """How a version is watched."""
    promotion: Promotion = Promotion()
    """What a version must show before it is rolled out."""
    rollback: Rollback = Rollback()
    """What follows when a version is found bad."""
    history_limit: Annotated[int, Field(ge=2, le=100)] = 50
    """Number of revisions that are kept, in status and as ControllerRevisions. Default: 50."""

    RULES: ClassVar = (
        (
            "!has(oldSelf.model) || self.model == oldSelf.model",
            "spec.model is immutable; create a new ModelDeployment for another model",
        ),
        (
            "!has(self.container) || self.template.spec.containers.exists(c, c.name == self.container)",
            "spec.container names no container of spec.template",
        ),
        ("!(has(self.tag) && has(self.version))", "set at most one of spec.tag and spec.version"),
        (
            "!has(self.rollback) || !has(self.rollback.budget) || (has(self.rollback.budget.count) ? "
            "self.rollback.budget.count : 3) < (has(self.historyLimit) ? self.historyLimit : 50)",
            "spec.rollback.budget.count must be smaller than spec.historyLimit; rollbacks are counted in the history",
        ),
    )

    @model_validator(mode="after")
    def _container_exists(self) -> "ModelDeploymentSpec":
        names = {each["name"] for each in self.template["spec"]["containers"]}
        if self.container is not None and self.container not in names:
            raise ValueError(self.RULES[1][1])
        return self

    @model_validator(mode="after")
    def _tag_or_version(self) -> "ModelDeploymentSpec":
        if self.version is not None and "tag" in self.model_fields_set:
            raise ValueError(self.RULES[2][1])
        return self

    @model_validator(mode="after")
    def _budget_within_history(self) -> "ModelDeploymentSpec":
        if "budget" in self.rollback.model_fields_set and self.rollback.budget.count >= self.history_limit:
            raise ValueError(self.RULES[3][1])
        return self

    @property
    def progress_deadline_seconds(self) -> int:
        """Seconds in which one more pod of a new revision must become available."""
        longest = longest_startup_seconds(self.template)
        return self.rollout.progress_deadline_seconds or max(longest + AFTER_STARTUP_SECONDS, SHORTEST_DEADLINE)
