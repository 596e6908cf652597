"""Which namespaces a source answers, and with whose series and alerts."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pennant.controller.measurement_cache import MeasurementCache
from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts, LabelMatcher
from pennant.core.facts.measurement import Fault, Question, RangeQuery, Request, Series, Unanswered
from pennant.core.facts.observation import Key
from pennant.metrics.access import NamespacedSource
from pennant.metrics.config import load
from pennant.metrics.prometheus import PrometheusSource
from pennant.ports import MetricSource, Refused
from pennant.runtime.app import SystemClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
METRIC = Question("accuracy")


class Server:
    """A server that remembers the queries, and on which one alert fires in each of two namespaces."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.rules: frozenset[str] = frozenset()

    async def query_range(self, request: RangeQuery) -> Series:
        self.queries.append(request.query)
        return Series(({1: 1.0},))

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        since = {"a": NOON, "b": NOON + timedelta(seconds=7), "": NOON + timedelta(seconds=9)}
        return Alerts(tuple(Alert({"alertname": "Slow", "namespace": name}, since[name]) for name in since))

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        return names - {"Slow"}

    async def aclose(self) -> None:
        pass


def a_query(namespace: str, query: str = "up") -> RangeQuery:
    return RangeQuery("default", query, NOON, NOON, 10, 20, asker=(namespace, "fraud"))


def an_alert(namespace: str, *demands: LabelMatcher, name: str = "Slow") -> AlertQuery:
    return AlertQuery("default", NOON, (LabelMatcher("alertname", (name,)), *demands), asker=(namespace, "fraud"))


async def answer(source: MetricSource, request: Request) -> object:
    """Return what a ModelDeployment gets."""
    woken = asyncio.Event()
    cache = MeasurementCache({"default": source}, SystemClock(), lambda _: woken.set())
    key = Key(*request.asker)
    cache.take(key, {METRIC: request})
    await asyncio.wait_for(woken.wait(), 5)
    found = cache.take(key, {METRIC: request})[METRIC].answer
    await cache.aclose()
    return found


async def test_another_namespace_is_told_so_and_nothing_is_sent() -> None:
    """Rule: R184."""
    server = Server()
    source = NamespacedSource(PrometheusSource(server, SystemClock()), ["a", "c"])
    assert await answer(source, a_query("a")) == Series(({1: 1.0},))
    for request in (a_query("b"), an_alert("b"), a_query("")):
        refused = await answer(source, request)
        assert isinstance(refused, Unanswered)
        assert refused.fault is Fault.NOT_PERMITTED
        assert f"does not permit this source in the namespace {request.asker[0]}" in refused.detail
    assert server.queries == ["up"]
    await source.aclose()


async def test_the_namespaces_of_a_source_are_those_of_the_file(tmp_path: Path) -> None:
    """Rule: R184."""
    path = tmp_path / "sources.yaml"
    path.write_text(
        "sources: {default: {url: 'http://127.0.0.1:1', namespaces: [a]}, open: {url: 'http://127.0.0.1:1'}}"
    )
    sources = load(path, lambda *_: None, SystemClock())
    faults = {}
    for name, source in sources.items():
        refused = await answer(source, a_query("b"))
        assert isinstance(refused, Unanswered)
        faults[name] = refused.fault
    assert faults == {"default": Fault.NOT_PERMITTED, "open": Fault.UNAVAILABLE}
    await sources.aclose()


async def test_a_query_is_bounded_to_the_namespace_that_sends_it() -> None:
    """Rule: R185."""
    server = Server()
    source = PrometheusSource(server, SystemClock(), "ns")
    for namespace in ("a", "b"):
        await source.answer(a_query(namespace, 'sum(up{ns="b"})'))
    assert server.queries == [
        'sum ( {__name__="up",ns="b",ns="a"} )',
        'sum ( {__name__="up",ns="b",ns="b"} )',
    ]
    refused = await answer(source, a_query("a", "info(up)"))
    assert isinstance(refused, Unanswered)
    assert refused.fault is Fault.REFUSED
    assert refused.detail.startswith('the query cannot be bounded to ns="a": info is not one of')
    with pytest.raises(Refused):
        await source.answer(a_query(""))
    assert len(server.queries) == 2
    await source.aclose()


@pytest.mark.parametrize(
    "demands", [(), (LabelMatcher("namespace", ("a", "b", "")),), (LabelMatcher("namespace", ("c",), negated=True),)]
)
async def test_alerts_of_another_namespace_do_not_count(demands: tuple[LabelMatcher, ...]) -> None:
    """Whatever a ModelDeployment demands of them.

    Rule: R185.
    """
    everything = PrometheusSource(Server(), SystemClock())
    found = await everything.answer(an_alert("a", *demands))
    assert isinstance(found, Alerts)
    assert len(found.firing) == 3
    source = PrometheusSource(Server(), SystemClock(), "namespace")
    assert await source.answer(an_alert("a", *demands)) == Alerts((Alert({}, NOON),))
    assert await source.answer(an_alert("c", *demands)) == Alerts(())
    for each in (everything, source):
        await each.aclose()


async def test_whether_an_alert_is_defined_is_told_to_who_asked_for_it_alone() -> None:
    source = PrometheusSource(Server(), SystemClock())
    both = await asyncio.gather(source.answer(an_alert("a")), source.answer(an_alert("b", name="Misspelt")))
    assert [each.undefined for each in both if isinstance(each, Alerts)] == [frozenset(), frozenset({"Misspelt"})]
    await source.aclose()
