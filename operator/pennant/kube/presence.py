"""Which of Pennant's own kinds the API server serves: their CustomResourceDefinitions may be missing or deleted.

Rule: R97.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from pennant.api import API_VERSION, GROUP, VERSION
from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.errors import Missing, NotServed
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Unavailable

OWN = (Kind.MODEL_DEPLOYMENT, Kind.MODEL_VERSION)
LOOK_AGAIN_SECONDS = 1.0
_GROUPS = "/apis"
_RESOURCES = f"/apis/{API_VERSION}"
_log = logging.getLogger(__name__)


def crd(kind: Kind) -> str:
    """Return the name of the CustomResourceDefinition of one of Pennant's kinds."""
    return f"{RESOURCES[kind].plural}.{GROUP}"


class Presence:
    """The kinds that are missing; at first none is.

    A kind is missing as soon as the deletion of its CustomResourceDefinition begins. The API server then deletes its
    objects one by one, and the operator must not act on these deletions.
    """

    def __init__(self) -> None:
        self._missing: set[Kind] = set()
        self._lost, self._complete = asyncio.Event(), asyncio.Event()
        self._complete.set()
        self._listeners: list[Callable[[Kind], None]] = []
        self._looking, self._looked_at = asyncio.Lock(), float("-inf")

    @property
    def is_complete(self) -> bool:
        """Whether all of Pennant's kinds are served."""
        return not self._missing

    def problem(self) -> str:
        """Return which CustomResourceDefinitions are missing, and what to do; empty where none is."""
        names = ", ".join(sorted(map(crd, self._missing)))
        return f"{names} missing; apply crds/" if names else ""

    def on_loss(self, listener: Callable[[Kind], None]) -> None:
        """Call `listener` with each kind that becomes missing."""
        self._listeners.append(listener)

    def lost(self, kind: Kind) -> None:
        """Mark a kind as missing, and call the listeners; kinds that are not Pennant's own are ignored."""
        if kind not in OWN or kind in self._missing:
            return
        self._missing.add(kind)
        _log.warning(
            "A CustomResourceDefinition is missing or being deleted: until it is there again, no object is reconciled "
            "and Deployments stay as they are; apply the files in crds/",
            extra={"crd": crd(kind)},
        )
        self._complete.clear()
        self._lost.set()
        for each in self._listeners:
            each(kind)

    def found(self, kind: Kind) -> None:
        """Mark a kind as served again."""
        self._missing.discard(kind)
        _log.info("A CustomResourceDefinition is there again", extra={"crd": crd(kind)})
        if not self._missing:
            self._lost.clear()
            self._complete.set()

    async def complete(self) -> None:
        """Wait until no kind is missing."""
        await self._complete.wait()

    async def look(self, client: Client) -> None:
        """Ask the API server which kinds it serves, and mark the others as missing; raises `Unavailable`."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._looking:
            if self._looked_at > asked_at:
                # Another call sent its request after this one began, so its response is recent enough.
                return
            self._looked_at = loop.time()
            served = await _served(client, OWN)
        for kind in OWN:
            if kind not in served:
                self.lost(kind)

    async def seen(self, client: Client) -> None:
        """Wait until the API server has confirmed that it serves all kinds, for instance at the start."""
        while True:
            try:
                await self.look(client)
            except Unavailable as error:
                _log.warning("Whether our kinds are served cannot be asked", extra={"error": str(error)})
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
                continue
            if self.is_complete:
                return
            await self.complete()

    async def run(self, client: Client, namespace: str, returned: Callable[[], None]) -> None:
        """Wait for missing kinds to return, without end; call `returned` each time when none is missing any more."""
        while True:
            await self._lost.wait()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            try:
                found = await _served(client, tuple(self._missing))
                for kind in found:
                    # Discovery may name a kind moments before it can be listed.
                    await client.probe(kind, namespace)
            except Unavailable:
                continue
            for kind in found:
                self.found(kind)
            if self.is_complete:
                returned()


async def _served(client: Client, kinds: Iterable[Kind]) -> frozenset[Kind]:
    """Return which of the kinds discovery names and can still create; discovery needs no permission."""
    groups = await client.request(ApiVerb.GET, Kind.DISCOVERY, _GROUPS)
    if not any(_has_version(each) for each in groups.get("groups") or ()):
        return frozenset()
    try:
        known = await client.request(ApiVerb.GET, Kind.DISCOVERY, _RESOURCES)
    except (Missing, NotServed):
        return frozenset()
    # While a CustomResourceDefinition is being deleted, its kind has no verb `create`.
    served = {each["name"] for each in known.get("resources") or () if "create" in (each.get("verbs") or ())}
    return frozenset(kind for kind in kinds if RESOURCES[kind].plural in served)


def _has_version(group: Json) -> bool:
    versions = {each.get("version") for each in group.get("versions") or ()}
    return group.get("name") == GROUP and VERSION in versions
