"""Writes that the API server makes only if an object is still as it was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from pennant.api.meta import Json
from pennant.kube.http.client import APPLY, JSON_PATCH, ApiVerb, Client
from pennant.kube.http.errors import Missing
from pennant.kube.http.resources import RESOURCES, Kind

NO_OBJECT = "1"
"""A resourceVersion that no object has, because etcd's first revision is empty. An apply with it creates the object, or
conflicts with whatever exists. Without it, an apply whose fields all agree would take over another's object."""


class Seen(Protocol):
    """The state of an object that was seen."""

    @property
    def uid(self) -> str:
        """Its `metadata.uid`."""
        ...

    @property
    def resource_version(self) -> str:
        """Its `metadata.resourceVersion`."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """The state of an object that was seen, by its JSON."""

    uid: str
    resource_version: str

    @classmethod
    def of(cls, raw: Json) -> Self:
        """Return the state of an object in JSON."""
        return cls(raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])


async def apply(client: Client, kind: Kind, manifest: Json, seen: Seen | None, **options: str) -> Json:
    """Apply a manifest to the object that was seen, or create it where none was; return the object.

    `options` are parameters of the request. Raises as `Client.request` does.
    """
    precondition = {"resourceVersion": NO_OBJECT} if seen is None else _precondition(seen)
    metadata = {**manifest["metadata"], **precondition}
    return await client.request(
        ApiVerb.PATCH,
        kind,
        RESOURCES[kind].path(metadata["namespace"], metadata["name"]),
        params={"force": "false" if seen is None else "true", **options},
        body={**manifest, "metadata": metadata},
        content_type=APPLY,
    )


async def patch(
    client: Client, kind: Kind, namespace: str, name: str, seen: Seen, operations: Sequence[Json], **options: str
) -> Json:
    """Make the operations of a JSON patch, and return the object; `options` are as in `apply`."""
    tests = [{"op": "replace", "path": f"/metadata/{field}", "value": v} for field, v in _precondition(seen).items()]
    path, body = RESOURCES[kind].path(namespace, name), [*tests, *operations]
    return await client.request(ApiVerb.PATCH, kind, path, params=options, body=body, content_type=JSON_PATCH)


async def delete(client: Client, kind: Kind, namespace: str, name: str, seen: Seen, **options: str) -> bool:
    """Delete an object, and return whether it was there; `options` are fields of `DeleteOptions`."""
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": _precondition(seen), **options}
    try:
        await client.request(ApiVerb.DELETE, kind, RESOURCES[kind].path(namespace, name), body=body)
    except Missing:
        return False
    return True


def _precondition(seen: Seen) -> dict[str, str]:
    return {"uid": seen.uid, "resourceVersion": seen.resource_version}
