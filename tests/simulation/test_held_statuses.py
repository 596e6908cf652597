"""Progress that nobody waits for is written a moment later, together with what follows.

Rule: R176.
"""

from datetime import timedelta

import pytest

from pennant.api.history import HistoryEntry
from pennant.core.status import urgency
from simulation.support.steps import assert_golden, move_tag
from simulation.support.story import Story
from simulation.support.world import KEY


async def rolled_out(longest_wait: timedelta, *, others_wait: bool = False) -> Story:
    """Return a story in which a version is promoted, and a bad one is rolled back."""
    story = Story()
    story.longest_wait, story.others_wait = longest_wait, others_wait
    story.start_operator()
    story.accuracy.values["1.0.0"], story.accuracy.values["1.1.0"] = 0.95, 0.95
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: verified(story) == 1)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: verified(story) == 2)
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: len(story.history) == 4 and story.history[-1].verified_at is not None)
    await story.passes(3)
    return story


def verified(story: Story) -> int:
    return sum(each.verified_at is not None for each in story.history)


def plain(history: tuple[HistoryEntry, ...]) -> list[tuple[object, ...]]:
    return [(e.revision, e.version, e.outcome, e.trigger, e.reason) for e in history]


async def test_fewer_writes_say_the_same() -> None:
    held, at_once = await rolled_out(urgency.LONGEST_WAIT), await rolled_out(timedelta(0))
    assert plain(held.history) == plain(at_once.history)
    writes = [sum("status:" in line for line in story.world.trace) for story in (held, at_once)]
    assert writes[0] < writes[1] * 0.7, writes
    assert_golden(held, "held_statuses")


async def test_a_time_is_that_of_the_event_and_not_of_the_write() -> None:
    """The first rollout has the same times, although its status is written later."""
    stories = [await rolled_out(each) for each in (urgency.LONGEST_WAIT, timedelta(0))]
    # The tag moves when the status says that the first revision is verified.
    first, same = (story.history[0].model_copy(update={"ended_at": None}) for story in stories)
    assert first == same
    assert None not in (first.rolled_out_at, first.verified_at)


async def promoted() -> Story:
    story = Story()
    story.longest_wait = urgency.LONGEST_WAIT
    story.start_operator()
    story.accuracy.values["1.0.0"] = 0.95
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: verified(story) == 1)
    return story


@pytest.mark.parametrize("tags", [("production",), ()])
async def test_a_tag_that_two_or_none_have_for_long_is_reported(tags: tuple[str, ...]) -> None:
    story = await promoted()
    story.version("1.1.0", *tags)
    story.version("1.0.0", *tags)
    await story.passes(1)
    assert story.condition("TagResolved") == ("True", "TagHeld")
    await story.passes(2)
    assert story.condition("TagResolved") == ("False", "TagAmbiguous" if tags else "TagUnassigned")


async def test_a_status_that_somebody_else_wrote_ends_the_wait() -> None:
    story = await promoted()
    story.version("1.0.0")
    await story.passes(1)
    story.world.put_status_back(KEY, story.status.model_copy(update={"replicas": 7}))
    await story.passes(4)
    assert story.condition("TagResolved") == ("False", "TagUnassigned")
    assert story.status.replicas == len(story.pods())


async def test_while_others_wait_the_deployment_comes_first_and_the_status_at_most_two_seconds_later() -> None:
    """Rule: R232."""
    story = await promoted()
    story.others_wait = True
    await move_tag(story, "1.0.0", "1.1.0")
    assert story.served() == "1.1.0"
    assert len(story.history) == 1
    await story.passes(1)
    assert len(story.history) == 1
    await story.passes(1)
    assert [each.version for each in story.history] == ["1.0.0", "1.1.0"]


async def test_a_status_that_waits_for_others_is_written_when_they_have_gone_and_before_a_rollback() -> None:
    """Rule: R232."""
    story = await promoted()
    story.others_wait = True
    await move_tag(story, "1.0.0", "1.1.0")
    story.others_wait = False
    await story.passes(1)
    assert len(story.history) == 2
    calm, busy = await rolled_out(urgency.LONGEST_WAIT), await rolled_out(urgency.LONGEST_WAIT, others_wait=True)
    assert plain(busy.history) == plain(calm.history)
    assert [each.started_at for each in busy.history[:2]] == [each.started_at for each in calm.history[:2]]


async def test_a_process_that_ends_before_a_status_that_waits_loses_nothing() -> None:
    """Rule: R232."""
    story = await promoted()
    story.others_wait = True
    await move_tag(story, "1.0.0", "1.1.0")
    story.start_operator()
    story.others_wait = False
    await story.passes(1)
    assert [(e.revision, e.version, e.trigger) for e in story.history][1:] == [(2, "1.1.0", "TagMoved")]
