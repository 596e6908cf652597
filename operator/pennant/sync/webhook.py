"""A receiver for the webhooks of registries: one makes the next poll of a model come now.

A webhook is only a hint: what changed is read from the registry. So one that is lost, repeated, late or made up by
somebody who knows the secret changes nothing but the time of a poll.

Rule: R205.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from aiohttp import web

from pennant.ports import Clock
from pennant.runtime.http_server import WebhookServer, read_body
from pennant.sync.config import RegistrySettings
from pennant.sync.webhook_kinds import WEBHOOKS

MAX_DELIVERIES = 4096
"""Identifiers of requests that are kept, to recognise one that is sent again."""
_log = logging.getLogger(__name__)

Hint = Callable[[Iterable[str]], None]


class Webhook(WebhookServer):
    """The HTTP server that registries send to; every request needs a signature."""

    def __init__(
        self,
        registries: Mapping[str, tuple[RegistrySettings, Hint]],
        clock: Clock,
        counted: Callable[[int], None],
    ) -> None:
        """Call the hint of a registry with models, and `counted` with the HTTP status of each response."""
        super().__init__()
        self._registries = {name: each for name, each in registries.items() if each[0].webhook_secret_file is not None}
        self._clock, self._counted = clock, counted
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._said: dict[str, str] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add what the server responds to."""
        router.add_post("/webhooks/{name}", self._respond)

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            await self._handle(request)
        except web.HTTPException as error:
            self._counted(error.status)
            raise
        self._counted(204)
        return web.Response(status=204)

    async def _handle(self, request: web.Request) -> None:
        name = request.match_info["name"]
        if name not in self._registries:
            raise web.HTTPNotFound(text="no registry of this name has a webhook\n")
        settings, hint = self._registries[name]
        body = await read_body(request)
        secret = await asyncio.to_thread(self._secret, name, settings.webhook_secret_file)
        try:
            delivery, models = WEBHOOKS[settings.kind](request.headers, body, secret, self._clock.now())
        except PermissionError as error:
            self._warn(name, f"A webhook is refused: {error}")
            raise web.HTTPUnauthorized(text=f"{error}\n") from error
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        self._said.pop(name, None)
        if self._is_new(name, delivery):
            hint(models)

    def _secret(self, name: str, path: Path | None) -> bytes:
        """Return the secret, which may be rotated while the process runs; empty where it cannot be read."""
        try:
            return path.read_bytes().strip() if path is not None else b""
        except OSError as error:
            self._warn(name, f"The secret of the webhook cannot be read: {error.strerror}")
            return b""

    def _warn(self, name: str, said: str) -> None:
        """Log a problem once until a request is good again: anybody can send requests."""
        if self._said.get(name) != said:
            _log.warning("%s", said, extra={"registry": name})
        self._said[name] = said

    def _is_new(self, name: str, delivery: str) -> bool:
        """Return whether a request was not received before; it is repeated if its response was lost."""
        if (name, delivery) in self._seen:
            return False
        self._seen[name, delivery] = None
        if len(self._seen) > MAX_DELIVERIES:
            self._seen.popitem(last=False)
        return True
