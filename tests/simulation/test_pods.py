"""The operator reads from pods why they do not serve, and whether that is the fault of the revision or the cluster."""

from collections.abc import Callable

import pytest

from pennant.api.reasons import Reason
from pennant.core.facts.pods import Cause, PodFault, cause
from simulation.support.objects import Deployment
from simulation.support.steps import move_tag, serving
from simulation.support.story import Story
from simulation.support.turn_order import RandomTurns
from simulation.support.world import KEY, World

Happening = Callable[[World], object]


async def read(story: Story, version: str) -> Cause | None:
    """Return what keeps the pods of a version from being available."""
    owner = story.cluster.view(KEY)
    assert owner is not None
    entry = next(each for each in reversed(story.history) if each.version == version)
    return cause(await story.cluster.pods(owner, entry.template_hash), 0, story.world.time)


@pytest.mark.parametrize(
    ("happens", "fault", "reason", "words"),
    [
        (lambda world: None, None, None, ""),
        (
            lambda world: world.never_ready.add("1.1.0"),
            PodFault.ATTEMPT,
            Reason.PODS_UNAVAILABLE,
            "readiness probe fails",
        ),
        (
            lambda world: world.crashing.add("1.1.0"),
            PodFault.ATTEMPT,
            Reason.PODS_UNAVAILABLE,
            "CrashLoopBackOff: back",
        ),
        (
            lambda world: setattr(world, "room", 3),
            PodFault.CLUSTER,
            Reason.PODS_UNSCHEDULABLE,
            "0/1 nodes are available",
        ),
        (
            lambda world: setattr(world, "quota", 3),
            PodFault.CLUSTER,
            Reason.PODS_REFUSED,
            "is forbidden: exceeded quota",
        ),
        (
            lambda world: setattr(world, "controllers_away", True),
            *(PodFault.CLUSTER, Reason.CONTROLLERS_AWAY, "no ReplicaSet has the pod template"),
        ),
    ],
    ids=["nothing", "never ready", "crash", "no room", "quota", "no controllers"],
)
async def test_why_a_new_version_has_no_pods(
    happens: Happening, fault: PodFault | None, reason: Reason | None, words: str
) -> None:
    story = await serving("1.0.0")
    happens(story.world)
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(8)
    found = await read(story, "1.1.0")
    assert (found and found.fault, found and found.reason) == (fault, reason)
    assert words in (found.message if found else "")
    assert await read(story, "1.0.0") is None, "what serves has all its pods"


async def test_pods_that_became_ready_while_no_controllers_ran_are_not_counted() -> None:
    story = await serving("1.0.0")
    story.world.never_ready.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(4)
    story.world.controllers_away = True
    story.world.never_ready.clear()
    await story.passes(12)
    found = await read(story, "1.1.0")
    assert found is not None
    assert (found.fault, found.reason) == (PodFault.CLUSTER, Reason.CONTROLLERS_AWAY)
    assert found.message.startswith("1 of 1 pods are ready, but not counted in the status of their ReplicaSet")


async def test_an_evicted_pod_is_told_of_and_another_one_takes_its_place() -> None:
    story = await serving("1.0.0")
    story.world.evict(KEY)
    await story.passes(5)
    found = await read(story, "1.0.0")
    assert found is not None
    assert (found.fault, found.reason) == (PodFault.CLUSTER, Reason.PODS_EVICTED)
    assert deployment(story).status.available == 3


async def test_what_was_refused_is_tried_again_after_as_long_as_it_was_refused() -> None:
    story = await serving("1.0.0")
    story.world.quota = 3
    story.deployment(replicas=4)
    await story.passes(25)
    story.world.quota = None
    await story.passes(5)
    assert deployment(story).status.replicas == 3
    await story.until(lambda: deployment(story).status.available == 4, 25)


async def test_slow_controllers_tell_of_pods_seconds_later() -> None:
    story = await serving("1.0.0")
    story.world.pace = 1
    story.world.crashing.add("1.0.0")
    await story.passes(1)
    assert not any(each.ready for each in story.world.deployments[KEY].pods)
    assert deployment(story).status.ready == 3
    await story.passes(1)
    assert deployment(story).status.ready == 0


@pytest.mark.parametrize("seed", range(8))
async def test_at_any_speed_of_the_controllers_a_rollout_comes_to_its_end(seed: int) -> None:
    story = await serving("1.0.0")
    story.world.turns = RandomTurns(seed)
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].rolled_out_at is not None, 60)
    await story.passes(5)
    said = deployment(story).status.condition("Progressing")
    assert said is not None
    assert said.reason == "NewReplicaSetAvailable"


def deployment(story: Story) -> Deployment:
    return story.world.deployments[KEY]


async def test_nothing_is_known_good_by_the_pods_of_a_deployment_that_was_deleted() -> None:
    """The new Deployment has no pod that anybody has counted while Kubernetes' controllers are slow or away.

    Rule: R47.
    Rule: R48.
    """
    story = Story()
    story.version("1.0.0", "production")
    story.deployment(analysis={"intervalSeconds": 10, "bakeSeconds": 30, "metrics": []})
    await story.until(lambda: bool(story.history) and story.history[-1].rolled_out_at is not None)
    await story.passes(10)
    story.world.controllers_away = True
    story.world.delete_workload(KEY)
    await story.passes(60)
    assert not story.pods()
    assert story.history[-1].verified_at is None
    story.world.restart_controllers()
    begun = story.world.time
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert (story.world.time - begun).total_seconds() >= 30
