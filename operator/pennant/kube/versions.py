"""The port `Versions` on a real API server: records from the store, one write with a precondition.

Rule: R16.
"""

from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Key
from pennant.core.versions.status import VersionSeen
from pennant.kube.cache.listing import refresh
from pennant.kube.cache.store import Store
from pennant.kube.cache.version_index import OWN, REMEMBERED
from pennant.kube.cluster import KubernetesCluster
from pennant.kube.events import Regarding, record
from pennant.kube.http.client import MERGE, Client, Verb
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Clock, Conflict, Unavailable

KIND = Kind.MODEL_VERSION


class KubernetesVersions:
    """Implements `ports.Versions`."""

    def __init__(self, client: Client, store: Store, clock: Clock, gateway: KubernetesCluster) -> None:
        """Share with `gateway` what is known, and the name that Events report this process by."""
        self._client, self._store, self._clock = client, store, clock
        self._gateway = gateway

    async def version(self, key: Key) -> VersionSeen | None:
        """Return what is known; None where the ModelVersion does not exist."""
        await self._gateway.know_versions(key.namespace)
        return self._store.records.seen(key)

    async def write_status(self, seen: VersionSeen, status: ModelVersionStatus) -> None:
        """Replace the status of the ModelVersion, but for `quarantinedBy`: that is not ours, and not named.

        Nor is what cannot be read.
        """
        whole, kept = status.to_json(), REMEMBERED if seen.unreadable else frozenset()
        body = {
            "metadata": {"uid": seen.uid, "resourceVersion": seen.resource_version},
            # What is null is taken away.
            "status": {name: whole.get(name) for name in OWN if name not in kept},
        }
        path = RESOURCES[KIND].path(seen.key.namespace, seen.key.name, "status")
        self._store.records.sending(seen.key, {name: whole[name] for name in OWN if name in whole})
        try:
            raw = await self._client.request(Verb.PATCH, KIND, path, body=body, content_type=MERGE)
        except (Conflict, Unavailable):
            await refresh(self._client, self._store, KIND, seen.key)
            raise
        self._store.heard(KIND, None, raw)

    async def record_event(self, seen: VersionSeen, event: Event) -> None:
        """Record a Kubernetes Event on the ModelVersion."""
        regarding = Regarding(KIND, seen.key, seen.uid, seen.resource_version)
        await record(self._client, regarding, event, self._clock.now(), self._gateway.instance)
