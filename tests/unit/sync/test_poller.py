"""When a registry is polled. Time is that of the loop, which the tests let pass."""

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import pytest

from pennant.ports import Unavailable
from pennant.registries.protocol import NoAccess
from pennant.sync.poller import HINT_INTERVAL, LONGEST_PAUSE, MAX_HINTS, Poller
from pennant.sync.registry import RegistrySync
from unit.sync.conftest import POLL, World

pytestmark = pytest.mark.looptime


@dataclass
class Polls:
    """Takes the place of a registry."""

    errors: list[Exception | None] = field(default_factory=list)
    made: list[tuple[float, Collection[str]]] = field(default_factory=list)
    seconds: float = 0.0

    async def poll(self, only: Collection[str] = ()) -> None:
        self.made.append((asyncio.get_running_loop().time(), only))
        await asyncio.sleep(self.seconds)
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error

    @property
    def gaps(self) -> list[float]:
        times = [each for each, _ in self.made]
        return [after - before for before, after in pairwise(times)]


@asynccontextmanager
async def polling(world: World, polls: Polls, name: str = "mlflow", **fields: Any) -> AsyncIterator[Poller]:
    settings = world.settings(name=name, **fields)
    world.telemetry.began(name, settings.poll_seconds)
    poller = Poller(settings, cast(RegistrySync, polls), world.telemetry, random.Random(1))
    task = asyncio.create_task(poller.run())
    try:
        yield poller
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})


def value(world: World, name: str, **labels: str) -> float | None:
    return world.telemetry.registry.get_sample_value(name, {"registry": "mlflow", **labels})


async def test_it_polls_at_once_and_then_at_the_interval(world: World) -> None:
    polls = Polls()
    async with polling(world, polls):
        await asyncio.sleep(10 * POLL)
    assert len(polls.made) in (10, 11)
    assert all(0.9 * POLL <= each <= 1.1 * POLL for each in polls.gaps)
    assert len({round(each, 3) for each in polls.gaps}) > 1, "not all registries at the same time"
    assert value(world, "pennant_sync_polls_total", result="success") == len(polls.made)


@pytest.mark.parametrize(
    ("error", "result"),
    [(NoAccess("down"), "registry"), (Unavailable("down"), "cluster"), (KeyError("a bug"), "bug")],
)
async def test_after_failures_it_polls_later_and_later_and_never_ends(
    world: World, error: Exception, result: str
) -> None:
    """Rule: R202."""
    polls = Polls([error] * 100)
    async with polling(world, polls):
        await asyncio.sleep(9 * LONGEST_PAUSE)
        assert value(world, "pennant_sync_failing", what="poll") == 1
        assert value(world, "pennant_sync_polls_total", result=result) == len(polls.made)
        assert POLL <= polls.gaps[0] <= 2 * POLL
        assert all(LONGEST_PAUSE / 2 <= each <= LONGEST_PAUSE for each in polls.gaps[4:])
        assert len(polls.gaps) > 8
        polls.errors.clear()
        await asyncio.sleep(2 * LONGEST_PAUSE)
    assert polls.gaps[-1] <= 1.1 * POLL, "a success ends the back-off"
    assert value(world, "pennant_sync_failing", what="poll") == 0


async def test_a_slow_registry_delays_no_other(world: World) -> None:
    """Rule: R202."""
    slow, other = Polls(seconds=10 * POLL), Polls()
    async with polling(world, slow, "slow"), polling(world, other):
        await asyncio.sleep(10 * POLL)
    assert (len(slow.made), len(other.made) >= 10) == (1, True)


async def test_a_hint_polls_its_models_at_once_and_the_regular_poll_stays_where_it_is(world: World) -> None:
    """Rule: R205."""
    polls = Polls()
    async with polling(world, polls) as poller:
        await asyncio.sleep(POLL / 2)
        poller.hint(["churn"])
        poller.hint([])
        await asyncio.sleep(POLL)
    assert [(round(when), set(only)) for when, only in polls.made[:2]] == [(0, set()), (POLL / 2, {"churn"})]
    assert polls.made[2][0] <= 1.1 * POLL
    assert polls.made[2][1] == set()


async def test_hints_that_come_fast_are_polled_together(world: World) -> None:
    polls = Polls()
    async with polling(world, polls) as poller:
        await asyncio.sleep(1)
        for number in range(50):
            poller.hint([f"model-{number % 5}"])
            await asyncio.sleep(HINT_INTERVAL / 25)
        await asyncio.sleep(2)
    hinted = [only for _, only in polls.made if only]
    assert len(hinted) <= 4
    assert set().union(*hinted) == {f"model-{number}" for number in range(5)}


async def test_a_hint_during_a_poll_is_not_lost(world: World) -> None:
    polls = Polls(seconds=5)
    async with polling(world, polls) as poller:
        await asyncio.sleep(1)
        poller.hint(["churn"])
        await asyncio.sleep(9)
    assert [set(only) for _, only in polls.made] == [set(), {"churn"}]


async def test_very_many_hints_poll_everything(world: World) -> None:
    polls = Polls()
    async with polling(world, polls) as poller:
        await asyncio.sleep(1)
        poller.hint(f"model-{number}" for number in range(MAX_HINTS + 1))
        await asyncio.sleep(1)
    assert [only for _, only in polls.made] == [set(), set()]


async def test_a_clock_that_is_set_back_or_forward_changes_no_poll(world: World) -> None:
    polls = Polls()
    async with polling(world, polls):
        for seconds in (-86400, 86400 * 400, 0):
            world.clock.seconds = seconds
            await asyncio.sleep(POLL)
    assert 3 <= len(polls.made) <= 4
