"""MeasurementCache are taken beside the passes: nobody waits for a slow source."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pennant.controller.measurement_cache import MeasurementCache
from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts, LabelMatcher
from pennant.core.facts.measurement import Awaited, Fault, Measurement, Question, RangeQuery, Role, Series, Unanswered
from pennant.core.facts.observation import Key
from pennant.metrics.alert_cache import MAX_NAMES
from pennant.metrics.prometheus import PrometheusSource
from pennant.ports import Refused, Unavailable
from unit.core.builders import NOON

KEY = Key("default", "fraud")
M = Question("m")


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Source:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[RangeQuery] = []
        self.alerts_asked = 0
        self.names_asked: list[frozenset[str]] = []
        self.rules_asked: list[frozenset[str]] = []
        self.rules: frozenset[str] | None = None
        self.open = asyncio.Event()
        self.trouble: Exception | None = None
        self.cancelled = 0
        self.held: set[str] = set()
        self.let_go = asyncio.Event()
        """Queries that are answered when it is set, and not before."""

    async def query_range(self, request: RangeQuery) -> Series:
        self.asked.append(request)
        try:
            await self.open.wait()
            if request.query in self.held:
                await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.trouble is not None:
            raise self.trouble
        return Series(({1: 1.0},))

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        self.alerts_asked += 1
        self.names_asked.append(names)
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble
        firing = tuple(Alert({"alertname": each}, NOON) for each in ("Slow", "Wrong") if each in names)
        return Alerts(firing, unanswered={each: "too many" for each in names if each == "Huge"})

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        self.rules_asked.append(names)
        return None if self.rules is None else names - self.rules

    async def aclose(self) -> None:
        pass


class Bench:
    def __init__(self) -> None:
        self.source, self.woken, self.clock = Source(), list[Key](), Hands()
        self.answering = PrometheusSource(self.source, self.clock)
        self.measurements = MeasurementCache({"default": self.answering}, self.clock, self.woken.append)

    async def answers(self) -> None:
        self.source.open.set()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.measurements.aclose()
    await made.answering.aclose()


def at(seconds: int, source: str = "default") -> dict[Question, RangeQuery]:
    end = NOON + timedelta(seconds=seconds)
    return {M: RangeQuery(source, "q", NOON, end, 10, 20)}


async def test_a_pass_goes_on_without_the_answer_and_is_woken_by_it(bench: Bench) -> None:
    assert bench.measurements.take(KEY, at(10)) == {M: Measurement(at(10)[M], Awaited())}
    await bench.answers()
    assert bench.woken == [KEY]
    assert bench.measurements.take(KEY, at(10)) == {M: Measurement(at(10)[M], Series(({1: 1.0},)))}


async def test_the_same_question_is_asked_once(bench: Bench) -> None:
    for _ in range(5):
        bench.measurements.take(KEY, at(10))
    await bench.answers()
    for _ in range(5):
        bench.measurements.take(KEY, at(10))
    assert len(bench.source.asked) == 1


async def test_one_pass_takes_the_answers_that_come_within_a_moment(bench: Bench) -> None:
    """The first one waits for the others, but not for long: that is the business of the work queue."""
    soon = list[Key]()
    cache = MeasurementCache({"default": bench.answering}, bench.clock, bench.woken.append, soon.append)
    due = {Question(each): replace(at(10)[M], query=each) for each in ("first", "second", "held")}
    bench.source.held.add("held")
    cache.take(KEY, due)
    await bench.answers()
    assert (soon, bench.woken) == ([KEY, KEY], [])
    bench.source.let_go.set()
    await bench.answers()
    assert (soon, bench.woken) == ([KEY, KEY], [KEY]), "the last one waits for nothing"
    await cache.aclose()


async def test_an_answer_is_used_with_its_age_and_the_next_question_follows_at_once(bench: Bench) -> None:
    """Rule: R33."""
    bench.measurements.take(KEY, at(10))
    bench.clock.time = NOON + timedelta(seconds=15)
    for second in (20, 30):
        bench.measurements.take(KEY, at(second))
        await asyncio.sleep(0)
    assert bench.source.asked == [at(10)[M]], "one is on its way"
    await bench.answers()
    found = bench.measurements.take(KEY, at(30))[M]
    assert found == Measurement(at(10)[M], Series(({1: 1.0},)), took=timedelta(seconds=15), pending=True)
    await bench.answers()
    assert bench.source.asked == [at(10)[M], at(30)[M]], "the one in between is over"


@pytest.mark.parametrize(
    "superseding",
    [
        pytest.param({"query": "another"}, id="the spec has changed"),
        pytest.param({"step_seconds": 20}, id="the interval has changed"),
        pytest.param({"revision": 2}, id="another revision is in place"),
    ],
)
async def test_what_is_superseded_is_cancelled_and_its_answer_not_used(
    bench: Bench, superseding: dict[str, Any]
) -> None:
    bench.measurements.take(KEY, at(10))
    await asyncio.sleep(0)
    due = {M: replace(at(10)[M], **superseding)}
    bench.measurements.take(KEY, due)
    await asyncio.sleep(0)
    assert bench.source.cancelled == 1
    await bench.answers()
    assert bench.measurements.take(KEY, due)[M].request == due[M]
    assert isinstance(bench.measurements.take(KEY, at(10))[M].answer, Awaited), "nor the other way round"


async def test_what_no_answer_comes_to_for_two_intervals_is_slow_and_says_since_when(bench: Bench) -> None:
    """Rule: R34."""
    bench.measurements.take(KEY, at(10))
    bench.clock.time = NOON + timedelta(seconds=20)
    assert isinstance(bench.measurements.take(KEY, at(20))[M].answer, Awaited)
    bench.clock.time = NOON + timedelta(seconds=21)
    slow = Unanswered(Fault.SLOW, "no answer since 2026-01-01T12:00:00Z")
    assert bench.measurements.take(KEY, at(20))[M].answer == slow


async def test_an_answer_stands_until_none_has_come_for_two_intervals(bench: Bench) -> None:
    bench.source.open.set()
    bench.measurements.take(KEY, at(0))
    await bench.answers()
    bench.source.open.clear()
    for seconds, kind in ((10, Series), (20, Series), (30, Series), (31, Unanswered)):
        bench.clock.time = NOON + timedelta(seconds=seconds)
        found = bench.measurements.take(KEY, at(seconds // 10 * 10))[M]
        assert isinstance(found.answer, kind), seconds


async def test_a_fault_stays_what_it_is_while_it_is_asked_again(bench: Bench) -> None:
    """Otherwise a source that hangs would be now unavailable and now slow, and each time a status be written."""
    bench.source.trouble = Unavailable("away")
    bench.measurements.take(KEY, at(0))
    await bench.answers()
    bench.source.open.clear()
    for seconds in (10, 20, 30, 40, 50):
        bench.clock.time = NOON + timedelta(seconds=seconds)
        found = bench.measurements.take(KEY, at(seconds))[M]
        assert found.answer == Unanswered(Fault.UNAVAILABLE, "away")


async def test_the_questions_of_one_metric_are_asked_together(bench: Bench) -> None:
    """Otherwise two answers would for ever be about different times."""
    samples = Question("m", Role.SAMPLES)
    both = {M: at(10)[M], samples: replace(at(10)[M], query="n")}
    bench.source.held = {"n"}
    bench.measurements.take(KEY, both)
    await bench.answers()
    later = {M: at(20)[M], samples: replace(at(20)[M], query="n")}
    bench.measurements.take(KEY, later)
    assert len(bench.source.asked) == 2
    bench.source.let_go.set()
    await bench.answers()
    bench.measurements.take(KEY, later)
    await bench.answers()
    assert [each.end for each in bench.source.asked[2:]] == [at(20)[M].end] * 2


@pytest.mark.parametrize(
    ("trouble", "fault"), [(Unavailable("away"), Fault.UNAVAILABLE), (Refused("no"), Fault.REFUSED)]
)
async def test_what_a_source_does_not_answer_is_an_answer_too(bench: Bench, trouble: Exception, fault: Fault) -> None:
    bench.source.trouble = trouble
    bench.measurements.take(KEY, at(10))
    await bench.answers()
    answer = bench.measurements.take(KEY, at(10))[M].answer
    assert answer == Unanswered(fault, str(trouble))


async def test_what_was_not_answered_is_asked_again_with_the_next_new_question_and_no_sooner(bench: Bench) -> None:
    """What a version is compared with lies in the past: that question stays the same for as long as it is asked."""
    past = {Question("m", Role.BASELINE): at(0)[M]}
    bench.source.trouble = Unavailable("away")
    for _ in range(5):
        bench.measurements.take(KEY, past | at(10))
        await bench.answers()
    assert bench.source.asked == [*past.values(), at(10)[M]]
    bench.source.trouble = None
    for second in (20, 30):
        bench.measurements.take(KEY, past | at(second))
        await bench.answers()
    assert bench.source.asked[2:] == [*past.values(), at(20)[M], at(30)[M]], "what was answered is not asked again"


async def test_what_only_explains_is_asked_once_an_hour_at_most_and_for_each_revision(bench: Bench) -> None:
    selected = {Question("m", Role.EXPLANATION): replace(at(0)[M], query="why")}
    bench.source.open.set()
    for seconds in (0, 10, 3599):
        bench.clock.time = NOON + timedelta(seconds=seconds)
        for due in (selected | at(0), at(0)):
            bench.measurements.take(KEY, due)
            await bench.answers()
    assert [each.query for each in bench.source.asked].count("why") == 1
    for revision, seconds in ((0, 3600), (1, 3601)):
        bench.clock.time = NOON + timedelta(seconds=seconds)
        later = {question: replace(each, revision=revision) for question, each in selected.items()}
        bench.measurements.take(KEY, later)
        await bench.answers()
    assert [each.query for each in bench.source.asked].count("why") == 3


async def test_what_only_explains_keeps_no_check_waiting(bench: Bench) -> None:
    bench.source.held = {"why"}
    selected = {Question("m", Role.EXPLANATION): replace(at(0)[M], query="why")}
    bench.measurements.take(KEY, selected | at(0))
    await bench.answers()
    bench.measurements.take(KEY, selected | at(10))
    await bench.answers()
    assert bench.measurements.take(KEY, selected | at(10))[M].request == at(10)[M]


async def test_a_mistake_is_logged_and_is_an_answer_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.source.trouble = KeyError("the mistake")
    bench.measurements.take(KEY, at(10))
    await bench.answers()
    answer = bench.measurements.take(KEY, at(10))[M].answer
    assert answer == Unanswered(Fault.UNAVAILABLE, "internal error of the operator; see its log")
    assert "the mistake" in caplog.text
    assert bench.woken == [KEY]


async def test_a_source_that_is_not_configured_is_named(bench: Bench) -> None:
    bench.measurements.take(KEY, at(10, "other"))
    await bench.answers()
    answer = bench.measurements.take(KEY, at(10, "other"))[M].answer
    assert answer == Unanswered(
        Fault.UNKNOWN_SOURCE, "no metric source of this name is configured; add it to the operator's configuration"
    )


async def test_an_answer_for_an_object_that_is_gone_wakes_nobody(bench: Bench) -> None:
    bench.measurements.take(KEY, at(10))
    await asyncio.sleep(0)
    bench.measurements.forget(KEY)
    await bench.answers()
    assert bench.woken == []
    assert bench.source.cancelled == 1


def alert(name: str, seconds: float = 0, asker: str = "default") -> dict[Question, AlertQuery]:
    at, demands = NOON + timedelta(seconds=seconds), (LabelMatcher("alertname", (name,)),)
    return {M: AlertQuery("default", at, demands, asker=(asker, "fraud"))}


async def test_one_question_about_alerts_serves_all_who_ask(bench: Bench) -> None:
    keys = [Key("default", f"d{number}") for number in range(20)]
    for key in keys:
        bench.measurements.take(key, alert("Slow"))
    bench.measurements.take(KEY, alert("Wrong"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = Key("default", "late")
    bench.measurements.take(late, alert("Wrong"))
    await bench.answers()
    assert sorted(bench.woken) == sorted([*keys, KEY, late])
    assert bench.source.names_asked == [frozenset({"Slow", "Wrong"})]
    answer = bench.measurements.take(late, alert("Wrong"))[M].answer
    assert isinstance(answer, Alerts)
    assert answer.firing == (Alert({}, NOON),), "each sees its own alerts alone, without labels"


async def test_only_the_alerts_that_are_in_use_are_asked_for_and_no_namespace_asks_for_too_many(bench: Bench) -> None:
    bench.source.open.set()
    for number in range(120):
        bench.measurements.take(Key("many", f"d{number}"), alert(f"A{number}", asker="many"))
    bench.measurements.take(Key("few", "d"), alert("Slow", asker="few"))
    await bench.answers()
    assert Key("few", "d") in bench.woken
    (names,) = bench.source.names_asked
    assert "Slow" in names
    assert len(names) == MAX_NAMES + 1


async def test_an_alert_of_which_alone_nobody_knows_is_no_trouble_of_others(bench: Bench) -> None:
    other = Key("default", "other")
    bench.measurements.take(KEY, alert("Huge"))
    bench.measurements.take(other, alert("Slow"))
    await bench.answers()
    assert bench.measurements.take(KEY, alert("Huge"))[M].answer == Unanswered(Fault.UNAVAILABLE, "too many")
    assert isinstance(bench.measurements.take(other, alert("Slow"))[M].answer, Alerts)


async def test_whether_an_alert_is_defined_is_asked_once_a_minute_and_sooner_where_it_was_not(bench: Bench) -> None:
    """Where a source does not tell, what it told before stands.

    Rule: R43.
    """
    bench.source.open.set()
    missing, both = frozenset({"Slow"}), frozenset({"Slow", "Misspelt"})
    said, asked = [], []
    for seconds, rules in ((0, missing), (3, both), (6, None), (7, both), (30, missing), (68, missing)):
        bench.source.rules = rules
        bench.clock.time = NOON + timedelta(seconds=seconds)
        bench.measurements.take(KEY, alert("Misspelt", seconds))
        await bench.answers()
        answer = bench.measurements.take(KEY, alert("Misspelt", seconds))[M].answer
        assert isinstance(answer, Alerts)
        said.append(bool(answer.undefined))
        asked.append(len(bench.source.rules_asked))
    assert said == [True, True, True, False, False, True]
    assert asked == [1, 1, 2, 3, 3, 4]


async def test_an_answer_about_alerts_is_not_older_than_the_question(bench: Bench) -> None:
    bench.measurements.take(KEY, alert("Slow"))
    await bench.answers()
    bench.clock.time = NOON + timedelta(seconds=10)
    bench.measurements.take(KEY, alert("Slow", 10))
    await bench.answers()
    assert bench.source.alerts_asked == 2


async def test_alerts_are_asked_for_once_a_second_at_most(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    bench.source.open.set()
    begun = loop.time()
    for milliseconds in (1, 2, 3):
        bench.clock.time = NOON + timedelta(milliseconds=milliseconds)
        bench.measurements.take(Key("default", f"d{milliseconds}"), alert("Slow", milliseconds / 1000))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    while len(bench.woken) < 3 and loop.time() - begun < 10:
        await asyncio.sleep(0.02)
    assert bench.source.alerts_asked == 2, "the two that came within the pause share the second question"


async def test_a_source_that_knows_no_alerts_is_an_answer_too(bench: Bench) -> None:
    bench.source.trouble = Unavailable("away")
    for key in (KEY, Key("default", "other")):
        bench.measurements.take(key, alert("Slow"))
    await bench.answers()
    assert bench.measurements.take(KEY, alert("Slow"))[M].answer == Unanswered(Fault.UNAVAILABLE, "away")
    assert bench.source.alerts_asked == 1


async def test_a_hint_has_the_time_at_which_it_was_given(bench: Bench) -> None:
    assert bench.measurements.hinted_at is None
    bench.clock.time = NOON + timedelta(seconds=7)
    bench.measurements.hint()
    assert bench.measurements.hinted_at == NOON + timedelta(seconds=7)
