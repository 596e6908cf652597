"""A webhook for Alertmanager, which makes the operator look at alerts at once instead of at the next check.

Whatever is sent is no more than a hint: what an alert is and since when it fires is asked of the metric source. So
nobody can cause a rollback by a request, and a request that is lost, repeated or late changes no decision.

Protocol: Alertmanager's webhook configuration, payload version 4.

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

PATH = "/alerts"
LARGEST_BODY_BYTES = 256 * 1024
BODY_SECONDS = 5.0
LINGERING_SECONDS = 1.0
"""How long what is left of a request is taken in and dropped, so that its sender gets the answer."""
REQUESTS_PER_SECOND = 10
HINT_PAUSE_SECONDS = 1.0
_log = logging.getLogger(__name__)

Hint = Callable[[frozenset[str]], None]
"""Told the names of alerts that are said to fire."""


class AlertWebhook:
    """Listens for Alertmanager; every request needs the bearer token."""

    def __init__(
        self, token_file: Path | None, hint: Hint, is_leading: Callable[[], bool], counted: Callable[[int], None]
    ) -> None:
        """Pass hints on, at most one a second; tell `counted` the HTTP status of each answer."""
        self._token_file, self._hint, self._is_leading, self._counted = token_file, hint, is_leading, counted
        self._runner: web.AppRunner | None = None
        self._allowance = TokenBucket(REQUESTS_PER_SECOND)
        self._complaints = TokenBucket(1)
        self._hinted_at: float | None = None
        self._waiting: frozenset[str] = frozenset()
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen."""
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        app.router.add_post(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None, lingering_time=LINGERING_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port).start()

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; None where it does not."""
        return None if self._runner is None else self._runner.addresses[0][:2]

    async def stop(self) -> None:
        """Stop listening; a hint that waits is dropped, for nobody works any longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            answer: web.Response = await self._heard(request)
        except web.HTTPException as error:
            # Whoever comes again may reach another replica, but only by another connection; strangers keep none.
            error.force_close()
            self._counted(error.status)
            raise
        self._counted(answer.status)
        return answer

    async def _heard(self, request: web.Request) -> web.Response:
        # Of who has no token no more is read than the head, and nobody else has to wait for it.
        if not self._is_authorized(request.headers.get("Authorization", "")):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}, text="a bearer token is needed\n")
        if not self._allowance.spend(asyncio.get_running_loop().time()):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "1"}, text="too many requests; try again in 1 s\n")
        names = firing(await _body(request))
        if not self._is_leading():
            # Alertmanager tries again, by another connection, and finds the replica that leads sooner or later.
            raise web.HTTPServiceUnavailable(text="this replica does not lead; try again\n")
        if names:
            self._pass_on(names)
        return web.Response(status=204)

    def _is_authorized(self, header: str) -> bool:
        if self._token_file is None:
            return False
        try:
            # Read each time: a token may be replaced while the process runs.
            token = self._token_file.read_bytes().strip()
        except OSError as error:
            if self._complaints.spend(asyncio.get_running_loop().time()):
                _log.warning("The token of the alert webhook cannot be read", extra={"error": str(error)})
            return False
        return bool(token) and hmac.compare_digest(header.encode(errors="surrogateescape"), b"Bearer " + token)

    def _pass_on(self, names: frozenset[str]) -> None:
        """Give the hint, or let it wait until the pause after the last one is over; none is lost."""
        loop = asyncio.get_running_loop()
        self._waiting |= names
        if self._timer is not None:
            return
        pause = 0.0 if self._hinted_at is None else self._hinted_at + HINT_PAUSE_SECONDS - loop.time()
        self._timer = loop.call_later(max(pause, 0.0), self._due)

    def _due(self) -> None:
        names, self._waiting, self._timer = self._waiting, frozenset(), None
        self._hinted_at = asyncio.get_running_loop().time()
        self._hint(names)


class TokenBucket:
    """A bucket of tokens: so many requests at once, and so many a second."""

    def __init__(self, per_second: int) -> None:
        """Begin with a full bucket, which holds what one second gives."""
        self._per_second = per_second
        self._left = float(per_second)
        self._seen_at: float | None = None

    def spend(self, now: float) -> bool:
        """Return whether one more request is allowed at this time, in seconds."""
        if self._seen_at is not None:
            self._left = min(self._left + (now - self._seen_at) * self._per_second, float(self._per_second))
        self._seen_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def firing(body: bytes) -> frozenset[str]:
    """Return the names of the alerts that a payload says to be firing; raises `HTTPBadRequest`."""
    try:
        alerts = json.loads(body)["alerts"]
        return frozenset(str(each["labels"]["alertname"]) for each in alerts if each["status"] == "firing")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = "the body must be a notification of Alertmanager: alerts[].status and alerts[].labels.alertname\n"
        raise web.HTTPBadRequest(text=text) from error


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="the body is not what its headers say\n") from error
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text=f"no whole body within {BODY_SECONDS:g} s\n") from error
