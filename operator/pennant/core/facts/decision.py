"""What `decide` answers with: ordered writes, the whole status, and when to look again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.observation import Revision, Version, Workload


@dataclass(frozen=True, slots=True)
class Write:
    """A write, so that it can be told of; when one on which the next ones rest is refused, a person has to act."""

    what: str
    """In words."""
    content: str
    """By which it is known again in the next pass."""


@dataclass(frozen=True, slots=True)
class CreateRevision:
    """Create the ControllerRevision `<name>-<revision>`; creation by name is atomic."""

    revision: Revision

    @property
    def write(self) -> Write:
        """What this writes."""
        entry = self.revision.entry
        return Write(f"ControllerRevision {entry.revision}", f"revision of {entry.template_hash}")


@dataclass(frozen=True, slots=True)
class ApplyWorkload:
    """Apply the Deployment by server-side apply.

    `expected` is the precondition: exactly this Deployment, or none (then nothing may be taken over).
    """

    manifest: Json
    manifest_hash: str
    expected: Workload | None
    revision: int = 0
    """The revision that the manifest serves."""
    template: Json | None = None
    """The pod template, where it has to be replaced whole: an apply alone would leave what others own of it too."""
    restarted_at: str | None = None
    """The restart annotation that the pods get by this write; None: it leaves the one that they have."""

    @property
    def write(self) -> Write:
        """What this writes."""
        return Write("the Deployment", self.manifest_hash)


@dataclass(frozen=True, slots=True)
class AdoptRevision:
    """Make a ControllerRevision that belongs to nobody belong to this ModelDeployment."""

    revision: int

    @property
    def write(self) -> Write:
        """What this writes."""
        return Write(
            f"the owner reference of the ControllerRevision of revision {self.revision}",
            f"owner of revision {self.revision}",
        )


@dataclass(frozen=True, slots=True)
class AdoptWorkload:
    """Make a Deployment that belongs to nobody belong to this ModelDeployment; nothing else of it is changed.

    `expected` is the precondition: exactly this Deployment.
    """

    expected: Workload

    @property
    def write(self) -> Write:
        """What this writes."""
        return Write("the owner reference of the Deployment", f"owner of {self.expected.uid}")


@dataclass(frozen=True, slots=True)
class MirrorQuarantine:
    """Write `status.quarantinedBy` of a ModelVersion, whole."""

    version: Version
    quarantined_by: tuple[QuarantinedBy, ...]

    @property
    def write(self) -> Write:
        """What this writes."""
        what = f"status.quarantinedBy of ModelVersion {self.version.name}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class MarkRevision:
    """Note the progress of a revision on its ControllerRevision, from which a lost status is rebuilt."""

    entry: HistoryEntry

    @property
    def write(self) -> Write:
        """What this writes."""
        what = f"the annotation pennant.dev/progress of the ControllerRevision of revision {self.entry.revision}"
        return Write(what, what)


@dataclass(frozen=True, slots=True)
class PruneRevision:
    """Delete the ControllerRevision of a revision that is beyond `historyLimit`."""

    revision: int

    @property
    def write(self) -> Write:
        """What this writes."""
        what = f"the deletion of the ControllerRevision of revision {self.revision}"
        return Write(what, what)


Copying = MirrorQuarantine | MarkRevision | PruneRevision
"""What only repeats elsewhere what the status says; when it is refused, everything else goes on."""
Adopting = AdoptRevision | AdoptWorkload
"""What comes before all else: it makes ours what was ours."""
Deciding = CreateRevision | ApplyWorkload | Adopting
"""Writes on which the next ones rest: where one is not taken, another decision follows."""
Action = Deciding | Copying


class EventType(StrEnum):
    """Kubernetes knows two types of events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Event:
    """A transition that is worth an Event on the ModelDeployment."""

    type: EventType
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The writes in order, then the status, then the events; `decide` is asked again if any was made."""

    status: ModelDeploymentStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    look_again_at: datetime | None = None
    """When time alone can change the decision; None: never."""
