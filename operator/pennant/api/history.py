"""The revisions of a ModelDeployment in its status: `status.history` and `status.quarantine`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.commands import CommandText
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    LONGEST_RESTART,
    ApiModel,
    ContentDigest,
    Label,
    Name,
    Open,
    RevisionNumber,
    SemanticVersion,
    Sentence,
    ShortHash,
    Timestamp,
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
    command: CommandText | None = None
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
