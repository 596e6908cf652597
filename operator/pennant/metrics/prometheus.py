"""A Prometheus-compatible server as a metric source; its answers are data of a stranger, and bounded.

Protocol: the HTTP API of Prometheus, `POST /api/v1/query_range` and `/api/v1/query`, `GET /api/v1/rules`. Numbers and
words of closed sets leave this module, and the labels of alerts and the names of rules, which are compared and go no
further: nothing behind the URL can be read through a status.

Rule: R100.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import aiohttp

from pennant import __version__
from pennant.core.analysis.query_template import literal
from pennant.core.facts.measurement import Alert, Alerts, RangeQuery, Series
from pennant.metrics import parsing
from pennant.metrics.fair_queue import Asker, FairQueue
from pennant.ports import PortError, Refused, Unavailable

LARGEST_ANSWER_BYTES = 1 << 20
LONGEST_NAMES = 4000
"""Characters of the names of alerts in one question."""
MOST_NAMES = 50
CONNECT_SECONDS = 3.0
CONCURRENT_QUERIES = 16
"""Prometheus answers 20 at the same time, unless its `query.max-concurrency` says otherwise, and serves others, too."""
OF_ALL = ("", "")
"""Who asks what serves all ModelDeployments."""

AnswerT = TypeVar("AnswerT")
Observed = Callable[[str, str, float], None]
"""Told of each query: the source's name, `success`, `refused` or `unavailable`, and the seconds it took."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a source is, and with what to ask it; credentials and certificates are read again for each query."""

    url: str
    bearer_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 10.0
    lists_rules: bool = True
    """Whether the server lists the rules of all alerts that it has."""
    concurrent_queries: int = CONCURRENT_QUERIES
    """How many queries may be under way at the same time."""


class _TooLarge(Unavailable):
    """The answer is larger than any that is read."""


class Prometheus:
    """One Prometheus-compatible server."""

    def __init__(self, name: str, endpoint: Endpoint, observed: Observed) -> None:
        """Ask this endpoint; no connection is made before the first query."""
        self._name, self._endpoint, self._observed = name, endpoint, observed
        self._turns = FairQueue(endpoint.concurrent_queries)
        self._session: aiohttp.ClientSession | None = None
        self._authorities = Authorities(endpoint.ca_file)

    async def query_range(self, request: RangeQuery) -> Series:
        """Return the series; `Unavailable` or `Refused` where there is none."""
        form = {
            "query": request.query,
            "start": _unix(request.start),
            "end": _unix(request.end),
            "step": f"{request.step_seconds}",
            "lookback_delta": f"{request.lookback_seconds}s",
        }
        return await self._ask("query_range", form, "matrix", parsing.series, request.asker)

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        """Return all alerts of these names that fire now; `Unavailable` or `Refused` where nobody knows.

        An answer that is too large is asked for in parts; where that of one name is, this name alone is `unanswered`.
        """
        firing, unanswered, left = list[Alert](), dict[str, str](), _chunks(names)
        while left:
            chunk = left.pop()
            try:
                firing += await self._ask("query", {"query": _firing(chunk)}, "vector", parsing.alerts, OF_ALL)
            except _TooLarge as error:
                if len(chunk) == 1:
                    unanswered[chunk[0]] = f"the alert {chunk[0]} fires so often that {error}"
                else:
                    left += [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
        return Alerts(tuple(firing), unanswered=unanswered)

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        """Return which of these names no alerting rule has; None where the server does not tell."""
        if not self._endpoint.lists_rules:
            return None
        defined = set[str]()
        try:
            for chunk in _chunks(names):
                found = await self._rules(
                    [("type", "alert"), ("exclude_alerts", "true"), *(("rule_name[]", each) for each in chunk)]
                )
                if found is None:
                    return None
                defined |= found
            if not defined and not await self._knows_rules():
                return None
        except PortError:
            return None
        return names - defined

    async def _rules(self, parameters: list[tuple[str, str]]) -> frozenset[str] | None:
        """Return the names of the rules that are listed; None where there is no list, or a part of it alone."""
        code, body = await self._in_time(lambda: self._request("GET", "rules", params=parameters))
        return parsing.rule_names(body) if code == 200 else None

    async def _knows_rules(self) -> bool:
        """Return whether a server that lists no rules would list them: it then knows which types there are.

        VictoriaMetrics without vmalert answers any question about rules with an empty list.
        """
        parameters = [("type", "none")]
        code, _ = await self._in_time(lambda: self._request("GET", "rules", params=parameters))
        return code == 400

    async def _ask(
        self, path: str, form: dict[str, str], kind: str, read: Callable[[list[Any]], AnswerT], asker: Asker
    ) -> AnswerT:
        data = {**form, "timeout": f"{self._endpoint.timeout_seconds:g}s"}

        async def answered() -> AnswerT:
            code, body = await self._request("POST", path, data=data)
            return parsing.result(code, body, kind, read)

        return await self._in_time(answered, asker)

    async def _in_time(self, ask: Callable[[], Awaitable[AnswerT]], asker: Asker = OF_ALL) -> AnswerT:
        """Return the answer to a question, asked when it is its turn, within the time of the source.

        To wait for the turn is no fault of the source: whoever waits for too long notices it.
        """
        try:
            async with self._turns.of(asker):
                return await self._observed_in_time(ask)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {self._endpoint.timeout_seconds:g} s") from error

    async def _observed_in_time(self, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        begun, result = monotonic(), "unavailable"
        try:
            async with asyncio.timeout(self._endpoint.timeout_seconds):
                answer = await ask()
            result = "success"
            return answer
        except Refused:
            result = "refused"
            raise
        finally:
            self._observed(self._name, result, monotonic() - begun)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _request(self, method: str, path: str, **content: Any) -> tuple[int, bytes]:
        url = f"{self._endpoint.url.rstrip('/')}/api/v1/{path}"
        try:
            headers, tls = self._headers(), self._authorities.context()
            async with self._opened().request(
                method, url, headers=headers, ssl=tls, allow_redirects=False, **content
            ) as response:
                return response.status, await _bounded(response)
        except aiohttp.ClientError as error:
            raise Unavailable(f"cannot be reached ({type(error).__name__})") from error
        except OSError as error:
            raise Unavailable(f"cannot be reached ({error.strerror or type(error).__name__})") from error

    def _headers(self) -> dict[str, str]:
        headers = dict(self._endpoint.headers)
        if self._endpoint.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {_secret(self._endpoint.bearer_token_file)}"
        elif self._endpoint.password_file is not None:
            password = _secret(self._endpoint.password_file)
            headers["Authorization"] = aiohttp.encode_basic_auth(self._endpoint.username, password)
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._endpoint.concurrent_queries),
                # The whole is timed by whoever asks.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers={"User-Agent": f"pennant/{__version__}", "Accept-Encoding": "gzip"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


class Authorities:
    """Whose certificates are trusted: those of a file, which others replace at any time, or the system's."""

    def __init__(self, path: Path | None) -> None:
        """Freshness the certificates of this file; without one those that the system trusts."""
        self._path = path
        self._known: tuple[bytes, ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext | bool:
        """Return what aiohttp takes for it, the same as before unless the file has changed; raises `OSError`."""
        if self._path is None:
            return True
        content = self._path.read_bytes()
        if self._known is None or self._known[0] != content:
            self._known = content, ssl.create_default_context(cafile=str(self._path))
        return self._known[1]


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body as it is after decompression, unless it is larger than any sensible answer."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise _TooLarge(f"the answer is larger than {LARGEST_ANSWER_BYTES >> 20} MiB")
    return bytes(body)


def _firing(names: list[str]) -> str:
    """Return the query for the alerts of these names that fire.

    The value of ALERTS_FOR_STATE is the Unix time at which the alert's expression became true.
    """
    named = f'alertname=~"{"|".join(literal(each, is_regex=True) for each in names)}"'
    return f'ALERTS_FOR_STATE{{{named}}} and ignoring(alertstate) ALERTS{{{named},alertstate="firing"}}'


def _chunks(names: Iterable[str]) -> list[list[str]]:
    """Return the names in parts that fit into one question each."""
    chunks: list[list[str]] = []
    for each in sorted(names):
        if not chunks or len(chunks[-1]) == MOST_NAMES or sum(map(len, chunks[-1])) + len(each) > LONGEST_NAMES:
            chunks.append([])
        chunks[-1].append(each)
    return chunks


def _secret(path: Path) -> str:
    """Return the one line of a file; what is wrong with it is told without a part of it."""
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise Unavailable(f"the source's credentials cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise Unavailable("the source's credentials are no text") from None
    if not text or not text.isprintable():
        raise Unavailable("the source's credentials are not one line of text")
    return text


def _unix(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
