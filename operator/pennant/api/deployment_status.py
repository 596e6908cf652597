"""What a ModelDeployment's status says: what is asked for, what is served, and what happened."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.conditions import Condition
from pennant.api.meta import (
    ATOMIC,
    ApiModel,
    ContentDigest,
    Label,
    Line,
    Message,
    Name,
    RevisionNumber,
    SemanticVersion,
    Sentence,
    ShortHash,
    Timestamp,
    listed,
)
from pennant.api.reasons import ReasonWord


class Trigger(StrEnum):
    """What made a revision."""

    TAG_MOVED = "TagMoved"
    SPEC_CHANGED = "SpecChanged"
    AUTOMATIC_ROLLBACK = "AutomaticRollback"
    UNDO = "Undo"
    RETRY = "Retry"
    RESTART = "Restart"


class Outcome(StrEnum):
    """How far a revision came."""

    IN_PROGRESS = "InProgress"
    SERVING = "Serving"
    VERIFIED = "Verified"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


Measure = Annotated[str, Field(max_length=32)]
Bound = Annotated[str, Field(max_length=160)]


class Evidence(ApiModel):
    """One measurement that led to a decision."""

    metric: Label
    """Name of the metric."""
    value: Measure
    """The last value that was measured."""
    threshold: Bound
    """The bound that it broke, such as `min 0.9`."""
    breaches: Measure
    """How often, such as `3 of 3`."""
    query_hash: ShortHash
    """First 12 hexadecimal digits of the sha256 of the query as it was sent."""
    at: Timestamp
    """The time of the value."""


class HistoryEntry(ApiModel):
    """One revision: which version was put in place, why, and what became of it."""

    revision: RevisionNumber
    """Number of the revision; numbers only grow, and a rollback is a new revision."""
    version: SemanticVersion
    """The version that this revision serves."""
    digest: ContentDigest
    """Digest of the version's content."""
    template_hash: ShortHash
    """Value of the pods' label `pennant.dev/template-hash`."""
    trigger: Trigger
    """What made this revision: TagMoved, SpecChanged, AutomaticRollback, Undo, Retry or Restart."""
    actor: Name
    """Who or what asked for it."""
    reason: Sentence
    """Why, in a sentence."""
    command_token: Name | None = None
    """Token of the command that asked for it, where one did; of a `kubectl rollout restart`, its annotation."""
    started_at: Timestamp
    """When the revision was created."""
    available_at: Timestamp | None = None
    """When its first pod became available; from here it can take traffic."""
    rolled_out_at: Timestamp | None = None
    """When all of its pods were available and no older pod was left."""
    verified_at: Timestamp | None = None
    """When it became known good."""
    ended_at: Timestamp | None = None
    """When another revision took its place."""
    outcome: Outcome
    """InProgress, Serving, Verified, RolledBack, Superseded or Failed."""
    stored_template: ShortHash | None = None
    """Hash of the pod template as the API server stored it; by it a `kubectl rollout undo` is recognised."""
    pod_template_hash: ShortHash | None = None
    """Value of the label `pod-template-hash` that Kubernetes gives to its pods and puts into their names; none while it
    is not known."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """The measurements that condemned it."""
    previous_hash: ContentDigest
    """`hash` of the revision before; empty for the first one."""
    hash: ContentDigest
    """sha256 over the fields of this entry that never change, `previousHash` among them."""


class QuarantineEntry(ApiModel):
    """A content that must not be deployed here until a person releases it or the tag moves on."""

    digest: ContentDigest
    """Digest of the version's content."""
    version: SemanticVersion
    """The version that was found bad."""
    template_hash: ShortHash | None = None
    """The only rendered template that is meant, where an undo went to another template of the same content."""
    reason: ReasonWord
    """MetricBreach, ProgressDeadlineExceeded or Undone."""
    message: Sentence
    """Why, with the numbers."""
    since: Timestamp
    """When it was found bad."""
    revision: RevisionNumber
    """The revision that was found bad."""


class MetricState(StrEnum):
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
    state: MetricState
    """Passing, Breaching or Unknown."""
    reason: ReasonWord
    """Why, as one word."""
    message: Message
    """Why, with the numbers of the moment at which the state changed."""
    since: Timestamp
    """When the state last changed, or the reason of a state other than Passing."""


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


class CommandResult(StrEnum):
    """What became of a command."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    IGNORED = "Ignored"


class LastCommand(ApiModel):
    """The answer to the newest command that was given by annotations."""

    token: Name
    """`pennant.dev/requested-at` of the command, or a hash of its annotations where there is none."""
    command: Line
    """The command as it was read, such as `rollback-to 3`."""
    result: CommandResult
    """Accepted, Refused or Ignored."""
    message: Message
    """What was done, or why nothing was."""
    at: Timestamp
    """When it was answered."""


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
    applied: Applied | None = None
    """What the operator last wrote to the Deployment."""
    drift: Drift | None = None
    """The newest change of the Deployment by somebody else, which was put right."""
    last_command: LastCommand | None = None
    """The answer to the newest command."""
    history: Annotated[
        tuple[HistoryEntry, ...],
        # Atomic: the operator alone writes it, and tracking the owner of each field of a hundred entries is dear.
        Field(max_length=100, json_schema_extra=ATOMIC),
    ] = ()
    """The newest revisions, oldest first."""
    quarantine: Annotated[
        tuple[QuarantineEntry, ...],
        Field(max_length=20, json_schema_extra=listed("map", "digest")),
    ] = ()
    """Contents that must not be deployed here for now."""
    analysis: Annotated[tuple[MetricStatus, ...], Field(max_length=16, json_schema_extra=listed("map", "name"))] = ()
    """State of each metric of the revision in place."""
    replicas: Annotated[int, Field(ge=0)] = 0
    """Number of pods."""
    ready_replicas: Annotated[int, Field(ge=0)] = 0
    """Number of ready pods."""
    selector: Line = ""
    """Label selector of the pods, for the scale subresource."""
