"""Measurements are taken beside the passes: nobody waits for a slow source."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from pennant.controller.measurements import Measurements
from pennant.core.measurement import Fault, Measurement, RangeQuery, Series, Unanswered
from pennant.core.observation import Key
from pennant.ports import Refused, Unavailable
from unit.core.builders import NOON

KEY = Key("default", "fraud")


class Source:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[RangeQuery] = []
        self.open = asyncio.Event()
        self.trouble: Exception | None = None

    async def query_range(self, request: RangeQuery) -> Series:
        self.asked.append(request)
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble
        return Series(({1: 1.0},))


class Bench:
    def __init__(self) -> None:
        self.source, self.woken = Source(), list[Key]()
        self.measurements = Measurements({"default": self.source}, self.woken.append)

    async def answers(self) -> None:
        self.source.open.set()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.measurements.aclose()


def at(seconds: int, source: str = "default") -> dict[str, RangeQuery]:
    end = NOON + timedelta(seconds=seconds)
    return {"m": RangeQuery(source, "q", NOON, end, 10, 20)}


async def test_a_pass_goes_on_without_the_answer_and_is_woken_by_it(bench: Bench) -> None:
    assert bench.measurements.take(KEY, at(10)) == {}
    await bench.answers()
    assert bench.woken == [KEY]
    assert bench.measurements.take(KEY, at(10)) == {"m": Measurement(at(10)["m"], Series(({1: 1.0},)))}


async def test_the_same_question_is_asked_once(bench: Bench) -> None:
    for _ in range(5):
        bench.measurements.take(KEY, at(10))
    await bench.answers()
    for _ in range(5):
        bench.measurements.take(KEY, at(10))
    assert len(bench.source.asked) == 1


async def test_an_answer_to_an_older_question_is_not_used(bench: Bench) -> None:
    bench.measurements.take(KEY, at(10))
    bench.measurements.take(KEY, at(20))
    await bench.answers()
    assert [each.request for each in bench.measurements.take(KEY, at(20)).values()] == [at(20)["m"]]
    assert bench.measurements.take(KEY, at(10)) == {}


@pytest.mark.parametrize(
    ("trouble", "fault"), [(Unavailable("away"), Fault.UNAVAILABLE), (Refused("no"), Fault.REFUSED)]
)
async def test_what_a_source_does_not_answer_is_an_answer_too(bench: Bench, trouble: Exception, fault: Fault) -> None:
    bench.source.trouble = trouble
    bench.measurements.take(KEY, at(10))
    await bench.answers()
    answer = bench.measurements.take(KEY, at(10))["m"].answer
    assert answer == Unanswered(fault, str(trouble))


async def test_a_source_that_is_not_configured_is_named(bench: Bench) -> None:
    bench.measurements.take(KEY, at(10, "other"))
    await bench.answers()
    answer = bench.measurements.take(KEY, at(10, "other"))["m"].answer
    assert answer == Unanswered(Fault.UNKNOWN_SOURCE, "no metric source other is configured")


async def test_an_answer_for_an_object_that_is_gone_wakes_nobody(bench: Bench) -> None:
    bench.measurements.take(KEY, at(10))
    bench.measurements.forget(KEY)
    await bench.answers()
    assert bench.woken == []
