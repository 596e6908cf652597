"""States in which many tests begin, and moves of the tag."""

import os
from pathlib import Path

from simulation.support.story import Story

GOLDEN = Path(__file__).parents[1] / "golden"


def assert_golden(story: Story, name: str) -> None:
    """Compare the trace with the golden one; `PENNANT_WRITE_GOLDEN=1` writes it."""
    trace = "\n".join(story.world.trace) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.write_text(trace)
    assert trace == path.read_text(), f"{path.name} differs"


async def serving(version: str = "1.0.0", **spec: object) -> Story:
    """Return a story in which a version is served and known good."""
    story = await baking(version, **spec)
    await story.until(lambda: bool(story.status.stable))
    return story


async def baking(version: str = "1.0.0", **spec: object) -> Story:
    """Return a story in which a version is served and not verified yet."""
    story = Story()
    story.accuracy.values = {version: 0.95}
    story.version(version, "production")
    story.deployment(**spec)
    await story.until(lambda: bool(story.status.serving))
    return story


async def move_tag(story: Story, old: str, new: str, **record: object) -> None:
    story.version(new, "production", **record)
    await story.passes()
    story.version(old)
    await story.passes()


async def promoted(story: Story, old: str, new: str) -> None:
    """Move the tag to a good version, and wait until it is known good."""
    story.accuracy.values[new] = 0.97
    await move_tag(story, old, new)
    await story.until(lambda: story.history[-1].version == new and story.history[-1].verified_at is not None)


async def rolled_back(old: str = "1.0.0", new: str = "1.1.0", **spec: object) -> Story:
    """Return a story in which a version was found bad and the one before serves again."""
    story = await serving(old, **spec)
    story.accuracy.values[new] = 0.2
    await move_tag(story, old, new)
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    return story


def outcomes(story: Story) -> list[tuple[str, str, str]]:
    """Return version, trigger and outcome of each entry of the history."""
    return [(each.version, each.trigger.value, each.outcome.value) for each in story.history]
