"""The status of a ModelDeployment."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.adoption import Adoption
from pennant.api.commands import MAX_COMMANDS, AnsweredCommand, LastCommand
from pennant.api.conditions import Condition
from pennant.api.history import HistoryEntry, Measure, QuarantineEntry
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    LAST_REVISION,
    ApiModel,
    ContentDigest,
    LabelValue,
    Line,
    Message,
    Name,
    Open,
    RevisionNumber,
    ShortHash,
    Timestamp,
    VersionName,
    listed,
)
from pennant.api.reasons import ReasonWord


class MetricState(Open, StrEnum):
    """State of a metric by its last checks."""

    PASSING = "Passing"
    BREACHING = "Breaching"
    UNKNOWN = "Unknown"


class MetricStatus(ApiModel):
    """State of a metric. It is written when the state or its reason changes.

    `value` and `checkedAt` alone cause no write: they are those of the last check before the status was last written.
    """

    name: LabelValue
    """Name of the metric."""
    revision: RevisionNumber
    """Revision that was measured."""
    state: Annotated[MetricState, ANY_WORD]
    """State of the metric: Passing, Breaching or Unknown."""
    reason: ReasonWord
    """Reason for the state, as one word."""
    message: Message
    """Reason for the state in a sentence, with the values at the time when the state changed."""
    since: Timestamp
    """Time when the state last changed, or the reason of a state other than Passing."""
    value: Measure | None = None
    """Value of the check at `checkedAt`. Not set if the check had none, such as that of an alert."""
    checked_at: Timestamp | None = None
    """Time of the last check before the status was last written. Not set before the first check of the revision."""


class PodProgress(ApiModel):
    """Progress of the pods of the current revision. Not set while enough of them are available."""

    revision: RevisionNumber
    """Number of the revision."""
    available: Annotated[int, Field(ge=0)] = 0
    """Largest number of its pods that were available at the same time."""
    since: Timestamp
    """Time when that number was first reached, or when the deadline began again. The rollout fails if the number does
    not increase for `rollout.progressDeadlineSeconds`, by the fault of the revision."""
    stopped: bool = False
    """Whether the deadline is stopped at present, for `reason`."""
    scaled_to_zero: bool = False
    """Whether `spec.replicas` was 0, and no pod has been available since. Metrics are not read during this time."""
    reason: ReasonWord | None = None
    """Why pods are not available: Paused, ScaledToZero, PodsUnschedulable, PodsRefused, PodsEvicted, PodsNotStarted,
    ControllersAway, PodsUnavailable, DigestMismatch or ArtifactRefused. Not set: the pods were not read yet."""
    message: Message = ""
    """Why pods are not available, in a sentence that quotes Kubernetes."""


class Desired(ApiModel):
    """The target version: the one that has the tag, or that `spec.version` names."""

    tag: LabelValue | None = None
    """Tag that is followed. Not set if `spec.version` names the version."""
    version: VersionName
    """The target version."""
    digest: ContentDigest
    """Digest of its content."""
    since: Timestamp
    """Time since which it is the target version."""


class Serving(ApiModel):
    """The version of the last revision that was completely rolled out."""

    version: VersionName
    """Version that serves."""
    digest: ContentDigest
    """Digest of its content."""
    revision: RevisionNumber
    """Revision that serves it."""
    since: Timestamp
    """Time since which all pods are of this revision."""


class Stable(ApiModel):
    """The rollback target: the last verified revision that did not fail since."""

    version: VersionName
    """Version of the rollback target."""
    revision: RevisionNumber
    """Revision that was verified."""


class Applied(ApiModel):
    """The last write of the operator to the Deployment, as the API server stored it."""

    manifest_hash: ShortHash
    """Hash of the manifest that was written."""
    uid: Line
    """`metadata.uid` of the Deployment."""
    revision: RevisionNumber
    """Revision for which it was written."""
    fields_hash: ShortHash
    """Hash of the set of fields that the operator owned after the write. It changes when another field manager
    takes one."""
    template_hash: ShortHash
    """Hash of the pod template as the API server stored it."""
    generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` of the Deployment after the write. What is new in the pod template at the same generation
    was defaulted by the API server, for example after an upgrade."""
    restarted_at: Name = ""
    """Newest `kubectl.kubernetes.io/restartedAt` of the pod template that is in the history."""


class Drift(ApiModel):
    """A manual change of the Deployment that was corrected."""

    field_manager: Name
    """Field manager that made the change. Empty if it is not known, as for a deletion."""
    fields: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Fields of the Deployment that this field manager had written."""
    message: Message
    """Description of the change."""
    detected_at: Timestamp
    """Time when the change was detected."""
    fingerprint: ShortHash
    """Hash that identifies the change."""
    count: Annotated[int, Field(ge=1)]
    """Number of manual changes that were corrected so far."""


class Archived(ApiModel):
    """Up to which revision the history is in the archive of the operator. Revisions are archived in their order."""

    recorded: Annotated[int, Field(ge=0, le=LAST_REVISION)] = 0
    """Number of the newest revision that was archived when it was created; 0: none."""
    ended: Annotated[int, Field(ge=0, le=LAST_REVISION)] = 0
    """Number of the newest revision that was archived when it ended, with its outcome and evidence; 0: none."""


class OlderRevision(ApiModel):
    """A revision whose history entry is not in `status.history`, only in its ControllerRevision."""

    revision: RevisionNumber
    """Number of the revision."""
    version: VersionName
    """Version that the revision serves."""
    hash: ContentDigest
    """The `hash` of its history entry, which its ControllerRevision must have."""

    @classmethod
    def of(cls, entry: HistoryEntry) -> "OlderRevision":
        """Return the older revision of a history entry."""
        return cls(revision=entry.revision, version=entry.version, hash=entry.hash)

    def names(self, entry: HistoryEntry) -> bool:
        """Return whether it is that of this entry."""
        return (self.revision, self.version, self.hash) == (entry.revision, entry.version, entry.hash)


class ModelDeploymentStatus(ApiModel):
    """Status of a ModelDeployment: target version, serving version, conditions and history."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The `metadata.generation` for which the status was computed; -1: it was not computed yet."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=listed("map", "type"))] = ()
    """Conditions: Ready, Available, TagResolved, Reconciling, Stalled, MetricsHealthy, RolledBack, Verified,
    Suspended, HistoryIntact and TemplateValid."""
    desired: Desired | None = None
    """Target version. While no version or several have the tag: the last one."""
    serving: Serving | None = None
    """Version of the last revision that was completely rolled out."""
    stable: Stable | None = None
    """Rollback target: the last verified revision that did not fail since."""
    progress: PodProgress | None = None
    """Progress of the pods of the current revision, while too few of them are available."""
    measured_since: Timestamp | None = None
    """Time when a pod was available again after `spec.replicas` had been 0. Metrics count from here, as from the first
    available pod of a revision. Not set if it was never 0 while a revision served."""
    checked_spec: ShortHash | None = None
    """Hash of the spec, without `replicas`, for which the last dry run of the Deployment succeeded. Not set if the spec
    changed since."""
    applied: Applied | None = None
    """Last write of the operator to the Deployment."""
    drift: Drift | None = None
    """Newest manual change of the Deployment that was corrected."""
    adoption: Adoption | None = None
    """The Deployment of this name that existed before and is taken over. Not set without `spec.adopt`."""
    last_command: LastCommand | None = None
    """Result of the newest command."""
    commands: Annotated[tuple[AnsweredCommand, ...], Field(max_length=MAX_COMMANDS, json_schema_extra=ATOMIC)] = ()
    """The last 16 commands that were answered, oldest first. None of them is carried out again."""
    history: Annotated[
        tuple[HistoryEntry, ...],
        # Atomic: only the operator writes it, and field ownership of a hundred entries takes much space.
        Field(max_length=100, json_schema_extra=ATOMIC),
    ] = ()
    """The newest revisions, oldest first, up to `spec.statusHistoryLimit`. Also older ones that are in use, such as the
    rollback target, and those whose ControllerRevision or archive does not have the whole entry yet."""
    older_revisions: Annotated[tuple[OlderRevision, ...], Field(max_length=100, json_schema_extra=ATOMIC)] = ()
    """The other revisions up to `spec.historyLimit`, oldest first. Their entries are in their ControllerRevisions, and
    `kubectl pennant history` shows them."""
    archived: Archived | None = None
    """Up to which revision the history is in the archive. Not set if the operator has no archive."""
    quarantine: Annotated[
        tuple[QuarantineEntry, ...],
        # Atomic: one content may be there several times, with a pod template each.
        Field(max_length=20, json_schema_extra=ATOMIC),
    ] = ()
    """Contents that must not be deployed here, each with every pod template or with a single one."""
    analysis: Annotated[tuple[MetricStatus, ...], Field(max_length=16, json_schema_extra=listed("map", "name"))] = ()
    """State of each metric for the current revision."""
    replicas: Annotated[int, Field(ge=0)] = 0
    """Number of pods."""
    ready_replicas: Annotated[int, Field(ge=0)] = 0
    """Number of ready pods."""
    selector: Line = ""
    """Label selector of the pods, for the scale subresource."""

    @property
    def revisions(self) -> dict[int, str]:
        """Return the hash of each revision that the status has, by number."""
        older = {each.revision: each.hash for each in self.older_revisions}
        return older | {each.revision: each.hash for each in self.history}
