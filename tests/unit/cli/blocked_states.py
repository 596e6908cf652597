"""ModelDeployments in states in which something blocks, as the operator makes them in the simulation."""

from datetime import datetime, timedelta
from typing import Any

from pennant.core.facts.observation import Snapshot
from simulation.support.steps import move_tag, rolled_back, serving
from simulation.support.story import Story
from unit.cli.states import snapshot_of

Seen = tuple[Snapshot, datetime]
AUC = {"name": "auc", "dataset": "holdout", "split": "Test", "direction": "Maximize"}
GATED: dict[str, Any] = {
    "promotion": {
        "requireComplete": False,
        "gates": [
            {"metric": "auc", "dataset": "holdout", "split": "Test", "maxRegression": "0.01"},
            {"metric": "latency", "required": False},
        ],
    }
}


def auc(value: str) -> list[dict[str, str]]:
    return [{**AUC, "value": value}]


def seen(story: Story, later: int = 0) -> Seen:
    return snapshot_of(story), story.world.time + timedelta(seconds=later)


def later_than(snapshot: Snapshot) -> datetime:
    """Return a moment shortly after the last change of a status."""
    times = [each.last_transition_time for each in snapshot.status.conditions]
    return max([*times, *(each.started_at for each in snapshot.status.history)]) + timedelta(seconds=5)


async def gated() -> Seen:
    """A recorded metric of 1.1.0 is worse than that of 1.0.0, which serves."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production", metrics=auc("0.95"))
    story.deployment(**GATED)
    await story.until(lambda: bool(story.status.stable))
    story.version("1.1.0", "production", metrics=auc("0.90"))
    story.version("1.0.0", metrics=auc("0.95"))
    await story.passes(1)
    return seen(story)


async def rolled_back_once() -> Seen:
    """1.1.0 failed analysis and has the tag still."""
    return seen(await rolled_back(), 5)


async def undone() -> Seen:
    """A user went back from 1.1.0, which is verified, to 1.0.0."""
    story = await serving()
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].version == "1.1.0" and story.history[-1].verified_at is not None)
    story.world.annotate(snapshot_of(story).key, rollback_to="1.0.0", requested_at="t1")
    await story.passes(8)
    return seen(story)


async def tag_lost() -> Seen:
    """No version has the tag."""
    story = await serving()
    story.version("1.0.0")
    await story.passes(10)
    return seen(story)


async def two_holders() -> Seen:
    """Two versions have the tag for longer than a move takes."""
    story = await serving()
    story.version("1.1.0", "production")
    await story.passes(301)
    return seen(story)


async def paused() -> Seen:
    """The ModelDeployment is paused while the tag moved to 1.1.0."""
    story = await serving()
    story.deployment(paused=True)
    await move_tag(story, "1.0.0", "1.1.0")
    return seen(story)


async def did_not_help() -> Seen:
    """1.1.0 was rolled back for a breach, and 1.0.0 breaches the same metric."""
    story = await rolled_back()
    story.accuracy.values["1.0.0"] = 0.3
    story.version("1.2.0", "production")
    story.version("1.1.0")
    story.accuracy.values["1.2.0"] = 0.2
    await story.until(lambda: story.condition("Stalled")[1] == "RollbackDidNotHelp", 300)
    return seen(story)


async def budget_used_up() -> Seen:
    """The only automatic rollback of the hour was made, and 1.2.0 has the tag."""
    story = await rolled_back(rollback={"budget": {"count": 1, "windowSeconds": 3600}})
    await move_tag(story, "1.1.0", "1.2.0")
    await story.passes(2)
    return seen(story)


async def baking() -> Seen:
    """1.1.0 is rolled out, and its bake time runs."""
    story = await serving()
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0")
    await story.until(lambda: story.history[-1].version == "1.1.0" and story.history[-1].clean_since is not None)
    await story.passes(4)
    return seen(story)


async def behind() -> Seen:
    """The tag is on 1.1.0, and the operator has not looked since."""
    story = await serving()
    story.version("1.1.0", "production")
    story.version("1.0.0")
    return seen(story, 5)


BLOCKED = {
    each.__name__: each
    for each in (
        gated,
        rolled_back_once,
        undone,
        tag_lost,
        two_holders,
        paused,
        did_not_help,
        budget_used_up,
        baking,
        behind,
    )
}
