"""What the API server refuses is said, and tried again after a minute; everything else goes on.

Rule: R93.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from pennant.api.history import Trigger
from pennant.api.meta import Json, rfc3339
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Key
from pennant.ports import AdmissionFailed, Refused, Unavailable
from simulation.support import steps
from simulation.support.steps import outcomes
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY, World


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
    await steps.move_tag(story, "1.0.0", "1.1.0")


def move_unseen(story: Story) -> None:
    """Move the tag; no pass follows yet."""
    story.accuracy.values["1.1.0"] = 0.97
    story.version("1.0.0")
    story.version("1.1.0", "production")


RECORD, DEPLOYMENT = "records revision 2", "applies the Deployment for 1.1.0"


@pytest.mark.parametrize(
    ("forbidden", "what"), [(RECORD, "ControllerRevision 2"), (DEPLOYMENT, "the Deployment")], ids=str
)
async def test_a_promotion_that_the_api_server_refuses_is_said_and_tried_again(forbidden: str, what: str) -> None:
    story = await steps.serving()
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
    assert [each[:2] for each in outcomes(story)] == [("1.0.0", "TagMoved"), ("1.1.0", "TagMoved")]


DRY_RUN = "tries the Deployment"


def template(image: str) -> Json:
    return {"spec": {"containers": [{"name": "server", "image": image}]}}


async def test_a_template_that_the_api_server_refuses_is_told_at_once_and_makes_no_revision() -> None:
    """Rule: R104."""
    story = await steps.serving()
    assert story.condition("TemplateValid") == ("True", "TemplateAccepted")
    policy = Policy(story.world, DRY_RUN)
    story.deployment(template=template("registry.example/server:2"))
    await story.passes()
    assert story.condition("TemplateValid") == ("False", "TemplateRefused")
    assert story.condition("Stalled") == ("True", "TemplateRefused")
    stalled = next(each for each in story.status.conditions if each.type == "Stalled")
    assert stalled.message == (
        "the API server refuses the Deployment of this spec: exceeded quota; 1.0.0 keeps serving. "
        f"{Reason.TEMPLATE_REFUSED.to_do}"
    )
    assert (len(story.history), policy.asked) == (1, 1)
    await stands_still(story, policy)

    policy.lift()
    await story.until(lambda: image(story) == "registry.example/server:2", seconds=70)
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"))
    assert story.condition("TemplateValid") == ("True", "TemplateAccepted")


@pytest.mark.parametrize(
    "spec",
    [
        {"paused": True},
        {"promotion": {"requireComplete": True}},
        {"tag": "nobody-has-it"},
    ],
    ids=["paused", "blocked by a gate", "without a version"],
)
async def test_a_refused_template_is_told_although_nothing_is_to_be_rolled_out(spec: dict[str, object]) -> None:
    """Rule: R104."""
    story = Story()
    policy = Policy(story.world, DRY_RUN)
    story.version("1.0.0", "production")
    story.deployment(**spec)
    await story.passes()
    assert story.condition("TemplateValid") == ("False", "TemplateRefused")
    policy.lift()
    await story.until(lambda: story.condition("TemplateValid") == ("True", "TemplateAccepted"), seconds=70)
    assert not story.history


async def test_a_version_that_fails_is_rolled_back_while_the_template_is_refused() -> None:
    """Rule: R104."""
    story = await steps.serving()
    story.accuracy.values["1.1.0"] = 0.2
    await steps.move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.served() == "1.1.0")
    policy = Policy(story.world, DRY_RUN)
    story.deployment(template=template("registry.example/server:2"))
    await story.until(lambda: story.history[-1].trigger is Trigger.AUTOMATIC_ROLLBACK)
    await story.until(lambda: story.served() == "1.0.0")
    assert policy.asked >= 1
    assert story.condition("TemplateValid") == ("False", "TemplateRefused")
    assert image(story) == "registry.example/server:1"


async def test_a_spec_is_tried_once_whatever_moves_or_restarts_after_that() -> None:
    """Rule: R104."""
    story = await steps.serving()
    await steps.promoted(story, "1.0.0", "1.1.0")
    story.deployment(replicas=3)
    await story.passes(5)
    story.start_operator()
    await story.passes(5)
    story.deployment(replicas=3, metadata={"labels": {"team": "growth"}})
    await story.passes(5)
    assert len([line for line in story.world.trace if DRY_RUN in line]) == 1


def with_image(template: Json, image: str) -> Json:
    first, *others = template["spec"]["containers"]
    return {**template, "spec": {**template["spec"], "containers": [{**first, "image": image}, *others]}}


async def test_a_deployment_that_admission_alters_is_no_rollout_and_never_known_good() -> None:
    """Rule: R27."""
    story = await steps.serving()
    story.world.admission = lambda template: with_image(template, "mirror.example/server:1")
    await move(story)
    assert story.condition("Stalled") == ("True", "DeploymentAltered")
    (stalled,) = (each for each in story.status.conditions if each.type == "Stalled")
    assert (
        'spec.template.spec.containers[name=server].image is "mirror.example/server:1", but the operator wrote '
        '"registry.example/server:1"'
    ) in stalled.message
    await story.passes(200)
    assert story.condition("Stalled") == ("True", "DeploymentAltered")
    assert story.status.stable is not None
    assert story.status.stable.version == "1.0.0", "nobody knows how good 1.1.0 is"
    assert story.history[-1].rolled_out_at is None
    asked = [line for line in story.world.trace if "applies the Deployment for 1.1.0" in line]
    assert 3 <= len(asked) <= 5, "it is tried again each minute"
    overload = Overload(story, DEPLOYMENT)
    await overload.lasts(200)
    assert story.condition("Stalled") == ("True", "WriteFailing")
    assert story.history[-1].rolled_out_at is None, "nor while nobody can look whether it is still so"

    overload.ends()
    story.world.admission = lambda template: template
    await story.until(lambda: story.history[-1].verified_at is not None)
    assert story.condition("Ready") == ("True", "Serving")
    assert image(story) == "registry.example/server:1"


async def test_what_admission_adds_is_neither_an_alteration_nor_a_drift() -> None:
    sidecars = iter(range(100))

    def inject(template: Json) -> Json:
        proxy = {"name": "proxy", "image": f"registry.example/proxy:{next(sidecars)}"}
        others = [each for each in template["spec"]["containers"] if each["name"] != "proxy"]
        return {
            **template,
            "spec": {**template["spec"], "containers": [*others, proxy], "tolerations": [{"key": "gpu"}]},
        }

    story = Story()
    story.world.admission = inject
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment()
    await story.until(lambda: bool(story.status.stable))
    await steps.promoted(story, "1.0.0", "1.1.0")
    written = story.world.writes
    await story.passes(120)
    assert story.world.writes == written
    assert story.status.drift is None
    assert story.condition("Ready") == ("True", "Serving")


def image(story: Story) -> str:
    template = story.world.deployments[KEY].manifest["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


class Overload:
    """An API server that answers some writes by an error of its own."""

    def __init__(self, story: Story, *fails: str) -> None:
        self.asked = 0

        def before_write(what: str) -> None:
            if what.startswith(fails):
                self.asked += 1
                raise Unavailable("too many requests")

        self._story, story.world.before_write = story, before_write

    async def lasts(self, seconds: int) -> None:
        """Let the operator try again now and then, as its queue does."""
        for _ in range(seconds // 10):
            with suppress(Unavailable):
                await self._story.operator.reconcile_once(KEY)
            for _ in range(10):
                self._story.tick()

    def ends(self) -> None:
        self._story.world.before_write = lambda _: None


@pytest.mark.parametrize(
    ("begin", "fails", "what"),
    [
        (steps.serving, RECORD, "ControllerRevision 2"),
        (steps.serving, DEPLOYMENT, "the Deployment"),
        (
            steps.baking,
            "notes on the record of revision 1: Superseded",
            "the annotation pennant.dev/progress of the ControllerRevision of revision 1",
        ),
    ],
    ids=["a record", "the Deployment", "a note"],
)
async def test_a_write_that_has_failed_for_a_minute_is_said_and_the_rest_goes_on(
    begin: Callable[[], Awaitable[Story]], fails: str, what: str
) -> None:
    """Rule: R94."""
    story = await begin()
    overload = Overload(story, fails)
    move_unseen(story)
    begun = rfc3339(story.world.now())
    await overload.lasts(50)
    assert story.condition("Stalled")[0] == "False"
    await overload.lasts(40)
    assert story.condition("Stalled") == ("True", "WriteFailing")
    (stalled,) = (each for each in story.status.conditions if each.type == "Stalled")
    assert stalled.message.startswith(f"{what} could not be written since {begun}: too many requests. ")
    assert story.condition("TagResolved") == ("True", "TagHeld"), "the status is written"

    asked = overload.asked
    await overload.lasts(50)
    assert overload.asked <= asked + 1, "once a minute"
    overload.ends()
    await story.until(lambda: story.condition("Ready") == ("True", "Serving"), 200)
    assert story.served() == "1.1.0"


async def test_a_status_that_has_failed_for_a_minute_is_said_by_one_event() -> None:
    story = await steps.serving()
    overload = Overload(story, "status")
    story.deployment(paused=True)
    await overload.lasts(50)
    assert "WriteFailing" not in {each.reason for each in story.cluster.events}
    await overload.lasts(100)
    told = [each.message for each in story.cluster.events if each.reason == "WriteFailing"]
    assert len(told) == 1
    assert told[0].startswith("the status could not be written since")
    assert story.operator.reconciler.failing == 1
    overload.ends()
    await story.passes(1)
    assert story.operator.reconciler.failing == 0


async def test_after_an_outage_of_the_api_server_nothing_waits_for_a_minute() -> None:
    story = await steps.serving()
    overload = Overload(story, "")
    move_unseen(story)
    await overload.lasts(100)
    overload.ends()
    await story.passes(1)
    assert story.served() == "1.1.0"


async def test_a_webhook_that_cannot_be_called_is_said_and_asked_again_soon() -> None:
    """So its restart does not hold up a rollback for a minute."""
    story = await steps.serving()

    def restarting(what: str) -> None:
        if what.startswith(DEPLOYMENT):
            raise AdmissionFailed("failed calling webhook")

    story.world.before_write = restarting
    await move(story)
    assert story.condition("Stalled") == ("True", "DeploymentRefused")
    await story.passes(3)
    story.world.before_write = lambda _: None
    await story.passes(5)
    assert story.served() == "1.1.0"


async def test_what_is_refused_twice_over_is_no_endless_change_of_mind() -> None:
    story = await steps.serving()
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
    story = await steps.serving()
    await steps.promoted(story, "1.0.0", "1.1.0")
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
    story = await steps.serving()
    policy = forbid(story)
    story.accuracy.values["1.1.0"] = 0.2
    await steps.move_tag(story, "1.0.0", "1.1.0")
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
    story = await steps.serving()
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
