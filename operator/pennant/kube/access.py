"""Asks the API server what it will let us do: a right that is missing is better known at the start than in need."""

import asyncio
from collections.abc import Iterable

from pennant.api.meta import Json
from pennant.kube.http.client import Client, Verb
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.permissions import Right

_KIND = Kind.ACCESS_REVIEW


async def lacking(client: Client, rights: Iterable[Right]) -> list[Right]:
    """Return those of the rights that we do not have, in order.

    Raises `Unavailable`, and `Refused` where we may not even ask.
    """
    asked = sorted(rights)
    allowed = await asyncio.gather(*(_has(client, each) for each in asked))
    return [each for each, has in zip(asked, allowed, strict=True) if not has]


async def _has(client: Client, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": right.namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "name": right.name,
    }
    body: Json = {
        "apiVersion": RESOURCES[_KIND].api_version,
        "kind": _KIND,
        "spec": {"resourceAttributes": attributes},
    }
    answer = await client.request(Verb.CREATE, _KIND, RESOURCES[_KIND].path(), body=body)
    return bool(answer["status"]["allowed"])
