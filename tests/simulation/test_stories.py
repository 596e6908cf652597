"""Whole rollouts, some of them compared with a golden trace, which is also documentation.

A changed trace is shown as a difference; `PENNANT_WRITE_GOLDEN=1` writes it anew, to be reviewed like code.
"""

import pytest

from pennant.api.conditions import find
from pennant.api.reasons import Reason
from simulation.support.steps import assert_golden, move_tag, outcomes, promoted, serving
from simulation.support.story import Crash, Story, a_spec
from simulation.support.world import KEY


async def test_a_version_is_served_found_bad_and_rolled_back() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.71
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: len(story.history) == 3 and story.history[-1].verified_at is not None)

    assert [(e.revision, e.version, e.outcome.value) for e in story.history] == [
        (1, "1.0.0", "Superseded"),
        (2, "1.1.0", "RolledBack"),
        (3, "1.0.0", "Verified"),
    ]
    evidence = story.history[1].evidence[0]
    assert (evidence.metric, evidence.value, evidence.threshold, evidence.breaches) == (
        "accuracy",
        "0.71",
        "min 0.9",
        "3 of 3",
    )
    assert story.condition("RolledBack") == ("True", "MetricBreach")
    assert story.condition("Stalled") == ("True", "RolledBack")
    assert_golden(story, "breach_and_rollback")


async def test_a_breach_long_after_promotion_rolls_back_too() -> None:
    """Rule: R52."""
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].outcome.value == "Verified")
    await story.passes(600)
    story.accuracy.values["1.1.0"] = 0.5
    await story.until(lambda: story.served() == "1.0.0")

    assert story.history[-1].trigger.value == "AutomaticRollback"
    assert story.history[1].verified_at is not None
    assert story.history[1].outcome.value == "RolledBack"


async def test_a_breach_in_mid_rollout_leaves_the_old_pods_alone() -> None:
    story = await serving("1.0.0")
    before = story.pods()
    story.accuracy.values["1.1.0"] = 0.2
    story.world.never_ready.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2)
    kept = before & story.pods()
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.served() == "1.0.0")
    await story.passes(5)

    assert len(kept) == 3
    assert kept <= story.pods()
    assert story.history[1].outcome.value == "Failed"


async def test_no_data_neither_rolls_back_nor_verifies() -> None:
    """Rule: R35."""
    story = await serving("1.0.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(300)

    assert story.served() == "1.1.0"
    assert story.condition("MetricsHealthy") == ("Unknown", "NoData")
    assert story.history[-1].outcome.value == "Serving"
    assert story.condition("RolledBack")[0] == "False"


async def test_a_source_that_is_down_neither_rolls_back_nor_verifies() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    story.accuracy.down = True
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(300)

    assert story.served() == "1.1.0"
    assert story.condition("MetricsHealthy") == ("Unknown", "SourceUnavailable")


async def test_the_tag_held_by_two_and_by_none_changes_nothing_that_is_served() -> None:
    """Rule: R3.

    Rule: R4.
    """
    story = await serving("1.0.0")
    story.version("1.1.0", "production")
    await story.passes(10)
    assert story.condition("TagResolved") == ("False", "TagAmbiguous")
    assert story.condition("Reconciling")[0] == "True"
    story.version("1.1.0")
    story.version("1.0.0")
    await story.passes(10)
    assert story.condition("TagResolved") == ("False", "TagUnassigned")
    await story.passes(300)

    assert story.condition("Stalled") == ("True", "TagUnassigned")
    assert story.served() == "1.0.0"
    assert len(story.history) == 1


async def test_a_rolled_back_version_is_not_deployed_again_until_the_tag_moves_on() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.served() == "1.0.0")

    story.version("1.1.0", "production")
    await story.passes(60)
    story.start_operator()
    await story.passes(60)
    story.world.delete_version("fraud-1.1.0")
    await story.passes(10)
    story.version("1.1.0", "production")
    await story.passes(60)
    assert story.served() == "1.0.0"
    assert len(story.history) == 3

    story.accuracy.values["1.2.0"] = 0.96
    await move_tag(story, "1.1.0", "1.2.0")
    await story.passes(60)
    assert story.served() == "1.2.0"
    assert story.status.quarantine == ()
    assert all(not each.quarantined_by for each in story.world.versions.values())


async def test_creating_the_deployment_anew_does_not_lift_the_quarantine() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.served() == "1.0.0")
    story.world.delete_deployment(KEY)
    await story.passes(1)
    story.deployment()
    await story.passes(60)

    assert KEY not in story.world.deployments
    assert story.condition("Stalled") == ("True", "Quarantined")


async def test_a_deployment_of_somebody_else_in_the_way_does_not_lift_the_quarantine() -> None:
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.2
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.served() == "1.0.0")
    left_behind = story.world.deployments[KEY]
    story.world.delete_deployment(KEY)
    story.world.deployments[KEY] = left_behind
    story.deployment()
    await story.passes(5)
    assert story.condition("Stalled") == ("True", "NameConflict")

    del story.world.deployments[KEY]
    await story.passes(60)
    assert KEY not in story.world.deployments
    assert story.condition("Stalled") == ("True", "Quarantined")


async def test_when_every_version_breaches_the_operator_stops() -> None:
    """Rule: R56."""
    story = await serving("0.9.0")
    for old, new in (("0.9.0", "1.0.0"), ("1.0.0", "1.1.0")):
        await promoted(story, old, new)
    story.accuracy.values = dict.fromkeys(story.accuracy.values, 0.1)
    await story.passes(600)

    assert [each.version for each in story.history] == ["0.9.0", "1.0.0", "1.1.0", "1.0.0"]
    assert story.condition("Stalled") == ("True", "RollbackDidNotHelp")
    assert [each.version for each in story.status.quarantine] == ["1.1.0"], "the version gone back to is not condemned"
    assert_golden(story, "double_breach")


async def test_what_was_found_bad_is_no_way_back_also_where_it_is_released_because_the_tag_moves() -> None:
    """Rule: R55."""
    story = await serving("1.0.0")
    story.accuracy.values = {"1.0.0": 0.1, "1.1.0": 0.1}
    await story.until(lambda: story.condition("Stalled") == ("True", "NoRollbackTarget"))
    story.accuracy.values["1.0.0"] = None
    await story.passes(40)
    await move_tag(story, "1.0.0", "1.1.0")
    assert story.status.quarantine == ()
    await story.passes(100)
    assert outcomes(story) == [("1.0.0", "TagMoved", "RolledBack"), ("1.1.0", "TagMoved", "Serving")]
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")


async def test_what_was_found_bad_does_not_become_known_good_because_the_tag_moves() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.1, "1.1.0": 0.97}
    story.version("1.0.0", "production")
    story.deployment()
    await story.passes(1)
    await story.until(lambda: story.condition("Stalled") == ("True", "NoRollbackTarget"))
    story.accuracy.values["1.0.0"] = 0.97
    await story.passes(120)
    await move_tag(story, "1.0.0", "1.1.0")
    assert outcomes(story) == [("1.0.0", "TagMoved", "RolledBack"), ("1.1.0", "TagMoved", "InProgress")]
    assert story.history[0].verified_at is None


async def test_a_first_version_that_never_becomes_ready_is_mended_by_a_new_template() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.world.never_ready.add("1.0.0")
    story.version("1.0.0", "production")
    story.deployment()
    await story.passes(120)
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")

    story.world.never_ready.clear()
    story.deployment(template={"spec": {"containers": [{"name": "server", "image": "registry.example/server:2"}]}})
    await story.passes(120)
    assert story.history[-1].outcome.value == "Verified"
    assert [each.revision for each in story.status.quarantine] == [1], "the template that failed stays so"
    assert story.condition("Ready") == ("True", "Serving")


async def test_silence_when_converged() -> None:
    story = await serving("1.0.0")
    await story.passes(5)
    written = story.world.writes
    await story.passes(600)
    story.start_operator()
    await story.passes(600)

    assert story.world.writes == written


async def test_history_is_trimmed_to_its_limit_and_no_number_is_lost() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment(historyLimit=3)
    await story.until(lambda: bool(story.status.stable))
    for number in range(1, 8):
        await move_tag(story, f"1.{number - 1}.0", f"1.{number}.0")
        await story.passes(5)

    # Nothing but the first was ever verified: it stays, for it is the way back.
    assert [each.revision for each in story.history] == [1, 7, 8]
    assert sorted(story.world.records[KEY].revisions) == [1, 7, 8]
    assert story.status.stable is not None
    assert story.status.stable.version == "1.0.0"


async def test_a_record_goes_only_when_the_status_no_longer_tells_of_it() -> None:
    """Also where the process died after it wrote the record that exceeds the limit and before the status."""
    story = await serving("1.0.0", historyLimit=2)
    await move_tag(story, "1.0.0", "1.1.0")

    def die(what: str) -> None:
        if what.startswith("records revision"):
            raise Crash

    story.world.after_write = die
    with pytest.raises(Crash):
        await move_tag(story, "1.1.0", "1.2.0")
    story.start_operator()
    story.world.after_write = lambda _: None
    await story.passes(5)
    assert sorted(story.world.records[KEY].revisions) == [each.revision for each in story.history]


async def test_a_verified_version_is_watched_no_more_where_that_is_asked_for() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    metric = a_spec()["analysis"]["metrics"][0]
    story.deployment(analysis={"intervalSeconds": 10, "bakeSeconds": 30, "afterPromotion": "Stop", "metrics": [metric]})
    await story.until(lambda: bool(story.status.stable))
    story.accuracy.values["1.0.0"] = 0.1
    await story.passes(120)

    assert story.condition("MetricsHealthy") == ("True", "MetricsPassing")
    assert story.condition("Ready") == ("True", "Serving")


async def test_watching_begins_after_the_initial_delay() -> None:
    story = Story()
    story.accuracy.values = {"1.0.0": 0.1}
    story.version("1.0.0", "production")
    metric = a_spec()["analysis"]["metrics"][0]
    story.deployment(analysis={"initialDelaySeconds": 60, "intervalSeconds": 10, "metrics": [metric]})
    await story.passes(70)
    assert story.condition("MetricsHealthy") == ("Unknown", "AwaitingFirstCheck")
    await story.passes(30)
    assert story.condition("MetricsHealthy") == ("False", "ThresholdBreached")


async def test_without_metrics_a_version_is_known_good_when_it_has_been_available_for_its_bake_time() -> None:
    story = Story()
    story.version("1.0.0", "production")
    story.deployment(analysis={"bakeSeconds": 30})
    await story.passes(31)
    assert story.history[-1].outcome.value == "Serving"
    await story.passes(3)
    assert story.history[-1].outcome.value == "Verified"


async def test_a_device_that_the_record_asks_for_and_another_pod_has_is_told_with_what_helps() -> None:
    """Rule: R26."""
    device = {"serving": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}}
    story = await serving("1.0.0", replicas=1)
    story.world.room = 1
    await move_tag(story, "1.0.0", "1.1.0", **device)
    await story.until(lambda: story.condition("Stalled") == ("True", "PodsUnschedulable"))
    stalled = find(story.status.conditions, "Stalled")
    assert stalled is not None
    assert stalled.message.endswith("set rollout.maxSurge: 0 and rollout.maxUnavailable: 1")
    assert [each.reason for each in story.cluster.events].count(Reason.SURGE_NEEDS_ROOM) == 1
    assert (story.status.quarantine, len(story.pods())) == ((), 2)


@pytest.mark.parametrize(
    ("ready", "gone", "replicas"), [(4, 4, 1), (5, 35, 2), (30, 50, 3)], ids=["unsteady", "crashing", "slow"]
)
async def test_pods_that_come_and_go_in_the_bake_time_do_not_escape_the_deadline(
    ready: int, gone: int, replicas: int
) -> None:
    """No single outage is as long as the deadline.

    Rule: R50.
    """
    story = await serving("1.0.0", replicas=replicas, analysis={"bakeSeconds": 100})
    story.world.flapping["1.1.0"] = (ready, gone)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0", 250)
    assert story.history[1].outcome == "Failed"
    (entry,) = story.status.quarantine
    assert entry.reason == "PodsUnavailable"
    assert entry.message.startswith("no pod has been available for 60 s in total: container server of pod ")


async def test_a_changed_template_is_a_revision_and_a_changed_number_of_pods_is_not() -> None:
    story = await serving("1.0.0")
    story.deployment(replicas=5)
    await story.passes(10)
    assert len(story.history) == 1
    assert len(story.pods()) == 5
    container = {"name": "server", "image": "registry.example/server:2"}
    story.deployment(replicas=5, template={"spec": {"containers": [container]}})
    await story.passes(10)
    assert [(each.version, each.trigger.value) for each in story.history] == [
        ("1.0.0", "TagMoved"),
        ("1.0.0", "SpecChanged"),
    ]


async def test_a_wrong_spec_is_said_and_changes_nothing() -> None:
    story = await serving("1.0.0")
    pods = story.pods()
    story.deployment(container="nowhere")
    await story.passes(5)
    assert story.condition("Stalled") == ("True", "InvalidSpec")
    assert story.condition("Ready") == ("False", "InvalidSpec")
    assert story.pods() == pods
    story.deployment()
    await story.passes(5)
    assert story.condition("Ready") == ("True", "Serving")


async def test_a_single_device_is_handed_over_and_back_by_recreate() -> None:
    """No second pod has to fit beside the old one, in the promotion as in the rollback.

    Rule: R26.
    """
    story = await serving("1.0.0", replicas=1, rollout={"strategy": "Recreate", "progressDeadlineSeconds": 60})
    story.world.room = 1
    story.accuracy.values["1.1.0"] = 0.5
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].trigger == "AutomaticRollback")
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert (story.served(), len(story.pods())) == ("1.0.0", 1)
    assert [each.reason for each in story.cluster.events].count(Reason.SURGE_NEEDS_ROOM) == 0
