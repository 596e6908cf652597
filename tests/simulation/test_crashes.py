"""The process may die before or after any write, and may act on an old view: the end is the same."""

import asyncio
import random

import pytest

from pennant.core.observation import Snapshot
from simulation import invariants
from simulation.story import Crash, Story
from simulation.world import KEY


async def a_bad_promotion(story: Story) -> None:
    """A version is served, the next one is found bad and rolled back, and a third one is served."""
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.2, "1.2.0": 0.96}
    story.version("1.0.0", "production")
    story.deployment()
    await _quietly(story, 60)
    story.version("1.0.0")
    story.version("1.1.0", "production")
    await _quietly(story, 120)
    story.version("1.1.0")
    story.version("1.2.0", "production")
    await _quietly(story, 120)


async def _quietly(story: Story, seconds: int) -> None:
    """Let time pass; whenever the process dies it is started anew."""
    for _ in range(seconds):
        try:
            await story.passes()
        except Crash:
            story.start_operator()
        story.tick()


def end_of(story: Story) -> object:
    """Return what must not depend on when the process died."""
    status = story.status
    return (
        story.served(),
        [(e.revision, e.version, e.trigger, e.outcome) for e in status.history],
        status.quarantine,
        {c.type: (c.status, c.reason) for c in status.conditions},
        status.stable,
    )


@pytest.fixture(scope="module")
def reference() -> tuple[object, int]:
    async def told() -> tuple[object, int]:
        story = Story()
        writes: list[str] = []
        story.world.after_write = writes.append
        await a_bad_promotion(story)
        invariants.check_converged(story.world)
        return end_of(story), len(writes)

    return asyncio.run(told())


async def test_the_reference_serves_the_third_version(reference: tuple[object, int]) -> None:
    end, writes = reference
    assert isinstance(end, tuple)
    assert end[0] == "1.2.0"
    assert [(number, version) for number, version, *_ in end[1]] == [
        (1, "1.0.0"),
        (2, "1.1.0"),
        (3, "1.0.0"),
        (4, "1.2.0"),
    ]
    assert writes > 20


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_write_changes_nothing_in_the_end(reference: tuple[object, int], when: str) -> None:
    end, writes = reference
    for doomed in range(1, writes + 1):
        story = Story()
        fired = _crash_at(story, doomed, when)
        await a_bad_promotion(story)
        assert fired, f"the crash {when} write {doomed} did not happen"
        assert end_of(story) == end, f"killed {when} write {doomed}"
        invariants.check_converged(story.world)


def _crash_at(story: Story, doomed: int, when: str) -> list[str]:
    count = 0
    fired: list[str] = []

    def strike(what: str) -> None:
        nonlocal count
        count += 1
        if count == doomed:
            fired.append(what)
            raise Crash(what)

    setattr(story.world, f"{when}_write", strike)
    return fired


@pytest.mark.parametrize("seed", range(20))
async def test_old_views_and_many_crashes_lose_nothing(reference: tuple[object, int], seed: int) -> None:
    """An old view meets a precondition that does not hold: nothing is written on it."""
    dice = random.Random(seed)
    story = Story()
    seen: list[Snapshot] = []

    def stale(_: object) -> Snapshot | None:
        view = story.cluster.view(KEY)
        if view is not None:
            seen.append(view)
        return dice.choice(seen[-4:]) if seen and dice.random() < 0.3 else None

    def strike(what: str) -> None:
        if dice.random() < 0.05:
            raise Crash(what)

    story.world.after_write = strike
    start = story.start_operator

    def start_with_old_views() -> None:
        start()
        story.cluster.use_old_views(stale)

    story.start_operator = start_with_old_views  # type: ignore[method-assign]
    story.start_operator()
    await a_bad_promotion(story)
    story.world.after_write = lambda _: None
    story.start_operator = start  # type: ignore[method-assign]
    story.start_operator()
    await story.passes(5)

    end, _ = reference
    assert isinstance(end, tuple)
    assert story.served() == end[0]
    versions = [each.version for each in story.history]
    assert versions == [version for _, version, *_ in end[1]]
    invariants.check_converged(story.world)
