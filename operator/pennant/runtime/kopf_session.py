"""The HTTP session of kopf: the connection of all other requests, and what happens to kopf's lists and to a 404."""

import weakref
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import kopf

from pennant.api import GROUP, VERSION
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import Kind
from pennant.kube.presence import OWN, Presence
from pennant.ports import Clock

RELOGIN_AFTER = timedelta(minutes=10)
HTTP_NOT_FOUND = 404
WATCHED = {
    Kind.MODEL_DEPLOYMENT: (GROUP, VERSION, "modeldeployments"),
    Kind.MODEL_VERSION: (GROUP, VERSION, "modelversions"),
    Kind.DEPLOYMENT: ("apps", "v1", "deployments"),
    Kind.SERVICE: ("", "v1", "services"),
}
"""Group, version and plural of each kind that is watched."""
_BY_PLURAL = {plural: kind for kind, (*_, plural) in WATCHED.items()}


class WaitForCrds:
    """A client middleware that holds requests for one of the operator's kinds until the API server serves it.

    Without it kopf ends the process at a 404. Watches of a kind that goes missing are closed: the API server sends no
    more events on them, and no error either.
    """

    def __init__(self, presence: Presence) -> None:
        """Wait by `presence`, and report each 404 to it."""
        self._presence = presence
        self._watches: dict[Kind, weakref.WeakSet[aiohttp.ClientResponse]] = {kind: weakref.WeakSet() for kind in OWN}
        presence.on_loss(self._close)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Return the response to a request; for the operator's kinds it is never a 404."""
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
            self._watches[kind].add(response)
        return response

    def _close(self, kind: Kind) -> None:
        for each in tuple(self._watches[kind]):
            each.close()


class WatchOnly:
    """A client middleware that makes kopf's lists return no items, only the resourceVersion to watch from.

    The store reads complete lists of its own after that (`runtime.resync`), so each object is read once. kopf's page
    size is fixed, and a page of the largest objects would be hundreds of megabytes in memory.
    """

    def __init__(self, watch_started: Callable[[Kind], None]) -> None:
        """Call `watch_started` after each list: kopf opens the watch of that kind next."""
        self._watch_started = watch_started

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Return the response to a request; a list is narrowed to a name that no object can have."""
        kind = _BY_PLURAL.get(request.url.name)
        if kind is None or "watch" in request.url.query:
            return await handler(request)
        # resourceVersion=0 answers from the API server's watch cache. A stale one makes the watch send more events.
        request.url = request.url.update_query(fieldSelector="metadata.name=-", resourceVersion="0")
        response = await handler(request)
        if response.ok:
            self._watch_started(kind)
        return response


def log_in(
    registry: kopf.OperatorRegistry, connection: Connection, clock: Clock, *middlewares: aiohttp.ClientMiddlewareType
) -> None:
    """Register a login handler that gives kopf a new session of `open_session` every `RELOGIN_AFTER`."""

    async def session(**_: object) -> kopf.AiohttpSession:
        opened = open_session(connection, *middlewares)
        expiration = clock.now() + RELOGIN_AFTER
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=opened, expiration=expiration)

    handler: Callable[..., Awaitable[kopf.AiohttpSession]] = session
    kopf.on.login(registry=registry)(handler)


def open_session(connection: Connection, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
    """Return a session with the server name, CA, proxy and current credentials of `connection`.

    Each request passes `middlewares` first, in this order. When the client certificate was replaced, the session closes
    itself and raises as a closed session does, so that kopf logs in again.
    """
    tls = connection.tls

    async def authenticate(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if connection.tls is not tls:
            await session.close()
            raise RuntimeError("Session is closed")
        request.server_hostname = connection.server_name
        # Default headers of a session would be sent to the proxy as well.
        request.headers.update(await connection.headers())
        return await ask(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=16),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=connection.proxy,
        middlewares=(*middlewares, authenticate),
        trust_env=False,
    )
    return session
