"""What keeps a version from being rolled out, in the order in which it is said."""

import asyncio
from typing import Any

import pytest

from pennant.api.reasons import Reason
from pennant.core.facts.measurement import RangeQuery, Series
from simulation.support.steps import move_tag, rolled_back, serving
from simulation.support.world import KEY

WORSE = {"metrics": [{"name": "auc", "value": "0.5", "split": "Test", "direction": "Maximize"}]}
GOOD = {"metrics": [{"name": "auc", "value": "0.9", "split": "Test", "direction": "Maximize"}]}
EVERYTHING: dict[str, Any] = {
    "promotion": {"requireComplete": True, "gates": [{"metric": "auc", "split": "Test"}]},
    "rollback": {"budget": {"count": 1, "windowSeconds": 100_000}},
}


async def test_the_first_gate_that_speaks_wins() -> None:
    """All of them would speak at first; one after the other is lifted.

    Rule: R9.
    """
    story = await rolled_back("1.0.0", "1.1.0", rollback=EVERYTHING["rollback"])
    story.accuracy.values["1.2.0"] = 0.95
    before = story.history
    story.world.deployments[KEY].owner = "somebody else"
    story.deployment(**EVERYTHING, paused=True, replicas="three")
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "NameConflict")

    story.world.deployments[KEY].owner = story.world.records[KEY].uid
    story.world.deployments[KEY].resource_version = story.world.serial()
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "InvalidSpec")

    story.deployment(**EVERYTHING, paused=True)
    story.world.annotate(KEY, retry="1.1.0", requested_at="t1")
    await story.passes(2)
    assert story.condition("Suspended") == ("True", "Paused")
    assert story.status.last_command is not None
    assert story.status.last_command.message.startswith("the ModelDeployment is paused. Set spec.paused to false")

    story.deployment(**EVERYTHING)
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "RolledBack"), "quarantined: an incomplete record is not asked about"

    await move_tag(story, "1.1.0", "1.2.0", **WORSE)
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "RecordIncomplete")

    story.deployment(**EVERYTHING | {"promotion": {**EVERYTHING["promotion"], "requireComplete": False}})
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "GateFailed")

    story.deployment(**EVERYTHING | {"promotion": {}})
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "RollbackBudgetExhausted")
    assert [each.hash for each in story.history] == [each.hash for each in before], "nothing was rolled out so far"

    story.deployment()
    await story.passes(2)
    assert story.history[-1].version == "1.2.0"


async def test_a_gate_compares_with_what_serves_and_lets_pass_what_is_no_worse() -> None:
    gates = {"gates": [{"metric": "auc", "split": "Test", "maxRegressionPercent": "10"}]}
    story = await serving("1.0.0", promotion=gates)
    story.accuracy.values |= {"1.1.0": 0.95, "1.2.0": 0.95}
    await move_tag(story, "1.0.0", "1.1.0", **GOOD)
    await story.passes(2)
    assert story.condition("Stalled") == ("True", "GateFailed"), "1.0.0 has no such number, and the gate is required"
    story.deployment(promotion={"gates": [{**gates["gates"][0], "required": False}]})
    await story.until(lambda: story.history[-1].verified_at is not None and story.served() == "1.1.0")
    await move_tag(story, "1.1.0", "1.2.0", **WORSE)
    await story.passes(2)
    stalled = next(each for each in story.status.conditions if each.type == "Stalled")
    worse = (
        "promotion gate auc/Test blocks 1.2.0: 0.5 is worse than 0.9 of 1.1.0 by 0.4, maximum 0.09; 1.1.0 keeps serving"
    )
    assert stalled.message == f"{worse}. {Reason.GATE_FAILED.to_do}", "what to do comes last"


async def test_a_source_that_hangs_delays_neither_the_status_nor_the_promotion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rule: R5."""
    story = await serving("1.0.0")
    never = asyncio.Event()

    async def hang(_: RangeQuery) -> Series:
        await never.wait()
        return Series(())

    monkeypatch.setattr(story.accuracy, "query_range", hang)
    await story.passes(30)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(10)
    assert story.served() == "1.1.0"
    assert story.condition("Reconciling") == ("False", "UpToDate")
    await story.operator.aclose()
