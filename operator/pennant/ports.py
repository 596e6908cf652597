"""The protocols that the controller is written against, and the errors that their implementations raise."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from pennant.api.adoption import Adoption
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.decision import ApplyService, ApplyWorkload, Event, MirrorQuarantine, PrepareAdoption
from pennant.core.facts.measurement import Answer, Request
from pennant.core.facts.observation import Key, Revision, Snapshot, Workload
from pennant.core.facts.pods import Pods
from pennant.core.facts.service import ServiceSeen
from pennant.core.versions.retention import DeploymentFact, Verdict, VersionFact
from pennant.core.versions.status import VersionSeen


class PortError(Exception):
    """Base class of all errors of a port."""


class Unavailable(PortError):
    """The server does not answer, or answers with an error of its own; retry later.

    A write may or may not have taken effect.
    """

    retry_after_seconds: float = 0.0
    """Seconds that the server asks to wait before the next request (`Retry-After`); 0: it names none."""


class Partial(Unavailable):
    """The server says that its answer is incomplete."""


class Conflict(PortError):
    """A precondition does not hold, because the object has changed; read it again and decide again."""


class Ending(Conflict):
    """The object or namespace in the way is being deleted, which may take long."""


class Refused(PortError):
    """The server understood the request and rejected it; the same request will be rejected again."""


class NotPermitted(Refused):
    """The operator's configuration does not permit the request; it was not sent."""


class AdmissionFailed(Refused):
    """An admission webhook that must approve the write cannot be called; it may be back at any moment."""


class Altered(Refused):
    """The write succeeded, and what is stored differs from what was sent; the message names the field."""


class Cluster(Protocol):
    """The objects of one ModelDeployment on the API server.

    Every write has a precondition. It raises `Conflict` where that does not hold, `Refused` where the API server
    rejects the write, and `Unavailable` where its result is unknown. A snapshot is never older than the last write
    through this port.
    """

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return all objects of a ModelDeployment; None where it does not exist. Raises `Unavailable`."""
        ...

    async def pods(self, owner: Snapshot, template_hash: str) -> Pods:
        """Return the pods whose label `pennant.dev/template-hash` has this value, and their ReplicaSet.

        Raises `Unavailable`.
        """
        ...

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        """Create the ControllerRevision; raises `Conflict` where its name is in use."""
        ...

    async def adopt_revision(self, owner: Snapshot, revision: int) -> None:
        """Make the ModelDeployment the owner of a ControllerRevision whose owner does not exist."""
        ...

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        """Write the progress of a revision into the annotation of its ControllerRevision; its data never change."""
        ...

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        """Delete the ControllerRevision; one that does not exist is no error."""
        ...

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        """Apply the Deployment and return what is stored; raises `Altered` where that differs from the manifest."""
        ...

    async def dry_run_workload(self, owner: Snapshot, action: ApplyWorkload, *, beside: bool = False) -> None:
        """Ask whether this write of the Deployment would be accepted, and raise as it would; nothing is stored.

        `beside` another Deployment that has its name, it is tried under a generated one.
        """
        ...

    async def adopt_workload(self, owner: Snapshot, seen: Workload) -> None:
        """Make the ModelDeployment the owner of this Deployment, whose owner does not exist."""
        ...

    async def apply_service(self, owner: Snapshot, action: ApplyService) -> None:
        """Apply the Service; raises `Refused` where one of this name does not belong to the ModelDeployment."""
        ...

    async def delete_service(self, owner: Snapshot, seen: ServiceSeen) -> None:
        """Delete a Service; one that does not exist is no error."""
        ...

    async def prepare_adoption(self, owner: Snapshot, action: PrepareAdoption) -> Adoption:
        """Keep the manifest of an existing Deployment, and return whether taking it over replaces its pods.

        The Deployment stays as it is. Raises `Refused` where the API server would refuse the one that replaces it.
        """
        ...

    async def release_replica_sets(self, owner: Snapshot, seen: Workload) -> None:
        """Delete this Deployment; its ReplicaSets and pods stay. One that does not exist is no error."""
        ...

    async def label_replica_sets(self, owner: Snapshot, adoption: Adoption, manifest: Json) -> None:
        """Add the operator's labels to the ReplicaSets of a released Deployment, and to the pods of the serving one.

        What has another owner by now stays as it is. Raises `Conflict` while they still belong to that Deployment.
        """
        ...

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        """Replace the status of the ModelDeployment."""
        ...

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        """Replace `status.quarantinedBy` of the ModelVersion."""
        ...

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        """Record a Kubernetes Event on the ModelDeployment; raises nothing, an Event may be lost."""
        ...


class Versions(Protocol):
    """The status of one ModelVersion on the API server.

    The write has a precondition and raises as those of `Cluster` do. `version` is never older than the last write of
    the status through this port.
    """

    async def version(self, key: Key) -> VersionSeen | None:
        """Return a ModelVersion with all that its status depends on; None where it does not exist."""
        ...

    async def write_status(self, seen: VersionSeen, status: ModelVersionStatus) -> None:
        """Replace the status of the ModelVersion, except `quarantinedBy`, which ModelDeployments write."""
        ...

    async def record_event(self, seen: VersionSeen, event: Event) -> None:
        """Record a Kubernetes Event on the ModelVersion; raises nothing, an Event may be lost."""
        ...


class Archive(Protocol):
    """A place outside of the cluster that keeps what was recorded.

    A call that returns has made its document durable. A document that is there already is no error. Each raises
    `Unavailable` and `Refused`.
    """

    async def add_revision(self, owner: Snapshot, entry: HistoryEntry, deleted_at: datetime | None = None) -> None:
        """Write a revision as it is in the status, or as it was when the ModelDeployment was deleted."""
        ...

    async def add_version(self, raw: Json) -> None:
        """Write a ModelVersion as it is stored."""
        ...

    async def try_to_write(self) -> None:
        """Raise as the other calls where the archive cannot be written."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Retained(Protocol):
    """The ModelVersions of all models, for retention. `read` and `delete` raise as the methods of `Cluster`."""

    def models(self) -> Iterable[tuple[str, str]]:
        """Return the namespace and the name of each model that has a ModelDeployment."""
        ...

    def deployments(self, model: tuple[str, str]) -> tuple[DeploymentFact, ...]:
        """Return what is known of the ModelDeployments of a model."""
        ...

    def versions(self, model: tuple[str, str], now: datetime) -> tuple[VersionFact, ...]:
        """Return what is known of the ModelVersions of a model."""
        ...

    def version(self, key: Key, now: datetime) -> VersionFact | None:
        """Return what is known of one ModelVersion; None where it does not exist."""
        ...

    def publish(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Have the condition `Expired` written; a version without a verdict has none."""
        ...

    async def read(self, version: VersionFact) -> Json | None:
        """Return a ModelVersion as it is stored; None where it does not exist. Raises `Conflict` where it changed."""
        ...

    async def delete(self, version: VersionFact) -> None:
        """Delete a ModelVersion in this state; raises `Conflict` where it changed."""
        ...


class MetricSource(Protocol):
    """One configured server that answers requests for metrics, of one type or several."""

    async def answer(self, request: Request) -> Answer:
        """Return the answer, of the type that belongs to that of the request.

        Raises `Unavailable` where there is none, `Partial` where it is not the whole of it, and `Refused` where the
        server refuses the request, or this type of source answers no such requests.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections; what is under way is cancelled."""
        ...


MetricSources = Mapping[str, MetricSource]


class Clock(Protocol):
    """The current time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds, which is what a status stores."""
        ...
