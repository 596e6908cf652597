"""What a ModelDeployment's status says: what is asked for, what is served, and what happened."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.commands import MOST_COMMANDS, AnsweredCommand, LastCommand
from pennant.api.conditions import Condition
from pennant.api.history import HistoryEntry, QuarantineEntry
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    ApiModel,
    ContentDigest,
    Label,
    Line,
    Message,
    Name,
    Open,
    RevisionNumber,
    SemanticVersion,
    ShortHash,
    Timestamp,
    listed,
)
from pennant.api.reasons import ReasonWord


class MetricState(Open, StrEnum):
    """What the last checks of a metric say."""

    PASSING = "Passing"
    BREACHING = "Breaching"
    UNKNOWN = "Unknown"


class MetricStatus(ApiModel):
    """The state of one metric, written when it changes."""

    name: Label
    """Name of the metric."""
    revision: RevisionNumber
    """The revision that was measured."""
    state: Annotated[MetricState, ANY_WORD]
    """Passing, Breaching or Unknown."""
    reason: ReasonWord
    """Why, as one word."""
    message: Message
    """Why, with the numbers of the moment at which the state changed."""
    since: Timestamp
    """When the state last changed, or the reason of a state other than Passing."""


class PodProgress(ApiModel):
    """How far the pods of the current revision have come; left out while enough of them are available."""

    revision: RevisionNumber
    """The revision."""
    available: Annotated[int, Field(ge=0)] = 0
    """The most pods of the revision that were available at one time."""
    since: Timestamp
    """When there were that many for the first time, or when the time began to count anew. With no more of them after
    `rollout.progressDeadlineSeconds` the rollout has failed, if the revision itself is to blame."""
    stopped: bool = False
    """Whether the time does not count at the moment, for the reason that is given."""
    scaled_to_zero: bool = False
    """Whether `spec.replicas` was 0, and no pod has been available since. Metrics are not read meanwhile."""
    reason: ReasonWord | None = None
    """Why pods are not available, as one word: Paused, ScaledToZero, PodsUnschedulable, PodsRefused, PodsEvicted,
    PodsNotStarted, ControllersAway or PodsUnavailable. None: they were not looked at yet."""
    message: Message = ""
    """Why, with the last words of Kubernetes."""


class Desired(ApiModel):
    """The version that is asked for, by a tag or by name."""

    tag: Label | None = None
    """The tag that is followed; none where `spec.version` names the version."""
    version: SemanticVersion
    """The version that carries the tag, or is named."""
    digest: ContentDigest
    """Digest of its content."""
    since: Timestamp
    """Since when it is asked for."""


class Serving(ApiModel):
    """The version that takes the traffic."""

    version: SemanticVersion
    """The version."""
    digest: ContentDigest
    """Digest of its content."""
    revision: RevisionNumber
    """The revision that put it in place."""
    since: Timestamp
    """Since when all pods are of this revision."""


class Stable(ApiModel):
    """The last version known good: where a rollback goes."""

    version: SemanticVersion
    """The version."""
    revision: RevisionNumber
    """The revision that was verified."""


class Applied(ApiModel):
    """What the operator last wrote to the Deployment, and what became of it there."""

    manifest_hash: ShortHash
    """Hash of the manifest."""
    uid: Line
    """`metadata.uid` of the Deployment."""
    revision: RevisionNumber
    """The revision that it was written for."""
    fields_hash: ShortHash
    """Hash of the set of fields that the operator owned after the write; it changes when somebody else writes one."""
    template_hash: ShortHash
    """Hash of the pod template as the API server stored it."""
    generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` of the Deployment after the write. What is new in the pod template at the same generation
    was filled in by the API server, for instance after its upgrade."""
    restarted_at: Name = ""
    """The newest `kubectl.kubernetes.io/restartedAt` of the pod template that is in the history."""


class Drift(ApiModel):
    """A change of the Deployment by somebody else, which was put right."""

    field_manager: Name
    """The field manager that made the change; empty where nobody says, as for a deletion."""
    fields: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """The fields of the Deployment that this manager had written."""
    message: Message
    """What was changed, in a sentence."""
    detected_at: Timestamp
    """When it was seen."""
    fingerprint: ShortHash
    """Hash by which the change is known again."""
    count: Annotated[int, Field(ge=1)]
    """How often a drift was put right so far."""


class ModelDeploymentStatus(ApiModel):
    """What is asked for, what is served, and what happened."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The `metadata.generation` that this status was computed from; -1 before the first time."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=listed("map", "type"))] = ()
    """Ready, Available, TagResolved, Reconciling, Stalled, MetricsHealthy, RolledBack, Suspended and HistoryIntact."""
    desired: Desired | None = None
    """The version that was asked for when that was last clear."""
    serving: Serving | None = None
    """The version that takes the traffic."""
    stable: Stable | None = None
    """The last version known good."""
    progress: PodProgress | None = None
    """How far the pods of the current revision have come, while too few of them are available."""
    measured_since: Timestamp | None = None
    """When a pod was available again after `spec.replicas` had been 0: metrics count from here, as from a revision's
    first available pod. None: it was never 0 while a revision served."""
    applied: Applied | None = None
    """What the operator last wrote to the Deployment."""
    drift: Drift | None = None
    """The newest change of the Deployment by somebody else, which was put right."""
    last_command: LastCommand | None = None
    """The answer to the newest command."""
    commands: Annotated[tuple[AnsweredCommand, ...], Field(max_length=MOST_COMMANDS, json_schema_extra=ATOMIC)] = ()
    """The newest commands that were answered, oldest first: none of them is carried out again."""
    history: Annotated[
        tuple[HistoryEntry, ...],
        # Atomic: the operator alone writes it, and tracking the owner of each field of a hundred entries is dear.
        Field(max_length=100, json_schema_extra=ATOMIC),
    ] = ()
    """The newest revisions, oldest first."""
    quarantine: Annotated[
        tuple[QuarantineEntry, ...],
        # Atomic: one content may be there several times, with a pod template each.
        Field(max_length=20, json_schema_extra=ATOMIC),
    ] = ()
    """Contents that must not be deployed here for now, each with every pod template or with one."""
    analysis: Annotated[tuple[MetricStatus, ...], Field(max_length=16, json_schema_extra=listed("map", "name"))] = ()
    """State of each metric of the revision in place."""
    replicas: Annotated[int, Field(ge=0)] = 0
    """Number of pods."""
    ready_replicas: Annotated[int, Field(ge=0)] = 0
    """Number of ready pods."""
    selector: Line = ""
    """Label selector of the pods, for the scale subresource."""
