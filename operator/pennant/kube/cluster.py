"""The port `Cluster` on a real API server: snapshots from a read-through cache, writes with preconditions.

The response of a write is in the store before the call returns, so no later snapshot is older than the write. Where a
write conflicts, or may or may not have taken effect, the next snapshot makes quorum reads.

Rule: R16.
Rule: R95.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pennant.api import API_VERSION
from pennant.api.adoption import Adoption
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyService, ApplyWorkload, Event, MirrorQuarantine, PrepareAdoption
from pennant.core.facts.observation import Key, Revision, Snapshot, Workload
from pennant.core.facts.pods import Pods
from pennant.core.facts.service import ServiceSeen
from pennant.core.rollout import short_history
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, TEMPLATE_HASH_LABEL
from pennant.core.workload import deployment_manifest
from pennant.kube.adoption import Adopter
from pennant.kube.cache.listing import refresh
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.codec import encode
from pennant.kube.codec.pods import pods, replica_set_of
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION, decode_revision, revision_name
from pennant.kube.deployment_writer import DeploymentWriter
from pennant.kube.events import Events, Regarding
from pennant.kube.http import writes
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.errors import Missing
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.service_writer import ServiceWriter
from pennant.ports import Conflict, Ending, PortError, Refused, Unavailable

_log = logging.getLogger(__name__)


class KubernetesCluster:
    """Implements `ports.Cluster`."""

    def __init__(self, client: Client, cache: ReadThroughCache, events: Events) -> None:
        """Share `cache` and `events` with `KubernetesVersions`."""
        self._client = client
        self._cache = cache
        self._store = cache.store
        self._events = events
        self._deployments = DeploymentWriter(client, cache.store)
        self._services = ServiceWriter(client, cache.store)
        self._adopter = Adopter(client, self._deployments.tried_beside)

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it; None where it does not exist."""
        return await self._cache.snapshot(key)

    async def pods(self, owner: Snapshot, template_hash: str) -> Pods:
        """Return the pods whose label `pennant.dev/template-hash` has this value, and their ReplicaSet.

        Both are quorum reads. The pods are read last: what they show is never older than what their ReplicaSet counts.
        """
        if owner.workload is None:
            return Pods(template_hash, None)
        selector = f"{DEPLOYMENT_LABEL}={owner.key.name},{TEMPLATE_HASH_LABEL}={template_hash}"
        sets = await self._client.all_of(Kind.REPLICA_SET, owner.key.namespace, labelSelector=selector)
        found = await self._client.all_of(Kind.POD, owner.key.namespace, labelSelector=selector)
        return pods(template_hash, replica_set_of(sets, owner.workload.uid), found)

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        """Create the ControllerRevision; `Conflict` where the name is taken."""
        kind, path = Kind.CONTROLLER_REVISION, RESOURCES[Kind.CONTROLLER_REVISION].path(owner.key.namespace)
        body = encode.controller_revision(owner, revision)
        with self._stale_on_failure(owner.key):
            try:
                raw = await self._client.request(ApiVerb.CREATE, kind, path, body=body)
            except Conflict as error:
                if await self._cache.name_is_freed(owner, revision.entry.revision):
                    raise Ending(str(error)) from error
                raise
        if (created := decode_revision(raw)) is None:
            # Left in place, it would make each pass create another one, with the next number.
            name = raw["metadata"]["name"]
            with suppress(PortError):
                await self._delete(owner, name, writes.State.of(raw))
            raise Refused(f"ControllerRevision {name} was changed by admission, and cannot be read as a revision")
        self._store.revisions.add(owner.uid, created)
        # The newest hash covers all revisions before it. In an append-only log it is evidence.
        entry = created.revision.entry
        fields = {"key": owner.key, "revision": entry.revision, "hash": entry.hash}
        _log.info("Revision recorded", extra=fields)

    async def adopt_revision(self, owner: Snapshot, revision: int) -> None:
        """Make the ModelDeployment the owner of a ControllerRevision that has no living owner."""
        known = self._store.revisions.find(owner.uid, revision)
        if known is None:
            raise Conflict(f"revision {revision} is not known")
        name = revision_name(owner.key, revision)
        with self._stale_on_failure(owner.key):
            raw = await self._adopt(owner, Kind.CONTROLLER_REVISION, name, known.uid, known.resource_version)
        if (adopted := decode_revision(raw)) is not None:
            self._store.revisions.add(owner.uid, adopted)

    async def adopt_workload(self, owner: Snapshot, seen: Workload) -> None:
        """Make the ModelDeployment the owner of this Deployment, which has no living owner."""
        with self._stale_on_failure(owner.key):
            raw = await self._adopt(owner, Kind.DEPLOYMENT, owner.key.name, seen.uid, seen.resource_version)
        self._store.update(Kind.DEPLOYMENT, None, raw, by=owner.key)

    async def prepare_adoption(self, owner: Snapshot, action: PrepareAdoption) -> Adoption:
        """Keep the manifest of an existing Deployment, and return whether taking it over replaces its pods."""
        with self._stale_on_failure(owner.key):
            return await self._adopter.prepare(owner, action)

    async def release_replica_sets(self, owner: Snapshot, seen: Workload) -> None:
        """Delete this Deployment; its ReplicaSets and pods stay."""
        with self._stale_on_failure(owner.key):
            await self._adopter.release(owner, seen)
        await refresh(self._client, self._store, Kind.DEPLOYMENT, owner.key, by=owner.key)

    async def label_replica_sets(self, owner: Snapshot, adoption: Adoption, manifest: Json) -> None:
        """Add the operator's labels to the ReplicaSets of a released Deployment, and to the pods of the serving one."""
        await self._adopter.label(owner, adoption, manifest)

    async def _adopt(self, owner: Snapshot, kind: Kind, name: str, uid: str, resource_version: str) -> Json:
        """Replace the owner references of an object; it has none, or only one of a deleted owner."""
        references = [deployment_manifest.owner_reference(owner)]
        body = {"metadata": {"uid": uid, "resourceVersion": resource_version, "ownerReferences": references}}
        path = RESOURCES[kind].path(owner.key.namespace, name)
        try:
            return await self._client.request(ApiVerb.PATCH, kind, path, body=body, content_type=MERGE)
        except Missing as error:
            # The garbage collector was faster.
            raise Conflict(str(error)) from error

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        """Write the progress of a revision into the annotation of its ControllerRevision."""
        kind = Kind.CONTROLLER_REVISION
        known = self._store.revisions.find(owner.uid, entry.revision)
        if known is None:
            raise Conflict(f"revision {entry.revision} is not known")
        annotations = {PROGRESS_ANNOTATION: encode.progress(entry)}
        metadata = {"uid": known.uid, "resourceVersion": known.resource_version, "annotations": annotations}
        path = RESOURCES[kind].path(owner.key.namespace, revision_name(owner.key, entry.revision))
        with self._stale_on_failure(owner.key):
            try:
                body = {"metadata": metadata}
                raw = await self._client.request(ApiVerb.PATCH, kind, path, body=body, content_type=MERGE)
            except Missing as error:
                raise Conflict(str(error)) from error
        if (marked := decode_revision(raw)) is not None:
            self._store.revisions.add(owner.uid, marked)

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        """Delete the ControllerRevision; no error where it is already deleted."""
        known = self._store.revisions.find(owner.uid, revision)
        if known is None:
            return
        name = revision_name(owner.key, revision)
        with self._stale_on_failure(owner.key):
            await self._delete(owner, name, known)
        self._store.revisions.remove(owner.uid, revision)

    async def _delete(self, owner: Snapshot, name: str, seen: writes.Seen) -> None:
        """Delete a ControllerRevision if it is still in this state; `Conflict` where it is not."""
        if not await writes.delete(self._client, Kind.CONTROLLER_REVISION, owner.key.namespace, name, seen):
            _log.debug("%s is already deleted", name)

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        """Apply the Deployment and return it as it is stored; `Altered` where that differs from the manifest."""
        with self._stale_on_failure(owner.key):
            return await self._deployments.write(owner, action)

    async def dry_run_workload(self, owner: Snapshot, action: ApplyWorkload, *, beside: bool = False) -> None:
        """Ask whether this write of the Deployment would be accepted; raises `Refused` with the reason if not."""
        with self._stale_on_failure(owner.key):
            if beside:
                await self._deployments.tried_beside(owner, action.manifest)
            else:
                await self._deployments.dry_run(owner, action)

    async def apply_service(self, owner: Snapshot, action: ApplyService) -> None:
        """Apply the Service; `Refused` where one of this name does not belong to the ModelDeployment."""
        with self._stale_on_failure(owner.key):
            await self._services.apply(owner, action)

    async def delete_service(self, owner: Snapshot, seen: ServiceSeen) -> None:
        """Delete a Service; no error where it is already deleted."""
        with self._stale_on_failure(owner.key):
            await self._services.delete(owner, seen)

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        """Replace the status of the ModelDeployment; `status` has the whole history, and is stored with a short one."""
        kind = Kind.MODEL_DEPLOYMENT
        short = short_history.to_store(owner, status)
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {
                "name": owner.key.name,
                "namespace": owner.key.namespace,
                "uid": owner.uid,
                "resourceVersion": owner.resource_version,
            },
            "status": encode.status_to_write(owner, short),
        }
        path = RESOURCES[kind].path(owner.key.namespace, owner.key.name, "status")
        self._store.expect(owner.key, short)
        with self._stale_on_failure(owner.key):
            raw = await self._client.request(ApiVerb.UPDATE, kind, path, body=body)
        self._store.update(kind, None, raw, by=owner.key)

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        """Replace `status.quarantinedBy` of the ModelVersion."""
        kind, version = Kind.MODEL_VERSION, action.version
        body = {
            "metadata": {"uid": version.uid, "resourceVersion": version.resource_version},
            "status": {"quarantinedBy": [each.to_json() for each in action.quarantined_by]},
        }
        path = RESOURCES[kind].path(owner.key.namespace, version.name, "status")
        try:
            raw = await self._client.request(ApiVerb.PATCH, kind, path, body=body, content_type=MERGE)
        except (Conflict, Unavailable):
            await refresh(self._client, self._store, kind, Key(owner.key.namespace, version.name), by=owner.key)
            raise
        self._store.update(kind, None, raw, by=owner.key)

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        """Create a Kubernetes Event on the ModelDeployment; a failure is logged."""
        regarding = Regarding(Kind.MODEL_DEPLOYMENT, owner.key, owner.uid, owner.resource_version)
        await self._events.record(regarding, event)

    @contextmanager
    def _stale_on_failure(self, key: Key) -> Iterator[None]:
        """Mark the ModelDeployment stale where a write conflicts, or may or may not have taken effect."""
        try:
            yield
        except (Conflict, Unavailable):
            self._store.mark_stale(key)
            raise
