"""The tag moves again and again during rollouts, also through no holder and through two.

Rule: R2.
Rule: R5.
"""

import random
from collections.abc import Awaitable, Callable

import pytest

from pennant.controller.reconciler import Unsettled
from simulation.support.steps import assert_golden, serving
from simulation.support.story import Story
from simulation.support.world import KEY

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")

Move = Callable[[Story, str, str], Awaitable[None]]


async def give_then_take(story: Story, old: str, new: str) -> None:
    """Pass through two holders."""
    story.version(new, "production")
    await story.settle()
    assert story.condition("TagResolved") == ("False", "TagAmbiguous")
    story.version(old)
    await story.settle()


async def take_then_give(story: Story, old: str, new: str) -> None:
    """Move the tag through no holder."""
    story.version(old)
    await story.settle()
    assert story.condition("TagResolved") == ("False", "TagUnassigned")
    story.version(new, "production")
    await story.settle()


async def at_once(story: Story, old: str, new: str) -> None:
    """Have the operator see nothing of what is in between."""
    story.version(new, "production")
    story.version(old)
    await story.settle()


MOVES: tuple[Move, ...] = (give_then_take, take_then_give, at_once)


async def test_a_storm_of_moves_is_followed_move_by_move_and_ends_where_the_tag_does() -> None:
    story = await serving("1.0.0")
    for version in VERSIONS[1:]:
        story.version(version)
        story.accuracy.values[version] = 0.96
    await give_then_take(story, "1.0.0", "1.1.0")
    await story.passes(1)
    await take_then_give(story, "1.1.0", "1.2.0")
    await story.passes(1)
    await give_then_take(story, "1.2.0", "1.3.0")
    await take_then_give(story, "1.3.0", "1.1.0")
    await story.passes(1)
    await take_then_give(story, "1.1.0", "1.0.0")
    await give_then_take(story, "1.0.0", "1.2.0")
    await story.until(lambda: story.history[-1].verified_at is not None)

    asked_for = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.1.0", "1.0.0", "1.2.0"]
    assert [each.version for each in story.history] == asked_for
    assert {each.outcome.value for each in story.history[:-1]} == {"Superseded"}
    assert story.condition("Ready") == ("True", "Serving")
    assert story.served() == "1.2.0"
    assert_golden(story, "tag_storm")


@pytest.mark.parametrize("seed", range(3))
async def test_in_no_storm_there_are_too_few_pods_or_a_revision_that_nobody_asked_for(seed: int) -> None:
    """Rule: R3."""
    chance, story = random.Random(seed), await serving("1.0.0", historyLimit=100)
    story.accuracy.values = dict.fromkeys(VERSIONS, 0.96)
    holder, moves = "1.0.0", ["1.0.0"]
    for _ in range(60):
        new = chance.choice([each for each in VERSIONS if each != holder])
        await chance.choice(MOVES)(story, holder, new)
        assert story.status.desired is not None
        assert story.status.desired.version == story.history[-1].version == new
        holder, moves = new, [*moves, new]
        if chance.random() < 0.1:
            story.start_operator()
        for _ in range(chance.choice((0, 0, 1, 3))):
            await story.passes(1)
            assert sum(pod.available for pod in story.world.deployments[KEY].pods) >= 3
    await story.until(lambda: story.history[-1].verified_at is not None)

    assert story.served() == holder
    assert [each.version for each in story.history] == moves
    assert [each.revision for each in story.history] == list(range(1, len(moves) + 1))
    assert not story.status.quarantine


async def test_a_storm_faster_than_the_operator_leaves_others_their_turn_and_is_followed_to_its_end() -> None:
    """The tag moves on whenever the Deployment was written, in the midst of a pass.

    Rule: R88.
    """
    story = await serving("1.0.0", historyLimit=100)
    story.version("1.1.0")
    story.accuracy.values["1.1.0"] = 0.96
    moves = iter([("1.1.0", "1.0.0"), ("1.0.0", "1.1.0")] * 5)

    def move(what: str) -> None:
        if what.startswith("applies the Deployment") and (pair := next(moves, None)):
            story.version(pair[1], "production")
            story.version(pair[0])

    story.world.after_write = move
    story.version("1.1.0", "production")
    story.version("1.0.0")
    with pytest.raises(Unsettled):
        await story.settle()
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert [each.version for each in story.history] == ["1.0.0", *["1.1.0", "1.0.0"] * 5, "1.1.0"]


async def test_a_storm_of_bad_versions_leaves_the_good_one_and_one_quarantine() -> None:
    """Each move releases what was found bad before it: only what the tag asks for is held back."""
    story = await serving("1.0.0", rollback={"budget": {"count": 10}})
    holder = "1.0.0"
    for bad in ("1.1.0", "1.2.0", "1.3.0", "1.1.0"):
        story.accuracy.values[bad] = 0.2
        await take_then_give(story, holder, bad)
        await story.until(lambda: story.history[-1].trigger.value == "AutomaticRollback")
        holder = bad
    await story.until(lambda: story.history[-1].verified_at is not None)

    assert story.served() == "1.0.0"
    assert [each.version for each in story.status.quarantine] == ["1.1.0"]
    marked = [each.version for each in story.world.versions.values() if each.quarantined_by]
    assert marked == ["1.1.0"]
