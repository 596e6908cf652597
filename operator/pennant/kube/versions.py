"""The port `Versions` on a real API server: ModelVersions from the cache, and the write of their status.

Rule: R16.
"""

from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Key
from pennant.core.versions.status import VersionSeen
from pennant.kube.cache.listing import refresh
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.cache.version_index import OWN, REMEMBERED
from pennant.kube.events import Events, Regarding
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Unavailable

KIND = Kind.MODEL_VERSION


class KubernetesVersions:
    """Implements `ports.Versions`."""

    def __init__(self, client: Client, cache: ReadThroughCache, events: Events) -> None:
        """Share `cache` and `events` with `KubernetesCluster`."""
        self._client = client
        self._cache = cache
        self._store = cache.store
        self._events = events

    async def version(self, key: Key) -> VersionSeen | None:
        """Return a ModelVersion with its parent and its serving periods; None where it does not exist."""
        await self._cache.ensure_versions(key.namespace)
        return self._store.versions.seen(key)

    async def write_status(self, seen: VersionSeen, status: ModelVersionStatus) -> None:
        """Replace the fields of the status that the version's own controller writes (`OWN`).

        `quarantinedBy` belongs to ModelDeployments and is left as it is, and so is a `servedBy` that cannot be read.
        """
        whole, kept = status.to_json(), REMEMBERED if seen.unreadable else frozenset()
        body = {
            "metadata": {"uid": seen.uid, "resourceVersion": seen.resource_version},
            # A merge patch removes the fields that are null.
            "status": {name: whole.get(name) for name in OWN if name not in kept},
        }
        path = RESOURCES[KIND].path(seen.key.namespace, seen.key.name, "status")
        self._store.versions.expect(seen.key, {name: whole[name] for name in OWN if name in whole})
        try:
            raw = await self._client.request(ApiVerb.PATCH, KIND, path, body=body, content_type=MERGE)
        except (Conflict, Unavailable):
            await refresh(self._client, self._store, KIND, seen.key)
            raise
        self._store.update(KIND, None, raw)

    async def record_event(self, seen: VersionSeen, event: Event) -> None:
        """Create a Kubernetes Event on the ModelVersion; a failure is logged."""
        await self._events.record(Regarding(KIND, seen.key, seen.uid, seen.resource_version), event)
