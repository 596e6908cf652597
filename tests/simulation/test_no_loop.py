"""No sequence of answers of a metric source makes rollbacks without an end; and no number of revisions is too many.

Rule: R58.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pennant.api.history import Trigger
from pennant.core.rollout import history, revision_draft
from simulation.support import invariants
from simulation.support.metrics import ANSWERS, NAMES, Answer, answers, metrics
from simulation.support.steps import move_tag, promoted, serving
from simulation.support.story import Story
from simulation.support.world import KEY

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
OF_ALL_METRICS = st.tuples(*[ANSWERS] * len(NAMES))
AT_ONE_TIME = st.tuples(*[OF_ALL_METRICS] * len(VERSIONS))
"""An answer for each metric of each version."""


async def _answer(
    known_good: int, watched: list[dict[str, Any]], answered: list[tuple[tuple[Answer, ...], ...]]
) -> None:
    story = Story()
    all_say(story, [[Answer.PASSES] * len(NAMES)] * len(VERSIONS))
    story.version(VERSIONS[0], "production")
    story.deployment(analysis={"intervalSeconds": 10, "bakeSeconds": 30, "metrics": watched})
    await story.until(lambda: bool(story.status.stable))
    for old, new in itertools.pairwise(VERSIONS[:known_good]):
        await promoted(story, old, new)
    most_rollbacks = known_good
    """The bound: contents that were known good when a person acted last."""
    acted = len(story.history)
    for row in answered:
        all_say(story, row)
        await story.passes(40)
        since = story.history[acted:]
        assert {each.trigger for each in since} <= {Trigger.AUTOMATIC_ROLLBACK}
        assert len(since) < most_rollbacks, "each goes to another one, and the first one was in place"
    await story.passes(300)
    assert len(story.history[acted:]) < most_rollbacks
    written = story.world.writes
    await story.passes(100)
    assert story.world.writes == written, "with the same answers it comes to rest"
    invariants.check_converged(story.world)


def all_say(story: Story, row: Sequence[Sequence[Answer]]) -> None:
    for version, told in zip(VERSIONS, row, strict=True):
        for name, answer in zip(NAMES, told, strict=True):
            answers(story.accuracy, name, version, answer)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 4), metrics(), st.lists(AT_ONE_TIME, min_size=2, max_size=6))
def test_between_two_acts_of_a_person_there_are_fewer_rollbacks_than_contents_known_good(
    known_good: int, watched: list[dict[str, Any]], answered: list[tuple[tuple[Answer, ...], ...]]
) -> None:
    asyncio.run(_answer(known_good, watched, answered))


async def test_after_a_hundred_revisions_the_newest_are_kept_and_no_number_is_lost() -> None:
    story = await serving("1.0.0", historyLimit=5)
    for number in range(100):
        await move_tag(story, f"1.{number}.0", f"1.{number + 1}.0")
        story.world.versions.pop(("default", f"fraud-1.{number}.0"))
        story.world.trace.clear()
    numbers = [each.revision for each in story.history]
    assert numbers == [1, 98, 99, 100, 101], "the first is the only one known good"
    made = sorted(number for _, number in story.world.recorded)
    assert made == list(range(1, 102))
    entries = [entry.entry for _, entry in sorted(story.world.recorded.items())]
    assert all(after.previous_hash == before.hash for before, after in itertools.pairwise(entries))


async def test_thousands_of_revisions_lose_no_number_and_keep_the_newest_and_the_chain() -> None:
    """By the core alone, as it records, appends and trims."""
    story = await serving("1.0.0")
    snapshot = story.cluster.view(KEY)
    assert snapshot is not None
    (first,) = snapshot.revisions
    draft = revision_draft.Draft(
        "1.1.0", first.entry.digest, first.template, first.record, "abc", Trigger.RESTART, "ada", "again"
    )
    past, numbers, previous = story.history, [1], story.history[-1].hash
    for _ in range(1_999):
        fresh = revision_draft.recorded(draft, past, snapshot, story.world.now())
        assert fresh is not None
        assert fresh.entry.previous_hash == previous
        past = revision_draft.succeeded_by(past, fresh.entry, ())
        past = history.trimmed(past, 50, frozenset({1, fresh.entry.revision}))
        numbers, previous = [*numbers[-1:], fresh.entry.revision], fresh.entry.hash
        assert numbers[1] == numbers[0] + 1
    assert [each.revision for each in past] == [1, *range(1_952, 2_001)]
    for holds in invariants.STATES:
        holds(story.status.model_copy(update={"history": past}))
