"""Checks that say what the ones before said take no pass."""

from typing import Any

import pytest

from pennant.controller.steady_keys import SteadyKeys
from pennant.core.facts.observation import Key
from simulation.support import steps
from simulation.support.story import Story
from simulation.support.world import BEGINNING, KEY
from unit.core.builders import a_snapshot

OTHER = Key("default", "other")
SEEN = a_snapshot("fraud")


class Passes:
    """Counts the snapshots that passes take, and the queries."""

    def __init__(self, story: Story, patch: pytest.MonkeyPatch) -> None:
        self.count = self.queries = 0
        snapshot, query_range = story.cluster.snapshot, story.accuracy.query_range

        async def counted(key: Key) -> Any:
            self.count += 1
            return await snapshot(key)

        async def queried(query: Any) -> Any:
            self.queries += 1
            return await query_range(query)

        patch.setattr(story.cluster, "snapshot", counted)
        patch.setattr(story.accuracy, "query_range", queried)


async def test_checks_of_a_verified_revision_that_all_pass_take_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: R226."""
    story = await steps.serving()
    await story.passes(30)
    passes = Passes(story, monkeypatch)
    await story.passes(100)
    assert passes.count == 0
    assert passes.queries >= 4


async def test_a_check_that_fails_takes_a_pass_at_once_and_the_next_ones_do_until_all_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rule: R226."""
    story = await steps.serving()
    await story.passes(30)
    passes = Passes(story, monkeypatch)
    story.accuracy.values["1.0.0"] = 0.2
    await story.until(lambda: story.condition("MetricsHealthy")[0] == "False")
    assert passes.count
    story.accuracy.values["1.0.0"] = 0.95
    await story.until(lambda: story.condition("MetricsHealthy")[0] == "True")
    await story.passes(30)
    passes.count = 0
    await story.passes(60)
    assert passes.count == 0


async def test_a_change_of_an_object_takes_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: R226."""
    story = await steps.serving()
    await story.passes(30)
    passes = Passes(story, monkeypatch)
    story.deployment(paused=True)
    await story.passes(1)
    assert passes.count
    assert story.condition("Suspended")[0] == "True"


async def test_a_check_without_an_answer_is_not_steady_so_that_the_circuit_breaker_hears_of_it() -> None:
    """Rule: R61."""
    story = await steps.serving()
    await story.passes(30)
    story.accuracy.seconds_to_answer = 3
    story.operator_is_away(20)
    await story.settle()
    # Anything may cause a pass before the first answer after a start.
    await story.operator.reconcile_once(KEY)
    assert story.operator.steady_keys.get(KEY, story.world.now()) is None
    await story.passes(30)
    assert story.operator.steady_keys.get(KEY, story.world.now()) is not None


def test_a_change_during_a_pass_needs_another_one() -> None:
    keys = SteadyKeys()
    keys.begin(KEY)
    keys.changed(KEY)
    keys.end(SEEN, None, is_steady=True)
    assert keys.get(KEY, BEGINNING) is None
    keys.begin(KEY)
    keys.changed(OTHER)
    keys.end(SEEN, None, is_steady=True)
    assert keys.get(KEY, BEGINNING) is not None
    keys.all_changed()
    assert keys.get(KEY, BEGINNING) is None
