"""What a ModelDeployment's status says: what is asked for, what is served, and what happened."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.conditions import Condition
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    LONGEST_RESTART,
    ApiModel,
    ContentDigest,
    Label,
    Line,
    Message,
    Name,
    Open,
    RevisionNumber,
    SemanticVersion,
    Sentence,
    ShortHash,
    Timestamp,
    listed,
)
from pennant.api.reasons import ReasonWord


class Trigger(Open, StrEnum):
    """What made a revision."""

    TAG_MOVED = "TagMoved"
    SPEC_CHANGED = "SpecChanged"
    AUTOMATIC_ROLLBACK = "AutomaticRollback"
    UNDO = "Undo"
    RETRY = "Retry"
    RESTART = "Restart"


class Outcome(Open, StrEnum):
    """How far a revision came."""

    IN_PROGRESS = "InProgress"
    SERVING = "Serving"
    VERIFIED = "Verified"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


BAD = frozenset({Outcome.ROLLED_BACK, Outcome.FAILED})
"""The outcomes of a revision that failed its rollout or its analysis."""
MOST_COMMANDS = 16
LONGEST_COMMAND = 80
Measure = Annotated[str, Field(max_length=32)]
Words = Annotated[str, Field(max_length=LONGEST_COMMAND)]
"""A command in words: what it does, and its value; a long value is cut, and ends with a hash."""
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
    inputs_hash: ShortHash | None = None
    """Hash of `spec.template` and `spec.container` as this revision found them, without the mark of a restart. With
    `digest` it names what was tried: a content with a pod template, however a release of the operator renders it."""
    trigger: Annotated[Trigger, ANY_WORD]
    """What made this revision: TagMoved, SpecChanged, AutomaticRollback, Undo, Retry or Restart."""
    actor: Name
    """Who or what asked for it."""
    reason: Sentence
    """Why, in a sentence."""
    command_token: Name | None = None
    """Token of the command that asked for it, where one did; of a `kubectl rollout restart`, its annotation."""
    command: Words | None = None
    """The command that asked for it, such as `rollback-to 1.0.0`, where one did."""
    started_at: Timestamp
    """When the revision was created."""
    available_at: Timestamp | None = None
    """When its first pod became available; from here it can take traffic."""
    rolled_out_at: Timestamp | None = None
    """When all of its pods were available and no older pod was left."""
    clean_since: Timestamp | None = None
    """Since when it has been available and all its metrics have passed without a break: `bakeSeconds` count from here.
    None: they do not count at the moment."""
    unavailable_seconds: Annotated[int, Field(ge=0)] | None = None
    """For how long in all it had no available pod before it became known good, where that was not the cluster's fault.
    It counts when a pod is available again; none where that never was."""
    verified_at: Timestamp | None = None
    """When it became known good."""
    overdue_at: Timestamp | None = None
    """When it was noticed that it had not become known good though twice its bake time was over."""
    ended_at: Timestamp | None = None
    """When another revision took its place."""
    released_at: Timestamp | None = None
    """When what it tried was no longer quarantined; none while it is, and where it never was."""
    outcome: Annotated[Outcome, ANY_WORD]
    """InProgress, Serving, Verified, RolledBack, Superseded or Failed."""
    pod_template_hash: ShortHash | None = None
    """Value of the label `pod-template-hash` that Kubernetes gives to its pods and puts into their names; none while it
    is not known."""
    restarted_at: Annotated[str, Field(max_length=LONGEST_RESTART)] | None = None
    """The annotation `kubectl.kubernetes.io/restartedAt` of its pods, where it is not longer than a time is. A rollback
    to this revision restores it, so that pods that still run stay."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """The measurements that condemned it."""
    data_hash: ContentDigest | None = None
    """sha256 over the pod template and the version's record that the ControllerRevision of this revision holds."""
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
    inputs_hash: ShortHash | None = None
    """The `inputsHash` of the only pod template that is meant; none: the content with every template. A failed rollout
    speaks against the pod template of its revision; a breach speaks against the whole content where that was never
    known good with any template."""
    reason: ReasonWord
    """MetricBreach, ProgressDeadlineExceeded, PodsUnavailable or Undone."""
    message: Sentence
    """Why, with the numbers."""
    since: Timestamp
    """When it was found bad."""
    revision: RevisionNumber
    """The revision that was found bad."""
    tag: Label | None = None
    """The tag that was followed then. It ends the quarantine by settling on another content; none: any tag does."""
    tagged: ContentDigest | None = None
    """Digest of the content that had the tag then, where that was another one."""


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


class CommandResult(Open, StrEnum):
    """What became of a command."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    IGNORED = "Ignored"


class LastCommand(ApiModel):
    """The answer to the newest command that was given by annotations."""

    token: Name
    """`pennant.dev/requested-at` of the command, or a hash of its words where there is none."""
    command: Line
    """The command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Accepted, Refused or Ignored."""
    message: Message
    """What was done, or why nothing was."""
    at: Timestamp
    """When it was answered."""
    revision: RevisionNumber | None = None
    """The revision that carries it out, where there is one."""
    withdrawn_at: Timestamp | None = None
    """When the annotations that gave it were seen to be gone. If it is given again, it is answered again."""


class AnsweredCommand(ApiModel):
    """A command that was answered: it is not carried out again."""

    token: Name
    """`pennant.dev/requested-at` of the command, or a hash of its words where there was none."""
    command: Words
    """The command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Accepted, Refused or Ignored."""
    at: Timestamp
    """When it was answered."""
    revision: RevisionNumber | None = None
    """The revision that carries it out, where there is one."""


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
