"""The scripts that tests run again and again, each time with another fault."""

from typing import Any

from pennant.api.meta import Json
from simulation.support.scenario import Act, Script
from simulation.support.story import Story, a_spec
from simulation.support.world import KEY

RESTARTED_AT = "2026-01-01T12:00:20Z"


def deploy(story: Story, **spec: Any) -> None:
    """Serve 1.0.0 with short intervals."""
    story.accuracy.values = {"1.0.0": 0.95, "1.1.0": 0.97, "1.2.0": 0.96}
    metric = a_spec()["analysis"]["metrics"][0]
    story.version("1.0.0", "production")
    story.deployment(
        replicas=1,
        rollout={"progressDeadlineSeconds": 5},
        analysis={"intervalSeconds": 1, "bakeSeconds": 2, "metrics": [metric]},
        **spec,
    )


def promote(old: str, new: str, accuracy: float | None = None) -> Act:
    """Move the tag, by one `kubectl apply` of two files."""

    def act(story: Story) -> None:
        if accuracy is not None:
            story.accuracy.values[new] = accuracy
        story.version(old)
        story.version(new, "production")

    return act


def promote_what_never_becomes_ready(old: str, new: str) -> Act:
    def act(story: Story) -> None:
        story.world.never_ready.add(new)
        promote(old, new)(story)

    return act


def command(**annotations: str) -> Act:
    return lambda story: story.world.annotate(KEY, **annotations)


def undo_by_hand(revision: int) -> Act:
    return lambda story: story.world.undo_by_hand(KEY, story.world.records[KEY].revisions[revision].template)


def set_image_by_hand(story: Story) -> None:
    story.world.set_image_by_hand(KEY, "registry.example/other:1")


def improve(version: str) -> Act:
    def act(story: Story) -> None:
        story.accuracy.values[version] = 0.96

    return act


PROMOTIONS = Script(
    {
        0: deploy,
        8: promote("1.0.0", "1.1.0", accuracy=0.2),
        20: promote("1.1.0", "1.2.0"),
        28: promote_what_never_becomes_ready("1.2.0", "1.3.0"),
    },
    seconds=46,
)
"""A version is served, the next one is found bad, a third one is good, and a fourth one never becomes ready."""

COMMANDS = Script(
    {
        0: lambda story: deploy(story, historyLimit=3),
        8: promote("1.0.0", "1.1.0"),
        16: command(rollback_to="", requested_at="t1", requested_by="ada", reason="angry customers"),
        24: command(retry="1.1.0", requested_at="t2", requested_by="ada"),
        32: command(restart="", requested_at="t3", requested_by="ada"),
    },
    seconds=42,
)
"""A version is undone, retried, and restarted; meanwhile the oldest revisions leave the history."""

BY_HAND = Script(
    {
        0: deploy,
        8: promote("1.0.0", "1.1.0"),
        16: undo_by_hand(1),
        24: set_image_by_hand,
        28: lambda story: story.world.restart_by_hand(KEY, RESTARTED_AT),
        36: lambda story: story.world.delete_workload(KEY),
    },
    seconds=46,
)
"""Users act on the Deployment itself: they undo, change, restart and delete it."""


def a_pod_template(**container: Any) -> Json:
    """Return the pod template that users of an existing Deployment wrote."""
    known = a_spec()["template"]["spec"]["containers"][0]
    return {"metadata": {"labels": {"app": "fraud"}}, "spec": {"containers": [{**known, **container}]}}


def deploy_beside(story: Story) -> None:
    """Deploy where there is a Deployment of this name, whose pod template is equal."""
    story.world.deploy_by_hand(KEY, a_pod_template(), replicas=1)
    deploy(story, template=a_pod_template(), inject={"containers": []})


def adopt(story: Story) -> None:
    deploy(story, adopt=True, template=a_pod_template(), inject={"containers": []})


ADOPTION = Script(
    {
        0: deploy_beside,
        4: adopt,
        16: lambda story: deploy(story, adopt=True, template=a_pod_template()),
        24: promote("1.0.0", "1.1.0", accuracy=0.2),
    },
    seconds=36,
)
"""An existing Deployment is taken over; then its pods get the variables of the record, and a bad version comes."""

SCRIPTS = {"promotions": PROMOTIONS, "commands": COMMANDS, "by hand": BY_HAND, "adoption": ADOPTION}
