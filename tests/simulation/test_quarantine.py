"""What ends a quarantine, what does not, and what restores one that the status lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulation.support.steps import move_tag, outcomes, rolled_back
from simulation.support.story import Story, a_record
from simulation.support.world import KEY


def quarantined(story: Story) -> list[tuple[str, str]]:
    return [(each.version, str(each.reason)) for each in story.status.quarantine]


async def test_a_pin_ends_no_quarantine() -> None:
    """Rule: R63."""
    story = await rolled_back("1.0.0", "1.1.0")
    story.deployment(version="1.0.0")
    await story.passes(60)
    assert story.condition("TagResolved") == ("True", "VersionPinned")
    assert story.condition("Ready") == ("True", "Serving")
    story.deployment()
    await story.passes(60)
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert (story.served(), quarantined(story)) == ("1.0.0", [("1.1.0", "MetricBreach")])


async def test_a_content_stays_quarantined_under_another_version_number() -> None:
    """Rule: R63."""
    story = await rolled_back("1.0.0", "1.1.0")
    same = {"artifacts": a_record("1.1.0")["artifacts"]}
    story.accuracy.values["1.1.1"] = 0.97
    await move_tag(story, "1.1.0", "1.1.1", **same)
    await story.passes(60)
    assert story.condition("TagResolved") == ("True", "TagHeld")
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert (story.served(), len(story.history)) == ("1.0.0", 3)
    await move_tag(story, "1.1.1", "1.1.2")
    await story.passes(2)
    assert story.served() == "1.1.2", "another content is another attempt"


@pytest.mark.parametrize("takes_first", [True, False], ids=["through no holder", "through two holders"])
async def test_a_tag_that_comes_back_is_another_attempt(takes_first: bool) -> None:
    """The failed version is in place until the tag moves away from it, as there was nothing to go back to.

    Rule: R59.
    Rule: R63.
    """
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.5}
    story.version("1.1.0", "production")
    story.deployment()
    await story.passes(1)
    await story.until(lambda: story.condition("Stalled") == ("True", "NoRollbackTarget"))
    await move(story, "1.1.0", "1.0.0", takes_first)
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert quarantined(story) == []
    assert all(not each.quarantined_by for each in story.world.versions.values())
    assert story.history[0].released_at is not None
    story.accuracy.values["1.1.0"] = 0.97
    await move(story, "1.0.0", "1.1.0", takes_first)
    await story.until(lambda: outcomes(story)[-1] == ("1.1.0", "TagMoved", "Verified"))
    assert story.condition("Ready") == ("True", "Serving")


async def move(story: Story, old: str, new: str, takes_first: bool) -> None:
    if not takes_first:
        return await move_tag(story, old, new)
    story.version(old)
    await story.passes()
    story.version(new, "production")
    return await story.passes()


def keep_the_rest(story: Story) -> None:
    """Lose the quarantine of the status alone."""
    record = story.world.records[KEY]
    record.status = record.status.model_copy(update={"quarantine": ()})


def lose_what_is_asked_for(story: Story) -> None:
    record = story.world.records[KEY]
    record.status = record.status.model_copy(update={"quarantine": (), "desired": None})


def lose_the_marks(story: Story) -> None:
    """Lose the quarantine of the status and the marks on the versions: a record of a revision is left."""
    keep_the_rest(story)
    for where, each in story.world.versions.items():
        story.world.versions[where] = replace(each, quarantined_by=())


@pytest.mark.parametrize("lose", [keep_the_rest, lose_what_is_asked_for, lose_the_marks])
async def test_a_quarantine_that_somebody_takes_out_of_the_status_is_restored(lose: Callable[[Story], None]) -> None:
    """Rule: R65."""
    story = await rolled_back("1.0.0", "1.1.0")
    await story.passes(5)
    before = quarantined(story)
    story.world.check_write = lambda *_: None
    lose(story)
    story.start_operator()
    await story.passes(60)
    assert quarantined(story) == before == [("1.1.0", "MetricBreach")]
    assert (story.served(), len(story.history)) == ("1.0.0", 3)
    assert any(each.quarantined_by for each in story.world.versions.values())
