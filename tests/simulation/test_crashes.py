"""Any write may fail, and the process may die before or after any, or act on an old view: the end is the same.

Rule: R15.
"""

import random

import pytest

from pennant.core.facts.observation import Snapshot
from pennant.ports import Unavailable
from simulation.support.scenario import Script, Telling, end_of, told
from simulation.support.scenarios import SCRIPTS
from simulation.support.story import Crash, Story
from simulation.support.world import KEY


@pytest.fixture(params=list(SCRIPTS.values()), ids=list(SCRIPTS))
async def telling(request: pytest.FixtureRequest) -> Telling:
    script: Script = request.param
    return await told(script)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "fault", [Crash, Unavailable], ids=["the process dies", "the write fails or its answer is lost"]
)
async def test_a_fault_at_any_write_changes_nothing_in_the_end(
    telling: Telling, fault: type[BaseException], when: str
) -> None:
    """Rule: R57."""
    assert telling.writes > 40
    for doomed in range(1, telling.writes + 1):
        story, begun = Story(), telling.before(doomed)
        strike = Strike(fault, {doomed - (begun.writes if begun else 0)})
        setattr(story.world, f"{when}_write", strike)
        await telling.play_again(story, doomed, strike.has_happened)


async def test_another_crash_while_the_first_one_is_made_good(telling: Telling) -> None:
    for first in range(1, telling.writes + 1):
        for later in (1, 2, 3):
            story, begun = Story(), telling.before(first)
            doomed = first - (begun.writes if begun else 0)
            story.world.after_write = strike = Strike(Crash, {doomed, doomed + later})
            await telling.play_again(story, first, strike.has_happened)


class Strike:
    """Has a fault happen at some of the writes to come."""

    def __init__(self, fault: type[BaseException], doomed: set[int]) -> None:
        self.fault, self.doomed, self.writes = fault, doomed, 0

    def __call__(self, what: str) -> None:
        self.writes += 1
        if self.writes in self.doomed:
            raise self.fault(what)

    def has_happened(self) -> bool:
        return self.writes >= min(self.doomed)


class Confused(Story):
    """A story whose operator now and then dies at a write, or sees what was there some looks ago."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shown: list[Snapshot] = []
        self.deaths = self.old_views = 0
        super().__init__()
        self.world.after_write = self.die_sometimes

    def start_operator(self) -> None:
        super().start_operator()
        self.cluster.use_old_views(self.an_old_view)

    def an_old_view(self, _: object) -> Snapshot | None:
        present = self.cluster.view(KEY)
        if present is not None:
            self.shown = [*self.shown[-3:], present]
        if not self.shown or self.dice.random() > 0.3:
            return None
        self.old_views += 1
        return self.dice.choice(self.shown)

    def die_sometimes(self, what: str) -> None:
        if self.dice.random() < 0.05:
            self.deaths += 1
            raise Crash(what)

    def come_to_its_senses(self) -> None:
        self.world.after_write = lambda _: None
        super().start_operator()


async def test_old_views_and_many_crashes_lose_nothing(telling: Telling) -> None:
    """An old view meets a precondition that does not hold: nothing is written on it."""
    deaths = old_views = 0
    for seed in range(20):
        story = Confused(seed)
        await telling.script.play(story)
        story.come_to_its_senses()
        await story.passes(10)
        assert end_of(story) == telling.end, f"seed {seed}"
        deaths, old_views = deaths + story.deaths, old_views + story.old_views
    assert (deaths > 20, old_views > 200) == (True, True)
