"""Whose query is sent next: nobody's queries delay another's, however many there are and however they hang."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from pennant.metrics.fair_queue import Asker, FairQueue


class Table:
    """Queries that are under way until they are let go."""

    def __init__(self, places: int) -> None:
        self.turns = FairQueue(places)
        self.under_way: list[Asker] = []
        self.begun: list[Asker] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def comes(self, namespace: str, name: str = "d", hangs: bool = False) -> asyncio.Task[None]:
        """Let somebody ask; a query that hangs ends by its time being over."""
        task = asyncio.create_task(self._ask((namespace, name), hangs))
        self.tasks.append(task)
        await settled()
        return task

    async def _ask(self, asker: Asker, hangs: bool) -> None:
        async with self.turns.of(asker):
            self.begun.append(asker)
            self.under_way.append(asker)
            try:
                while asker in self.under_way:
                    await asyncio.sleep(0)
            finally:
                with suppress(ValueError):
                    self.under_way.remove(asker)
            if hangs:
                raise TimeoutError

    async def answers(self, namespace: str, name: str = "d") -> None:
        self.under_way.remove((namespace, name))
        await settled()

    async def end(self) -> None:
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_namespaces_take_turns_and_then_their_deployments() -> None:
    """Rule: R91."""
    table = Table(1)
    await table.comes("z")
    for name in ("a", "b", "c"):
        for _ in range(2):
            await table.comes("many", name)
    await table.comes("few", "x")
    while table.under_way:
        await table.answers(*table.under_way[0])
    assert table.begun == [
        ("z", "d"),
        ("many", "a"),
        ("few", "x"),
        *((("many", name)) for name in ("b", "c", "a", "b", "c")),
    ]
    await table.end()


@pytest.mark.parametrize(("places", "alone"), [(1, 1), (2, 1), (4, 3), (16, 12)])
async def test_a_namespace_never_takes_all_places(places: int, alone: int) -> None:
    table = Table(places)
    for number in range(40):
        await table.comes("many", f"d{number}")
    assert len(table.under_way) == alone
    for number in range(40):
        await table.comes("other", f"d{number}")
    for namespace in ("third", "fourth"):
        await table.comes(namespace)
    assert len(table.under_way) == places, "and all that there are are taken where there is need"
    await table.end()


async def test_two_that_hang_leave_a_third_a_place() -> None:
    table = Table(16)
    for namespace, number in itertools.product(("a", "b"), range(100)):
        await table.comes(namespace, f"d{number}")
    await table.comes("c")
    assert ("c", "d") in table.under_way
    await table.end()


async def test_who_hung_before_leaves_others_of_the_namespace_a_place() -> None:
    table = Table(8)
    for number in range(20):
        await table.comes("a", f"hangs{number}", hangs=True)
    while table.under_way:
        await table.answers(*table.under_way[0])
    for number in range(20):
        await table.comes("a", f"hangs{number}", hangs=True)
    assert len(table.under_way) == 3, "half of the six that it may take"
    await table.comes("a", "quick")
    assert ("a", "quick") in table.under_way
    await table.end()


async def test_who_is_quick_again_is_slow_no_more() -> None:
    table = Table(8)
    for hangs in (True, False):
        for number in range(6):
            await table.comes("a", f"d{number}", hangs=hangs)
        while table.under_way:
            await table.answers(*table.under_way[0])
    for number in range(6):
        await table.comes("a", f"d{number}")
    assert len(table.under_way) == 6
    await table.end()


async def test_who_waits_no_longer_keeps_no_turn_and_no_place() -> None:
    table = Table(1)
    await table.comes("a")
    gone = await table.comes("b")
    await table.comes("c")
    gone.cancel()
    await settled()
    await table.answers("a")
    assert table.under_way == [("c", "d")]
    # The turn comes and the cancellation, both before anybody runs.
    last = await table.comes("e")
    await table.comes("f")
    table.under_way.clear()
    await asyncio.sleep(0)
    last.cancel()
    await settled()
    assert table.under_way == [("f", "d")]
    await table.answers("f")
    await table.comes("g")
    assert table.under_way == [("g", "d")], "no place is lost"
    await table.end()


async def test_however_many_wait_each_namespace_is_next_after_one_turn_of_the_others() -> None:
    """A namespace with 200 ModelDeployments gets one place for each that another one gets.

    Rule: R91.
    """
    table = Table(1)
    for number in range(200):
        await table.comes("large", f"d{number}")
    for number in range(5):
        await table.comes("small", f"d{number}")
        await table.comes("other", f"d{number}")
    while len(table.begun) < 15:
        await table.answers(*table.under_way[0])
    counted = [namespace for namespace, _ in table.begun[1:13]]
    assert counted.count("large") == counted.count("small") == counted.count("other") == 4
    await table.end()
