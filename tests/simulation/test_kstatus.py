"""What kstatus makes of a ModelDeployment: Flux and Helm 4 wait for that."""

from collections.abc import Awaitable, Callable

import pytest

from simulation.support.steps import move_tag, promoted, rolled_back, serving
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY

MOVE_SECONDS = 300
"""Time for which no version or several may have the tag."""
SERVER = a_spec()["template"]["spec"]["containers"][0]


def kstatus(story: Story) -> str:
    """Return the status by the rules of kstatus for kinds that it does not know (cli-utils, `status.Compute`)."""
    record = story.world.records[KEY]
    if record.deleting:
        return "Terminating"
    if record.status.observed_generation != record.generation:
        return "InProgress"
    true = [each.type for each in record.status.conditions if each.status.value == "True"]
    for kind, found in {"Reconciling": "InProgress", "Stalled": "Failed"}.items():
        if kind in true:
            return found
    return "Current" if "Ready" in true or not record.status.conditions else "InProgress"


async def new() -> Story:
    story = Story()
    story.deployment()
    return story


async def without_a_version() -> Story:
    story = await new()
    await story.passes(10)
    return story


async def rolling_out() -> Story:
    story = await serving("1.0.0")
    await move_tag(story, "1.0.0", "1.1.0")
    return story


async def rolled_out() -> Story:
    """It serves, and is in its bake time."""
    story = await rolling_out()
    await story.until(lambda: story.history[-1].rolled_out_at is not None)
    return story


async def with_a_new_template() -> Story:
    """The operator has not seen it yet."""
    story = await serving("1.0.0")
    story.deployment(template={"spec": {"containers": [{**SERVER, "image": "registry.example/server:2"}]}})
    return story


async def without_an_answer_of_the_metric_source() -> Story:
    story = await serving("1.0.0")
    story.accuracy.down = True
    await story.until(lambda: story.condition("MetricsHealthy")[0] == "Unknown")
    return story


async def with_the_tag_on_two_versions() -> Story:
    story = await serving("1.0.0")
    story.version("1.1.0", "production")
    await story.passes(MOVE_SECONDS - 10)
    return story


async def with_the_tag_on_two_versions_for_too_long() -> Story:
    story = await with_the_tag_on_two_versions()
    await story.passes(20)
    return story


async def rolling_back() -> Story:
    story = await rolling_out()
    story.accuracy.values["1.1.0"] = 0.2
    await story.until(lambda: story.history[-1].version == "1.0.0" and len(story.history) == 3)
    return story


async def blocked_by_a_gate() -> Story:
    story = await serving("1.0.0")
    story.deployment(promotion={"requireComplete": True})
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(2)
    return story


async def failed_without_a_rollback_target() -> Story:
    story = await new()
    story.accuracy.values["1.0.0"] = 0.2
    story.version("1.0.0", "production")
    await story.until(lambda: bool(story.status.quarantine))
    await story.passes(2)
    return story


async def paused_at_rest() -> Story:
    story = await serving("1.0.0")
    story.deployment(paused=True)
    await story.passes(2)
    return story


async def paused_in_mid_rollout() -> Story:
    story = await rolling_out()
    story.deployment(paused=True)
    await story.passes(2)
    return story


async def scaled_to_zero() -> Story:
    """`Ready` needs a pod, so a client waits until its own time limit."""
    story = await serving("1.0.0")
    story.deployment(replicas=0)
    await story.passes(10)
    assert story.condition("Ready") == ("False", "ScaledToZero")
    return story


async def with_an_invalid_spec() -> Story:
    story = await serving("1.0.0")
    story.deployment(container="nowhere")
    await story.passes(2)
    return story


async def being_deleted() -> Story:
    story = await serving("1.0.0")
    story.world.begin_to_delete(KEY)
    await story.passes(2)
    return story


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (new, "InProgress"),
        (without_a_version, "InProgress"),
        (rolling_out, "InProgress"),
        (rolled_out, "Current"),
        (serving, "Current"),
        (with_a_new_template, "InProgress"),
        (without_an_answer_of_the_metric_source, "Current"),
        (with_the_tag_on_two_versions, "InProgress"),
        (with_the_tag_on_two_versions_for_too_long, "Failed"),
        (rolling_back, "InProgress"),
        (rolled_back, "Failed"),
        (blocked_by_a_gate, "Failed"),
        (failed_without_a_rollback_target, "Failed"),
        (paused_at_rest, "Current"),
        (paused_in_mid_rollout, "InProgress"),
        (scaled_to_zero, "InProgress"),
        (with_an_invalid_spec, "Failed"),
        (being_deleted, "Terminating"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
async def test_a_state_is_told_as(state: Callable[[], Awaitable[Story]], expected: str) -> None:
    assert kstatus(await state()) == expected


async def test_a_promotion_goes_through_no_state_in_which_a_client_ends_its_wait_too_early() -> None:
    """After each write, as a client may look at any time."""
    story = await serving("1.0.0")
    seen = [kstatus(story)]

    def look(_: str) -> None:
        if (found := kstatus(story)) != seen[-1]:
            seen.append(found)

    story.world.after_write = look
    await promoted(story, "1.0.0", "1.1.0")
    assert seen == ["Current", "InProgress", "Current"]
    story.accuracy.values["1.2.0"] = 0.2
    await move_tag(story, "1.1.0", "1.2.0")
    await story.until(lambda: len(story.history) == 4 and story.history[-1].verified_at is not None)
    assert seen[3:] == ["InProgress", "Current", "InProgress", "Failed"], "1.2.0 serves until its checks are a breach"
