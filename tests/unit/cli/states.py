"""ModelDeployments in the states that verbs print, as the operator makes them in the simulation."""

from pennant.core.facts.observation import Snapshot
from simulation.support.steps import move_tag, promoted, rolled_back, serving
from simulation.support.story import Story
from simulation.support.world import KEY


def snapshot_of(story: Story) -> Snapshot:
    """Return what an operator sees of the ModelDeployment of a story."""
    found = story.cluster.view(KEY)
    assert found is not None
    return found


async def verified() -> Snapshot:
    """1.0.0 was replaced by 1.1.0, which is verified."""
    story = await serving("1.0.0")
    await promoted(story, "1.0.0", "1.1.0")
    return snapshot_of(story)


async def after_a_rollback() -> Snapshot:
    """1.1.0 failed analysis, and 1.0.0 serves again."""
    return snapshot_of(await rolled_back("1.0.0", "1.1.0"))


async def rolling_out() -> Snapshot:
    """The tag has just moved to 1.1.0, whose pods are on their way."""
    story = await serving("1.0.0")
    await move_tag(story, "1.0.0", "1.1.0")
    await story.passes(1)
    return snapshot_of(story)


async def tag_has_just_moved() -> Snapshot:
    """The tag is on 1.1.0, and the operator has not looked since."""
    story = await serving("1.0.0")
    story.version("1.1.0", "production")
    story.version("1.0.0")
    return snapshot_of(story)


async def new() -> Snapshot:
    """There is no version, and nothing was rolled out."""
    story = Story()
    story.deployment()
    await story.passes(1)
    return snapshot_of(story)


async def paused() -> Snapshot:
    """The ModelDeployment is paused while the tag moved to 1.1.0."""
    story = await serving("1.0.0")
    story.deployment(paused=True)
    await move_tag(story, "1.0.0", "1.1.0")
    return snapshot_of(story)


STATES = {each.__name__: each for each in (new, rolling_out, tag_has_just_moved, verified, after_a_rollback, paused)}
