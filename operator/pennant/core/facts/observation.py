"""The input of one decision: the objects of the API server, the answers of metric sources, and the time.

All types are frozen. What cannot be read is a value (`Invalid`, `Unreadable`, or None with a documented meaning).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pennant.api.deployment_status import Archived, ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import NAME, Json, clip
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy, ServedBy
from pennant.core.facts.command import Command, Malformed
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.pods import Pods
from pennant.core.facts.service import ServiceSeen
from pennant.core.facts.users import UNKNOWN, Users


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
    """A spec that was read but is not valid; `problem` names the field and the fix."""

    problem: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A status of which a part cannot be read and must not be overwritten."""

    problem: str
    """The field, and what it should be."""
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
    """Digest of the content; versions with the same digest serve the same."""
    spec: ModelVersionSpec | Invalid
    record: Json
    """The spec as it is stored, for the ControllerRevision."""
    quarantined_by: tuple[QuarantinedBy, ...] = ()
    verified_periods: tuple[ServedBy, ...] = ()
    """The periods of `status.servedBy` in which a revision of this version was verified."""
    deleting: bool = False
    tagged_by: str = ""
    """The field manager that last wrote the tags; empty: not known."""
    users: Mapping[str, str] = field(default_factory=dict)
    """The authenticated user who put each tag on it, by tag; empty where that is not recorded."""
    created_by: str = ""
    """The field manager that wrote `spec.version`, which never changes; empty: not known."""
    creator: str = ""
    """The authenticated user who created it; empty where that is not recorded."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The content of a ControllerRevision of this ModelDeployment: one revision, complete."""

    entry: HistoryEntry
    """The entry as it was when the revision was created."""
    template: Json
    """The rendered pod template, with its hash label."""
    record: Json
    """The version's record."""
    mirrored: HistoryEntry | None = None
    """The entry with the progress of the annotation; None: there is no annotation."""
    flaw: str = ""
    """The part that does not match its hash; empty: all parts match."""
    orphaned: bool = False
    """Whether its owner does not exist: it comes from a backup, or from a deleted ModelDeployment of this name."""

    @property
    def intact(self) -> bool:
        """Whether all parts match their hashes."""
        return not self.flaw

    @property
    def latest(self) -> HistoryEntry:
        """The entry with the progress of the annotation, if there is one."""
        return self.mirrored or self.entry


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Why a ControllerRevision must not be used."""

    says: str
    """A sentence that says what is wrong with it; empty: it is only older than the history."""
    orphaned: bool = False
    """Whether its owner does not exist; then it must not be deleted."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The Deployment, in the newest known state."""

    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    owned: bool
    """Whether this ModelDeployment, by uid, is its controller."""
    template_hash: str
    """The pods' label `pennant.dev/template-hash` in the pod template; empty where there is none."""
    replicas: int
    """`spec.replicas`."""
    total: int
    """Pods that exist (`status.replicas`)."""
    updated: int
    """Pods of the current template."""
    ready: int
    """Ready pods, of all templates."""
    available: int
    """Available pods, of all templates."""
    minimum_available: bool
    """Whether its condition Available is True."""
    revision: int = 0
    """The revision that its annotation names; 0: it has none."""
    available_since: datetime | None = None
    """When its condition Available last became True, in whole seconds; None: it is not True."""
    refusal: str = ""
    """The message of its condition ReplicaFailure: why the API server refuses to create pods; empty: it does not."""
    min_ready_seconds: int = 0
    """Seconds for which a pod must be ready to count as available."""
    deleting: bool = False
    paused: bool = False
    """Whether its rollout is paused (`spec.paused` of the Deployment)."""
    fields_hash: str = ""
    """Hash of the set of fields that the operator owns."""
    stored_template: str = ""
    """Hash of the pod template as it is stored, without the annotation of `kubectl rollout restart`."""
    restarted_at: str = ""
    """The annotation that `kubectl rollout restart` writes into the pod template; empty: there is none."""
    co_owned: bool = False
    """Whether others own fields of the pod template too, except for the annotation of `kubectl rollout restart`.

    An apply does not remove fields that others own.
    """
    as_recorded: bool = False
    """Whether the pod template has every value of the recorded template with its hash label; others may add fields.

    False also where it was not compared: that is done only if another client may have written that template.
    """
    tolerated: bool = False
    """Whether all that others changed since the operator's last write is left to them by `spec.ignoreDrift`.

    False also where it was not compared: that is done only if something was changed, and `ignoreDrift` is set.
    """
    editor: str = ""
    """The field manager other than the operator that last wrote the spec; empty: not known."""
    edited: tuple[str, ...] = ()
    """The fields of the spec that this manager has written."""
    orphaned: bool = False
    """Whether it has the operator's labels and this name, and its owner does not exist."""
    owners: str = ""
    """Its owners of other kinds than ModelDeployment, such as `Rollout fraud`; empty: it has none."""

    @property
    def restart(self) -> str:
        """The restart annotation, cut to the length that a status keeps."""
        return clip(self.restarted_at, NAME)

    @property
    def settled(self) -> bool:
        """Whether its controller has observed the current generation."""
        return self.observed_generation >= self.generation

    @property
    def rolled_out(self) -> bool:
        """Whether all pods are of the current template and available, and there is at least one."""
        return (
            self.settled
            and self.replicas > 0
            and self.updated == self.replicas
            and self.total == self.replicas
            and self.available == self.replicas
        )

    @property
    def exposed(self) -> bool:
        """Whether at least one pod of the current template must be available.

        That is so if more pods are available than there are pods of older templates.
        """
        return self.settled and self.available > self.total - self.updated


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WriteProblem:
    """Why a write cannot be made, or stored something else than was sent."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that the API server refused, or stored with other values."""

    content: str
    """Identifies the write, as in `Write.content`."""
    why: WriteProblem
    retry_at: datetime
    """When to try it again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One ModelDeployment and all objects that belong to it."""

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
    """All ControllerRevisions of this ModelDeployment, oldest first; in a decision, only those that may be used."""
    workload: Workload | None
    """The Deployment of this name; None: there is none."""
    services: tuple[ServiceSeen, ...] | None = None
    """The Services with its labels; None: they were not read."""
    foreign: Workload | None = None
    """Of a decision: the Deployment of this name that is taken over, and then not in `workload`."""
    changed_by: str = ""
    """The field manager that last wrote the spec; empty: not known."""
    users: Users = UNKNOWN
    """The authenticated users of the last changes; empty where they are not recorded."""
    command: Command | Malformed | None = None
    """The command in the annotations; None: there is none."""
    taken: frozenset[int] = frozenset()
    """Numbers that no new revision can have: another object has the name, or its ControllerRevision cannot be used."""
    unreadable: Unreadable | None = None
    """The part of the status that cannot be read; `status` has the rest. None: all of it was read."""
    untrusted: Mapping[int, Untrusted] = field(default_factory=dict)
    """ControllerRevisions that must not be used, by number; empty before `integrity.examined`."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The whole input of `decide`."""

    now: datetime
    snapshot: Snapshot
    measurements: Measurements = field(default_factory=dict)
    """The newest answer to each request that is due."""
    refusals: tuple[Refusal, ...] = ()
    """Writes that were refused when they were last tried."""
    failing: str = ""
    """A sentence about a copy of the status that could not be written for a minute; empty: there is none."""
    distrusted: Mapping[str, str] = field(default_factory=dict)
    """Suspect metric sources by name, each with a sentence that says why."""
    unwatched: tuple[Span, ...] = ()
    """Times without a running operator that the deadlines of this ModelDeployment do not account for yet."""
    pods: Pods | None = None
    """The pods of the current revision; None: no verdict or message depends on them, so they were not read."""
    fetch_image: str = ""
    """The image of the operator, which fetches artefacts in pods; empty: it does not know it."""
    archived: Archived | None = None
    """Up to where the archive has confirmed the history since this process started; None: there is no archive."""
    four_eyes: bool = False
    """Whether the user who created a version may not choose it by `spec.version`."""

    def refused(self, content: str) -> WriteProblem | None:
        """Return why the write with this `Write.content` must not be tried now; None: it may be."""
        return next((each.why for each in self.refusals if each.content == content and self.now < each.retry_at), None)

    @property
    def altered(self) -> bool:
        """Whether the Deployment is stored with other values than were written; it is then not rolled out."""
        return any(each.why.reason is Reason.DEPLOYMENT_ALTERED for each in self.refusals)
