"""One Lease, read and written with preconditions; `runtime/leader_election.py` decides who leads.

Rule: R16.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client, Observed, ignore_request
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.http.timestamps import micro_time, parsed_time
from pennant.ports import Unavailable


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease's spec; an empty holder has released it."""

    holder: str
    duration_seconds: int
    acquired_at: datetime | None
    renewed_at: datetime | None
    transitions: int
    resource_version: str = ""
    """Precondition of an update; empty for a Lease that does not exist yet."""
    uid: str = ""
    """Also a precondition: a Lease that was deleted and created again is another one."""


class Leases:
    """Reads and writes one Lease over connections of its own, so that no other request delays a renewal."""

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        name: str,
        *,
        timeout_seconds: float = 2.0,
        observed: Observed = ignore_request,
    ) -> None:
        """Requests that take longer than `timeout_seconds` raise `Unavailable`."""
        self._client = Client(
            connection,
            observed=observed,
            limit=2,
            total_seconds=timeout_seconds,
            connect_seconds=timeout_seconds,
        )
        self._namespace, self._name = namespace, name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(self) -> Lease | None:
        """Return the Lease; None where it does not exist."""
        raw = await self._client.get(Kind.LEASE, self._namespace, self._name)
        return None if raw is None else _lease(raw)

    async def changes(self, after: str) -> AsyncGenerator[Lease | None]:
        """Watch the Lease from after this resourceVersion: yield each new state of it, and None where it is deleted.

        Ends when the API server ends the watch; raises `Unavailable`.
        """
        async with aclosing(self._client.watch(Kind.LEASE, self._namespace, self._name, after=after)) as events:
            async for event in events:
                yield _state(event)

    async def create(self, lease: Lease) -> Lease:
        """Create the Lease and return it; `Conflict` where it exists."""
        path = RESOURCES[Kind.LEASE].path(self._namespace)
        return _lease(await self._client.request(ApiVerb.CREATE, Kind.LEASE, path, body=self._raw(lease)))

    async def update(self, lease: Lease) -> Lease:
        """Replace the Lease and return it; `Conflict` where its uid or resourceVersion is another one."""
        path = RESOURCES[Kind.LEASE].path(self._namespace, self._name)
        return _lease(await self._client.request(ApiVerb.UPDATE, Kind.LEASE, path, body=self._raw(lease)))

    def _raw(self, lease: Lease) -> Json:
        metadata = {"name": self._name, "namespace": self._namespace}
        if lease.resource_version:
            metadata |= {"uid": lease.uid, "resourceVersion": lease.resource_version}
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": lease.duration_seconds,
            "acquireTime": micro_time(lease.acquired_at) if lease.acquired_at else None,
            "renewTime": micro_time(lease.renewed_at) if lease.renewed_at else None,
            "leaseTransitions": lease.transitions,
        }
        return {
            "apiVersion": RESOURCES[Kind.LEASE].api_version,
            "kind": Kind.LEASE,
            "metadata": metadata,
            "spec": spec,
        }


def _state(event: Json) -> Lease | None:
    """Return the Lease of an event of a watch, None where it was deleted; raises `Unavailable` for any other event."""
    if event.get("type") == "DELETED":
        return None
    try:
        return _lease(event["object"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable("an event of the watch is no Lease") from error


def _lease(raw: Json) -> Lease:
    spec: Mapping[str, Any] = raw.get("spec") or {}
    acquired, renewed = spec.get("acquireTime"), spec.get("renewTime")
    return Lease(
        holder=spec.get("holderIdentity") or "",
        duration_seconds=spec.get("leaseDurationSeconds") or 0,
        acquired_at=parsed_time(acquired) if acquired else None,
        renewed_at=parsed_time(renewed) if renewed else None,
        transitions=spec.get("leaseTransitions") or 0,
        resource_version=raw["metadata"]["resourceVersion"],
        uid=raw["metadata"]["uid"],
    )
