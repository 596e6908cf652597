"""One contract for metric sources, held against a real Prometheus and the one of the simulations."""

import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contract.prometheus_server import PrometheusServer
from pennant.core.measurement import RangeQuery, Series
from pennant.metrics.prometheus import Endpoint, Prometheus
from pennant.ports import MetricSource, Refused, Unavailable
from rig import Rig
from simulation.sources import FakeMetricSource, Sample

# Full minutes long ago: the real server keeps what it is given, and nothing else is there.
BEGIN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SAMPLES = (
    *(Sample("steady", {}, 10 * i, 0.5 + i / 100) for i in range(31)),
    *(Sample("gap", {}, 10 * i, 1.0) for i in range(31) if not 10 < i < 20),
    Sample("once", {}, 100, 7.0),
    *(Sample("nan", {}, 10 * i, math.nan) for i in range(31)),
    *(Sample("infinite", {}, 10 * i, math.inf) for i in range(31)),
    *(Sample("two", {"pod": pod}, 10 * i, 1.0) for i in range(31) for pod in ("a", "b")),
)


@pytest.fixture(scope="module")
def server(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    started = PrometheusServer(rig, tmp_path_factory.mktemp("prometheus"), BEGIN, SAMPLES)
    yield started
    started.close()


@pytest.fixture(params=["real", "fake"])
async def source(request: pytest.FixtureRequest) -> AsyncIterator[MetricSource]:
    if request.param == "fake":
        yield FakeMetricSource(BEGIN, SAMPLES)
        return
    started: PrometheusServer = request.getfixturevalue("server")
    real = Prometheus("default", Endpoint(started.url), lambda *_: None)
    yield real
    await real.aclose()


def over(query: str, first: float, last: float, step: int = 10, lookback: int = 20) -> RangeQuery:
    start, end = (BEGIN + timedelta(seconds=each) for each in (first, last))
    return RangeQuery("default", query, start, end, step, lookback)


def seconds(found: Series, number: int = 0) -> dict[float, float]:
    """Return one series by seconds since the beginning."""
    return {round(at / 1000 - BEGIN.timestamp(), 3): value for at, value in found.series[number].items()}


async def test_the_grid_is_the_one_that_was_asked_for(source: MetricSource) -> None:
    found = seconds(await source.query_range(over("steady", 100, 130)))
    assert found == {100: 0.60, 110: 0.61, 120: 0.62, 130: 0.63}


async def test_a_grid_may_begin_at_any_millisecond(source: MetricSource) -> None:
    found = seconds(await source.query_range(over("steady", 101.234, 111.234)))
    assert found == {101.234: 0.60, 111.234: 0.61}


async def test_a_sample_older_than_the_lookback_does_not_count(source: MetricSource) -> None:
    found = seconds(await source.query_range(over("gap", 90, 220)))
    assert sorted(found) == [90, 100, 110, 200, 210, 220], "the last sample before the gap is of 100 s"


async def test_one_sample_is_seen_for_its_lookback_only(source: MetricSource) -> None:
    assert sorted(seconds(await source.query_range(over("once", 90, 150, lookback=30)))) == [100, 110, 120]


async def test_nan_and_infinities_are_values(source: MetricSource) -> None:
    nan = seconds(await source.query_range(over("nan", 100, 110)))
    assert all(math.isnan(each) for each in nan.values())
    assert len(nan) == 2
    assert seconds(await source.query_range(over("infinite", 100, 110))) == {100: math.inf, 110: math.inf}


async def test_several_series_come_apart(source: MetricSource) -> None:
    found = await source.query_range(over("two", 100, 110))
    assert len(found.series) == 2


async def test_nothing_is_no_series(source: MetricSource) -> None:
    assert await source.query_range(over("unheard_of", 100, 110)) == Series(())


async def test_a_query_that_cannot_be_parsed_is_refused(source: MetricSource) -> None:
    with pytest.raises(Refused):
        await source.query_range(over("sum(", 100, 110))


async def test_a_source_that_is_down_is_unavailable(rig: Rig) -> None:
    real = Prometheus("default", Endpoint("http://127.0.0.1:1"), lambda *_: None)
    fake = FakeMetricSource(BEGIN, ())
    fake.down = True
    for each in (real, fake):
        with pytest.raises(Unavailable):
            await each.query_range(over("steady", 100, 110))
    await real.aclose()
