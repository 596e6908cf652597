"""Which of the operator's own kinds the API server serves: a CustomResourceDefinition may be deleted at any time.

Rule: R97.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from pennant.api import API_VERSION, GROUP, VERSION
from pennant.api.meta import Json
from pennant.kube.http.client import Client, Verb
from pennant.kube.http.errors import Missing, NotServed
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Unavailable

OWN = (Kind.MODEL_DEPLOYMENT, Kind.MODEL_VERSION)
LOOK_AGAIN_SECONDS = 1.0
_GROUPS = "/apis"
_RESOURCES = f"/apis/{API_VERSION}"
_log = logging.getLogger(__name__)


def crd(kind: Kind) -> str:
    """Return the name of the CustomResourceDefinition of a kind of ours."""
    return f"{RESOURCES[kind].plural}.{GROUP}"


class Presence:
    """Knows which of our kinds are missing: until somebody is told otherwise, none is.

    A kind counts as missing from the moment at which its CustomResourceDefinition is being deleted: the API server
    deletes all objects of it one by one then, and none of these deletions is what a user wants of that object.
    """

    def __init__(self) -> None:
        self._missing: set[Kind] = set()
        self._lost, self._complete = asyncio.Event(), asyncio.Event()
        self._complete.set()
        self._heard: list[Callable[[Kind], None]] = []
        self._looking, self._looked_at = asyncio.Lock(), float("-inf")

    @property
    def is_complete(self) -> bool:
        """Whether all our kinds are served."""
        return not self._missing

    def problem(self) -> str:
        """Return what is wrong and what to do; empty where nothing is."""
        names = ", ".join(sorted(map(crd, self._missing)))
        return f"{names} missing; apply crds/" if names else ""

    def on_loss(self, heard: Callable[[Kind], None]) -> None:
        """Call `heard` with each kind that is found missing."""
        self._heard.append(heard)

    def lost(self, kind: Kind) -> None:
        """Take note that the API server does not serve a kind, or is about to stop; other kinds are none of ours."""
        if kind not in OWN or kind in self._missing:
            return
        self._missing.add(kind)
        _log.warning(
            "A CustomResourceDefinition is missing or being deleted: nothing is decided until it is there again, and "
            "Deployments stay as they are; apply the files in crds/",
            extra={"crd": crd(kind)},
        )
        self._complete.clear()
        self._lost.set()
        for each in self._heard:
            each(kind)

    def found(self, kind: Kind) -> None:
        """Take note that a kind is served again."""
        self._missing.discard(kind)
        _log.info("A CustomResourceDefinition is there again", extra={"crd": crd(kind)})
        if not self._missing:
            self._lost.clear()
            self._complete.set()

    async def complete(self) -> None:
        """Wait until all kinds are served."""
        await self._complete.wait()

    async def look(self, client: Client) -> None:
        """Ask whether our kinds are served, and take note of those that are not; raises `Unavailable`."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._looking:
            if self._looked_at > asked_at:
                # One answer serves all who had asked before it was sought.
                return
            self._looked_at = loop.time()
            served = await _served(client, OWN)
        for kind in OWN:
            if kind not in served:
                self.lost(kind)

    async def seen(self, client: Client) -> None:
        """Wait until the API server has said of all kinds that it serves them."""
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
        """Wait for kinds that are missing, for ever; call `returned` each time when none is any more."""
        while True:
            await self._lost.wait()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            try:
                found = await _served(client, tuple(self._missing))
                for kind in found:
                    # What is told of a kind and the kind itself do not come in the same moment.
                    await client.probe(kind, namespace)
            except Unavailable:
                continue
            for kind in found:
                self.found(kind)
            if self.is_complete:
                returned()


async def _served(client: Client, kinds: Iterable[Kind]) -> frozenset[Kind]:
    """Return which of the kinds are served, and not about to go; discovery says so to everybody."""
    groups = await client.request(Verb.GET, Kind.DISCOVERY, _GROUPS)
    if not any(_has_version(each) for each in groups.get("groups") or ()):
        return frozenset()
    try:
        known = await client.request(Verb.GET, Kind.DISCOVERY, _RESOURCES)
    except (Missing, NotServed):
        return frozenset()
    # Nothing can be created any more of a kind that is being deleted.
    served = {each["name"] for each in known.get("resources") or () if "create" in (each.get("verbs") or ())}
    return frozenset(kind for kind in kinds if RESOURCES[kind].plural in served)


def _has_version(group: Json) -> bool:
    versions = {each.get("version") for each in group.get("versions") or ()}
    return group.get("name") == GROUP and VERSION in versions
