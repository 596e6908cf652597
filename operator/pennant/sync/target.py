"""Where versions go: each becomes an object in the cluster, which is never replaced.

Rule: R201.
"""

from collections.abc import Mapping

from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Ending
from pennant.registries.importing import Outcome, Telling, same
from pennant.registries.protocol import RegistryError
from pennant.sync.versions import Versions


class Cluster:
    """Creates versions in the namespace of `versions`. Implements `Target`."""

    def __init__(self, client: Client, versions: Versions, manager: str, telling: Telling) -> None:
        """Write in the name of a field manager."""
        self._client, self._versions, self._manager, self._telling = client, versions, manager, telling

    async def tags(self, model: str) -> Mapping[str, str]:
        """Return nothing: no new version has a tag."""
        return {}

    async def put(self, document: Json) -> Outcome:
        """Create the object. Of two writers of the same version, the second one finds the object of the first."""
        name, namespace = str(document["metadata"]["name"]), self._versions.namespace
        path, params = RESOURCES[Kind.MODEL_VERSION].path(namespace), {"fieldManager": self._manager}
        try:
            raw = await self._client.request(ApiVerb.CREATE, Kind.MODEL_VERSION, path, params=params, body=document)
        except Ending:
            raise
        except Conflict:
            there = await self._client.get(Kind.MODEL_VERSION, namespace, name)
            if there is None:
                # The object was deleted a moment ago, or the namespace does not exist.
                raise
            if "deletionTimestamp" in there["metadata"]:
                raise RegistryError(
                    f"{name} is being deleted in the cluster; it is imported when that is done"
                ) from None
            outcome = same(document, there, f"{name} in the cluster", self._telling)
            self._versions.add(there)
            return outcome
        self._versions.add(raw)
        return Outcome.IMPORTED
