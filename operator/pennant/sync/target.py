"""Where versions go: each becomes an object in the cluster, which is never replaced.

Rule: R201.
"""

from collections.abc import Mapping

from pennant.api.meta import Json
from pennant.kube.http.client import Client
from pennant.registries.creation import created
from pennant.registries.importing import Outcome, Telling, same
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
        """Create the object, or compare the one that another writer created first."""
        namespace, params = self._versions.namespace, {"fieldManager": self._manager}
        raw, is_new = await created(self._client, namespace, document, params)
        where = f"{document['metadata']['name']} in the cluster"
        outcome = Outcome.IMPORTED if is_new else same(document, raw, where, self._telling)
        self._versions.add(raw)
        return outcome
