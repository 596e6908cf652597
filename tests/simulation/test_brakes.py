"""What keeps a breach from being rolled back, for a while or for good: action, cooldown, budget and mass breach."""

from pennant.core.observation import Key
from simulation.acts import assert_golden, move_tag, promoted, rolled_back, serving, told
from simulation.story import Story, a_spec
from simulation.world import KEY


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
    assert "there were 1 automatic rollbacks within 1000 s, and rollback.budget allows 1" in condition.message
    assert_golden(story, "budget_exhausted")

    await story.until(lambda: story.served() == "1.2.0", 1200)


async def test_the_tag_may_go_back_to_a_version_known_good_whatever_the_budget() -> None:
    """Rule: A content that was known good here passes the gates."""
    story = await rolled_back("1.0.0", "1.1.0", rollback={"budget": {"count": 1, "windowSeconds": 1000}})
    await move_tag(story, "1.1.0", "1.0.0")
    await story.passes(5)
    assert story.condition("Stalled")[0] == "False"


async def test_many_breaches_at_once_are_not_believed() -> None:
    story = Story(mass_breach_count=4)
    keys = [Key("default", f"fraud-{number}") for number in range(5)]
    for version in ("1.0.0", "1.1.0"):
        story.accuracy.values[version] = 0.95
    story.version("1.0.0", "production")
    for key in keys:
        story.world.apply_deployment(key, a_spec())
    await story.passes(60)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(60)
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.0}
    await story.passes(120)
    for key in keys:
        status = story.world.records[key].status
        assert [each.version for each in status.history] == ["1.0.0", "1.1.0"]
        stalled = next(each for each in status.conditions if each.type == "Stalled")
        assert stalled.reason == "MassBreachSuspected"
        assert "5 of 5 deployments breach at once against the metric source default" in stalled.message

    story.start_operator()
    await story.passes(60)
    assert all(len(story.world.records[key].status.history) == 2 for key in keys), "a restart forgets nothing"

    story.accuracy.values["1.1.0"] = 0.95
    await story.passes(60)
    assert all(
        next(c for c in story.world.records[key].status.conditions if c.type == "Ready").status == "True"
        for key in keys
    )


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

    Rule: Rollbacks come to an end.
    """
    story = await serving("1.0.0", rollback={"limit": 50, "budget": {"count": 49}})
    for old, new in (("1.0.0", "1.1.0"), ("1.1.0", "1.2.0"), ("1.2.0", "1.3.0")):
        await promoted(story, old, new)
    story.accuracy.values = dict.fromkeys(story.accuracy.values, 0.1)
    await story.passes(900)
    assert [version for version, trigger, _ in told(story) if trigger == "AutomaticRollback"] == [
        "1.2.0",
        "1.1.0",
        "1.0.0",
    ]
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")
