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
    LabelValue,
    Name,
    Open,
    RevisionNumber,
    Sentence,
    ShortHash,
    Timestamp,
    VersionName,
)
from pennant.api.reasons import ReasonWord


class Trigger(Open, StrEnum):
    """Cause of a revision."""

    TAG_MOVED = "TagMoved"
    SPEC_CHANGED = "SpecChanged"
    AUTOMATIC_ROLLBACK = "AutomaticRollback"
    UNDO = "Undo"
    RETRY = "Retry"
    RESTART = "Restart"


class Outcome(Open, StrEnum):
    """Outcome of a revision."""

    IN_PROGRESS = "InProgress"
    SERVING = "Serving"
    VERIFIED = "Verified"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


BAD = frozenset({Outcome.ROLLED_BACK, Outcome.FAILED})
"""Outcomes of a revision that failed its rollout or its analysis, or was undone."""
Measure = Annotated[str, Field(max_length=32)]
Bound = Annotated[str, Field(max_length=160)]


class Evidence(ApiModel):
    """A measurement that led to a decision."""

    metric: LabelValue
    """Name of the metric."""
    value: Measure
    """Last measured value."""
    threshold: Bound
    """Limit that the value was beyond, such as `min 0.9`."""
    breaches: Measure
    """Number of checks that were breaches, such as `3 of 3`."""
    query_hash: ShortHash
    """First 12 hexadecimal digits of the sha256 of the query that was sent."""
    at: Timestamp
    """Time of the value."""


class HistoryEntry(ApiModel):
    """A revision: which version it serves, why it was created, and its outcome."""

    revision: RevisionNumber
    """Number of the revision. Numbers only increase; a rollback is a new revision."""
    version: VersionName
    """Version that the revision serves."""
    digest: ContentDigest
    """Digest of the content of the version."""
    template_hash: ShortHash
    """Value of the label `pennant.dev/template-hash` of its pods."""
    inputs_hash: ShortHash | None = None
    """Hash of `spec.template` and `spec.container` at the creation of the revision, without the restart annotation;
    where `spec.delivery` brings the artefacts, also of their URIs. `digest` and `inputsHash` together identify a
    content with a pod template, whatever the release of the operator."""
    trigger: Annotated[Trigger, ANY_WORD]
    """Cause of the revision: TagMoved, SpecChanged, AutomaticRollback, Undo, Retry or Restart."""
    actor: Name
    """Who caused the revision: a field manager, the value of `pennant.dev/requested-by`, or `pennant` for the operator.
    It is not authenticated; `user` is."""
    user: Name | None = None
    """Authenticated user who moved the tag, changed the spec or gave the command. Set only if the admission policies of
    `governance.stamp` are installed; not set for what the operator did by itself."""
    reason: Sentence
    """Reason for the revision, in a sentence."""
    command_token: Name | None = None
    """Token of the command that caused the revision, if one did. For a `kubectl rollout restart`: its annotation."""
    command: CommandText | None = None
    """Command that caused the revision, such as `rollback-to 1.0.0`, if one did."""
    started_at: Timestamp
    """Time when the revision was created."""
    available_at: Timestamp | None = None
    """Time when its first pod became available and could receive traffic."""
    rolled_out_at: Timestamp | None = None
    """Time when all of its pods were available and no older pod was left."""
    clean_since: Timestamp | None = None
    """Time since which enough pods have been available and all enforced metrics have passed without interruption;
    `bakeSeconds` count from here. Not set while they do not count."""
    unavailable_seconds: Annotated[int, Field(ge=0)] | None = None
    """Total number of seconds without an available pod before the revision was verified, by its own fault. An outage is
    added when it ends. Not set if there was none."""
    verified_at: Timestamp | None = None
    """Time when the revision was verified."""
    overdue_at: Timestamp | None = None
    """Time when the event NotVerified was sent, because the revision was not verified after twice its bake time."""
    ended_at: Timestamp | None = None
    """Time when another revision replaced it."""
    released_at: Timestamp | None = None
    """Time when its quarantine ended. Not set while it is quarantined, and if it never was."""
    outcome: Annotated[Outcome, ANY_WORD]
    """Outcome of the revision: InProgress, Serving, Verified, RolledBack, Superseded or Failed."""
    pod_template_hash: ShortHash | None = None
    """Value of the label `pod-template-hash` that Kubernetes sets on its pods and uses in their names. Not set while it
    is not known."""
    restarted_at: Annotated[str, Field(max_length=LONGEST_RESTART)] | None = None
    """Annotation `kubectl.kubernetes.io/restartedAt` of its pods, if it has at most 32 characters. A rollback to this
    revision restores it, so that pods that still run are kept."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Measurements by which the revision failed analysis."""
    data_hash: ContentDigest | None = None
    """sha256 of the pod template and the record of the version, as stored in the ControllerRevision."""
    previous_hash: ContentDigest
    """`hash` of the previous revision; empty for the first one."""
    hash: ContentDigest
    """sha256 of the fields of this entry that never change, including `previousHash`."""


class QuarantineEntry(ApiModel):
    """A content that must not be deployed here until it is retried or the tag moves to another content."""

    digest: ContentDigest
    """Digest of the content of the version."""
    version: VersionName
    """Version that failed or was undone."""
    inputs_hash: ShortHash | None = None
    """`inputsHash` of the only pod template with which the content is quarantined. Not set: with every pod template. A
    failed rollout quarantines the content with the pod template of its revision; a breach quarantines it with every
    pod template if it was never verified with any."""
    reason: ReasonWord
    """Reason: MetricBreach, ProgressDeadlineExceeded, PodsUnavailable, DigestMismatch, ArtifactRefused or Undone."""
    message: Sentence
    """Reason in a sentence, with the measured values."""
    since: Timestamp
    """Time when it failed or was undone."""
    revision: RevisionNumber
    """Revision that failed or was undone."""
    tag: LabelValue | None = None
    """Tag that was followed at that time. The quarantine ends when this tag moves to another content. Not set: when any
    tag that is followed does."""
    tagged: ContentDigest | None = None
    """Digest of the content that had the tag at that time, if it was another one."""
