"""HTTP servers of a process: one for each port, from the start to the stop of the process."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable

from aiohttp import web

from pennant.runtime.preflight import CannotStart

MAX_BODY_BYTES = 256 * 1024
BODY_TIMEOUT_SECONDS = 5.0
LINGERING_SECONDS = 1.0
"""Of a webhook, as `HttpServer.lingering_seconds`."""


class HttpServer(ABC):
    """A server on one address. A subclass adds its routes, and may refuse large bodies."""

    max_body_bytes = 1024**2
    lingering_seconds = 10.0
    """Seconds for which the rest of a refused request is read and dropped, so that its sender receives the response."""

    def __init__(self) -> None:
        """Do not listen yet."""
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add what the server responds to."""

    async def start(self, address: str, port: int) -> None:
        """Listen; raises `OSError`."""
        app = web.Application(client_max_size=self.max_body_bytes)
        self.add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, lingering_time=self.lingering_seconds)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port).start()

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None where it does not listen."""
        return None if self._runner is None else self._runner.addresses[0][:2]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()


class WebhookServer(HttpServer):
    """A server that others send small requests to."""

    max_body_bytes = MAX_BODY_BYTES
    lingering_seconds = LINGERING_SECONDS


async def listen(places: Iterable[tuple[HttpServer, str, int, str]]) -> None:
    """Start servers, each given its address, its port and the flag of the port; port 0 starts none.

    Raises `CannotStart` where an address is in use.
    """
    for server, address, port, flag in places:
        if not port:
            continue
        try:
            await server.start(address, port)
        except OSError as error:
            problem = f"cannot listen on {address}:{port} ({error.strerror}); choose another {flag}"
            raise CannotStart(problem) from error


async def read_body(request: web.Request) -> bytes:
    """Return the body, decompressed; raises `HTTPBadRequest`, `HTTPRequestTimeout` or `HTTPRequestEntityTooLarge`."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.read()
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="the body does not match its headers\n") from error
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {BODY_TIMEOUT_SECONDS:g} s\n") from error
