"""Versions in any order and with crashes in between get the same statuses, each written once.

Rule: R79.
"""

import random
from collections.abc import Sequence

import pytest

from pennant.core.facts.observation import Key
from pennant.core.status import urgency
from pennant.ports import Conflict
from simulation.support.steps import outcomes, rolled_back
from simulation.support.story import Crash, Story, a_record, a_spec
from simulation.support.versions import VersionProcess
from simulation.support.world import KEY, World

FAMILY = {"1.0.0": None, "1.1.0": "1.0.0", "1.2.0": "1.1.0", "1.2.1": "1.2.0", "2.0.0": "1.2.1"}
NAMES = tuple(f"fraud-{version}" for version in FAMILY)
SEEDS = range(30)


def publish(world: World, versions: Sequence[str]) -> None:
    for each in versions:
        world.apply_version({**a_record(each), **({"parent": FAMILY[each]} if FAMILY[each] else {})})


async def in_order() -> World:
    world = World()
    publish(world, list(FAMILY))
    await VersionProcess(world).look(*NAMES)
    return world


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_the_order_the_statuses_are_the_same(seed: int) -> None:
    chance, world = random.Random(seed), World()
    process = VersionProcess(world)
    for version in chance.sample(list(FAMILY), len(FAMILY)):
        publish(world, [version])
        await process.look(*(name for name in NAMES if chance.random() < 0.5))
    await process.look(*chance.sample(NAMES, len(NAMES)))
    assert world.version_statuses == (await in_order()).version_statuses
    before = len(process.versions.writes)
    await process.look(*NAMES)
    assert process.versions.writes[before:] == [], "and then it is silent"


async def test_each_version_is_written_once_when_all_are_there() -> None:
    world = World()
    publish(world, list(FAMILY))
    process = VersionProcess(world)
    for _ in range(3):
        await process.look(*NAMES)
    assert sorted(process.versions.writes) == sorted(Key("default", name) for name in NAMES)


@pytest.mark.parametrize("survived", range(len(FAMILY)))
async def test_a_process_that_dies_after_a_write_leaves_nothing_to_do_twice(survived: int) -> None:
    world = World()
    publish(world, list(FAMILY))
    written: list[str] = []

    def die(what: str) -> None:
        written.append(what)
        if len(written) == survived + 1:
            raise Crash

    world.after_write = die
    with pytest.raises(Crash):
        await VersionProcess(world).look(*NAMES)
    await VersionProcess(world).look(*NAMES)
    assert len(written) == len(set(written)) == len(FAMILY)


async def test_a_view_that_is_too_old_is_no_ground_for_a_write() -> None:
    world = World()
    publish(world, ["1.0.0"])
    versions = VersionProcess(world).versions
    old = await versions.version(Key("default", "fraud-1.0.0"))
    assert old is not None
    publish(world, ["1.0.0"])
    with pytest.raises(Conflict):
        await versions.write_status(old, old.status)


async def test_who_served_is_told_through_promotion_and_the_end_of_the_deployment() -> None:
    """Rule: R82."""
    story = Story()
    process = VersionProcess(story.world)
    story.world.apply_version(a_record("1.0.0"), ("production",))
    story.world.apply_version(a_record("1.1.0"))
    story.world.apply_deployment(KEY, a_spec())
    await story.passes(20)
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert serving(story.world) == {"fraud-1.0.0": ("fraud", 1), "fraud-1.1.0": (None, 0)}

    story.world.apply_version(a_record("1.0.0"))
    story.world.apply_version(a_record("1.1.0"), ("production",))
    await story.passes(20)
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert serving(story.world) == {"fraud-1.0.0": (None, 1), "fraud-1.1.0": ("fraud", 1)}

    story.world.delete_deployment(KEY)
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert serving(story.world) == {"fraud-1.0.0": (None, 1), "fraud-1.1.0": (None, 1)}
    assert all(each.until for status in story.world.version_statuses.values() for each in status.served_by)


async def test_what_nobody_waits_for_of_a_version_is_written_two_seconds_later() -> None:
    """That it serves is written at once, that it ended and that its change is observed later.

    Rule: R176.
    """
    story = Story()
    process = VersionProcess(story.world, urgency.LONGEST_WAIT)
    story.world.apply_version(a_record("1.0.0"), ("production",))
    story.world.apply_version(a_record("1.1.0"))
    story.world.apply_deployment(KEY, a_spec())
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert observed(story.world) == {"fraud-1.0.0": True, "fraud-1.1.0": True}, "a first status is written at once"
    await story.passes(20)
    await process.look("fraud-1.0.0")
    assert serving(story.world)["fraud-1.0.0"] == ("fraud", 1)

    story.world.apply_version(a_record("1.0.0"))
    story.world.apply_version(a_record("1.1.0"), ("production",))
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert observed(story.world) == {"fraud-1.0.0": False, "fraud-1.1.0": False}
    await story.passes(1)
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert observed(story.world) == {"fraud-1.0.0": False, "fraud-1.1.0": False}
    await story.passes(1)
    await process.look("fraud-1.0.0", "fraud-1.1.0")
    assert observed(story.world) == {"fraud-1.0.0": True, "fraud-1.1.0": True}


def observed(world: World) -> dict[str, bool]:
    """Return of which versions the status has observed the newest change."""
    generations = world.version_generations
    return {key[1]: each.observed_generation == generations[key] for key, each in world.version_statuses.items()}


def serving(world: World) -> dict[str, tuple[str | None, int]]:
    """Return who serves each version now, and how often it was served."""
    return {name: (status.serving, len(status.served_by)) for (_, name), status in world.version_statuses.items()}


async def test_a_model_deployment_that_is_created_again_serves_what_was_known_good_here() -> None:
    """The quarantine survives in the ModelVersion, and so does who served what.

    Rule: R64.
    """
    story = await rolled_back("1.0.0", "1.1.0")
    versions = VersionProcess(story.world)
    await versions.look("fraud-1.0.0", "fraud-1.1.0")
    story.world.delete_deployment(KEY)
    await story.passes(1)
    await versions.look("fraud-1.0.0", "fraud-1.1.0")
    story.deployment()
    await story.passes(60)
    assert outcomes(story) == [("1.0.0", "AutomaticRollback", "Verified")]
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert (
        "1.1.0 is quarantined and no version serves; 1.0.0 was verified here and served since"
        in story.history[0].reason
    )


async def test_without_anything_known_good_a_quarantined_version_stays_away() -> None:
    story = await rolled_back("1.0.0", "1.1.0")
    story.world.delete_deployment(KEY)
    story.world.delete_version("fraud-1.0.0")
    story.deployment()
    await story.passes(30)
    assert (story.history, story.condition("Stalled")) == ((), ("True", "Quarantined"))
