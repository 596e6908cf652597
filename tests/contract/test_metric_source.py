"""One contract for metric sources, held against a real Prometheus and the one of the simulations."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.prometheus_server import PrometheusServer
from pennant.core.analysis.kinds.alert import Alert, LabelMatcher
from pennant.core.analysis.promql import lacking, probe
from pennant.core.facts.measurement import RangeQuery, Series
from pennant.metrics.prometheus import Prometheus, PrometheusApi, PrometheusSettings
from pennant.ports import Partial, Refused, Unavailable
from rig import Rig
from rig.front_end import FrontEnd
from simulation.support.sources import FakeMetricSource, Sample
from unit.core.test_promql import FILTERS, OF_OTHERS, REACHES

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
async def source(request: pytest.FixtureRequest) -> AsyncIterator[PrometheusApi]:
    if request.param == "fake":
        yield FakeMetricSource(BEGIN, SAMPLES)
        return
    started: PrometheusServer = request.getfixturevalue("server")
    real = Prometheus("default", PrometheusSettings(url=started.url), lambda *_: None)
    yield real
    await real.aclose()


def over(query: str, first: float, last: float, step: int = 10, lookback: int = 20) -> RangeQuery:
    start, end = (BEGIN + timedelta(seconds=each) for each in (first, last))
    return RangeQuery("default", query, start, end, step, lookback)


def seconds(found: Series, number: int = 0) -> dict[float, float]:
    """Return one series by seconds since the beginning."""
    return {round(at / 1000 - BEGIN.timestamp(), 3): value for at, value in found.series[number].items()}


async def test_the_grid_is_the_one_that_was_asked_for(source: PrometheusApi) -> None:
    found = seconds(await source.query_range(over("steady", 100, 130)))
    assert found == {100: 0.60, 110: 0.61, 120: 0.62, 130: 0.63}


async def test_a_grid_may_begin_at_any_millisecond(source: PrometheusApi) -> None:
    found = seconds(await source.query_range(over("steady", 101.234, 111.234)))
    assert found == {101.234: 0.60, 111.234: 0.61}


async def test_a_front_end_that_rounds_to_whole_steps_changes_nothing_on_a_grid_of_whole_steps(
    server: PrometheusServer,
) -> None:
    """Rule: R32."""
    with FrontEnd(server.url) as front_end:
        plain, rounding = (
            Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
            for url in (server.url, front_end.url("aligned"))
        )
        fake = FakeMetricSource(BEGIN, SAMPLES)
        fake.aligned = True
        for query in (over("steady", 100, 130), over("gap", 90, 220)):
            asked = await plain.query_range(query)
            assert asked.series
            assert await rounding.query_range(query) == asked == await fake.query_range(query)
        beside = over("steady", 103, 133)
        rounded = await rounding.query_range(beside)
        assert sorted(seconds(rounded)) == [100, 110, 120, 130], "it does round"
        assert await fake.query_range(beside) == rounded
        await plain.aclose()
        await rounding.aclose()


async def test_a_sample_older_than_the_lookback_does_not_count(source: PrometheusApi) -> None:
    found = seconds(await source.query_range(over("gap", 90, 220)))
    assert sorted(found) == [90, 100, 110, 200, 210, 220], "the last sample before the gap is of 100 s"


async def test_a_range_reaches_back_as_far_as_it_says_whatever_the_lookback(source: PrometheusApi) -> None:
    found = seconds(await source.query_range(over("avg_over_time(steady[30s])", 100, 110)))
    assert found == {100: pytest.approx(0.59), 110: pytest.approx(0.60)}, "the sample at its old end is left out"
    assert seconds(await source.query_range(over("avg_over_time(once[60s])", 150, 170))) == {150: 7.0}


@pytest.mark.parametrize("query", [query for query, *_ in (*REACHES, *FILTERS) if query not in OF_OTHERS])
async def test_the_queries_by_which_it_is_shown_what_is_known_of_queries_are_queries(
    server: PrometheusServer, query: str
) -> None:
    real = Prometheus("default", PrometheusSettings(url=server.url), lambda *_: None)
    await real.query_range(over(query.replace("${window}", "10s"), 100, 110))
    await real.aclose()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum(rate(unheard_of[1m]))", "no series has the name unheard_of"),
        ('two{pod="c",job=""}', 'no series of two has pod="c"'),
        ('two{pod="a",pod="b"}', "no series of two has all of these labels together"),
        ('two{pod="a"} + steady', "every selector matches series"),
        ('steady / two{pod=~"[xy]"}', 'no series of two has pod=~"[xy]"'),
        ('{__name__="steady",pod!=""}', "no series has all of these labels together"),
    ],
)
async def test_one_more_question_tells_why_a_query_gives_nothing(
    server: PrometheusServer, query: str, words: str
) -> None:
    real = Prometheus("default", PrometheusSettings(url=server.url), lambda *_: None)
    assert await real.query_range(over(query, 100, 100)) == Series(())
    (values,) = (await real.query_range(over(probe(query), 100, 100, lookback=300))).series
    assert lacking(query, values[round((BEGIN.timestamp() + 100) * 1000)]).startswith(words)
    await real.aclose()


async def test_one_sample_is_seen_for_its_lookback_only(source: PrometheusApi) -> None:
    assert sorted(seconds(await source.query_range(over("once", 90, 150, lookback=30)))) == [100, 110, 120]


async def test_nan_and_infinities_are_values(source: PrometheusApi) -> None:
    nan = seconds(await source.query_range(over("nan", 100, 110)))
    assert all(math.isnan(each) for each in nan.values())
    assert len(nan) == 2
    assert seconds(await source.query_range(over("infinite", 100, 110))) == {100: math.inf, 110: math.inf}


async def test_several_series_come_apart(source: PrometheusApi) -> None:
    found = await source.query_range(over("two", 100, 110))
    assert len(found.series) == 2


async def test_nothing_is_no_series(source: PrometheusApi) -> None:
    assert await source.query_range(over("unheard_of", 100, 110)) == Series(())


async def test_a_query_that_cannot_be_parsed_is_refused(source: PrometheusApi) -> None:
    with pytest.raises(Refused):
        await source.query_range(over("sum(", 100, 110))


RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "contract",
            "interval": "500ms",
            "rules": [
                {"alert": "Fires", "expr": "vector(1) > 0", "labels": {"model": 'a"b\\c'}},
                {"alert": "FiresAfterAWhile", "expr": "vector(1) > 0", "for": "1s"},
                {"alert": "Waits", "expr": "vector(1) > 0", "for": "1h"},
                {"alert": "Rests", "expr": "vector(1) > 1"},
            ],
        }
    ]
}


@pytest.fixture(params=["real", "fake"])
async def alerting(request: pytest.FixtureRequest) -> AsyncIterator[PrometheusApi]:
    """Return a source of which two alerts fire, one of them with a label; a third one waits for its time."""
    if request.param == "fake":
        fake = FakeMetricSource(BEGIN, ())
        labels = ({"alertname": "Fires", "model": 'a"b\\c'}, {"alertname": "FiresAfterAWhile"})
        fake.alerts = [Alert(each, datetime.now(UTC)) for each in labels]
        fake.rules = frozenset(each["alert"] for each in RULES["groups"][0]["rules"])
        yield fake
        return
    rig: Rig = request.getfixturevalue("rig")
    rules = rig.rules / "contract.yaml"
    rules.write_text(json.dumps(RULES))
    rig.reload("prometheus")
    real = Prometheus("default", PrometheusSettings(url=rig.prometheus_url), lambda *_: None)
    yield real
    await real.aclose()
    rules.unlink()
    rig.reload("prometheus")


ALL = frozenset({"Fires", "FiresAfterAWhile", "Waits", "Rests", "Fires.*", 'a"b\\c', ""})


async def firing(source: PrometheusApi, number: int) -> dict[str, Alert]:
    for _ in range(200):
        found = {each.labels["alertname"]: each for each in (await source.firing_alerts(ALL)).firing}
        if len(found) == number:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"there were never {number} alerts, but {found}")


async def test_alerts_that_fire_come_with_their_labels_and_their_beginning(alerting: PrometheusApi) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    found = await firing(alerting, 2)
    assert found.keys() == {"Fires", "FiresAfterAWhile"}, "what waits or rests does not fire"
    assert found["Fires"].labels == {"alertname": "Fires", "model": 'a"b\\c'}
    for each in found.values():
        assert before < each.since <= datetime.now(UTC), "the beginning is when the expression became true"


async def test_alerts_are_asked_for_by_their_names_alone(alerting: PrometheusApi) -> None:
    await firing(alerting, 2)
    for names, found in (({"Fires", "Rests"}, ["Fires"]), ({"Fires.*"}, []), ({""}, []), (set(), [])):
        alerts = (await alerting.firing_alerts(frozenset(names))).firing
        assert [each.labels["alertname"] for each in alerts] == found, "a name is no regular expression"


async def test_alerts_are_matched_by_all_labels_that_are_asked_for(alerting: PrometheusApi) -> None:
    await firing(alerting, 2)
    alerts = await alerting.firing_alerts(ALL)
    named, of_model, of_another = (
        LabelMatcher("alertname", ("Fires",)),
        LabelMatcher("model", ('a"b\\c',)),
        LabelMatcher("model", ("another",)),
    )
    assert len(alerts.matching((named, of_model)).firing) == 1
    assert alerts.matching((named, of_another)).firing == ()
    assert (
        alerts.matching((LabelMatcher("alertname", ("FiresAfterAWhile",)), LabelMatcher("model", ("x",)))).firing == ()
    )


async def test_which_alerts_nobody_has_defined_is_told(alerting: PrometheusApi) -> None:
    """Rule: R43."""
    assert await alerting.undefined_alerts(frozenset({"Rests", "Restz"})) == frozenset({"Restz"})
    assert await alerting.undefined_alerts(frozenset({"Rests", "Waits"})) == frozenset()
    assert await alerting.undefined_alerts(frozenset({"Restz"})) == frozenset({"Restz"})


async def test_a_server_without_rules_says_so_and_one_without_such_an_api_says_nothing(
    server: PrometheusServer,
) -> None:
    with FrontEnd(server.url) as front_end:
        for url, known in ((server.url, frozenset({"Any"})), (front_end.url("unruly"), None)):
            source = Prometheus("default", PrometheusSettings(url=url), lambda *_: None)
            assert await source.undefined_alerts(frozenset({"Any"})) == known
            await source.aclose()


async def test_an_answer_that_says_that_it_is_partial_is_no_answer(server: PrometheusServer) -> None:
    """Rule: R36."""
    with FrontEnd(server.url) as front_end:
        thanos, victoria = (
            Prometheus("default", PrometheusSettings(url=front_end.url(each)), lambda *_: None)
            for each in ("partial", "half")
        )
        fake = FakeMetricSource(BEGIN, SAMPLES)
        fake.partial = True
        for each in (thanos, victoria, fake):
            with pytest.raises(Partial):
                await each.query_range(over("steady", 100, 110))
            with pytest.raises(Partial):
                await each.firing_alerts(ALL)
            assert await each.undefined_alerts(ALL) is None
        await thanos.aclose()
        await victoria.aclose()


class Lagging(FakeMetricSource):
    """Knows of no sample that is younger than the last one of the real server."""

    @property
    def newest(self) -> float:
        return 300


async def test_a_source_that_lags_behind_has_what_it_has_for_the_lookback(server: PrometheusServer) -> None:
    real = Prometheus("default", PrometheusSettings(url=server.url), lambda *_: None)
    fresh = (Sample("steady", {}, 10 * i, 0.5 + i / 100) for i in range(31, 61))
    fake = Lagging(BEGIN, (*SAMPLES, *fresh))
    for query in ("steady", "avg_over_time(steady[30s])"):
        found, held_to = [seconds(await each.query_range(over(query, 280, 350))) for each in (fake, real)]
        assert found == pytest.approx(held_to)
    assert sorted(seconds(await real.query_range(over("steady", 280, 350)))) == [280, 290, 300, 310]
    await real.aclose()


async def test_a_source_that_knows_nothing_says_so_without_an_error(server: PrometheusServer) -> None:
    with FrontEnd(server.url) as front_end:
        real = Prometheus("default", PrometheusSettings(url=front_end.url("empty")), lambda *_: None)
        fake = FakeMetricSource(BEGIN, SAMPLES)
        fake.empty, fake.rules = True, frozenset()
        fake.alerts = [Alert({"alertname": "Fires"}, BEGIN)]
        for each in (real, fake):
            assert await each.query_range(over("steady", 100, 130)) == Series(())
            assert (await each.firing_alerts(ALL)).firing == ()
            assert await each.undefined_alerts(ALL) == ALL
        await real.aclose()


async def test_a_slow_source_answers_what_a_quick_one_does_to_whoever_waits(server: PrometheusServer) -> None:
    with FrontEnd(server.url, slow_seconds=0.3) as front_end:
        patient, impatient = (
            Prometheus("default", PrometheusSettings(url=front_end.url("slow"), timeout_seconds=each), lambda *_: None)
            for each in (10, 0.1)
        )
        slow, slower = FakeMetricSource(BEGIN, SAMPLES), FakeMetricSource(BEGIN, SAMPLES)
        slow.seconds_to_answer = slower.seconds_to_answer = 0.3
        slower.timeout_seconds = 0.1
        quick = await FakeMetricSource(BEGIN, SAMPLES).query_range(over("steady", 100, 130))
        clock = asyncio.get_running_loop().time
        for waits, gives_up in ((patient, impatient), (slow, slower)):
            begun = clock()
            assert await waits.query_range(over("steady", 100, 130)) == quick
            assert clock() - begun >= 0.29
            for ask in (gives_up.query_range(over("steady", 100, 130)), gives_up.firing_alerts(ALL)):
                with pytest.raises(Unavailable):
                    await ask
            assert await gives_up.undefined_alerts(ALL) is None
        await patient.aclose()
        await impatient.aclose()


async def test_what_prometheus_warns_of_in_a_query_makes_no_answer_partial(server: PrometheusServer) -> None:
    real = Prometheus("default", PrometheusSettings(url=server.url), lambda *_: None)
    assert (await real.query_range(over("rate(steady[30s])", 100, 110))).series, "it is no counter"
    assert (await real.query_range(over("quantile(2, steady)", 100, 110))).series, "that is no quantile"
    await real.aclose()


async def test_a_source_that_is_down_is_unavailable(rig: Rig) -> None:
    real = Prometheus("default", PrometheusSettings(url="http://127.0.0.1:1"), lambda *_: None)
    fake = FakeMetricSource(BEGIN, ())
    fake.down = True
    for each in (real, fake):
        with pytest.raises(Unavailable):
            await each.query_range(over("steady", 100, 110))
        with pytest.raises(Unavailable):
            await each.firing_alerts(ALL)
        assert await each.undefined_alerts(ALL) is None
    await real.aclose()
