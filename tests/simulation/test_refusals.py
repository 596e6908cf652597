"""What the API server refuses is said, and tried again after a minute; everything else goes on.

Rule: What the API server refuses is said, and tried again after a minute.
"""

from collections.abc import Callable

import pytest

from pennant.api.reasons import Reason
from pennant.core.observation import Key
from pennant.ports import Refused
from simulation import acts
from simulation.acts import told
from simulation.story import Story, a_spec
from simulation.world import KEY, World


class Policy:
    """An admission policy that forbids some writes, and counts how often it was asked for them."""

    def __init__(self, world: World, forbids: str) -> None:
        self.asked, self._world = 0, world

        def before_write(what: str) -> None:
            if what.startswith(forbids):
                self.asked += 1
                raise Refused("exceeded quota")

        world.before_write = before_write

    def lift(self) -> None:
        self._world.before_write = lambda _: None


async def stands_still(story: Story, policy: Policy, seconds: int = 50) -> None:
    """Nothing is written and nothing is asked for again within a minute."""
    asked, written = policy.asked, story.world.writes
    await story.passes(seconds)
    assert (policy.asked, story.world.writes) == (asked, written)


async def move(story: Story) -> None:
    story.accuracy.values["1.1.0"] = 0.97
    await acts.move_tag(story, "1.0.0", "1.1.0")


RECORD, DEPLOYMENT = "records revision 2", "applies the Deployment for 1.1.0"


@pytest.mark.parametrize(
    ("forbidden", "what"), [(RECORD, "the record of revision 2"), (DEPLOYMENT, "the Deployment")], ids=str
)
async def test_a_promotion_that_the_api_server_refuses_is_said_and_tried_again(forbidden: str, what: str) -> None:
    story = await acts.serving()
    policy = Policy(story.world, forbidden)
    await move(story)
    assert story.condition("Stalled") == ("True", "DeploymentRefused")
    stalled = next(each for each in story.status.conditions if each.type == "Stalled")
    assert stalled.message == f"the API server refuses {what}: exceeded quota. {Reason.DEPLOYMENT_REFUSED.to_do}"
    assert story.condition("Ready") == ("False", "DeploymentRefused")
    assert story.served() == "1.0.0"
    assert policy.asked == 1
    await stands_still(story, policy)

    policy.lift()
    await story.until(lambda: story.served() == "1.1.0", seconds=70)
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"))
    assert [each[:2] for each in told(story)] == [("1.0.0", "TagMoved"), ("1.1.0", "TagMoved")]


async def test_what_is_refused_twice_over_is_no_endless_change_of_mind() -> None:
    story = await acts.serving()
    policy = Policy(story.world, "")
    policy.lift()

    def forbid(what: str) -> None:
        if what.startswith(("records", "applies")):
            policy.asked += 1
            raise Refused("forbidden")

    story.world.before_write = forbid
    story.deployment(replicas=4)
    await move(story)
    assert policy.asked == 2, "the record of the next revision, and the Deployment of the one in place"
    await stands_still(story, policy)


async def test_a_command_whose_revision_is_refused_is_not_answered_before_it_is_taken() -> None:
    story = await acts.serving()
    await acts.promoted(story, "1.0.0", "1.1.0")
    policy = Policy(story.world, "records revision 3")
    story.world.annotate(KEY, rollback_to="", requested_at="t1")
    await story.passes()
    assert story.status.last_command is None
    assert story.condition("Stalled") == ("True", "DeploymentRefused")
    policy.lift()
    await story.until(lambda: story.served() == "1.0.0", seconds=70)
    assert story.status.last_command is not None
    assert story.status.last_command.token == "t1"


def refused_mark(story: Story) -> Policy:
    return Policy(story.world, "marks fraud-1.1.0")


def refused_note(story: Story) -> Policy:
    return Policy(story.world, "notes on the record")


@pytest.mark.parametrize("forbid", [refused_mark, refused_note], ids=["the mark on a version", "a note on a record"])
async def test_a_copy_that_is_refused_stops_nothing(forbid: Callable[[Story], Policy]) -> None:
    story = await acts.serving()
    policy = forbid(story)
    story.accuracy.values["1.1.0"] = 0.2
    await acts.move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    assert story.served() == "1.0.0"
    assert policy.asked <= 10, "each of a few copies once a minute"
    asked = policy.asked
    policy.lift()
    await story.passes(70)
    assert policy.asked == asked
    marks = [line for line in story.world.trace if "marks fraud-1.1.0" in line or "notes on the record" in line]
    assert marks, "it is made up for when it is allowed"


async def test_a_status_that_is_refused_disturbs_no_other_object_and_is_told_once() -> None:
    story = await acts.serving()
    poisoned = Key("default", "poisoned")
    story.world.apply_deployment(poisoned, a_spec(replicas="3"))

    def forbid(what: str) -> None:
        if "InvalidSpec" in what:
            raise Refused("invalid data, expected string")

    story.world.before_write = forbid
    for _ in range(3):
        with pytest.raises(Refused):
            await story.operator.reconciler.reconcile(poisoned)
    assert [each.reason for each in story.cluster.events if each.reason == "InvalidSpec"] == ["InvalidSpec"]
    await story.operator.reconciler.reconcile(KEY)
    assert story.condition("Ready") == ("True", "Serving")
