"""Requests to the API server: JSON over one pooled session, with every failure as an error of the port."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from time import monotonic
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from pennant import __version__
from pennant.api.meta import Json
from pennant.kube.http.connection import Connection
from pennant.kube.http.errors import (
    Behind,
    Forbidden,
    Missing,
    NotServed,
    TimedOut,
    TooLarge,
    Unauthenticated,
    failure,
    is_too_large,
    parsed,
)
from pennant.kube.http.metadata_list import MEDIA_TYPE, MetadataList, MetadataReader
from pennant.kube.http.resources import FIELD_MANAGER, RESOURCES, Kind
from pennant.ports import PortError, Refused, Unavailable

PAGE = 500
"""Objects of a page at most."""
FIRST_PAGE = 16
"""Objects of the first page of a kind. It is small, because the API server reads a whole page before it fails."""
MAX_PAGE_BYTES = 1024 * 1024
"""Of a page with more than one object. Python objects take five to twenty times the size of their JSON, and the memory
of the largest page is not returned."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
PART_BYTES = 64 * 1024
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiVerb(StrEnum):
    """The verb of a request, as Kubernetes' authorization has it."""

    GET = "get"
    LIST = "list"
    WATCH = "watch"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"


_METHODS: Mapping[ApiVerb, str] = {
    ApiVerb.GET: "GET",
    ApiVerb.LIST: "GET",
    ApiVerb.WATCH: "GET",
    ApiVerb.CREATE: "POST",
    ApiVerb.UPDATE: "PUT",
    ApiVerb.PATCH: "PATCH",
    ApiVerb.DELETE: "DELETE",
}
# Go's encoder escapes these characters in strings, and they occur nowhere else.
_ESCAPED = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})
_READS = frozenset({ApiVerb.GET, ApiVerb.LIST, ApiVerb.WATCH})
# Where an admission webhook is slow, the API server responds with that error before the client's timeout of 10 s.
_WRITE_OPTIONS = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "timeout": "9s"}

Permit = Callable[[], bool]
"""Return whether this process may write now."""
Observed = Callable[[ApiVerb, Kind, int, float], None]
"""Called after each request: verb, kind, HTTP status (0 where there was no whole response), seconds."""


def always() -> bool:
    """Permit every write."""
    return True


def ignore_absence(kind: Kind) -> None:
    """Do nothing where a kind is not served."""


def ignore_request(verb: ApiVerb, kind: Kind, code: int, seconds: float) -> None:
    """Do nothing after a request."""


@dataclass(frozen=True, slots=True)
class _Request:
    verb: ApiVerb
    kind: Kind
    path: str
    params: Mapping[str, str]
    data: bytes | None
    content_type: str
    max_bytes: int | None = None
    accept: str = JSON
    feed: Callable[[bytes], None] | None = None
    """Takes each part of a successful response, which then has no limit and is not kept; None: it is returned."""


class Client:
    """One pooled session with the API server; close it when done."""

    def __init__(
        self,
        connection: Connection,
        *,
        permit: Permit = always,
        observed: Observed = ignore_request,
        absent: Callable[[Kind], None] = ignore_absence,
        limit: int = 16,
        total_seconds: float = 10.0,
        connect_seconds: float = 3.0,
    ) -> None:
        """Call `permit` before a write, `observed` after a request, and `absent` with a kind that is not served.

        `limit` is the number of connections. Each takes 0.3 MiB, for as long as the process runs: asyncio has a buffer
        of 256 KiB for TLS.
        """
        self._connection = connection
        self._permit = permit
        self._observed = observed
        self._absent = absent
        self._limit = limit
        self._timeout = aiohttp.ClientTimeout(total=total_seconds, sock_connect=connect_seconds)
        self._page: dict[Kind, int] = {}
        """The number of objects of the next page of a kind; `FIRST_PAGE` where it has no entry."""
        self._opened: aiohttp.ClientSession | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; later requests raise `Unavailable`."""
        self._closed = True
        if self._opened is not None:
            await self._opened.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """Return the object by a quorum read; None where it does not exist."""
        try:
            return await self.request(ApiVerb.GET, kind, RESOURCES[kind].path(namespace, name))
        except Missing:
            return None

    async def watch(self, kind: Kind, namespace: str, name: str, *, after: str) -> AsyncGenerator[Json]:
        """Yield the events of one object after this resourceVersion, until the API server or the caller ends the watch.

        An event has `type` and `object`; see "Efficient detection of changes" in the reference of the Kubernetes API.
        A watch has no timeout. Raises `Unavailable` where the request fails, and where the API server ends the watch
        with an error, for instance because the resourceVersion is too old.
        """
        params = {"watch": "true", "fieldSelector": f"metadata.name={name}", "resourceVersion": after}
        request = _Request(ApiVerb.WATCH, kind, RESOURCES[kind].path(namespace), params, None, JSON)
        forever = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout.sock_connect)
        async with self._response(request, await self._connection.headers(), forever) as response:
            if not _is_success(response):
                raise self._error(request, response, await _body(response, request))
            async for event in _events(response):
                yield event

    async def probe(self, kind: Kind, namespace: str = "") -> int:
        """List one object of a kind by a quorum read, and return the resourceVersion of the list.

        Raises `NotServed` or `Unavailable` where that fails.
        """
        page = await self.request(ApiVerb.LIST, kind, RESOURCES[kind].path(namespace), params={"limit": "1"})
        return int(page["metadata"]["resourceVersion"])

    async def all_of(self, kind: Kind, namespace: str = "", **selectors: str) -> list[Json]:
        """Return the objects of all pages of a quorum list; see `pages`."""
        return [raw async for page in self.pages(kind, namespace, **selectors) for raw in page["items"]]

    async def metadata(self, kind: Kind, namespace: str = "", *, not_older_than: int, **selectors: str) -> MetadataList:
        """Return the identities of all objects of a kind from the API server's watch cache; selectors as for `pages`.

        Raises `Behind` where that cache does not get as far as this resourceVersion within three seconds.
        """
        match = {"resourceVersionMatch": "NotOlderThan", "resourceVersion": str(not_older_than)}
        reader, path = MetadataReader(), RESOURCES[kind].path(namespace)
        request = _Request(ApiVerb.LIST, kind, path, {**selectors, **match}, None, JSON)
        await self._authenticated(replace(request, accept=MEDIA_TYPE, feed=reader.feed))
        return reader.result()

    async def pages(self, kind: Kind, namespace: str = "", **selectors: str) -> AsyncIterator[Json]:
        """Yield the pages of a quorum list; selectors are `labelSelector` and `fieldSelector`.

        A page that is too large is read again with half as many objects, until it fits; a timeout is raised, and halves
        the next page. After small pages the next ones grow again.

        Rule: R89.
        """
        path, params = RESOURCES[kind].path(namespace), dict(selectors)
        while True:
            page = await self._page_that_fits(kind, path, params)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            params["continue"] = token

    async def _page_that_fits(self, kind: Kind, path: str, params: Mapping[str, str]) -> Json:
        limit = self._page.get(kind, FIRST_PAGE)
        while True:
            bound = MAX_PAGE_BYTES if limit > 1 else None
            request = _Request(ApiVerb.LIST, kind, path, {**params, "limit": str(limit)}, None, JSON, bound)
            try:
                body = await self._authenticated(request)
            except TooLarge:
                if limit == 1:
                    raise
                self._page[kind] = limit = limit // 2
                continue
            except TimedOut:
                # The size need not be the reason, so the page is not repeated here; the next attempt is smaller.
                self._page[kind] = max(limit // 2, 1)
                raise
            if len(body) < MAX_PAGE_BYTES // 4:
                self._page[kind] = min(limit * 2, PAGE)
            return parsed(body)

    async def request(
        self,
        verb: ApiVerb,
        kind: Kind,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Json | Sequence[Json] | None = None,
        content_type: str = JSON,
    ) -> Json:
        """Return the body of the response.

        A read raises `Unavailable` or `Missing`, a write any error of the port.
        """
        asked = dict(params or {})
        if verb in (ApiVerb.CREATE, ApiVerb.UPDATE, ApiVerb.PATCH):
            asked = _WRITE_OPTIONS | asked
        data = None if body is None else encoded(body)
        return parsed(await self._authenticated(_Request(verb, kind, path, asked, data, content_type)))

    async def _authenticated(self, request: _Request) -> bytes:
        credentials = await self._connection.headers()
        try:
            return await self._answer(request, credentials)
        except Unauthenticated:
            # The token may have been replaced since it was read. The request had no effect, so it can be repeated.
            if not await self._connection.reload(credentials):
                raise
        return await self._answer(request, await self._connection.headers())

    async def _answer(self, request: _Request, credentials: Mapping[str, str]) -> bytes:
        if request.verb not in _READS and not self._permit():
            raise Unavailable("not leading")
        async with self._response(request, credentials, self._timeout) as response:
            body = await _body(response, request)
        if _is_success(response):
            return body
        raise self._error(request, response, body)

    @asynccontextmanager
    async def _response(
        self, request: _Request, credentials: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and yield the response; its body is read inside of the context."""
        code, began = 0, monotonic()
        try:
            async with self._session().request(
                _METHODS[request.verb],
                self._connection.server + request.path,
                params=request.params,
                data=request.data,
                headers={**credentials, "Content-Type": request.content_type, "Accept": request.accept},
                ssl=self._connection.tls,
                server_hostname=self._connection.server_name,
                proxy=self._connection.proxy,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                if request.verb is ApiVerb.WATCH:
                    # Nearly every watch is ended by its caller, in the middle of the response.
                    code = response.status
                yield response
                code = response.status
        except TimeoutError as error:
            raise TimedOut(f"the API server does not answer: {str(error) or type(error).__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise Unavailable(f"the API server does not answer: {cause}") from error
        finally:
            self._observed(request.verb, request.kind, code, monotonic() - began)

    def _error(self, request: _Request, response: aiohttp.ClientResponse, body: bytes) -> PortError:
        """Return the error for a response other than 2xx."""
        said_no = failure(response.status, body, response.headers)
        if isinstance(said_no, NotServed):
            self._absent(request.kind)
            return NotServed(f"{request.kind} is not served; is its CRD installed?")
        if isinstance(said_no, Behind):
            return said_no
        if request.verb is ApiVerb.LIST and is_too_large(response.status, str(said_no)):
            return TooLarge(str(said_no))
        if request.verb in _READS and isinstance(said_no, Refused):
            # Only a write is refused for what is in it; a read may be permitted later.
            return (Forbidden if response.status == 403 else Unavailable)(str(said_no))
        return said_no

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unavailable("the client is closed")
        # Opened at the first request, because a session belongs to the running loop.
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limit),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                # In a cluster's network, compression takes longer than it saves.
                headers={"User-Agent": f"pennant/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._opened


def encoded(value: Any) -> bytes:
    """Return a value as JSON with exactly the bytes that Go's encoder writes.

    The API server compares the data of a ControllerRevision byte by byte. It encodes them again when it patches an
    annotation, so data of any other form would count as changed, and the patch would be refused.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPED).encode()


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """Yield the events of a watch: one JSON object in each line."""
    try:
        async for line in response.content:
            event = parsed(line)
            if event.get("type") == "ERROR":
                raise Unavailable(f"the watch ended: {(event.get('object') or {}).get('message')}")
            yield event
    except LineTooLong as error:
        raise TooLarge("an event of the watch is too large") from error


def _is_success(response: aiohttp.ClientResponse) -> bool:
    """Return whether the status is 2xx; a redirect is none, because it is not followed."""
    return 200 <= response.status < 300


async def _body(response: aiohttp.ClientResponse, request: _Request) -> bytes:
    if request.feed is not None and _is_success(response):
        async for part in response.content.iter_chunked(PART_BYTES):
            request.feed(part)
        return b""
    return await _bounded(response, request.max_bytes or MAX_ANSWER_BYTES)


async def _bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"the API server's answer is larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
