"""kopf as an event source, and nothing more: the store takes in what it hears.

Only `on.event` handlers are used, and they return nothing: so kopf writes no annotation, no finalizer and no status.
The storages that do nothing are both a saving (kopf copies each object twice for them) and a guard.
"""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import kopf

from pennant.api import GROUP, VERSION
from pennant.kube.cache.store import Store
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import MANAGED_BY, Kind
from pennant.kube.presence import OWN, Presence
from pennant.ports import Unavailable

WATCH_START_SECONDS = 30.0
RELOGIN_AFTER = timedelta(minutes=10)
# Quick at first, because a watch that waits is deaf; then long enough to outlast a restart of the API server.
ERROR_BACKOFFS = (0.1, 0.2, 0.5, 1, 1, 2, 2, 3, 3, *(5 for _ in range(30)))
WATCHED = {
    Kind.MODEL_DEPLOYMENT: (GROUP, VERSION, "modeldeployments"),
    Kind.MODEL_VERSION: (GROUP, VERSION, "modelversions"),
    Kind.DEPLOYMENT: ("apps", "v1", "deployments"),
}

_BY_PLURAL = {plural: kind for kind, (*_, plural) in WATCHED.items()}
HTTP_NOT_FOUND = 404


class EventCounter:
    """Counts the events that were heard, and knows which kinds are listened to."""

    def __init__(self) -> None:
        self._heard = 0
        self._not_watched = set(WATCHED)
        self._open = asyncio.Event()
        self._renewed: list[Callable[[], None]] = []

    def heard(self) -> None:
        """Count one event."""
        self._heard += 1

    @property
    def count(self) -> int:
        """How many events were heard so far."""
        return self._heard

    def on_renewal(self, renewed: Callable[[], None]) -> None:
        """Call `renewed` when a kind is listened to anew, after a time of which nothing was heard."""
        self._renewed.append(renewed)

    def listening(self, kind: Kind) -> None:
        """Take note that a watch begins: whatever changes from now on is heard."""
        if self._open.is_set():
            for each in self._renewed:
                each()
        self._not_watched.discard(kind)
        if not self._not_watched:
            self._open.set()

    async def open(self) -> None:
        """Wait until all kinds are listened to, but not for long: a list is better than nothing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WATCH_START_SECONDS):
                await self._open.wait()


def register(store: Store, events: EventCounter, look: Callable[[], Awaitable[None]]) -> kopf.OperatorRegistry:
    """Return the handlers that feed the store.

    `look` finds out, before a deletion counts, whether the kind itself is being deleted; it may raise `Unavailable`.
    """
    registry = kopf.OperatorRegistry()

    def watch(kind: Kind) -> None:
        async def heard(event: Mapping[str, Any], **_: Any) -> None:
            events.heard()
            if event["type"] == "DELETED" and kind in OWN:
                with suppress(Unavailable):
                    await look()
            store.update(kind, event["type"], event["object"])

        kopf.on.event(*WATCHED[kind], id=f"heard-{kind}", registry=registry)(heard)

    for kind in WATCHED:
        watch(kind)
    return registry


class Patience:
    """Keeps requests of kopf for a kind that is not served until it is: kopf would end the process instead.

    Watches that are open when a kind is found missing are closed, because nobody says that they hear nothing any more.
    """

    def __init__(self, presence: Presence) -> None:
        """Wait for what `presence` says is missing, and tell it."""
        self._presence = presence
        self._open: dict[Kind, weakref.WeakSet[aiohttp.ClientResponse]] = {kind: weakref.WeakSet() for kind in OWN}
        presence.on_loss(self._close)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Return the answer to a request, which is not that the kind is unknown."""
        kind = _BY_PLURAL.get(request.url.name)
        if kind not in OWN:
            return await handler(request)
        while True:
            await self._presence.complete()
            response = await handler(request)
            if response.status != HTTP_NOT_FOUND:
                break
            response.close()
            self._presence.lost(kind)
        if "watch" in request.url.query:
            self._open[kind].add(response)
        return response

    def _close(self, kind: Kind) -> None:
        for each in tuple(self._open[kind]):
            each.close()


class EmptyLists:
    """Has kopf list no objects, but learn only from which resourceVersion to watch.

    What there is the store learns by complete lists of its own, which begin after that: so nothing is read twice, and
    no page of kopf's, whose size is fixed, holds a hundred of the largest objects at once.
    """

    def __init__(self, events: EventCounter) -> None:
        """Tell `events` of each list: it is the beginning of a watch."""
        self._events = events

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Return the answer to a request; that to a list has no items."""
        kind = _BY_PLURAL.get(request.url.name)
        if kind is None or "watch" in request.url.query:
            return await handler(request)
        # No object has such a name. What the API server remembers may be old: the watch tells the more then.
        request.url = request.url.update_query(fieldSelector="metadata.name=-", resourceVersion="0")
        response = await handler(request)
        if response.ok:
            self._events.listening(kind)
        return response


def log_in(
    registry: kopf.OperatorRegistry,
    connection: Connection,
    now: Callable[[], datetime],
    *middlewares: aiohttp.ClientMiddlewareType,
) -> None:
    """Let kopf use our connection: the same server, trust and credentials as every other request."""

    async def session(**_: Any) -> kopf.AiohttpSession:
        opened = open_session(connection, *middlewares)
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=opened, expiration=now() + RELOGIN_AFTER)

    handler: Callable[..., Awaitable[kopf.AiohttpSession]] = session
    kopf.on.login(registry=registry)(handler)


def open_session(connection: Connection, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
    """Return a session that asks the API server as `kube.client` does, also where a request names nothing but a URL.

    Each request goes through `middlewares` first.
    """
    tls = connection.tls

    async def ours(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if connection.tls is not tls:
            # Certificates were replaced; where a session is closed kopf logs in anew.
            await session.close()
            raise RuntimeError("Session is closed")
        request.server_hostname = connection.server_name
        # Headers of the session itself are sent to a proxy, too.
        request.headers.update(await connection.headers())
        return await ask(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=16),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=connection.proxy,
        middlewares=(*middlewares, ours),
        trust_env=False,
    )
    return session


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: light, quick to resume, and unable to write."""
    chosen = kopf.OperatorSettings()
    chosen.persistence.diffbase_storage = NoDiffBase()
    chosen.persistence.progress_storage = NoProgress()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    # Neither CRDs nor namespaces are watched: that takes rights over the whole cluster. What is to be served is there
    # before kopf starts, and waited for where it goes.
    chosen.scanning.disabled = True
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 310
    chosen.watching.connect_timeout = 5
    chosen.watching.label_selectors[WATCHED[Kind.DEPLOYMENT]] = MANAGED_BY
    chosen.queueing.idle_timeout = 0.5
    chosen.networking.request_timeout = 15
    chosen.networking.error_backoffs = ERROR_BACKOFFS
    chosen.process.ultimate_exiting_timeout = 10
    return chosen


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing: no handler asks what an object was before."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps nothing: no handler is retried by kopf."""

    def fetch(self, **_: Any) -> Any:
        """Return nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing."""

    def purge(self, **_: Any) -> None:
        """Do nothing."""

    def touch(self, **_: Any) -> None:
        """Do nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence as it is."""
        return essence
