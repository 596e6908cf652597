"""What a version may set of the pods: `spec.allowServing`."""

from typing import Any

import pytest

from pennant.api.conditions import find
from pennant.api.reasons import Reason
from simulation.support.steps import move_tag, outcomes, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.versions import VersionProcess
from simulation.support.world import KEY

IMAGE = {"serving": {"image": "registry.example/other:1"}}
PLAIN = {"env": [{"name": "LD_PRELOAD", "value": "/evil.so"}]}
SECRET = {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "payments", "key": "token"}}}]}
REFUSED = ("True", "ServingNotAllowed")


def image(story: Story) -> str:
    return str(story.world.deployments[KEY].manifest["spec"]["template"]["spec"]["containers"][0]["image"])


async def serving_other() -> Story:
    """Return a story in which 1.0.0 serves with an image of its own, which is permitted."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production", **IMAGE)
    story.deployment(allowServing=["Image"])
    await story.until(lambda: bool(story.status.stable))
    assert image(story) == "registry.example/other:1"
    return story


@pytest.mark.parametrize(
    ("part", "asked", "fields"),
    [
        ("Image", {"image": "registry.example/other:1"}, "serving.image"),
        ("Args", {"args": ["--debug"]}, "serving.args"),
        ("Env", PLAIN, "serving.env[LD_PRELOAD]"),
        ("EnvValueFrom", SECRET, "serving.env[TOKEN]"),
    ],
)
async def test_what_is_not_permitted_is_refused_by_name_and_rolled_out_once_it_is(
    part: str, asked: dict[str, Any], fields: str
) -> None:
    """Each part but the resources needs a permission of its own, and the version waits until it has it.

    Rule: R181.
    """
    story = await serving("1.0.0")
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0", serving={**asked, "resources": {"limits": {"cpu": "2"}}})
    others = [each for each in ("Resources", "Image", "Args", "Env", "EnvValueFrom") if each != part]
    for permitted in (None, others):
        story.deployment(**({} if permitted is None else {"allowServing": permitted}))
        await story.passes(5)
        assert story.condition("Stalled") == REFUSED
        assert (story.served(), outcomes(story)) == ("1.0.0", [("1.0.0", "TagMoved", "Verified")])
        stalled = find(story.status.conditions, "Stalled")
        assert stalled is not None
        says = f"1.1.0 sets {fields}, and spec.allowServing of the ModelDeployment lacks {part}; 1.0.0 keeps serving"
        assert stalled.message == f"{says}. {Reason.SERVING_NOT_ALLOWED.to_do}"
    story.deployment(allowServing=["Resources", part])
    await story.until(lambda: story.served() == "1.1.0" and story.history[-1].verified_at is not None)


async def test_resources_are_permitted_unless_the_list_leaves_them_out() -> None:
    """Rule: R181."""
    story = await serving("1.0.0", allowServing=[])
    await move_tag(story, "1.0.0", "1.1.0", serving={"resources": {"limits": {"cpu": "2"}}})
    await story.passes(5)
    assert story.condition("Stalled") == REFUSED
    story.deployment()
    await story.until(lambda: story.served() == "1.1.0")


async def test_what_was_rolled_out_keeps_serving_and_is_rolled_back_to_when_nothing_is_permitted_any_more() -> None:
    """As after an upgrade from a release without the field. The same version with another template is refused.

    Rule: R182.
    """
    story = await serving_other()
    story.deployment()
    await story.passes(30)
    assert story.condition("Stalled")[0] == "False"
    assert len(story.history) == 1
    await promoted(story, "1.0.0", "1.1.0")
    story.version("1.0.0", **IMAGE)
    story.world.annotate(KEY, rollback_to="1.0.0", requested_at="t1")
    await story.until(lambda: story.served() == "1.0.0" and image(story) == "registry.example/other:1")
    story.version("1.1.0")
    story.version("1.0.0", "production", **IMAGE)
    await story.passes(30)
    assert story.condition("Stalled")[0] == "False", "the tag may move to a revision that is recorded"
    template = {"spec": {"containers": [{"name": "server", "image": "registry.example/server:2"}]}}
    story.deployment(template=template)
    await story.passes(30)
    assert story.condition("Stalled") == REFUSED
    assert image(story) == "registry.example/other:1"


async def test_an_automatic_rollback_goes_to_a_revision_that_is_not_permitted_any_more() -> None:
    """Rule: R182."""
    story = await serving_other()
    story.deployment()
    story.accuracy.values["1.1.0"] = 0.2
    story.version("1.1.0", "production")
    await story.passes()
    story.version("1.0.0", **IMAGE)
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and image(story) == "registry.example/other:1")


async def test_a_retry_does_not_serve_what_is_not_permitted() -> None:
    """The quarantine ends, and nothing is rolled out.

    Rule: R181.
    """
    story = await rolled_back("1.0.0", "1.1.0")
    story.accuracy.values["1.2.0"] = 0.2
    story.deployment(allowServing=["Env"])
    await move_tag(story, "1.1.0", "1.2.0", serving=PLAIN)
    await story.until(lambda: any(each.version == "1.2.0" for each in story.status.quarantine))
    template = {"spec": {"containers": [{"name": "server", "image": "registry.example/server:2"}]}}
    story.deployment(template=template)
    await story.passes(30)
    count = len(story.history)
    story.world.annotate(KEY, retry="1.2.0", requested_at="t1")
    await story.passes(5)
    assert story.status.last_command is not None
    assert story.status.last_command.message == (
        "1.2.0 is no longer quarantined; it is not rolled out: 1.2.0 sets serving.env[LD_PRELOAD], and "
        "spec.allowServing of the ModelDeployment lacks Env"
    )
    assert len(story.history) == count


@pytest.mark.parametrize(("permitted", "served"), [(["Image"], ["1.0.0"]), (["Resources"], [])], ids=str)
async def test_without_a_history_no_version_is_put_back_that_is_not_permitted(
    permitted: list[str], served: list[str]
) -> None:
    """The ModelDeployment was deleted and created again; a quarantined version has the tag, and nothing serves.

    Rule: R181.
    """
    story = await serving_other()
    story.accuracy.values["1.1.0"] = 0.2
    story.version("1.1.0", "production")
    await story.passes()
    story.version("1.0.0", **IMAGE)
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    versions = VersionProcess(story.world)
    await versions.look("fraud-1.0.0", "fraud-1.1.0")
    story.world.delete_deployment(KEY)
    await story.passes(1)
    await versions.look("fraud-1.0.0", "fraud-1.1.0")
    story.deployment(allowServing=permitted)
    await story.passes(60)
    assert [each.version for each in story.history] == served
