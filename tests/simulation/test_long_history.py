"""Many revisions that failed: what the status holds of them, and what only their records hold."""

from pennant.api.meta import LAST_REVISION
from pennant.core.rollout.history import WHOLE_EVIDENCE
from simulation.support.steps import move_tag, serving
from simulation.support.story import ACCURACY, Story
from simulation.support.world import KEY

BAD = WHOLE_EVIDENCE + 2
RATE = {"budget": {"count": 49}}
"""So many rollbacks in an hour as there are bad versions."""


def told(story: Story) -> list[int]:
    """Return the number of measurements that the status holds of each failed revision."""
    return [len(each.evidence) for each in story.history if each.evidence]


def recorded(story: Story) -> list[int]:
    """Return the number that their records hold."""
    found = (each.latest.evidence for _, each in sorted(story.world.records[KEY].revisions.items()))
    return [len(each) for each in found if each]


async def test_of_what_was_found_bad_long_ago_the_record_tells_more_than_the_status() -> None:
    """Rule: R75."""
    metrics = [
        {"name": name, "prometheus": {"query": ACCURACY}, "threshold": {"min": "0.9"}}
        for name in ("accuracy", "recall", "precision")
    ]
    story = await serving("1.0.0", analysis={"intervalSeconds": 1, "bakeSeconds": 1, "metrics": metrics}, rollback=RATE)
    for number in range(1, BAD + 1):
        story.accuracy.values[f"1.{number}.0"] = 0.2
        await move_tag(story, f"1.{number - 1}.0", f"1.{number}.0")
        await story.until(lambda: story.condition("Stalled") == ("True", "RolledBack"))
        await story.passes(10)

    assert told(story) == [1] * (BAD - WHOLE_EVIDENCE) + [3] * WHOLE_EVIDENCE
    assert recorded(story) == [3] * BAD
    before = story.history

    story.world.wipe_status(KEY)
    await story.passes(10)
    assert story.history == before, "it is rebuilt as it was"
    written = story.world.writes
    story.start_operator()
    await story.passes(30)
    assert story.world.writes == written
    assert recorded(story) == [3] * BAD


async def test_after_the_last_number_there_is_no_revision_and_a_person_is_called() -> None:
    """Only a status or a record that was written by hand has such a number."""
    story = await serving()
    story.world.left_behind[KEY] = frozenset({LAST_REVISION})
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("Stalled") == ("True", "DeploymentRefused"))
    assert "999999999 is the last possible one" in next(
        each.message for each in story.status.conditions if each.type == "Stalled"
    )
    assert story.served() == "1.0.0"
    written = story.world.writes
    await story.passes(30)
    assert story.world.writes == written
    assert [each.version for each in story.history] == ["1.0.0"]
