"""ModelDeployments in the states that the dashboard shows, as the simulated operator leaves them."""

from dataclasses import replace
from typing import Any

from pennant.core.facts.observation import Snapshot
from simulation.support.steps import move_tag
from simulation.support.story import Story
from simulation.support.world import KEY

LATENCY = {
    "name": "latency",
    "prometheus": {"query": 'latency{version="${version}"}'},
    "threshold": {"max": "0.25"},
    "breaches": {"count": 3, "of": 3},
}
ACCURACY = {
    "name": "accuracy",
    "prometheus": {"query": 'accuracy{version="${version}"}'},
    "threshold": {"min": "0.9"},
    "breaches": {"count": 3, "of": 3},
}
ANALYSIS = {"intervalSeconds": 10, "bakeSeconds": 30, "metrics": [ACCURACY, LATENCY]}


def recorded(auc: str, f1: str, rate: str, **more: Any) -> dict[str, Any]:
    """Return the part of a record that a comparison shows."""
    return {
        "metrics": [
            {"name": "auc", "value": auc, "dataset": "holdout", "split": "Test", "direction": "Maximize"},
            {"name": "f1", "value": f1, "direction": "Maximize"},
        ],
        "hyperparameters": [{"name": "learning_rate", "value": rate}],
        **more,
    }


async def _story(**spec: Any) -> Story:
    """Return a story in which 1.0.0 serves and is verified."""
    story = Story()
    story.accuracy.values = {"1.0.0": 0.95}
    story.accuracy.others = {("latency", each): (0.1,) for each in ("1.0.0", "1.1.0", "1.2.0")}
    story.version("1.0.0", "production", **recorded("0.91", "0.80", "0.1"))
    story.deployment(**{"analysis": ANALYSIS, **spec})
    await story.until(lambda: bool(story.status.stable))
    return story


def shown(story: Story) -> Snapshot:
    """Return what the dashboard reads."""
    found = story.cluster.view(KEY)
    assert found is not None
    return found


async def verified() -> Snapshot:
    """A second version serves and is verified."""
    story = await _story()
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0", **recorded("0.93", "0.79", "0.05"))
    await story.until(lambda: story.history[-1].verified_at is not None and story.history[-1].version == "1.1.0")
    return shown(story)


async def rolling_out() -> Snapshot:
    """The second version is on its way, and does not become ready."""
    story = await _story()
    story.world.slow.add("1.1.0")
    await move_tag(story, "1.0.0", "1.1.0", **recorded("0.93", "0.79", "0.05"))
    await story.passes(8)
    return shown(story)


async def rolled_back() -> Snapshot:
    """A third version breached, and the second one serves again."""
    story = await _story()
    story.accuracy.values |= {"1.1.0": 0.97, "1.2.0": 0.712}
    await move_tag(story, "1.0.0", "1.1.0", **recorded("0.93", "0.79", "0.05"))
    await story.until(lambda: story.history[-1].verified_at is not None and story.history[-1].version == "1.1.0")
    await move_tag(story, "1.1.0", "1.2.0", **recorded("0.94", "0.82", "0.2"))
    await story.until(lambda: story.condition("RolledBack")[0] == "True" and story.history[-1].verified_at is not None)
    return shown(story)


async def paused() -> Snapshot:
    """A breaching version serves, and a pause keeps the operator from rolling back."""
    story = await _story()
    story.accuracy.values["1.1.0"] = 0.97
    await move_tag(story, "1.0.0", "1.1.0", **recorded("0.93", "0.79", "0.05"))
    await story.until(lambda: story.history[-1].verified_at is not None and story.history[-1].version == "1.1.0")
    story.deployment(analysis=ANALYSIS, paused=True)
    story.accuracy.values["1.1.0"] = 0.5
    await story.passes(60)
    return shown(story)


async def nothing_yet() -> Snapshot:
    """No version has the tag."""
    story = Story()
    story.version("1.0.0")
    story.deployment(analysis=ANALYSIS)
    await story.passes(3)
    return shown(story)


async def unobserved() -> Snapshot:
    """The operator has not seen it yet."""
    story = Story()
    story.deployment(analysis=ANALYSIS)
    return shown(story)


def named(snapshot: Snapshot, name: str, namespace: str = "default") -> Snapshot:
    """Return a state under another name, as it looks on a list."""
    return replace(snapshot, key=replace(snapshot.key, namespace=namespace, name=name))


STATES = {
    "verified": verified,
    "rolling_out": rolling_out,
    "rolled_back": rolled_back,
    "paused": paused,
    "nothing_yet": nothing_yet,
    "unobserved": unobserved,
}
