"""Creates the object of a version in the cluster. It replaces none.

Rule: R201.
"""

from collections.abc import Mapping

from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Ending


async def created(client: Client, namespace: str, document: Json, params: Mapping[str, str]) -> tuple[Json, bool]:
    """Return the object of a version, and whether this call created it: of two writers, the second one did not.

    Raises `Conflict` where the namespace does not exist or ends, or the object was deleted a moment ago.
    """
    path = RESOURCES[Kind.MODEL_VERSION].path(namespace)
    try:
        return await client.request(ApiVerb.CREATE, Kind.MODEL_VERSION, path, params=params, body=document), True
    except Ending:
        raise
    except Conflict:
        there = await client.get(Kind.MODEL_VERSION, namespace, str(document["metadata"]["name"]))
        if there is None:
            raise
        return there, False
