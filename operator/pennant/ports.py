"""What the controller needs of the world, and the errors that it may raise."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.decision import ApplyWorkload, Event, MirrorQuarantine
from pennant.core.facts.measurement import Alerts, RangeQuery, Series
from pennant.core.facts.observation import Key, Revision, Snapshot, Workload
from pennant.core.facts.pods import Pods
from pennant.core.versions.status import VersionSeen


class PortError(Exception):
    """Anything that a port may raise."""


class Unavailable(PortError):
    """The other side does not answer, or answers with an error of its own; try again later.

    A write may or may not have taken effect.
    """


class Partial(Unavailable):
    """The other side says that its answer is not the whole of it."""


class Conflict(PortError):
    """A precondition does not hold: the world has moved on. Look again and decide anew."""


class Ending(Conflict):
    """What is in the way is about to go, such as an object of a predecessor or a namespace; that may take long."""


class Refused(PortError):
    """The other side understood and said no; the same request will be refused again."""


class AdmissionFailed(Refused):
    """What must agree to the write cannot be asked; it may answer again at any moment."""


class Altered(Refused):
    """The write was made, and what is stored is not what was asked for; the message names the field."""


class SourceUnknown(PortError):
    """No metric source of this name is configured."""


class Cluster(Protocol):
    """The API server, as far as one ModelDeployment is concerned.

    Every write carries a precondition and raises `Conflict` where it does not hold, `Refused` where the API server
    says no, and `Unavailable` where nobody knows. A snapshot is never older than the last write through this port.
    """

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return what is known; None where the ModelDeployment does not exist."""
        ...

    async def pods(self, owner: Snapshot, template_hash: str) -> Pods:
        """Return the pods whose label `pennant.dev/template-hash` has this value, and their ReplicaSet."""
        ...

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        """Create the ControllerRevision; `Conflict` where the name is taken."""
        ...

    async def adopt_revision(self, owner: Snapshot, revision: int) -> None:
        """Make the ModelDeployment the owner of a ControllerRevision that belongs to no object that is there."""
        ...

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        """Note the progress of a revision on its ControllerRevision, which is otherwise never changed."""
        ...

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        """Delete the ControllerRevision; one that is already gone is no error."""
        ...

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        """Apply the Deployment and return it as it is now; `Altered` where it is not what was asked for."""
        ...

    async def adopt_workload(self, owner: Snapshot, seen: Workload) -> None:
        """Make the ModelDeployment the owner of this Deployment, which belongs to no object that is there."""
        ...

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        """Replace the status of the ModelDeployment."""
        ...

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        """Replace `status.quarantinedBy` of the ModelVersion."""
        ...

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        """Record a Kubernetes Event on the ModelDeployment."""
        ...


class Versions(Protocol):
    """The API server, as far as the status of one ModelVersion is concerned.

    The write carries a precondition, and raises as those of `Cluster` do. What is seen of a version is never older than
    the last write of its status through this port.
    """

    async def version(self, key: Key) -> VersionSeen | None:
        """Return what is known; None where the ModelVersion does not exist."""
        ...

    async def write_status(self, seen: VersionSeen, status: ModelVersionStatus) -> None:
        """Replace the status of the ModelVersion, and leave `quarantinedBy` as it is, which others write."""
        ...

    async def record_event(self, seen: VersionSeen, event: Event) -> None:
        """Record a Kubernetes Event on the ModelVersion."""
        ...


class MetricSource(Protocol):
    """One Prometheus-compatible server."""

    async def query_range(self, request: RangeQuery) -> Series:
        """Return the series; `Unavailable` or `Refused` where there is none, `Partial` where they are not all."""
        ...

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        """Return all alerts of these names that fire now; raises as `query_range` does where nobody knows.

        A name of which alone nobody knows is in `unanswered`.
        """
        ...

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        """Return which of these names no alerting rule has; None where the server does not tell."""
        ...


MetricSources = Mapping[str, MetricSource]


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds: what a status can hold."""
        ...
