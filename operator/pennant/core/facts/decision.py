"""The output of `decide`: the writes in order, the whole status, Events, and the time of the next pass."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pennant.api.adoption import Adoption
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.observation import Revision, Version, Workload
from pennant.core.facts.service import ServiceSeen


@dataclass(frozen=True, slots=True)
class Write:
    """What an action writes, for messages and to recognise it when it was refused."""

    what: str
    """The object or field, such as `the Deployment`, for a message."""
    content: str
    """Identifies the write and its content: a later pass that makes the same write has the same value."""


@dataclass(frozen=True, slots=True)
class CreateRevision:
    """Create the ControllerRevision `<name>-<revision>`. The API server creates only one object of a name."""

    revision: Revision

    @property
    def write(self) -> Write:
        """What this action writes."""
        entry = self.revision.entry
        return Write(f"ControllerRevision {entry.revision}", f"revision of {entry.template_hash}")


@dataclass(frozen=True, slots=True)
class ApplyWorkload:
    """Apply the Deployment by server-side apply.

    `expected` is the precondition: this uid and resourceVersion; None: no Deployment of this name may exist.
    """

    manifest: Json
    manifest_hash: str
    expected: Workload | None
    revision: int = 0
    """The revision that the manifest serves."""
    template: Json | None = None
    """The pod template, where it must be replaced as a whole: an apply alone keeps fields that others own too."""
    restarted_at: str | None = None
    """The restart annotation that the pod template gets by this write; None: the present one stays."""

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write("the Deployment", self.manifest_hash)


@dataclass(frozen=True, slots=True)
class DryRunWorkload:
    """Ask the API server whether it would accept a Deployment; nothing is stored."""

    apply: ApplyWorkload
    beside: bool = False
    """Whether it is tried under a generated name, because a Deployment that is taken over has its name."""

    @property
    def write(self) -> Write:
        """What this action would write."""
        return Write("the Deployment of this spec", f"dry run of {self.apply.manifest_hash}")


@dataclass(frozen=True, slots=True)
class AdoptRevision:
    """Set this ModelDeployment as the owner of a ControllerRevision without an owner."""

    revision: int

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write(
            f"the owner reference of the ControllerRevision of revision {self.revision}",
            f"owner of revision {self.revision}",
        )


@dataclass(frozen=True, slots=True)
class AdoptWorkload:
    """Set this ModelDeployment as the owner of a Deployment without an owner; nothing else of it is changed.

    `expected` is the precondition: this uid and resourceVersion.
    """

    expected: Workload

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write("the owner reference of the Deployment", f"owner of {self.expected.uid}")


@dataclass(frozen=True, slots=True)
class ApplyService:
    """Apply the Service by server-side apply.

    `expected` is the precondition: this uid and resourceVersion; None: no Service of this name may exist.
    """

    manifest: Json
    expected: ServiceSeen | None

    @property
    def write(self) -> Write:
        """What this action writes."""
        what = f"Service {self.manifest['metadata']['name']}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class DeleteService:
    """Delete a Service that the spec no longer asks for."""

    expected: ServiceSeen

    @property
    def write(self) -> Write:
        """What this action writes."""
        what = f"the deletion of Service {self.expected.name}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class PrepareAdoption:
    """Compare the pod template of an existing Deployment with the one of the manifest, and keep its manifest.

    `expected` is the precondition: this uid and resourceVersion. The Deployment is not changed. The API server checks
    the manifest in a dry run, so that nothing is taken over that could not be created afterwards.
    """

    expected: Workload
    manifest: Json
    since: datetime
    """The time of this pass, for `status.adoption`."""

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write("the Deployment that replaces the existing one", f"adoption of {self.expected.uid}")


@dataclass(frozen=True, slots=True)
class ReleaseReplicaSets:
    """Delete an existing Deployment and let its ReplicaSets and pods stay.

    `expected` is the precondition: this uid and resourceVersion.
    """

    expected: Workload

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write("the deletion of the existing Deployment", f"deletion of {self.expected.uid}")


@dataclass(frozen=True, slots=True)
class LabelReplicaSets:
    """Add the operator's labels to the ReplicaSets and pods of a Deployment that is deleted, if nobody owns them."""

    adoption: Adoption
    manifest: Json
    """The Deployment that is to own them."""

    @property
    def write(self) -> Write:
        """What this action writes."""
        return Write("the labels of the existing ReplicaSets and pods", f"labels of {self.adoption.uid}")


@dataclass(frozen=True, slots=True)
class MirrorQuarantine:
    """Replace the list `status.quarantinedBy` of a ModelVersion, including the entries of other ModelDeployments."""

    version: Version
    quarantined_by: tuple[QuarantinedBy, ...]

    @property
    def write(self) -> Write:
        """What this action writes."""
        what = f"status.quarantinedBy of ModelVersion {self.version.name}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class MarkRevision:
    """Write the progress annotation of a ControllerRevision, from which a lost status is rebuilt."""

    entry: HistoryEntry

    @property
    def write(self) -> Write:
        """What this action writes."""
        what = f"the annotation pennant.dev/progress of the ControllerRevision of revision {self.entry.revision}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class PruneRevision:
    """Delete a ControllerRevision whose entry is no longer in the history, or that is older and must not be used."""

    revision: int

    @property
    def write(self) -> Write:
        """What this action writes."""
        what = f"the deletion of the ControllerRevision of revision {self.revision}"
        return Write(what, what)


Copying = MirrorQuarantine | MarkRevision | PruneRevision | ApplyService | DeleteService
"""Copies of the status on other objects, and the Service. If one is refused, all other writes are still made."""
Adopting = AdoptRevision | AdoptWorkload
"""Writes that set the owner of an object; they are made before anything else is decided."""
TakingOver = PrepareAdoption | ReleaseReplicaSets | LabelReplicaSets
"""Writes that take over an existing Deployment, in this order."""
Deciding = CreateRevision | ApplyWorkload | DryRunWorkload | Adopting | TakingOver
"""Writes that the next ones depend on. If one is refused, `decide` is called again with that refusal."""
Action = Deciding | Copying


class EventType(StrEnum):
    """The two types of Kubernetes Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event on the ModelDeployment or ModelVersion."""

    type: EventType
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Writes in order, then the status, then Events. If anything was written, another pass follows."""

    status: ModelDeploymentStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    look_again_at: datetime | None = None
    """When the decision may change without any change of an object; None: never."""
    is_steady: bool = False
    """Whether checks of the metrics that all pass change nothing, so that they need no pass."""
    steady_until: datetime | None = None
    """When the decision may change although no object changes and all checks pass; None: never."""
