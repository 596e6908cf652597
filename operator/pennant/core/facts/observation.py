"""Every fact that one decision rests on, frozen, with the time at which it was seen.

What could not be read is a value (`Invalid`, `None` with a stated meaning), never an accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import NAME, Json, clip
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy, ServedBy
from pennant.core.facts.command import Command, Malformed
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.pods import Pods


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Namespace and name of an object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Invalid:
    """Something that was read but does not make sense; `problem` names the field and the mend."""

    problem: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A status of which a part cannot be read: what that part says is not known, and must not be lost."""

    problem: str
    """Names the field, and what it should be."""
    stored: Json
    """The status as it is stored."""


@dataclass(frozen=True, slots=True)
class Version:
    """One ModelVersion of the model that is deployed."""

    name: str
    uid: str
    resource_version: str
    version: str
    tags: frozenset[str]
    digest: str
    """Digest of the content: what makes two versions the same thing to serve."""
    spec: ModelVersionSpec | Invalid
    record: Json
    """The spec as it is stored, for the revision's snapshot."""
    quarantined_by: tuple[QuarantinedBy, ...] = ()
    verified_periods: tuple[ServedBy, ...] = ()
    """When it was served where it became known good."""
    deleting: bool = False
    tagged_by: str = ""
    """The field manager that last wrote the tags; empty where nobody says."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a ControllerRevision of ours holds: a complete snapshot of one revision."""

    entry: HistoryEntry
    """The entry as it was when the revision was created."""
    template: Json
    """The rendered pod template, with its hash label."""
    record: Json
    """The version's record."""
    mirrored: HistoryEntry | None = None
    """The entry with the progress that was last noted on the ControllerRevision; None: none was."""
    flaw: str = ""
    """What of the ControllerRevision is not as its entry says; empty: it holds what was recorded."""
    orphaned: bool = False
    """Whether it belongs to no object that is there: it comes from a backup, or from a predecessor of this name."""

    @property
    def intact(self) -> bool:
        """Whether it holds what was recorded, going by the hashes in it."""
        return not self.flaw

    @property
    def latest(self) -> HistoryEntry:
        """The entry, as far as this record knows of its progress."""
        return self.mirrored or self.entry


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Why a ControllerRevision must not be used."""

    says: str
    """What is wrong with it, in a sentence; empty where nothing is, and only nothing tells of it any more."""
    orphaned: bool = False
    """Whether it belongs to no object that is there: then it is not ours to delete."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The Deployment that serves, as the API server last told."""

    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    owned: bool
    """Whether its controller is this very ModelDeployment."""
    template_hash: str
    """The pods' label `pennant.dev/template-hash` in the pod template; empty where there is none."""
    replicas: int
    """Pods that it asks for."""
    total: int
    """Pods that exist."""
    updated: int
    """Pods of the current template."""
    ready: int
    available: int
    minimum_available: bool
    """Its condition Available."""
    available_since: datetime | None = None
    """When its condition Available last became True, in whole seconds; None: it is not."""
    refusal: str = ""
    """Its condition ReplicaFailure: why the API server refuses to create pods; empty: it does not."""
    min_ready_seconds: int = 0
    """Seconds for which a pod must be ready to count as available."""
    deleting: bool = False
    paused: bool = False
    """Whether its own rollout is paused."""
    fields_hash: str = ""
    """Hash of the set of fields that the operator owns."""
    stored_template: str = ""
    """Hash of the pod template as it is stored, a `kubectl rollout restart` left aside."""
    restarted_at: str = ""
    """The annotation that `kubectl rollout restart` writes into the pod template."""
    co_owned: bool = False
    """Whether others own fields of the pod template too, a `kubectl rollout restart` left aside.

    What we leave out of an apply stays where somebody else owns it as well.
    """
    as_recorded: bool = False
    """Whether the pod template holds all of the recorded one whose hash it carries, whatever others added.

    It is looked at only where somebody else may have put that template there; False where it was not.
    """
    editor: str = ""
    """The field manager other than the operator that last wrote the spec; empty where nobody says."""
    edited: tuple[str, ...] = ()
    """The fields of the spec that this manager has written."""
    orphaned: bool = False
    """Whether it has our labels and this name, and belongs to no object that is there."""

    @property
    def restart(self) -> str:
        """By which its newest restart is known again: as much of that annotation as is kept on record."""
        return clip(self.restarted_at, NAME)

    @property
    def settled(self) -> bool:
        """Whether its controller has seen the current generation."""
        return self.observed_generation >= self.generation

    @property
    def rolled_out(self) -> bool:
        """Whether there are pods, all of the current template and available, and no other pod is left."""
        return (
            self.settled
            and self.replicas > 0
            and self.updated == self.replicas
            and self.total == self.replicas
            and self.available == self.replicas
        )

    @property
    def exposed(self) -> bool:
        """Whether at least one pod of the current template is certainly available.

        More pods are available than there are pods of older templates.
        """
        return self.settled and self.available > self.total - self.updated


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WriteProblem:
    """Why a write cannot be made, or did not do what was asked for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that the API server does not take for now, or not as it was asked for."""

    content: str
    """By which the write is known again."""
    why: WriteProblem
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the API server knows of one ModelDeployment and of all that belongs to it."""

    key: Key
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    spec: ModelDeploymentSpec | Invalid
    status: ModelDeploymentStatus
    versions: tuple[Version, ...]
    """All ModelVersions of `spec.model` in the namespace; empty where the spec is invalid."""
    revisions: tuple[Revision, ...]
    """All ControllerRevisions of this ModelDeployment, oldest first; to a decision, those whose content is trusted."""
    workload: Workload | None
    """The Deployment of this name; None: there is none."""
    changed_by: str = ""
    """The field manager that last wrote the spec; empty where nobody says."""
    command: Command | Malformed | None = None
    """What the annotations tell the operator to do; None: nothing."""
    taken: frozenset[int] = frozenset()
    """Numbers of revisions whose names something else has, or a record that cannot be read."""
    unreadable: Unreadable | None = None
    """Says what of the status cannot be read; `status` holds the rest. None: all of it was read."""
    untrusted: Mapping[int, Untrusted] = field(default_factory=dict)
    """ControllerRevisions that a decision must not use, by number."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot, what was measured, and the time: the whole input of `decide`."""

    now: datetime
    snapshot: Snapshot
    measurements: Measurements = field(default_factory=dict)
    """What is known of each question that is due; one that is not there is not."""
    refusals: tuple[Refusal, ...] = ()
    """Writes that were refused when they were last tried, and when they are to be tried again."""
    failing: str = ""
    """Which copy of what the status says has not been written for a minute, and why; empty: none."""
    distrusted: Mapping[str, str] = field(default_factory=dict)
    """Metric sources against which so much breaches at once that they are not believed, each with a sentence why."""
    unwatched: tuple[Span, ...] = ()
    """Spans of time in which nobody could look, and of which this ModelDeployment was not told yet."""
    pods: Pods | None = None
    """The pods of the current revision, where a verdict or a message depends on them; None: they were not read."""

    def refused(self, content: str) -> WriteProblem | None:
        """Return why this very write is not to be tried now; None: it may be."""
        return next((each.why for each in self.refusals if each.content == content and self.now < each.retry_at), None)

    @property
    def altered(self) -> bool:
        """Whether the Deployment is not what was asked for, so that it says nothing of the revision in place."""
        return any(each.why.reason is Reason.DEPLOYMENT_ALTERED for each in self.refusals)
