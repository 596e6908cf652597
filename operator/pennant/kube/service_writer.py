"""Writes of the Service of a ModelDeployment, each with a precondition."""

from collections.abc import Sequence

from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyService
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.facts.service import ServiceSeen
from pennant.kube.cache.store import Store
from pennant.kube.codec import services
from pennant.kube.http import writes
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.ports import Conflict, Refused

_KIND = Kind.SERVICE


class ServiceWriter:
    """Applies and deletes Services, and puts the responses into the store before it returns."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store

    async def apply(self, owner: Snapshot, action: ApplyService) -> None:
        """Apply the Service; raises `Refused` where one of its name does not belong to the ModelDeployment."""
        name, seen = action.manifest["metadata"]["name"], action.expected
        if seen is not None and _is_in_the_way(seen, action.manifest["spec"]["ports"]):
            seen = await self._replace_ports(owner, seen, action.manifest["spec"]["ports"])
        try:
            raw = await writes.apply(self._client, _KIND, action.manifest, seen)
        except Conflict as error:
            if seen is None and await self._is_taken(owner, name):
                fix = "Delete or rename it, or set another spec.service.name"
                raise Refused(f"it exists and does not belong to this ModelDeployment. {fix}") from error
            raise
        self._store.update(_KIND, None, raw, by=owner.key)

    async def _replace_ports(self, owner: Snapshot, seen: ServiceSeen, ports: Sequence[Json]) -> ServiceSeen:
        """Replace all ports, and return the Service as it is then."""
        operations = [{"op": "replace", "path": "/spec/ports", "value": ports}]
        raw = await writes.patch(self._client, _KIND, owner.key.namespace, seen.name, seen, operations)
        self._store.update(_KIND, None, raw, by=owner.key)
        return services.service(raw).seen

    async def _is_taken(self, owner: Snapshot, name: str) -> bool:
        """Return whether a Service of this name exists that is not this ModelDeployment's; ours goes into the store."""
        raw = await self._client.get(_KIND, owner.key.namespace, name)
        if raw is None:
            return False
        self._store.update(_KIND, None, raw, by=owner.key)
        known = self._store.snapshot(owner.key)
        return known is None or all(each.name != name for each in known.services or ())

    async def delete(self, owner: Snapshot, seen: ServiceSeen) -> None:
        """Delete a Service if it still is this one; one that does not exist is no error."""
        await writes.delete(self._client, _KIND, owner.key.namespace, seen.name, seen)
        self._store.remove(_KIND, Key(owner.key.namespace, seen.name), int(seen.resource_version), by=owner.key)


def _is_in_the_way(seen: ServiceSeen, ports: Sequence[Json]) -> bool:
    """Return whether a port must go before these can be applied: it has the name or the node port of one of them.

    An apply merges ports by number and protocol, and removes none that another client has written.
    """
    wanted = {(each["port"], each["protocol"]) for each in ports}
    others = [each for each in seen.spec.get("ports") or () if (each["port"], each.get("protocol")) not in wanted]
    return any(
        each.get(field) is not None and each.get(field) == port.get(field)
        for each in others
        for port in ports
        for field in ("name", "nodePort")
    )
