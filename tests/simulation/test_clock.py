"""The clock is set back by an hour: nothing waits until it catches up, and no version fails for it.

What lies in the future counts as now, wherever it is kept: in the status, in the process, or by Kubernetes.

Rule: R86.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from simulation.support import steps
from simulation.support.steps import move_tag, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.test_metrics import ALERTED, fires, watching
from simulation.test_refusals import DEPLOYMENT, Policy

HOUR = timedelta(hours=1)


async def test_a_breach_is_found_as_soon_as_by_any_other_clock() -> None:
    """After `of` checks, and two intervals at most."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.world.set_clock_back(HOUR)
    await story.passes(20)
    assert story.condition("MetricsHealthy") == ("True", "MetricsPassing")
    assert "HistoryTampered" not in {each.reason for each in story.cluster.events}, "nobody altered the marks"
    story.accuracy.values["1.1.0"] = 0.2
    await story.until(lambda: story.history[-1].trigger.value == "AutomaticRollback", 50)


@pytest.mark.parametrize("until", ["rolled out", "measured"])
async def test_a_bake_time_begins_anew_and_ends(until: str) -> None:
    reached: dict[str, Callable[[Story], bool]] = {
        "rolled out": lambda story: story.history[-1].rolled_out_at is not None,
        "measured": lambda story: story.condition("MetricsHealthy") == ("True", "MetricsPassing"),
    }
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: reached[until](story))
    story.world.set_clock_back(HOUR)
    await story.until(lambda: story.history[-1].verified_at is not None, 70)


async def known_good() -> Story:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    await promoted(story, "1.0.0", "1.1.0")
    return story


async def under_way() -> Story:
    story = await serving("1.0.0", analysis=watching(ALERTED))
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(5)
    return story


@pytest.mark.parametrize("begin", [known_good, under_way])
async def test_an_alert_that_begins_then_is_heard_of_and_speaks_against_the_revision(
    begin: Callable[[], Awaitable[Story]],
) -> None:
    """Neither the answer of before nor the record of the revision, which lie an hour ahead, hide it."""
    story = await begin()
    story.world.set_clock_back(HOUR)
    await story.passes(20)
    fires(story, "1.1.0")
    await story.until(lambda: story.served() == "1.0.0", 30)


async def test_an_alert_that_is_defined_then_is_known_within_a_minute() -> None:
    story = Story()
    story.accuracy.rules = frozenset()
    story.version("1.0.0", "production")
    story.deployment(analysis=watching(ALERTED))
    await story.passes(30)
    assert story.condition("MetricsHealthy") == ("Unknown", "AlertUnknown")
    story.world.set_clock_back(HOUR)
    story.accuracy.rules = frozenset({"Slow"})
    await story.until(lambda: bool(story.status.stable), 130)


@pytest.mark.parametrize("brake", [{"cooldownSeconds": 600}, {"budget": {"count": 1, "windowSeconds": 600}}], ids=str)
async def test_a_rollback_of_before_puts_off_no_other_one(brake: dict[str, object]) -> None:
    story = await rolled_back("1.0.0", "1.1.0", rollback=brake)
    story.world.set_clock_back(HOUR)
    await promoted(story, "1.1.0", "1.2.0")
    story.accuracy.values["1.3.0"] = 0.2
    await move_tag(story, "1.2.0", "1.3.0")
    await story.until(lambda: story.history[-1].trigger.value == "AutomaticRollback", 70)
    assert story.served() == "1.2.0"


async def test_a_person_is_called_as_soon_as_by_any_other_clock_when_nobody_holds_the_tag() -> None:
    story = await serving("1.0.0")
    story.version("1.0.0")
    await story.passes(10)
    story.world.set_clock_back(HOUR)
    await story.until(lambda: story.condition("Stalled") == ("True", "TagUnassigned"), 330)


async def test_a_write_that_was_refused_is_tried_again_within_two_minutes() -> None:
    story = await steps.serving()
    policy = Policy(story.world, DEPLOYMENT)
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    assert story.condition("Stalled") == ("True", "DeploymentRefused")
    policy.lift()
    story.world.set_clock_back(HOUR)
    await story.until(lambda: story.served() == "1.1.0", 121)


async def test_what_finds_no_node_then_is_not_condemned_by_the_pods_that_found_one() -> None:
    """Rule: R21."""
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.97
    story.world.room = 4
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(4)
    story.world.room = 3
    story.world.set_clock_back(HOUR)
    await story.passes(300)
    assert not story.status.quarantine
