"""Rollouts whose pods do not become available, and outages of what serves: whose fault it is, and what follows."""

import pytest

from pennant.api.conditions import find
from pennant.api.reasons import Reason
from simulation.support.steps import move_tag, outcomes, promoted, serving
from simulation.support.story import Story
from simulation.support.world import KEY

DEADLINE = 60
"""`rollout.progressDeadlineSeconds` of a story."""


def stalled(story: Story) -> str:
    """Return the message of the condition Stalled."""
    found = find(story.status.conditions, "Stalled")
    assert found is not None
    return found.message


def quarantined(story: Story) -> list[tuple[str, str]]:
    return [(each.version, str(each.reason)) for each in story.status.quarantine]


def events(story: Story, reason: Reason) -> list[str]:
    return [each.message for each in story.cluster.events if each.reason == reason]


async def never_ready(**spec: object) -> Story:
    """Return a story in which 1.1.0 follows 1.0.0, and its pods never become ready."""
    story = await serving("1.0.0", **spec)
    story.world.never_ready.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    return story


async def test_a_version_known_good_that_gets_the_tag_back_is_not_paused_with_the_failed_one() -> None:
    """Rule: R19."""
    story = await never_ready(rollback={"action": "Pause"})
    await story.until(lambda: story.condition("Stalled") == ("True", "BreachPaused"))
    await move_tag(story, "1.1.0", "1.0.0")
    await story.until(lambda: outcomes(story)[2:] == [("1.0.0", "TagMoved", "Verified")])
    assert (quarantined(story), story.condition("Ready")) == ([], ("True", "Serving"))
    assert not story.world.deployments[KEY].paused


async def test_a_retry_has_its_whole_time_and_a_version_that_starts_late_is_reinstated() -> None:
    """Rule: R24."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.world.never_ready.add("1.0.0")
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: bool(story.status.quarantine))
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")
    assert f"0 of 3 pods became available, and none within {DEADLINE} s: container server" in stalled(story)
    assert story.condition("Verified") == ("False", "ProgressDeadlineExceeded")

    story.world.annotate(KEY, retry="1.0.0", requested_at="t1")
    await story.passes(DEADLINE - 5)
    assert (quarantined(story), outcomes(story)[-1]) == ([], ("1.0.0", "Retry", "InProgress"))
    await story.passes(10)
    assert story.condition("Stalled") == ("True", "NoRollbackTarget")

    story.world.never_ready.clear()
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert (quarantined(story), story.condition("Ready")) == ([], ("True", "Serving"))
    assert len(events(story, Reason.REINSTATED)) == 1


async def test_a_rollout_without_a_node_may_count_as_a_failure() -> None:
    """Rule: R21."""
    rollout = {"progressDeadlineSeconds": DEADLINE, "onUnschedulable": "Rollback"}
    story = await serving("1.0.0", rollout=rollout)
    story.world.room = 3
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.0.0" and len(story.history) == 3)
    assert quarantined(story) == [("1.1.0", "ProgressDeadlineExceeded")]


async def test_a_restart_that_fails_condemns_nobody() -> None:
    """Rule: R23."""
    story = await serving("1.0.0", replicas=1)
    story.world.crashing.add("1.0.0")
    story.world.restart_by_hand(KEY, "2026-01-01T12:00:00Z")
    await story.until(lambda: story.condition("Stalled") == ("True", "PodsUnavailable"))
    assert "container server" in stalled(story)
    assert (quarantined(story), story.served()) == ([], "1.0.0")
    story.world.crashing.clear()
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"))


async def test_a_scale_up_without_room_condemns_nobody() -> None:
    """Rule: R23."""
    story = await serving("1.0.0", replicas=2)
    story.world.room = 2
    story.deployment(replicas=4)
    await story.until(lambda: story.condition("Stalled") == ("True", "PodsUnavailable"))
    assert "0/1 nodes are available" in stalled(story)
    story.deployment(replicas=2)
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"))
    assert quarantined(story) == []


async def test_zero_replicas_stop_the_deadline_and_are_neither_ready_nor_stalled() -> None:
    """Rule: R48.

    Rule: R49.
    """
    story = await serving("1.0.0")
    story.deployment(replicas=0)
    await story.until(lambda: story.condition("Ready") == ("False", "ScaledToZero"))
    assert story.condition("Available") == ("False", "ScaledToZero")
    story.world.never_ready.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2 * DEADLINE)
    assert story.condition("Verified") == ("False", "ScaledToZero")
    assert story.condition("Stalled") == ("False", "NotStalled")
    assert story.history[-1].rolled_out_at is None
    assert quarantined(story) == []

    story.deployment(replicas=3)
    await story.until(lambda: quarantined(story) == [("1.1.0", "ProgressDeadlineExceeded")])
    await story.until(lambda: story.served() == "1.0.0")


async def test_ready_needs_a_pod_whatever_may_be_unavailable() -> None:
    """Rule: R49."""
    rollout = {"progressDeadlineSeconds": DEADLINE, "maxSurge": 0, "maxUnavailable": 1}
    story = await serving("1.0.0", replicas=1, rollout=rollout)
    assert story.condition("Ready") == ("True", "Serving")
    story.world.crashing.add("1.0.0")
    await story.until(lambda: story.condition("Ready") == ("False", "PodsUnavailable"))
    assert story.condition("Available") == ("False", "PodsUnavailable")


async def test_the_bake_time_begins_anew_after_a_loss_of_all_pods() -> None:
    """Rule: R47."""
    story = await serving("1.0.0", replicas=1, analysis={"bakeSeconds": 40})
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("Verified") == ("False", "Baking"))
    story.world.crashing.add("1.1.0")
    await story.until(lambda: story.condition("Verified") == ("False", "PodsUnavailable"))
    await story.passes(20)
    story.world.crashing.clear()
    begun = story.world.time
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert (story.world.time - begun).total_seconds() >= 40
    assert (story.history[-1].version, len(story.history)) == ("1.1.0", 2)


async def test_an_outage_before_a_version_is_known_good_is_its_failure() -> None:
    """Rule: R50."""
    story = await serving("1.0.0", replicas=1, analysis={"bakeSeconds": 100})
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].rolled_out_at is not None)
    story.world.crashing.add("1.1.0")
    await story.until(lambda: story.served() == "1.0.0")
    assert quarantined(story) == [("1.1.0", "PodsUnavailable")]
    assert outcomes(story)[1] == ("1.1.0", "TagMoved", "Failed")


@pytest.mark.parametrize("on_unavailable", ["Report", "Rollback"])
async def test_an_outage_of_a_version_known_good_is_reported_or_rolled_back(on_unavailable: str) -> None:
    story = await serving("1.0.0", rollback={"onUnavailable": on_unavailable})
    await promoted(story, "1.0.0", "1.1.0")
    story.world.crashing.add("1.1.0")
    if on_unavailable == "Rollback":
        await story.until(lambda: story.served() == "1.0.0")
        assert quarantined(story) == [("1.1.0", "PodsUnavailable")]
        return
    await story.until(lambda: story.condition("Stalled") == ("True", "PodsUnavailable"))
    await story.passes(2 * DEADLINE)
    assert (quarantined(story), story.served()) == ([], "1.1.0")
    story.world.crashing.clear()
    # The containers wait for their back-off.
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"), 400)


async def test_pods_that_become_ready_and_unready_again_make_no_progress() -> None:
    """Rule: R19."""
    rollout = {"progressDeadlineSeconds": DEADLINE, "minReadySeconds": 30}
    story = await serving("1.0.0", replicas=1, rollout=rollout)
    story.world.flapping["1.1.0"] = (10, 5)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: quarantined(story) == [("1.1.0", "ProgressDeadlineExceeded")], DEADLINE + 10)


async def test_time_without_an_operator_does_not_count() -> None:
    """Rule: R22."""
    story = await never_ready()
    await story.passes(20)
    story.operator_is_away(2 * DEADLINE)
    await story.passes(30)
    assert quarantined(story) == []
    await story.until(lambda: quarantined(story) == [("1.1.0", "ProgressDeadlineExceeded")], 20)


async def test_rollbacks_that_follow_each_other_are_limited() -> None:
    """What was gone back to has not become known good before the next breach.

    Rule: R58.
    """
    story = await never_ready()
    await story.until(lambda: story.history[-1].trigger.value == "AutomaticRollback")
    story.accuracy.values["1.0.0"] = 0.5
    await story.until(lambda: story.condition("Stalled") == ("True", "RollbackLimitReached"))
    assert quarantined(story) == [("1.1.0", "ProgressDeadlineExceeded")]
    assert story.served() == "1.0.0"


async def test_a_version_that_does_not_become_known_good_is_told_of_once() -> None:
    """Rule: R51."""
    story = Story()
    story.version("1.0.0", "production")
    story.deployment()
    await story.passes(300)
    assert story.condition("Verified") == ("False", "NoData")
    (event,) = events(story, Reason.NOT_VERIFIED)
    assert "accuracy" in event
    assert story.condition("Ready") == ("True", "Serving"), "it is not known to be bad either"


async def test_a_bad_template_of_a_good_version_is_taken_back_and_the_version_stays() -> None:
    """Rule: R54."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    story.world.never_ready.add("1.1.0")
    container = {"name": "server", "image": "registry.example/server:2"}
    story.deployment(template={"spec": {"containers": [container]}})
    await story.until(lambda: len(story.history) == 4)
    story.world.never_ready.clear()
    await story.until(lambda: story.history[-1].verified_at is not None)
    (entry,) = story.status.quarantine
    assert entry.inputs_hash == story.history[2].inputs_hash
    assert (story.history[-1].version, story.history[-1].template_hash) == ("1.1.0", story.history[1].template_hash)
    story.deployment(template={"spec": {"containers": [{**container, "image": "registry.example/server:3"}]}})
    await story.until(lambda: outcomes(story)[-1] == ("1.1.0", "SpecChanged", "Verified"))
    assert story.condition("Ready") == ("True", "Serving")
