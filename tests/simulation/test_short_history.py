"""A status with a short history: nothing is lost where a ControllerRevision of an older revision is.

Rule: R227.
"""

from pennant.api.history import HistoryEntry, Outcome
from simulation.support.steps import promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.world import KEY


def older(story: Story) -> list[int]:
    return [each.revision for each in story.world.records[KEY].stored.older_revisions]


def message(story: Story, kind: str) -> str:
    return next(each.message for each in story.status.conditions if each.type == kind)


async def lose(story: Story, number: int) -> None:
    """Have somebody delete a ControllerRevision, and the operator be away meanwhile."""
    del story.world.records[KEY].revisions[number]
    story.operator_is_away(1)
    await story.passes(5)


async def test_the_neighbours_of_a_lost_revision_keep_how_and_when_they_ended() -> None:
    story = await rolled_back("1.0.0", "1.1.0", statusHistoryLimit=2)
    await promoted(story, "1.1.0", "1.2.0")
    await promoted(story, "1.2.0", "1.3.0")
    before = {each.revision: each for each in story.history}
    assert older(story) == [1, 2, 3]
    assert before[1].outcome is Outcome.SUPERSEDED
    await lose(story, 2)
    assert story.condition("HistoryIntact")[0] == "False"
    assert "revision 2 is missing" in message(story, "HistoryIntact")
    assert older(story) == [1, 2, 3]
    assert {each.revision: each for each in story.history} == {number: before[number] for number in (1, 3, 4, 5)}
    await promoted(story, "1.3.0", "1.4.0")
    assert [each for each in story.history if each.revision in (1, 3)] == [before[1], before[3]]


async def test_a_lost_revision_counts_until_the_limit_reaches_it() -> None:
    story = await serving("1.0.0", historyLimit=5, statusHistoryLimit=2, rollback={"budget": {"count": 1}})
    for number in range(4):
        await promoted(story, f"1.{number}.0", f"1.{number + 1}.0")
    await lose(story, 2)
    seen = list[tuple[list[int], list[HistoryEntry]]]()
    for number in range(4, 7):
        await promoted(story, f"1.{number}.0", f"1.{number + 1}.0")
        await story.passes(5)
        seen.append((older(story), list(story.history)))
        assert len(set(older(story)) | {each.revision for each in story.history}) == 5
    assert [2 in found for found, _ in seen] == [True, False, False]
    assert story.condition("HistoryIntact")[0] == "True"
