"""What the operator keeps for a ModelDeployment is bounded by its spec, whatever its queries return.

Rule: R186.
"""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts, LabelMatcher
from pennant.core.facts.measurement import Series
from pennant.metrics import prometheus_answers
from pennant.metrics.alert_cache import AlertCache
from pennant.metrics.fair_queue import FairQueue
from pennant.metrics.http import LARGEST_ANSWER_BYTES

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POINTS = 60
"""The most checks that a metric looks back at (`breaches.of`)."""


def kept_by(make: Callable[[], Any]) -> tuple[Any, int]:
    """Return what a function returns, and the bytes that are in use for it; what is made once is made before."""
    make()
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return made, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def a_matrix(series: int) -> bytes:
    """Return an answer with so many series, all with the same 60 points."""
    values = [[NOON.timestamp() + second, "0.12345"] for second in range(POINTS)]
    result = [{"metric": {"pod": f"p{number}"}, "values": values} for number in range(series)]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
    assert len(body) < LARGEST_ANSWER_BYTES
    return body


def read(body: bytes) -> Series:
    return prometheus_answers.result(200, body, "matrix", prometheus_answers.series)


def test_an_answer_with_hundreds_of_series_is_kept_as_one_with_two() -> None:
    small, large = a_matrix(2), a_matrix(500)
    few, few_bytes = kept_by(lambda: read(small))
    many, many_bytes = kept_by(lambda: read(large))
    assert few == many
    assert many_bytes < few_bytes + 4096 < 32 << 10


def test_series_with_few_common_times_are_kept_as_far_as_they_tell_that_there_are_many() -> None:
    """Two values at each time are enough, from whichever series; of one value at a time none is lost."""

    def answer(*series: list[int]) -> Series:
        result = [{"metric": {}, "values": [[time, str(time)] for time in each]} for each in series]
        return prometheus_answers.series(result)

    apart = answer([1], [2], [3], [4])
    assert [dict(each) for each in apart.series] == [{1000: 1.0}, {2000: 2.0}, {3000: 3.0}, {4000: 4.0}]
    together = answer([1, 2], [1], [1, 2, 3], [1, 2, 3])
    assert [dict(each) for each in together.series] == [
        {1000: 1.0, 2000: 2.0},
        {1000: 1.0},
        {2000: 2.0, 3000: 3.0},
        {3000: 3.0},
    ]


class ManyAlerts:
    """A server on which thousands of alerts of one name fire, all with long labels."""

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        return Alerts(
            tuple(
                Alert({"alertname": "Noisy", "namespace": "a", "text": f"{number}" * 50}, NOON + timedelta(seconds=30))
                for number in range(4000)
            )
        )

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        return None


class Ticking:
    """A clock that goes on by two seconds at each look, so that each request gets an answer of its own."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        self.time += timedelta(seconds=2)
        return self.time


async def test_alerts_are_kept_without_their_labels_by_whoever_asked_for_them() -> None:
    clock = Ticking()
    cache = AlertCache(ManyAlerts(), clock)
    demands = (LabelMatcher("alertname", ("Noisy",)), LabelMatcher("namespace", ("a",)))

    async def ask() -> Alerts:
        return await cache.answer(AlertQuery("default", clock.now(), demands, asker=("a", "fraud")))

    await ask()
    gc.collect()
    tracemalloc.start()
    try:
        answers = [await ask() for _ in range(20)]
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    await cache.aclose()
    assert all(len(each.firing) == 4000 for each in answers)
    whole = 4000 * 600
    assert used < whole + len(answers) * 40_000, "one answer with labels, which the source keeps, and twenty without"


async def test_a_query_that_waits_takes_little_and_nothing_once_it_is_cancelled() -> None:
    turns = FairQueue(1)

    async def ask(number: int) -> None:
        async with turns.of(("a", f"d{number}")):
            await asyncio.sleep(3600)

    gc.collect()
    tracemalloc.start()
    try:
        waiting = [asyncio.create_task(ask(number)) for number in range(1000)]
        await asyncio.sleep(0)
        assert tracemalloc.get_traced_memory()[0] < 1000 * 4096
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        waiting.clear()
        del each
        await asyncio.sleep(0)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1000 * 512
    finally:
        tracemalloc.stop()
