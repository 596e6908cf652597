"""A Prometheus-compatible server as a metric source; its answers are data of a stranger, and bounded.

Protocol: the HTTP API of Prometheus, `POST /api/v1/query_range` and `/api/v1/query`, `GET /api/v1/rules`. Numbers and
words of closed sets leave this module, and the labels of alerts and the names of rules, which are compared and go no
further: nothing behind the URL can be read through a status.

Rule: Neither a secret nor what a stranger says is told on.
"""

import asyncio
import json
import math
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import aiohttp

from pennant import __version__
from pennant.core.measurement import Alert, Alerts, RangeQuery, Series
from pennant.core.query import literal
from pennant.ports import Partial, PortError, Refused, Unavailable

LARGEST_ANSWER_BYTES = 1 << 20
RULES = "rules"
LONGEST_NAMES = 4000
"""Characters of the names of alerts in one question."""
MOST_NAMES = 50
CONNECT_SECONDS = 3.0
CONCURRENT_QUERIES = 4
SLOW_QUERIES = 2
MOST_REMEMBERED = 1024
# What Prometheus prints; Python's float takes more, such as "1_0" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.ASCII)
# The longest that a number of 64 bits takes, without an exponent.
LONGEST_NUMBER = 400
_ABOUT_THE_QUERY = re.compile(r"PromQL (info|warning)\b|[0-9]+ more (warning|info) annotations omitted$")
_SPECIAL = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}
_ERROR_TYPES = frozenset({"bad_data", "execution", "timeout", "canceled", "too_many_series"})

AnswerT = TypeVar("AnswerT")
Observed = Callable[[str, str, float], None]
"""Told of each query: the source's name, `success`, `refused` or `unavailable`, and the seconds it took."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a source is, and with what to ask it; credentials are files, read again for each query."""

    url: str
    bearer_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 10.0
    lists_rules: bool = True
    """Whether the server lists the rules of all alerts that it has."""


class _TooLarge(Unavailable):
    """The answer is larger than any that is read."""


class Prometheus:
    """One Prometheus-compatible server."""

    def __init__(self, name: str, endpoint: Endpoint, observed: Observed) -> None:
        """Ask this endpoint; no connection is made before the first query."""
        self._name, self._endpoint, self._observed = name, endpoint, observed
        self._turns = asyncio.Semaphore(CONCURRENT_QUERIES)
        self._slow_turns = asyncio.Semaphore(SLOW_QUERIES)
        self._slow: dict[str, None] = {}
        """Queries that were not answered in time when they were last asked, the oldest first."""
        self._session: aiohttp.ClientSession | None = None

    async def query_range(self, request: RangeQuery) -> Series:
        """Return the series; `Unavailable` or `Refused` where there is none."""
        form = {
            "query": request.query,
            "start": _unix(request.start),
            "end": _unix(request.end),
            "step": f"{request.step_seconds}",
            "lookback_delta": f"{request.lookback_seconds}s",
        }
        return await self._ask("query_range", form, "matrix", _series)

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        """Return all alerts of these names that fire now; `Unavailable` or `Refused` where nobody knows.

        An answer that is too large is asked for in parts; where that of one name is, this name alone is `unanswered`.
        """
        firing, unanswered, left = list[Alert](), dict[str, str](), _chunks(names)
        while left:
            chunk = left.pop()
            try:
                firing += await self._ask("query", {"query": _firing(chunk)}, "vector", _alerts)
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
        code, body = await self._in_time(RULES, lambda: self._request("GET", "rules", params=parameters))
        return _rule_names(body) if code == 200 else None

    async def _knows_rules(self) -> bool:
        """Return whether a server that lists no rules would list them: it then knows which types there are.

        VictoriaMetrics without vmalert answers any question about rules with an empty list.
        """
        parameters = [("type", "none")]
        code, _ = await self._in_time(RULES, lambda: self._request("GET", "rules", params=parameters))
        return code == 400

    async def _ask(self, path: str, form: dict[str, str], kind: str, read: Callable[[list[Any]], AnswerT]) -> AnswerT:
        data = {**form, "timeout": f"{self._endpoint.timeout_seconds:g}s"}

        async def answered() -> AnswerT:
            code, body = await self._request("POST", path, data=data)
            return _read(code, body, kind, read)

        return await self._in_time(form["query"], answered)

    async def _in_time(self, what: str, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Return the answer to a question, asked when it is its turn, within the time of the source."""
        begun = monotonic()
        result = "unavailable"
        try:
            # Waiting for a turn counts too: a source that hangs must not hold its callers longer than its time.
            async with asyncio.timeout(self._endpoint.timeout_seconds), self._turn(what):
                answer = await ask()
            result = "success"
            return answer
        except TimeoutError as error:
            raise Unavailable(f"no answer within {self._endpoint.timeout_seconds:g} s") from error
        except Refused:
            result = "refused"
            raise
        finally:
            self._observed(self._name, result, monotonic() - begun)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _turn(self, query: str) -> AsyncIterator[None]:
        """Wait for a turn; queries that were too slow before share a part of them, so that others are not kept."""
        async with AsyncExitStack() as turn:
            if query in self._slow:
                await turn.enter_async_context(self._slow_turns)
            await turn.enter_async_context(self._turns)
            try:
                yield
            except (asyncio.CancelledError, TimeoutError):
                self._slow[query] = None
                if len(self._slow) > MOST_REMEMBERED:
                    del self._slow[next(iter(self._slow))]
                raise
            self._slow.pop(query, None)

    async def _request(self, method: str, path: str, **content: Any) -> tuple[int, bytes]:
        url = f"{self._endpoint.url.rstrip('/')}/api/v1/{path}"
        try:
            headers = self._headers()
            async with self._opened().request(
                method, url, headers=headers, allow_redirects=False, **content
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
            tls: ssl.SSLContext | bool = True
            if self._endpoint.ca_file is not None:
                tls = ssl.create_default_context(cafile=str(self._endpoint.ca_file))
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONCURRENT_QUERIES, ssl=tls),
                # The whole is timed by whoever asks.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers={"User-Agent": f"pennant/{__version__}", "Accept-Encoding": "gzip"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body as it is after decompression, unless it is larger than any sensible answer."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise _TooLarge(f"the answer is larger than {LARGEST_ANSWER_BYTES >> 20} MiB")
    return bytes(body)


def _read(code: int, body: bytes, kind: str, read: Callable[[list[Any]], AnswerT]) -> AnswerT:
    """Return what `read` makes of the result of an answer, which must be of this kind."""
    if code in (400, 422):
        raise Refused(f"the query is refused ({_error_type(body)})")
    if code != 200:
        raise Unavailable(f"HTTP {code}")
    answer = _parsed(body)
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict) or data.get("resultType") != kind:
        raise Unavailable(f"the answer is not a {kind}")
    if _is_partial(answer):
        raise Partial("the answer is partial, because a part of the source did not answer")
    try:
        return read(data["result"])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Unavailable("the answer cannot be read") from error


def _is_partial(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer says that it is not the whole of it: a part of the data is not the data.

    VictoriaMetrics marks it. Elsewhere there is a warning: what Prometheus and its relatives warn of in a query begins
    with `PromQL`, and any other warning is of what the data is read from, such as a store of Thanos.

    Rule: An answer that says that it is partial is no answer.
    """
    if answer.get("isPartial") not in (None, False):
        return True
    return any(_ABOUT_THE_QUERY.match(each) is None for each in _texts(answer.get("warnings")))


def _texts(value: Any) -> list[str]:
    """Return the texts of a list; a field that is left out has none."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unavailable("the answer cannot be read")
    return value


def _series(result: list[Any]) -> Series:
    return Series(tuple(_values(each["values"]) for each in result))


def _alerts(result: list[Any]) -> list[Alert]:
    return [_alert(each["metric"], each["value"][1]) for each in result]


def _alert(labels: Mapping[Any, Any], since: Any) -> Alert:
    known = {name: value for name, value in labels.items() if name != "__name__"}
    if not all(isinstance(each, str) for each in known.values()):
        raise ValueError("not a label of Prometheus")
    return Alert(known, datetime.fromtimestamp(_number(since), UTC))


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


def _rule_names(body: bytes) -> frozenset[str] | None:
    """Return the names of the rules of an answer; None where it is no list of rules, or a part of one alone."""
    answer = _parsed(body)
    if answer.get("status") != "success" or _is_partial(answer):
        return None
    try:
        return frozenset(str(rule["name"]) for group in answer["data"]["groups"] for rule in group["rules"])
    except (KeyError, TypeError):
        return None


def _values(pairs: Any) -> Mapping[int, float]:
    return {round(_time(time) * 1000): _number(value) for time, value in pairs}


def _time(number: Any) -> float:
    if type(number) not in (int, float):
        raise ValueError("not a time of Prometheus")
    return float(number)


def _number(text: Any) -> float:
    if not isinstance(text, str) or len(text) > LONGEST_NUMBER:
        raise ValueError("not a number of Prometheus")
    if text not in _SPECIAL and not _NUMBER.fullmatch(text):
        raise ValueError("not a number of Prometheus")
    return _SPECIAL[text] if text in _SPECIAL else float(text)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the answer is not JSON") from error
    if not isinstance(answer, dict):
        raise Unavailable("the answer is not an object")
    return answer


def _error_type(body: bytes) -> str:
    try:
        word = _parsed(body).get("errorType")
    except PortError:
        return "unknown error"
    return word if isinstance(word, str) and word in _ERROR_TYPES else "unknown error"


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
