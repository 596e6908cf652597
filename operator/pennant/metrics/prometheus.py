"""The type `prometheus`: a server that speaks the HTTP API of Prometheus, such as Thanos, Mimir or VictoriaMetrics.

It answers `RangeQuery` and `AlertQuery`. Protocol: `POST /api/v1/query_range` and `/api/v1/query`, `GET /api/v1/rules`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field, field_validator

from pennant.core.analysis.kinds.alert import ALERT_NAME, Alert, AlertQuery, Alerts, LabelMatcher
from pennant.core.analysis.query_template import literal
from pennant.core.facts.measurement import Answer, RangeQuery, Request, Series
from pennant.metrics import prometheus_answers
from pennant.metrics.alert_cache import AlertCache, AlertServer
from pennant.metrics.bounded_query import bounded
from pennant.metrics.http import HttpClient, HttpSettings, TooLarge
from pennant.metrics.settings import Observed
from pennant.ports import Clock, PortError, Refused

LONGEST_NAMES = 4000
"""Characters of the names of alerts in one request."""
MAX_NAMES = 50

AnswerT = TypeVar("AnswerT")


class PrometheusSettings(HttpSettings):
    """One Prometheus-compatible server."""

    type: Literal["prometheus"] = "prometheus"
    """What kind of server it is. Default: prometheus."""
    lists_rules: bool = True
    """Whether the server lists the rules of all alerts that it has. Say false where another server evaluates them: then
    an alert that nobody defined is not told from one that does not fire. Default: true."""
    namespace_label: Annotated[str, Field(max_length=128, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")] | None = None
    """Label, such as `namespace`, that each selector of a query must have with the namespace of the ModelDeployment as
    its value: other series are not read. Default: queries are sent as they are written."""

    ANSWERS: ClassVar = (RangeQuery, AlertQuery)

    def opened(self, name: str, observed: Observed, clock: Clock) -> "PrometheusSource":
        """Return the source."""
        return PrometheusSource(Prometheus(name, self, observed), clock, self.namespace_label)

    @field_validator("namespace_label")
    @classmethod
    def _a_label_of_series(cls, label: str | None) -> str | None:
        if label in ("__name__", ALERT_NAME):
            raise ValueError("must be the label that has the namespace, such as namespace")
        return label


class PrometheusApi(AlertServer, Protocol):
    """What a source of this type needs of a server; the simulation has one in memory."""

    async def query_range(self, request: RangeQuery) -> Series:
        """Return the series; raises as `MetricSource.answer` does."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class PrometheusSource:
    """A metric source of this type: range queries go to the server one by one, requests for alerts are combined."""

    def __init__(self, server: PrometheusApi, clock: Clock, namespace_label: str | None = None) -> None:
        """Answer requests by this server; with a label, from series and alerts of the namespace that asks alone."""
        self._server, self._alerts = server, AlertCache(server, clock)
        self._label = namespace_label

    async def answer(self, request: Request) -> Answer:
        """Return `Series` or `Alerts`; raises `Refused` where a query cannot be bounded to its namespace.

        Rule: R185.
        """
        match request:
            case RangeQuery():
                return await self._server.query_range(self._bounded_query(request))
            case AlertQuery():
                return await self._alerts.answer(self._bounded_alerts(request))
            case _:
                raise Refused("a source of the type prometheus does not answer metrics of this kind")

    def _bounded_query(self, request: RangeQuery) -> RangeQuery:
        if self._label is None:
            return request
        return replace(request, query=bounded(request.query, self._label, request.asker[0]))

    def _bounded_alerts(self, request: AlertQuery) -> AlertQuery:
        if self._label is None:
            return request
        own = LabelMatcher(self._label, (request.asker[0],))
        return replace(request, demands=(*request.demands, own))

    async def aclose(self) -> None:
        """Cancel the request for alerts that is under way, and close the connections."""
        await self._alerts.aclose()
        await self._server.aclose()


class Prometheus:
    """A client of the HTTP API of Prometheus."""

    def __init__(self, name: str, settings: PrometheusSettings, observed: Observed) -> None:
        """Ask the server of these settings; no connection is made before the first query."""
        self._settings = settings
        self._http = HttpClient(name, settings, observed)

    async def query_range(self, request: RangeQuery) -> Series:
        """Return the series; raises `Unavailable`, `Partial` or `Refused`."""
        form = {
            "query": request.query,
            "start": _unix(request.start),
            "end": _unix(request.end),
            "step": f"{request.step_seconds}",
            "lookback_delta": f"{request.lookback_seconds}s",
        }
        ask = self._asking("query_range", form, "matrix", prometheus_answers.series)
        return await self._http.shared(ask, request.asker, tuple(form.values()), request.step_seconds)

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        """Return all alerts of these names that fire now; raises `Unavailable` or `Refused`.

        Where a response is too large, the names are split; a single name that is too large is `unanswered`.
        """
        firing, unanswered, left = list[Alert](), dict[str, str](), _chunks(names)
        while left:
            chunk = left.pop()
            try:
                form = {"query": _firing(chunk)}
                firing += await self._http.in_time(self._asking("query", form, "vector", prometheus_answers.alerts))
            except TooLarge as error:
                if len(chunk) == 1:
                    unanswered[chunk[0]] = f"the alert {chunk[0]} fires so often that {error}"
                else:
                    left += [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
        return Alerts(tuple(firing), unanswered=unanswered)

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        """Return which of these names no alerting rule has; None where the server does not list its rules."""
        if not self._settings.lists_rules:
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
        """Return the names of the rules that are listed; None where there is no list, or not all of it."""
        code, body = await self._http.in_time(lambda: self._http.request("GET", "/api/v1/rules", params=parameters))
        return prometheus_answers.rule_names(body) if code == 200 else None

    async def _knows_rules(self) -> bool:
        """Return whether a server that listed no rules evaluates rules at all: then it refuses an unknown type of rule.

        VictoriaMetrics without vmalert answers each request for rules with an empty list.
        """
        parameters = [("type", "none")]
        code, _ = await self._http.in_time(lambda: self._http.request("GET", "/api/v1/rules", params=parameters))
        return code == 400

    def _asking(
        self, path: str, form: dict[str, str], kind: str, read: Callable[[list[Any]], AnswerT]
    ) -> Callable[[], Awaitable[AnswerT]]:
        """Return what sends a form and returns `read` of its answer."""
        data = {**form, "timeout": f"{self._settings.timeout_seconds:g}s"}

        async def answered() -> AnswerT:
            code, body = await self._http.request("POST", f"/api/v1/{path}", data=data)
            return prometheus_answers.result(code, body, kind, read)

        return answered

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _firing(names: list[str]) -> str:
    """Return the query for the alerts of these names that fire.

    The value of ALERTS_FOR_STATE is the Unix time at which the alert's expression became true.
    """
    named = f'alertname=~"{"|".join(literal(each, is_regex=True) for each in names)}"'
    return f'ALERTS_FOR_STATE{{{named}}} and ignoring(alertstate) ALERTS{{{named},alertstate="firing"}}'


def _chunks(names: Iterable[str]) -> list[list[str]]:
    """Return the names in parts that fit into one query each."""
    chunks: list[list[str]] = []
    for each in sorted(names):
        if not chunks or len(chunks[-1]) == MAX_NAMES or sum(map(len, chunks[-1])) + len(each) > LONGEST_NAMES:
            chunks.append([])
        chunks[-1].append(each)
    return chunks


def _unix(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
