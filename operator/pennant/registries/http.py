"""Reads of a registry over HTTP: retries with the pause that the registry asks for, and errors that say what to do."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from pennant import __version__
from pennant.api.meta import Json, clip
from pennant.record.secrecy import without_credentials
from pennant.registries.protocol import NoAccess, NoSuchPath, NotThere, Refused, RegistryError, Unreadable

MAX_TRIES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 120.0
"""Seconds that are waited at most before a request is repeated."""
MAX_BYTES = 64 * 1024 * 1024
"""Of an answer that is read as a whole."""
CHUNK = 1024 * 1024
WAITS = ("Retry-After", "RateLimit-Reset")
"""Headers that say how long to wait; W&B has the second one."""
BUSY = frozenset({408, 425, 429, 502, 503, 504})
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=60.0)

Pairs = Sequence[tuple[str, str]]


class Reader(Protocol):
    """What a registry reads with."""

    async def json(self, path: str, params: Pairs = ()) -> Json:
        """Return an answer that is a JSON object."""
        ...

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        """Return an answer as a whole."""
        ...

    def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        """Yield an answer in parts."""
        ...


def base_address(given: str, what: str) -> str:
    """Return the address of a registry without credentials; raises `NoAccess` where it is none. `what` is its kind."""
    try:
        parts = urlsplit(given)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        # What is before an @ may be a password.
        raise NoAccess(f"{given.rpartition('@')[2]} is no address of {what}; write it as https://HOST:PORT")
    return without_credentials(given).rstrip("/")


class Http:
    """One session with a registry; implements `Reader`."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        *,
        hint: str,
        tls: ssl.SSLContext | bool = True,
        token: Callable[[], Awaitable[str]] | None = None,
        busy_pause: float | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime],
    ) -> None:
        """Read below `base`; `hint` says where credentials come from.

        `token` gives the bearer token of each request, for one that expires. `busy_pause` is the first pause of a
        registry that is busy and does not say for how long; default: `FIRST_PAUSE`.
        """
        self._base = base.rstrip("/")
        self._headers = {"User-Agent": f"pennant/{__version__}", **headers}
        self._hint = hint
        self._tls = tls
        self._token = token
        self._busy_pause = busy_pause
        self._pause = pause
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._has_answered = False
        self._is_registry = False
        """Whether it has answered with JSON, so that the address and the credentials are right."""

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def json(self, path: str, params: Pairs = (), sent: Json | None = None) -> Json:
        """Return an answer that is a JSON object; one that is cut off is asked for again.

        With `sent`, that is the body of a POST, which must only read.
        """
        for attempt in range(MAX_TRIES):
            try:
                body = await self.content(path, params, sent)
            except Unreadable:
                # A database that is locked, for example.
                if attempt + 1 == MAX_TRIES:
                    raise
                await self._pause(FIRST_PAUSE * 2**attempt)
                continue
            try:
                value = json.loads(body)
            except (ValueError, RecursionError) as error:
                if body.lstrip()[:1] == b"<":
                    raise NoAccess(
                        f"{self._base}{path} answers with a web page, not with JSON. Is this the address of the "
                        "registry, without a proxy that asks for a login?"
                    ) from error
                if attempt + 1 < MAX_TRIES:
                    await self._pause(FIRST_PAUSE)
                    continue
                raise RegistryError(
                    f"{self._base}{path} answers with JSON that ends early or is wrong ({len(body)} bytes): {error}. "
                    "Run the import again"
                ) from error
            if not isinstance(value, dict):
                raise NoAccess(f"{self._base}{path} answers with no JSON object. Is this the address of the registry?")
            self._is_registry = True
            return value
        raise AssertionError("the last attempt returns or raises")

    async def content(self, path: str, params: Pairs = (), sent: Json | None = None) -> bytes:
        """Return an answer as a whole; it is read again where the connection breaks."""
        for attempt in range(MAX_TRIES):
            parts, size = [], 0
            try:
                async with self._opened(path, params, sent) as response:
                    async for part in response.content.iter_chunked(CHUNK):
                        parts.append(part)
                        size += len(part)
                        if size > MAX_BYTES:
                            raise RegistryError(f"{self._base}{path} answers with more than {MAX_BYTES >> 20} MiB")
                return b"".join(parts)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if attempt + 1 == MAX_TRIES:
                    raise RegistryError(
                        f"{self._base}{path}: the answer ends early: {_cause(error)}. Run the import again"
                    ) from error
                await self._pause(FIRST_PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    async def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        """Yield an answer in parts, so that a file of any size needs no memory."""
        try:
            async with self._opened(path, params) as response:
                async for part in response.content.iter_chunked(CHUNK):
                    yield part
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RegistryError(
                f"{self._base}{path}: the file ends early: {_cause(error)}. Run the import again"
            ) from error

    @asynccontextmanager
    async def _opened(
        self, path: str, params: Pairs, sent: Json | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer with the code 200. A registry that is busy is asked again, when it says or a little later."""
        for attempt in range(MAX_TRIES):
            is_last = attempt + 1 == MAX_TRIES
            try:
                response = await self._asked(path, params, sent)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                # A wrong address is not asked again; a registry that restarts is.
                if is_last or not self._has_answered:
                    raise NoAccess(
                        f"{self._base} does not answer: {_cause(error)}. Is this the address of the registry?"
                    ) from error
                await self._pause(FIRST_PAUSE * 2**attempt)
                continue
            self._has_answered = True
            async with response:
                if response.status == 200:
                    yield response
                    return
                failure = await self._failure(path, response)
                if response.status not in BUSY or is_last:
                    raise failure
                wait = next(
                    (self._retry_after(response.headers[each]) for each in WAITS if each in response.headers), None
                )
            await self._pause((self._busy_pause or FIRST_PAUSE) * 2**attempt if wait is None else wait)

    async def _asked(self, path: str, params: Pairs, sent: Json | None) -> aiohttp.ClientResponse:
        if self._session is None:
            # A session belongs to the running loop. Proxies are those of the environment, as for pip and curl.
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, headers=self._headers, trust_env=True)
        headers = {"Authorization": f"Bearer {await self._token()}"} if self._token is not None else None
        method, where = "GET" if sent is None else "POST", self._base + path
        return await self._session.request(
            method, where, params=list(params), json=sent, ssl=self._tls, headers=headers
        )

    def _retry_after(self, text: str) -> float | None:
        """Return the seconds to wait by a header; None: it names no time."""
        try:
            seconds = float(text) if re.fullmatch(r"\d+(\.\d*)?", text) else (_date(text) - self._now()).total_seconds()
        except (ValueError, TypeError):
            return None
        return min(max(seconds, 0.0), LONGEST_PAUSE)

    async def _failure(self, path: str, response: aiohttp.ClientResponse) -> RegistryError:
        body = (await response.content.read(64 * 1024)).decode(errors="replace")
        said, where, code = _message(body), f"{self._base}{path}", response.status
        patience = f"{said}, {MAX_TRIES} times in a row. Run the import again later"
        match code:
            case 401:
                error: RegistryError = NoAccess(
                    f"{self._base} does not accept the credentials (401){said}. {self._hint}"
                )
            case 403:
                # Of a single experiment, for example.
                kind = RegistryError if self._is_registry else NoAccess
                error = kind(f"{where} may not be read (403){said}. {self._hint}")
            case 404 if self._is_registry or body.lstrip().startswith("{"):
                error = NotThere(f"not found{said or f': {path}'}")
            case 404:
                error = NoSuchPath(f"{where} does not exist (404). Is {self._base} the address of the registry?")
            case 429:
                error = RegistryError(f"{self._base} asks to wait (429){patience}")
            case _ if code in BUSY:
                error = RegistryError(f"{where} is not available ({code}){patience}")
            case _:
                error = (Unreadable if code >= 500 else Refused)(f"{where} fails with HTTP {code}{said}")
        return error


def _date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _message(body: str) -> str:
    """Return what the registry says of an error, after a colon; a web page says nothing."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    known = value if isinstance(value, dict) else {}
    # GraphQL has a list of errors; the APIs of Google and Azure have one.
    errors = known.get("errors") or known.get("error")
    first_error = errors[0] if isinstance(errors, list) and errors else errors
    said = known.get("message")
    if said is None:
        said = first_error.get("message") if isinstance(first_error, dict) else first_error
    first = str(said or "").strip().partition("\n")[0]
    return f": {clip(first, 300).rstrip('.')}" if first else ""


def _cause(error: BaseException) -> str:
    if isinstance(error, aiohttp.TooManyRedirects):
        return f"it redirects more than {len(error.history)} times, or in a circle"
    # aiohttp names the TLS context, which tells a user nothing, and a whole URL, whose query may be a signature.
    text = re.sub(r" ssl:(<[^>]*>|\S+)|(?<=[^\s'\"(])\?[^\s'\")]+", "", str(error))
    return clip(text or type(error).__name__, 300)
