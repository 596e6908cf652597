"""What keeps a breach from being rolled back, for a while or for good: action, cooldown, budget and mass breach."""

from typing import Any

from pennant.api.conditions import Condition
from pennant.core.facts.observation import Key
from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY


async def test_report_says_so_and_changes_nothing() -> None:
    story = await serving("1.0.0", rollback={"action": "Report"})
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(120)
    assert story.served() == "1.1.0"
    assert story.condition("MetricsHealthy") == ("False", "ThresholdBreached")
    assert story.condition("Stalled") == ("True", "MetricBreach")
    assert story.status.quarantine == ()
    assert [each.reason.value for each in story.cluster.events].count("MetricBreach") == 1


async def test_pause_freezes_the_rollout_where_it_is_until_a_person_decides() -> None:
    """Rule: R62."""
    story = await serving("1.0.0", rollback={"action": "Pause"})
    before = story.pods()
    story.accuracy.values["1.1.0"] = 0.2
    story.world.slow.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("Stalled") == ("True", "BreachPaused"))
    frozen = story.pods()
    await story.passes(120)
    assert story.pods() == frozen
    assert before & frozen, "the old pods that were there stay"
    assert story.world.deployments[KEY].paused
    assert len(story.history) == 2
    assert_golden(story, "breach_paused")

    story.world.annotate(KEY, rollback_to="", requested_at="t1")
    await story.passes(30)
    assert story.served() == "1.0.0"
    assert not story.world.deployments[KEY].paused
    assert before & story.pods()


async def test_a_breach_within_the_cooldown_waits_and_is_then_rolled_back() -> None:
    story = await serving("0.9.0", rollback={"cooldownSeconds": 120, "limit": 2})
    await promoted(story, "0.9.0", "1.0.0")
    story.accuracy.values |= {"1.1.0": 0.2}
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0")
    first = story.world.time
    story.accuracy.values["1.0.0"] = 0.2
    await story.until(
        lambda: (
            story.condition("Ready") == ("False", "RolledBack")
            and story.condition("Reconciling")[1] == "RollbackCoolingDown"
        )
    )
    assert story.served() == "1.0.0"
    await story.until(lambda: story.served() == "0.9.0", 200)
    assert (story.world.time - first).total_seconds() >= 115


async def test_a_breach_that_passes_within_the_cooldown_is_forgiven() -> None:
    story = await serving("0.9.0", rollback={"cooldownSeconds": 300, "limit": 2})
    await promoted(story, "0.9.0", "1.0.0")
    story.accuracy.values |= {"1.1.0": 0.2}
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0")
    story.accuracy.values["1.0.0"] = 0.2
    await story.until(lambda: story.condition("Reconciling")[1] == "RollbackCoolingDown")
    story.accuracy.values["1.0.0"] = 0.95
    await story.passes(400)
    assert story.served() == "1.0.0"


async def test_an_exhausted_budget_stops_rollbacks_and_promotions() -> None:
    """Rule: R60."""
    story = await serving("0.9.0", rollback={"budget": {"count": 1, "windowSeconds": 1000}})
    await promoted(story, "0.9.0", "1.0.0")
    story.accuracy.values |= {"1.1.0": 0.2, "1.2.0": 0.97}
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0" and story.history[-1].verified_at is not None)
    await move_tag(story, "1.1.0", "1.2.0")
    await story.passes(30)
    assert story.condition("Stalled") == ("True", "RollbackBudgetExhausted")
    assert story.served() == "1.0.0"
    story.accuracy.values["1.0.0"] = 0.2
    await story.passes(60)
    assert story.served() == "1.0.0"
    condition = next(each for each in story.status.conditions if each.type == "Stalled")
    assert "1 automatic rollbacks within 1000 s, rollback.budget allows 1" in condition.message
    assert_golden(story, "budget_exhausted")

    await story.until(lambda: story.served() == "1.2.0", 1200)


async def test_the_tag_may_go_back_to_a_version_known_good_whatever_the_budget() -> None:
    """Rule: R12."""
    story = await rolled_back("1.0.0", "1.1.0", rollback={"budget": {"count": 1, "windowSeconds": 1000}})
    await move_tag(story, "1.1.0", "1.0.0")
    await story.passes(5)
    assert story.condition("Stalled")[0] == "False"


async def all_on_their_own(story: Story, *keys: Key, **spec: Any) -> None:
    """Have each deployment serve a version of its own, known good, after one that all served."""
    story.accuracy.values["1.0.0"] = 0.95
    story.version("1.0.0", "production")
    for key in keys:
        story.world.apply_deployment(key, a_spec(**spec))
    await story.passes(60)
    for number, key in enumerate(keys):
        own = f"2.{number}.0"
        story.accuracy.values[own] = 0.95
        story.version(own)
        story.world.apply_deployment(key, a_spec(version=own, **spec))
    await story.passes(60)
    assert all(story.world.records[key].status.history[-1].verified_at for key in keys)


def served_by(story: Story, key: Key) -> list[str]:
    return [each.version for each in story.world.records[key].status.history]


def stalled(story: Story, key: Key) -> Condition:
    return next(each for each in story.world.records[key].status.conditions if each.type == "Stalled")


async def test_many_breaches_at_once_are_not_believed() -> None:
    """Rule: R61."""
    story = Story(mass_breach_count=4)
    keys = [Key("default", f"fraud-{number}") for number in range(5)]
    await all_on_their_own(story, *keys)
    story.accuracy.values = dict.fromkeys(story.accuracy.values, 0.0)
    await story.passes(120)
    said = "5 of 5 deployments, with 5 different contents, breach at the same time, so metric source default is suspect"
    for number, key in enumerate(keys):
        assert served_by(story, key) == ["1.0.0", f"2.{number}.0"]
        assert stalled(story, key).reason == "MassBreachSuspected"
        assert said in stalled(story, key).message

    story.start_operator()
    await story.passes(60)
    assert all(len(served_by(story, key)) == 2 for key in keys), "a restart forgets nothing"

    story.accuracy.values = dict.fromkeys(story.accuracy.values, 0.95)
    await story.passes(60)
    assert all(
        next(c for c in story.world.records[key].status.conditions if c.type == "Ready").status == "True"
        for key in keys
    )


async def test_one_content_that_breaches_everywhere_is_bad() -> None:
    story = Story(mass_breach_count=4)
    keys = [Key("default", f"fraud-{number}") for number in range(10)]
    for version in ("1.0.0", "1.1.0"):
        story.accuracy.values[version] = 0.95
    story.version("1.0.0", "production")
    for key in keys:
        story.world.apply_deployment(key, a_spec())
    await story.passes(60)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(60)
    story.accuracy.values["1.1.0"] = 0.0
    await story.passes(60)
    assert all(served_by(story, key) == ["1.0.0", "1.1.0", "1.0.0"] for key in keys)


async def test_what_is_only_observed_makes_no_breach_unbelievable() -> None:
    story = Story(mass_breach_count=4)
    keys = [Key("default", f"fraud-{number}") for number in range(5)]
    query = 'drift{version="${version}"}'
    drift = {"name": "drift", "prometheus": {"query": query}, "threshold": {"max": "0.2"}, "mode": "Observe"}
    analysis = a_spec()["analysis"]
    analysis["metrics"].append(drift)
    story.accuracy.others = {("drift", f"2.{number}.0"): (0.9,) for number in range(5)}
    await all_on_their_own(story, *keys, analysis=analysis)
    story.accuracy.values["2.4.0"] = 0.0
    await story.passes(60)
    assert served_by(story, keys[4]) == ["1.0.0", "2.4.0", "1.0.0"]


async def test_a_few_breaches_are_believed() -> None:
    story = Story(mass_breach_count=4)
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.2}
    story.version("1.0.0", "production")
    keys = [Key("default", f"fraud-{number}") for number in range(3)]
    for key in keys:
        story.world.apply_deployment(key, a_spec())
    await story.passes(60)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(60)
    assert all(len(story.world.records[key].status.history) == 3 for key in keys)


async def test_no_budget_is_needed_for_a_loop_to_end() -> None:
    """Each rollback takes one content out of the choice, so there are fewer of them than verified versions.

    Rule: R58.
    """
    story = await serving("1.0.0", rollback={"limit": 50, "budget": {"count": 49}})
    for old, new in (("1.0.0", "1.1.0"), ("1.1.0", "1.2.0"), ("1.2.0", "1.3.0")):
        await promoted(story, old, new)
    story.accuracy.values = dict.fromkeys(story.accuracy.values, 0.1)
    await story.passes(900)
    assert [version for version, trigger, _ in outcomes(story) if trigger == "AutomaticRollback"] == [
        "1.2.0",
        "1.1.0",
        "1.0.0",
    ]
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")
