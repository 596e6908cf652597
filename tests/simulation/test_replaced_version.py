"""A version that is deleted and created again with another content."""

from dataclasses import replace

import pytest

from pennant.api.conditions import find
from pennant.api.reasons import Reason
from pennant.core.facts.digest import content_digest
from simulation.support.steps import outcomes, serving
from simulation.support.story import Story, a_record, a_spec
from simulation.support.world import KEY

NAME = ("default", "fraud-1.0.0")
OTHER = a_record("1.0.0-other")["artifacts"]
REPLACED = ("True", "VersionReplaced")


async def pinned(version: str = "1.0.0") -> Story:
    """Return a story in which `spec.version` names the version that serves."""
    story = await serving(version)
    story.world.apply_deployment(KEY, {**a_spec(), "version": version})
    await story.passes(5)
    return story


async def create_again(story: Story, *tags: str, creator: str = "", created_by: str = "", other: bool = True) -> None:
    story.world.delete_version("fraud-1.0.0")
    await story.passes()
    story.version("1.0.0", *tags, **({"artifacts": OTHER} if other else {}))
    found = story.world.versions[NAME]
    story.world.versions[NAME] = replace(found, creator=creator, created_by=created_by)
    await story.passes(20)


@pytest.mark.parametrize(
    ("creator", "created_by", "by"),
    [
        ("dora", "kubectl-create", " by the user dora"),
        ("", "kubectl-create", " by kubectl-create (field manager)"),
        ("", "", ""),
    ],
    ids=["stamped", "not stamped", "not known"],
)
async def test_a_fixed_version_does_not_follow_another_content(creator: str, created_by: str, by: str) -> None:
    """It waits and says who created the version, until the version that serves is there again.

    Rule: R155.
    """
    story = await pinned()
    before = outcomes(story)
    await create_again(story, creator=creator, created_by=created_by)
    assert (story.condition("Stalled"), outcomes(story)) == (REPLACED, before)
    stalled = find(story.status.conditions, "Stalled")
    assert stalled is not None
    said = f"1.0.0 was deleted and created again{by} with another content; 1.0.0 keeps serving"
    assert stalled.message == f"{said}. {Reason.VERSION_REPLACED.to_do}"
    await create_again(story, other=False)
    assert (story.condition("Stalled")[0], outcomes(story)) == ("False", before)


async def test_a_content_that_was_verified_under_another_name_is_no_way_in() -> None:
    """Rule: R155."""
    story = await serving("1.0.0-other")
    story.accuracy.values["1.0.0"] = 0.95
    story.version("1.0.0")
    story.world.apply_deployment(KEY, {**a_spec(), "version": "1.0.0"})
    await story.until(lambda: story.served() == "1.0.0" and story.history[-1].verified_at is not None)
    await create_again(story)
    assert content_digest(story.world.versions[NAME].record) == story.history[0].digest
    assert (story.condition("Stalled"), len(story.history)) == (REPLACED, 2)


async def test_a_replacement_of_a_version_that_failed_is_not_rolled_out_by_a_retry() -> None:
    """Its content is not the quarantined one, and another version serves.

    Rule: R155.
    """
    story = await serving("0.9.0")
    story.accuracy.values["1.0.0"] = 0.2
    story.version("1.0.0")
    story.world.apply_deployment(KEY, {**a_spec(), "version": "1.0.0"})
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    await create_again(story)
    assert story.condition("Stalled") == REPLACED
    count = len(story.history)
    story.world.annotate(KEY, retry="1.0.0", requested_at="t1")
    await story.passes(5)
    assert story.status.last_command is not None
    said = (
        "1.0.0 is no longer quarantined; it is not rolled out: 1.0.0 was deleted and created again with another content"
    )
    assert story.status.last_command.message == said
    assert (story.served(), len(story.history)) == ("0.9.0", count)


async def test_a_tag_on_the_replacement_is_a_promotion_whose_reason_says_what_happened() -> None:
    """Rule: R155."""
    story = await serving("1.0.0")
    await create_again(story, "production")
    await story.until(lambda: len(story.history) == 2)
    last = story.history[-1]
    said = "1.0.0 was deleted and created again with another content, and has the tag production"
    assert (last.trigger.value, last.actor, last.reason) == ("TagMoved", "kubectl", said)
    assert story.served() == "1.0.0"
