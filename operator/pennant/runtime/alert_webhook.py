"""A webhook receiver for Alertmanager: a notification makes the operator read alerts now instead of at the next check.

A notification is only a hint: what fires, and since when, is read from the metric source. So no request can cause a
rollback, and one that is lost, repeated or late changes no decision.

Protocol: Alertmanager's `webhook_config`, payload version 4. Alertmanager retries a 5xx response and no other error
(`notify/webhook` and `Retrier.Check` in its source), so a request that may succeed later gets 503.

There is no rate limit. A request needs the token, and parsing the largest body (256 KiB) takes 1 to 7 ms. Alertmanager
sends one request for each group of alerts, so a limit would refuse some of each burst.

Rule: R44.
Rule: R100.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from pennant.runtime.http_server import WebhookServer, read_body

PATH = "/alerts"
HINT_INTERVAL_SECONDS = 1.0
_log = logging.getLogger(__name__)

Hint = Callable[[frozenset[str]], None]
"""Takes the names of alerts that are reported as firing."""


class AlertWebhook(WebhookServer):
    """The HTTP server that Alertmanager sends to; every request needs the bearer token."""

    def __init__(
        self, token_file: Path | None, hint: Hint, is_leading: Callable[[], bool], counted: Callable[[int], None]
    ) -> None:
        """Call `hint` at most once a second, and `counted` with the HTTP status of each response."""
        super().__init__()
        self._token_file, self._hint, self._is_leading, self._counted = token_file, hint, is_leading, counted
        self._token_error = ""
        self._hinted_at: float | None = None
        self._pending: frozenset[str] = frozenset()
        self._timer: asyncio.TimerHandle | None = None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add what the server responds to."""
        router.add_post(PATH, self._respond)

    async def stop(self) -> None:
        """Stop listening, and drop a pending hint."""
        if self._timer is not None:
            self._timer.cancel()
        await super().stop()

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            response: web.Response = await self._handle(request)
        except web.HTTPException as error:
            # The next attempt opens a new connection, which a Service may give to another replica: the leader.
            error.force_close()
            self._counted(error.status)
            raise
        self._counted(response.status)
        return response

    async def _handle(self, request: web.Request) -> web.Response:
        # Before the body is read: a client without the token costs no more than its headers.
        if not self._is_authorized(request.headers.get("Authorization", "")):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}, text="a bearer token is needed\n")
        names = firing(await read_body(request))
        if not self._is_leading():
            raise web.HTTPServiceUnavailable(text="this replica does not lead; try again\n")
        if names:
            self._schedule(names)
        return web.Response(status=204)

    def _is_authorized(self, header: str) -> bool:
        if self._token_file is None:
            return False
        try:
            # Read for each request: the token may be rotated while the process runs.
            token = self._token_file.read_bytes().strip()
        except OSError as error:
            self._log_token_error(str(error))
            return False
        self._token_error = ""
        return bool(token) and hmac.compare_digest(header.encode(errors="surrogateescape"), b"Bearer " + token)

    def _log_token_error(self, error: str) -> None:
        """Log an error once until the file can be read again: anybody can send requests."""
        if error != self._token_error:
            _log.warning("The token of the alert webhook cannot be read", extra={"error": error})
        self._token_error = error

    def _schedule(self, names: frozenset[str]) -> None:
        """Give the hint now, or together with others when `HINT_INTERVAL_SECONDS` have passed since the last one."""
        loop = asyncio.get_running_loop()
        self._pending |= names
        if self._timer is not None:
            return
        pause = 0.0 if self._hinted_at is None else self._hinted_at + HINT_INTERVAL_SECONDS - loop.time()
        self._timer = loop.call_later(max(pause, 0.0), self._give_hint)

    def _give_hint(self) -> None:
        names, self._pending, self._timer = self._pending, frozenset(), None
        self._hinted_at = asyncio.get_running_loop().time()
        self._hint(names)


def firing(body: bytes) -> frozenset[str]:
    """Return the names of the alerts that a payload reports as firing; raises `HTTPBadRequest`."""
    try:
        alerts = json.loads(body)["alerts"]
        return frozenset(str(each["labels"]["alertname"]) for each in alerts if each["status"] == "firing")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = "the body must be a notification of Alertmanager: alerts[].status and alerts[].labels.alertname\n"
        raise web.HTTPBadRequest(text=text) from error
