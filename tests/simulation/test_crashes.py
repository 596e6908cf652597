"""A write fails, the process dies before or after one, or acts on an old view: the end is the same.

Rule: R15.
"""

import random

import pytest

from pennant.core.facts.observation import Snapshot
from pennant.core.status import urgency
from pennant.ports import Unavailable
from simulation.support.scenario import ReferenceRun, Script, end_of, reference_run
from simulation.support.scenarios import SCRIPTS
from simulation.support.story import Crash, Story
from simulation.support.world import KEY


@pytest.fixture(params=list(SCRIPTS.values()), ids=list(SCRIPTS))
async def reference(request: pytest.FixtureRequest) -> ReferenceRun:
    script: Script = request.param
    return await reference_run(script)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "fault", [Crash, Unavailable], ids=["the process dies", "the write fails or its answer is lost"]
)
async def test_a_fault_at_any_write_changes_nothing_in_the_end(
    reference: ReferenceRun, fault: type[BaseException], when: str
) -> None:
    """Rule: R57."""
    assert reference.writes > 40
    for write in range(1, reference.writes + 1):
        story, begun = Story(), reference.before(write)
        fault_at = FaultAtWrites(fault, {write - (begun.writes if begun else 0)})
        setattr(story.world, f"{when}_write", fault_at)
        await reference.repeat(story, write, fault_at.has_happened)


async def test_another_crash_while_the_operator_recovers_from_the_first_one(reference: ReferenceRun) -> None:
    """The second one comes one, two or three writes later, in turn."""
    for first in range(1, reference.writes + 1):
        story, begun = Story(), reference.before(first)
        left = first - (begun.writes if begun else 0)
        story.world.after_write = fault_at = FaultAtWrites(Crash, {left, left + 1 + first % 3})
        await reference.repeat(story, first, fault_at.has_happened)


class FaultAtWrites:
    """Raises a fault at some of the writes to come, by their numbers."""

    def __init__(self, fault: type[BaseException], at: set[int]) -> None:
        self.fault, self.at, self.writes = fault, at, 0

    def __call__(self, what: str) -> None:
        self.writes += 1
        if self.writes in self.at:
            raise self.fault(what)

    def has_happened(self) -> bool:
        return self.writes >= min(self.at)


class UnreliableStory(Story):
    """A story whose operator sometimes dies at a write, or gets one of its last views again. Some hold their status."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shown: list[Snapshot] = []
        self.deaths = self.old_views = 0
        self.longest_wait = urgency.LONGEST_WAIT * (seed % 2)
        self.others_wait = seed % 4 == 1
        super().__init__()
        self.world.after_write = self.die_sometimes

    def start_operator(self) -> None:
        super().start_operator()
        self.cluster.use_old_views(self.an_old_view)

    def an_old_view(self, _: object) -> Snapshot | None:
        present = self.cluster.view(KEY)
        if present is not None:
            self.shown = [*self.shown[-3:], present]
        if not self.shown or self.random.random() > 0.3:
            return None
        self.old_views += 1
        return self.random.choice(self.shown)

    def die_sometimes(self, what: str) -> None:
        if self.random.random() < 0.05:
            self.deaths += 1
            raise Crash(what)

    def become_reliable(self) -> None:
        self.world.after_write = lambda _: None
        super().start_operator()


async def test_old_views_and_many_crashes_lose_nothing(reference: ReferenceRun) -> None:
    """No write that rests on an old view passes its precondition."""
    deaths = old_views = 0
    for seed in range(8):
        story = UnreliableStory(seed)
        await reference.script.play(story)
        story.become_reliable()
        await story.passes(10)
        assert end_of(story) == reference.end, f"seed {seed}"
        deaths, old_views = deaths + story.deaths, old_views + story.old_views
    assert (deaths > 8, old_views > 80) == (True, True)
