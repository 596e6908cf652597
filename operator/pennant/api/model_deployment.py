"""The spec of a ModelDeployment: which version to serve, how to roll it out, analyse it and roll it back."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api import DEFAULT_TAG
from pennant.api.analysis import Analysis
from pennant.api.delivery import Delivery
from pennant.api.ignore_drift import IgnoreDrift
from pennant.api.meta import (
    ATOMIC,
    STORED_DEFAULT,
    VARIABLE_PATTERN,
    ApiModel,
    DatasetName,
    Label,
    LabelValue,
    Line,
    RegistryKey,
    Seconds,
    Subdomain,
    VersionName,
    listed,
)
from pennant.api.number import PositiveDecimal
from pennant.api.object_metadata import ObjectMetadata
from pennant.api.pod_template import PodTemplate, longest_startup_seconds
from pennant.api.recorded_metric import Split
from pennant.api.retention import DeploymentRetention
from pennant.api.rollout import AFTER_STARTUP_SECONDS, SHORTEST_DEADLINE, Rollout
from pennant.api.service import Service
from pennant.api.serving import ServingPart

Replicas = Annotated[int, Field(ge=0, le=100_000)]


class RollbackAction(StrEnum):
    """What happens when the current version fails."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    REPORT = "Report"


class OnUnavailable(StrEnum):
    """What happens when a verified version loses all its available pods."""

    REPORT = "Report"
    ROLLBACK = "Rollback"


class RollbackBudget(ApiModel):
    """Maximum number of automatic rollbacks in a period."""

    count: Annotated[int, Field(ge=1, le=50)] = 3
    """Maximum number of automatic rollbacks within the window. Must be smaller than `spec.historyLimit`. Default: 3."""
    window_seconds: Annotated[int, Field(ge=1, le=31_536_000)] = 3600
    """Length of the sliding window in seconds. Default: 3600."""


class Rollback(ApiModel):
    """What happens when the current version fails, and limits for automatic rollbacks."""

    action: RollbackAction = RollbackAction.ROLLBACK
    """Rollback: roll back to the last verified version. Pause: pause the rollout as it is, and wait for a user. Report:
    report the failure in conditions, and change nothing. Default: Rollback."""
    cooldown_seconds: Seconds = 0
    """Number of seconds after an automatic rollback in which no further one begins. Default: 0."""
    budget: RollbackBudget = RollbackBudget()
    """Maximum number of automatic rollbacks in a period. While it is used up, nothing is rolled back and no new version
    is rolled out. Default: 3 in an hour."""
    limit: Annotated[int, Field(ge=1, le=50)] = 1
    """Maximum number of consecutive automatic rollbacks of which no target was verified again. If a verified version
    breaches right after a rollback to it, the version is probably not the cause. Default: 1."""
    on_unavailable: OnUnavailable = OnUnavailable.REPORT
    """What happens when a verified version has had no available pod for `rollout.progressDeadlineSeconds`, by its own
    fault. Report: set `Stalled` with the cause. Rollback: roll back. Default: Report."""


class AmbiguousTag(StrEnum):
    """Which version is the target if several versions have the tag."""

    HOLD = "Hold"
    NEWEST = "Newest"


class PromotionGate(ApiModel):
    """A recorded metric in which a new version must not be worse than the current version.

    Values are compared if metric, data set (by digest if both records have one), split and slice are the same.
    `direction` of the recorded metric says whether larger or smaller is better.
    """

    metric: RegistryKey
    """Name of the metric in `spec.metrics` of both ModelVersions."""
    dataset: DatasetName | None = None
    """Name of the data set on which the metric was computed. Default: values without a data set."""
    split: Split | None = None
    """Split on which the metric was computed: Train, Validation or Test. Default: values without a split."""
    slice: Line | None = None
    """Part of the data for which the metric was computed, such as one class. Default: values without a slice."""
    max_regression: PositiveDecimal | None = None
    """Maximum amount by which the new version may be worse, in the unit of the metric. Default: 0."""
    max_regression_percent: PositiveDecimal | None = None
    """Maximum amount by which the new version may be worse, in percent of the value of the current version. Set at most
    one of `maxRegression` and `maxRegressionPercent`."""
    required: bool = True
    """Whether the gate blocks the promotion if a value is missing or cannot be compared. Default: true."""

    @model_validator(mode="after")
    def _one_bound(self) -> "PromotionGate":
        if self.max_regression is not None and self.max_regression_percent is not None:
            raise ValueError(Promotion.RULES[0][1])
        return self


class Promotion(ApiModel):
    """Conditions that a version must meet to be rolled out. A version that was verified here before is exempt."""

    require_complete: bool = False
    """Whether the record must have all nine elements of a complete record (`status.completeness`). Default: false."""
    gates: Annotated[tuple[PromotionGate, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Recorded metrics in which a new version must not be worse than the current version."""
    on_ambiguous_tag: AmbiguousTag = AmbiguousTag.HOLD
    """Which version is the target while several versions have the tag. Hold: the current version keeps serving. Newest:
    the one with the highest semantic version; Hold if one of them has no semantic version. Default: Hold."""

    # A rule of the parent: CEL has no old value of an item of an atomic list.
    RULES: ClassVar = (
        (
            "!has(self.gates) || self.gates.all(g, !(has(dyn(g).maxRegression) && has(dyn(g).maxRegressionPercent)))",
            "each of promotion.gates may set at most one of maxRegression and maxRegressionPercent",
        ),
    )


class Inject(ApiModel):
    """Which containers get the values of the record as environment variables, and how these are named.

    The variables are `<prefix>NAME`, `VERSION`, `URI` and `DIGEST` (of the first artefact), `SOURCE_VERSION` if
    `source.version` is set, and, if there are several artefacts, `URI_<ARTIFACT>` and `DIGEST_<ARTIFACT>` of each. If
    `delivery.mode` is Fetch or Image, `PATH` and `PATH_<ARTIFACT>` are added likewise.
    """

    prefix: Annotated[str, Field(max_length=63, pattern=VARIABLE_PATTERN)] = "MODEL_"
    """What the names of the variables begin with. Default: `MODEL_`."""
    containers: Annotated[tuple[Label, ...], Field(max_length=32, json_schema_extra=ATOMIC)] | None = None
    """Names of the containers and init containers that get the variables; with an empty list, none gets them. Default:
    the container that gets the model, and all init containers."""


SHORT_HISTORY = 10
"""Entries of `status.history`, unless `spec.statusHistoryLimit` says otherwise."""


class ModelDeploymentSpec(ApiModel):
    """Desired state of a ModelDeployment: which version to serve, how to roll it out, analyse it and roll it back."""

    model: Subdomain
    """Name of the model: the `spec.model` of its ModelVersions, in the same namespace. Immutable."""
    tag: LabelValue = DEFAULT_TAG
    """Tag to follow. The version that has the tag is served. Default: `production`."""
    version: VersionName | None = None
    """Version to serve, whatever its tags. Set at most one of `tag` and `version`."""
    replicas: Annotated[Replicas | None, Field(json_schema_extra={STORED_DEFAULT: 1})] = None
    """Number of pods. Omit it if a HorizontalPodAutoscaler scales this ModelDeployment. Default: 1."""
    paused: bool = False
    """Whether rollouts, rollbacks and corrections of manual changes are paused. Metrics are still read, and `replicas`
    is still applied. Default: false."""
    template: PodTemplate
    """Template of the pods that serve the model, as in a Deployment. The operator adds environment variables with the
    values of the record (`inject`), unless the container sets a variable of that name itself, and the labels
    `pennant.dev/modeldeployment`, `pennant.dev/model`, `pennant.dev/version` and `pennant.dev/template-hash` to the
    pods. In values of labels and annotations, `${model}` and `${version}` stand for those of the record."""
    metadata: ObjectMetadata = ObjectMetadata()
    """Labels and annotations of the Deployment."""
    container: Label | None = None
    """Name of the container that gets the model. Default: the first container of the template."""
    inject: Inject = Inject()
    """Which containers get the values of the record as environment variables."""
    allow_serving: Annotated[
        tuple[ServingPart, ...], Field(max_length=len(ServingPart), json_schema_extra=listed("set"))
    ] = (ServingPart.RESOURCES,)
    """Which parts of `spec.serving` a version may set: `Resources`, `Image`, `Args`, `Env` (variables with a value)
    and `EnvValueFrom` (variables with a value from a Secret, a ConfigMap or a field of the pod). A version that sets
    another part is not rolled out. Default: `[Resources]`."""
    delivery: Delivery = Delivery()
    """How the pods get the bytes of the artefacts. Default: the server loads them itself."""
    adopt: bool = False
    """Whether to take over a Deployment of this name that exists already and has no owner. Its pods are not restarted
    if the rendered pod template equals that of the Deployment, beside Pennant's own labels; otherwise a rolling update
    replaces them. Default: false."""
    rollout: Rollout = Rollout()
    """How pods are replaced."""
    service: Service | None = None
    """The Service that sends requests to the pods. Default: none."""
    ignore_drift: IgnoreDrift | None = None
    """Changes of the Deployment by other field managers that are left alone, such as those of an injector."""
    analysis: Analysis = Analysis()
    """How a version is analysed by its metrics and alerts, during the rollout and after it."""
    promotion: Promotion = Promotion()
    """Conditions that a version must meet to be rolled out."""
    rollback: Rollback = Rollback()
    """What happens when a version fails."""
    retention: DeploymentRetention | None = None
    """Which versions of the model need not be kept. Default: all are kept."""
    history_limit: Annotated[int, Field(ge=2, le=100)] = 50
    """Number of revisions to keep, each with its history entry in a ControllerRevision. If the operator has an archive,
    a revision that ended is kept until it is in the archive, up to 100 revisions. Default: 50."""
    status_history_limit: Annotated[int, Field(ge=2, le=100)] = SHORT_HISTORY
    """Number of the newest revisions whose history entries are in `status.history` as well. Each write of the status
    costs the API server in proportion to their number. Default: 10."""
    revision_history_limit: Annotated[int, Field(ge=0, le=100)] | None = None
    """Number of old ReplicaSets to keep, as in a Deployment. A rollback to a revision whose ReplicaSet is gone makes a
    new one. Default: `historyLimit`."""

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
        (
            "!has(self.inject) || !has(self.inject.containers) || self.inject.containers.all(n, "
            "self.template.spec.containers.exists(c, c.name == n) || "
            "has(self.template.spec.initContainers) && self.template.spec.initContainers.exists(c, c.name == n))",
            "each of spec.inject.containers must be a container or an init container of spec.template",
        ),
    )

    @model_validator(mode="after")
    def _container_exists(self) -> "ModelDeploymentSpec":
        names = {each["name"] for each in self.template["spec"]["containers"]}
        if self.container is not None and self.container not in names:
            raise ValueError(self.RULES[1][1])
        return self

    @model_validator(mode="after")
    def _injected_containers_exist(self) -> "ModelDeploymentSpec":
        pod = self.template["spec"]
        names = {each["name"] for field in ("containers", "initContainers") for each in pod.get(field) or ()}
        if not names.issuperset(self.inject.containers or ()):
            raise ValueError(self.RULES[4][1])
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
    def replica_sets_to_keep(self) -> int:
        """Number of old ReplicaSets: the field, or its default."""
        return self.history_limit if self.revision_history_limit is None else self.revision_history_limit

    @property
    def progress_deadline_seconds(self) -> int:
        """Seconds in which a further pod of a new revision must become available: the field, or its default."""
        longest = longest_startup_seconds(self.template)
        return self.rollout.progress_deadline_seconds or max(longest + AFTER_STARTUP_SECONDS, SHORTEST_DEADLINE)
