"""Users delete objects at any time: nothing of them is left, and no other object is disturbed."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.scenario import NAME, Manifest, Scenario
from rig import Rig


def in_mid_rollout(scenario: Scenario) -> None:
    """Promote 1.1.0, whose pod does not become ready."""
    scenario.accuracy("1.1.0", 0.97)
    scenario.unready("1.1.0")
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until(lambda: scenario.pods("1.1.0"), what="a pod of 1.1.0")


def in_mid_rollback(scenario: Scenario) -> None:
    """Roll back from 1.1.0 to 1.0.0, whose new pod does not become ready."""
    scenario.accuracy("1.1.0", 0.97)
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until_verified("1.1.0")
    scenario.unready("1.0.0")
    scenario.accuracy("1.1.0", 0.5)
    scenario.until(lambda: len(scenario.history) == 3 and scenario.pods("1.0.0"), what="a pod on the way back")


def while_it_serves(scenario: Scenario) -> None:
    """Change nothing."""


@pytest.mark.parametrize(
    ("cascade", "reach"),
    [
        pytest.param("foreground", while_it_serves, id="in the foreground, while it serves"),
        pytest.param("background", in_mid_rollout, id="in the background, in mid-rollout"),
    ],
)
def test_a_deleted_deployment_leaves_nothing_behind(
    serving: Scenario, cascade: str, reach: Callable[[Scenario], None]
) -> None:
    """Rule: R99."""
    reach(serving)
    serving.kubectl("delete", "modeldeployment", NAME, f"--cascade={cascade}", "--timeout=30s")
    serving.until(lambda: not serving.left(), what="the end of all that belonged to it")
    assert serving.all_of("modelversion"), "the records are nobody's"
    serving.operator.assert_healthy()


def test_a_deployment_that_is_deleted_while_the_operator_is_down_does_not_come_back(serving: Scenario) -> None:
    serving.operator.kill()
    serving.delete("modeldeployment", NAME)
    serving.until(lambda: not serving.left(), what="the end of all that belonged to it")
    before = len(serving.operator_writes())
    serving.operator.start()
    serving.assert_falls_silent()
    assert (serving.left(), len(serving.operator_writes())) == ([], before)
    assert serving.operator.alive


def test_what_was_orphaned_is_taken_up_again_and_nothing_notices(serving: Scenario) -> None:
    """Rule: R74."""
    before, history, pods = serving.get("deployment"), serving.history, serving.pods()
    serving.delete("modeldeployment", NAME, "Orphan")
    serving.until(lambda: "ownerReferences" not in serving.get("deployment")["metadata"])
    serving.deployment()
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    after = serving.get("deployment")
    assert (after["metadata"]["uid"], after["spec"], serving.pods()) == (
        before["metadata"]["uid"],
        before["spec"],
        pods,
    )
    assert serving.history == history
    owner = serving.get("modeldeployment")["metadata"]["uid"]
    for each in (after, *serving.all_of("controllerrevision")):
        assert [reference["uid"] for reference in each["metadata"]["ownerReferences"]] == [owner]
    serving.assert_silent()


def orphaned(scenario: Scenario) -> tuple[Manifest, list[str]]:
    """Delete the ModelDeployment and its records alone, create it again, and return the Deployment and the pods."""
    before, pods = scenario.get("deployment"), scenario.pods()
    scenario.delete("modeldeployment", NAME, "Orphan")
    scenario.until(lambda: "ownerReferences" not in scenario.get("deployment")["metadata"])
    for each in scenario.all_of("controllerrevision"):
        scenario.delete("controllerrevision", each["metadata"]["name"])
    scenario.deployment()
    scenario.until_stalled("NameConflict")
    assert "does not belong to this ModelDeployment" in scenario.message("Stalled")
    after = scenario.get("deployment")
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert scenario.pods() == pods, "what serves goes on serving"
    return after, pods


def test_a_deployment_of_which_no_record_tells_is_not_taken_over_until_a_person_gives_it_back(
    serving: Scenario,
) -> None:
    """That restarts no pod."""
    _, pods = orphaned(serving)
    owner = serving.get("modeldeployment")
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": NAME,
        "uid": owner["metadata"]["uid"],
        "controller": True,
        # Exactly as the operator sets it: to change a reference takes the right to delete Deployments.
        "blockOwnerDeletion": True,
    }
    serving.merge("deployment", NAME, {"metadata": {"ownerReferences": [reference]}})
    serving.until_verified("1.0.0")
    assert [each["revision"] for each in serving.history] == [1]
    assert serving.pods() == pods
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))


@dataclass
class Neighbour:
    """A ModelDeployment that nobody changes."""

    scenario: Scenario
    before: Any = None

    def look(self) -> Any:
        deployment = self.scenario.get("deployment")["metadata"]
        return deployment["generation"], deployment["resourceVersion"], self.scenario.history, self.scenario.pods()

    def remember(self) -> None:
        """Note its state at rest."""
        self.scenario.assert_falls_silent()
        self.before = self.look()

    def assert_undisturbed(self) -> None:
        assert self.look() == self.before, self.scenario.report()


@pytest.fixture
def neighbour(serving: Scenario) -> Neighbour:
    return Neighbour(serving)


@pytest.fixture
def deleted(rig: Rig, neighbour: Neighbour, tmp_path: Path) -> Iterator[dict[str, Scenario]]:
    """Return three scenarios to delete: one serves, one is in a rollout, one in a rollback."""
    ways = {"serving": while_it_serves, "rollout": in_mid_rollout, "rollback": in_mid_rollback}
    operator = neighbour.scenario.operator
    scenarios = {
        name: Scenario(rig, f"deleted-{name}-{uuid.uuid4().hex[:6]}", tmp_path / name, operator) for name in ways
    }
    for scenario in scenarios.values():
        scenario.accuracy("1.0.0", 0.95)
        scenario.version("1.0.0", "production")
        scenario.deployment(replicas=1)
    for name, reach in ways.items():
        scenarios[name].until_verified("1.0.0")
        reach(scenarios[name])
    yield scenarios
    names = [each.namespace for each in scenarios.values()]
    rig.kubectl("delete", "namespace", *names, "--wait=false", "--ignore-not-found")


def test_namespaces_are_deleted_at_any_time_and_another_is_not_disturbed(
    neighbour: Neighbour, deleted: dict[str, Scenario]
) -> None:
    neighbour.remember()
    rig, operator = neighbour.scenario.rig, neighbour.scenario.operator
    names = [each.namespace for each in deleted.values()]
    rig.kubectl("delete", "namespace", *names, "--wait=false")
    rig.kubectl("wait", "--for=delete", *(f"namespace/{name}" for name in names), "--timeout=60s")
    neighbour.assert_undisturbed()
    for scenario in deleted.values():
        scenario.assert_falls_silent()
    operator.assert_healthy()


def delete_record(scenario: Scenario, number: int) -> None:
    """Delete the record of a revision and restart the operator, which reads records when it starts."""
    scenario.delete("controllerrevision", f"{NAME}-{number}")
    scenario.operator.restart()


def test_the_record_of_what_serves_is_deleted_by_hand(serving: Scenario) -> None:
    """It is recorded again as the next revision, its pods stay, and HistoryIntact names the record that is gone."""
    pods, first = serving.pods(), serving.history[0]
    delete_record(serving, 1)
    serving.until(lambda: len(serving.history) == 2, what="a revision with a record")
    serving.until_verified("1.0.0")
    assert serving.history[1]["reason"] == "the ControllerRevision of revision 1 is missing"
    assert serving.history[1]["previousHash"] == first["hash"]
    assert serving.history[0]["hash"] == first["hash"], "the history loses nothing"
    assert serving.condition("HistoryIntact") == ("False", "HistoryTampered")
    assert "the ControllerRevision of revision 1 is missing" in serving.message("HistoryIntact")
    assert serving.pods() == pods
