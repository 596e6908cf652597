"""Whatever the cluster lacks, for however long: no good version is found bad for it, and what serves keeps serving."""

import asyncio
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pennant.api.history import Trigger
from simulation.support.steps import serving
from simulation.support.story import Story
from simulation.support.turn_order import RandomTurns
from simulation.support.world import KEY, MOST_ROUNDS, World

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
Happening = Callable[[Story], None]


def promote(version: str) -> Happening:
    def act(story: Story) -> None:
        for each in VERSIONS:
            story.version(each, *(["production"] if each == version else []))

    return act


def room(number: int | None) -> Happening:
    return lambda story: setattr(story.world, "room", number)


def quota(number: int | None) -> Happening:
    return lambda story: setattr(story.world, "quota", number)


def controllers(away: bool) -> Happening:
    def act(story: Story) -> None:
        if away:
            story.world.controllers_away = True
        else:
            story.world.restart_controllers()

    return act


def speed(seed: int | None, pace: int) -> Happening:
    def act(story: Story) -> None:
        story.world.pace, story.world.turns = pace, None if seed is None else RandomTurns(seed)

    return act


def paused_by_hand(paused: bool) -> Happening:
    return lambda story: story.world.pause_by_hand(KEY, paused)


def operator_ends(story: Story) -> None:
    story.start_operator()


HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.sampled_from(VERSIONS).map(promote),
    st.sampled_from([None, 3, 3, 4]).map(room),
    st.sampled_from([None, 3, 3, 4]).map(quota),
    st.booleans().map(controllers),
    st.builds(speed, st.none() | st.integers(0, 99), st.sampled_from([1, 3, MOST_ROUNDS])),
    st.booleans().map(paused_by_hand),
    st.just(operator_ends),
)


async def _live_through(happenings: list[tuple[Happening, int]]) -> None:
    story = await serving("1.0.0")
    story.accuracy.values = dict.fromkeys(VERSIONS, 0.95)
    for happens, seconds in happenings:
        happens(story)
        for _ in range(seconds):
            await story.passes(1)
            assert sum(each.ready for each in story.world.deployments[KEY].pods) >= 3, "what serves keeps serving"
        assert not story.status.quarantine, story.world.trace[-5:]
    all_is_well(story.world)
    await story.passes(150)
    (holder,) = (each.version for each in story.world.versions.values() if "production" in each.tags)
    assert not story.status.quarantine
    assert Trigger.AUTOMATIC_ROLLBACK not in {each.trigger for each in story.history}
    assert story.served() == holder
    assert story.history[-1].verified_at is not None


def all_is_well(world: World) -> None:
    world.room = world.quota = world.turns = None
    world.pace = MOST_ROUNDS
    world.restart_controllers()
    if world.deployments[KEY].paused:
        world.pause_by_hand(KEY, False)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(HAPPENINGS, st.sampled_from([0, 2, 7, 90])), min_size=3, max_size=8))
def test_what_the_cluster_lacks_condemns_no_version(happenings: list[tuple[Happening, int]]) -> None:
    asyncio.run(_live_through(happenings))
