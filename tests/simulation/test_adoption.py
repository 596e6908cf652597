"""An existing Deployment is taken over: without a restart of its pods, or by a rolling update.

Rule: R125.
Rule: R126.
Rule: R127.
Rule: R128.
Rule: R129.
"""

from typing import Any

import pytest

from pennant.api.adoption import AdoptionPhase
from pennant.api.history import Trigger
from pennant.api.meta import Json
from simulation.support.scenarios import a_pod_template
from simulation.support.story import Crash, Story
from simulation.support.world import KEY
from simulation.test_crashes import FaultAtWrites

NO_VARIABLES: Json = {"containers": []}


@pytest.fixture
async def existing() -> Story:
    return await an_existing_deployment()


async def an_existing_deployment() -> Story:
    """Return a story in which a Deployment of three pods serves that belongs to nobody."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.world.deploy_by_hand(KEY, a_pod_template(), replicas=3)
    story.version("1.0.0", "production")
    await story.passes(5)
    return story


def adopt(story: Story, **spec: Any) -> None:
    story.deployment(**{"adopt": True, "template": a_pod_template(), "inject": NO_VARIABLES} | spec)


def uid(story: Story) -> str:
    return story.world.deployments[KEY].uid


async def test_pods_with_an_equal_template_keep_running(existing: Story) -> None:
    pods, old = existing.pods(), uid(existing)
    adopt(existing)
    await existing.passes(60)
    assert existing.pods() == pods
    assert uid(existing) != old
    assert existing.condition("Verified") == ("True", "Verified")
    assert existing.status.adoption is not None
    assert (existing.status.adoption.phase, existing.status.adoption.uid) == (AdoptionPhase.ADOPTED, old)
    (entry,) = existing.history
    assert (entry.trigger, entry.reason) == (
        Trigger.TAG_MOVED,
        "the tag production moved to 1.0.0, and the existing Deployment fraud is taken over",
    )
    said = [each.message for each in existing.cluster.events if each.reason.value in ("Adopting", "Adopted")]
    assert said == [
        "takes over Deployment fraud: its pods keep running. Its manifest is kept in ControllerRevision fraud-adopted",
        f"took over the existing Deployment, with ReplicaSet {existing.world.deployments[KEY].replica_sets[0].name}",
    ]


async def test_pods_with_another_template_are_replaced_while_the_old_ones_serve(existing: Story) -> None:
    before = existing.pods()
    adopt(existing, inject={})
    least = 3
    for _ in range(40):
        await existing.passes(1)
        there = [*existing.world.deployments.values(), *existing.world.let_go.values()]
        least = min(least, sum(pod.ready for each in there for pod in each.pods))
    assert not existing.pods() & before
    assert least == 3
    adoption = existing.status.adoption
    assert adoption is not None
    assert (adoption.phase, adoption.replaces_pods) == (
        AdoptionPhase.ADOPTED,
        "spec.containers[name=server].env differs",
    )


async def test_without_adopt_nothing_of_it_changes(existing: Story) -> None:
    writes, old = existing.world.writes, existing.world.deployments[KEY].copy()
    adopt(existing, adopt=False)
    await existing.passes(5)
    assert existing.condition("Stalled") == ("True", "NameConflict")
    assert existing.world.deployments[KEY] == old
    assert existing.world.writes == writes + 1, "the status alone"


async def test_it_waits_for_a_rollout_of_the_existing_deployment(existing: Story) -> None:
    existing.world.room = 3
    existing.world.set_image_by_hand(KEY, "registry.example/server:2")
    adopt(existing, template=a_pod_template(image="registry.example/server:2"))
    await existing.passes(3)
    assert existing.condition("Reconciling") == ("True", "AdoptionWaiting")
    assert existing.condition("Stalled") == ("False", "NotStalled")
    existing.world.room = None
    await existing.passes(10)
    assert existing.status.adoption is not None
    assert existing.status.adoption.phase is AdoptionPhase.ADOPTED


async def test_another_number_of_replicas_blocks_it_with_what_to_do(existing: Story) -> None:
    adopt(existing, replicas=1)
    await existing.passes(3)
    assert existing.condition("Stalled") == ("True", "AdoptionBlocked")
    assert len(existing.pods()) == 3
    adopt(existing, replicas=3)
    await existing.passes(10)
    assert existing.condition("Stalled") == ("False", "NotStalled")
    assert existing.status.adoption is not None


async def test_until_the_deletion_it_can_be_taken_back(existing: Story) -> None:
    pods, old = existing.pods(), uid(existing)
    existing.world.after_write = Interruption(existing, "keeps the manifest")
    adopt(existing)
    await existing.passes(10)
    assert existing.condition("Stalled") == ("True", "NameConflict")
    assert (uid(existing), existing.pods(), existing.status.adoption) == (old, pods, None)


async def test_it_is_completed_after_the_deletion_whatever_the_spec_says(existing: Story) -> None:
    pods = existing.pods()
    existing.world.after_write = Interruption(existing, "deletes the existing Deployment", paused=True)
    adopt(existing)
    await existing.passes(10)
    assert existing.pods() == pods
    assert existing.status.adoption is not None
    assert existing.status.adoption.phase is AdoptionPhase.ADOPTED


class Interruption:
    """A user sets `spec.adopt` to false right after a write."""

    def __init__(self, story: Story, write: str, **spec: Any) -> None:
        self.story, self.write, self.spec = story, write, spec

    def __call__(self, what: str) -> None:
        if what.startswith(self.write):
            adopt(self.story, adopt=False, **self.spec)


async def test_one_that_is_written_again_is_not_taken_over_again(existing: Story) -> None:
    adopt(existing)
    await existing.passes(10)
    existing.world.delete_workload(KEY)
    existing.world.deploy_by_hand(KEY, a_pod_template(), replicas=3)
    writes = existing.world.writes
    await existing.passes(10)
    assert existing.condition("Stalled") == ("True", "NameConflict")
    message = next(each.message for each in existing.status.conditions if each.type == "Stalled")
    assert message.startswith("kubectl wrote Deployment fraud again after it was taken over. Remove its manifest from")
    assert existing.world.writes == writes + 1, "the status alone"
    adopt(existing, adopt=False)
    await existing.passes(2)
    adopt(existing)
    await existing.passes(10)
    assert existing.condition("Stalled") == ("False", "NotStalled")
    assert existing.status.adoption is not None
    assert existing.status.adoption.phase is AdoptionPhase.ADOPTED


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("inject", [NO_VARIABLES, {}], ids=["pods that stay", "pods that are replaced"])
async def test_a_crash_at_any_write_ends_no_pod_that_serves(when: str, inject: Json) -> None:
    """Rule: R128."""
    crashes = 0
    while True:
        story = await an_existing_deployment()
        pods, fault = story.pods(), FaultAtWrites(Crash, {crashes + 1})
        setattr(story.world, f"{when}_write", fault)
        adopt(story, inject=inject)
        least = 3
        for _ in range(30):
            try:
                await story.passes(1)
            except Crash:
                story.start_operator()
            there = [*story.world.deployments.values(), *story.world.let_go.values()]
            least = min(least, sum(pod.ready for each in there for pod in each.pods))
        assert least == 3
        assert not story.world.let_go
        assert story.status.adoption is not None
        assert story.status.adoption.phase is AdoptionPhase.ADOPTED
        assert story.pods() == pods if inject else not story.pods() & pods
        if not fault.has_happened():
            break
        crashes += 1
    assert crashes > 8
