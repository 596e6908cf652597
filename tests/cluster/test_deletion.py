"""Anything is deleted by anyone, during anything: nothing is left of it, and nothing else is disturbed."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.stage import NAME, Manifest, Stage
from rig import Rig


def in_mid_rollout(stage: Stage) -> None:
    """Bring a stage to where one pod of 1.1.0 cannot become ready."""
    stage.accuracy("1.1.0", 0.97)
    stage.unready("1.1.0")
    stage.version("1.1.0")
    stage.move_tag("1.0.0", "1.1.0")
    stage.until(lambda: stage.pods("1.1.0"), what="a pod of 1.1.0")


def in_mid_rollback(stage: Stage) -> None:
    """Bring a stage to where 1.1.0 was found bad, and no pod of 1.0.0 can become ready."""
    stage.accuracy("1.1.0", 0.97)
    stage.version("1.1.0")
    stage.move_tag("1.0.0", "1.1.0")
    stage.until_verified("1.1.0")
    stage.unready("1.0.0")
    stage.accuracy("1.1.0", 0.5)
    stage.until(lambda: len(stage.history) == 3 and stage.pods("1.0.0"), what="a pod on the way back")


def while_it_serves(stage: Stage) -> None:
    """Leave a stage as it is."""


@pytest.mark.parametrize(
    ("cascade", "reach"),
    [
        pytest.param("foreground", while_it_serves, id="in the foreground, while it serves"),
        pytest.param("background", in_mid_rollout, id="in the background, in mid-rollout"),
    ],
)
def test_a_deleted_deployment_leaves_nothing_behind(
    serving: Stage, cascade: str, reach: Callable[[Stage], None]
) -> None:
    """Rule: R99."""
    reach(serving)
    serving.kubectl("delete", "modeldeployment", NAME, f"--cascade={cascade}", "--timeout=30s")
    serving.until(lambda: not serving.left(), what="the end of all that belonged to it")
    assert serving.kubectl("get", "modelversions", "-o", "name"), "the records are nobody's"
    serving.operator.assert_sound()


def test_a_deployment_that_is_deleted_while_the_operator_is_down_does_not_come_back(serving: Stage) -> None:
    serving.operator.kill()
    serving.kubectl("delete", "modeldeployment", NAME, "--timeout=30s")
    serving.until(lambda: not serving.left(), what="the end of all that belonged to it")
    before = len(serving.operator_writes())
    serving.operator.start()
    serving.assert_falls_silent()
    assert (serving.left(), len(serving.operator_writes())) == ([], before)
    assert serving.operator.alive


def test_what_was_orphaned_is_taken_up_again_and_nothing_notices(serving: Stage) -> None:
    """Rule: R74."""
    before, history, pods = serving.get("deployment"), serving.history, serving.pods()
    serving.kubectl("delete", "modeldeployment", NAME, "--cascade=orphan", "--timeout=30s")
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


def orphaned(stage: Stage) -> tuple[Manifest, list[str]]:
    """Delete the ModelDeployment and its records alone, make it anew, and return the Deployment and the pods."""
    before, pods = stage.get("deployment"), stage.pods()
    stage.kubectl("delete", "modeldeployment", NAME, "--cascade=orphan", "--timeout=30s")
    stage.until(lambda: "ownerReferences" not in stage.get("deployment")["metadata"])
    stage.kubectl("delete", "controllerrevision", "--all", "--timeout=30s")
    stage.deployment()
    stage.until_stalled("NameConflict")
    assert "does not belong to this object" in stage.message("Stalled")
    after = stage.get("deployment")
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert stage.pods() == pods, "what serves goes on serving"
    return after, pods


def test_a_deployment_of_which_no_record_tells_is_not_taken_over_until_a_person_gives_it_back(serving: Stage) -> None:
    """Its pods are not restarted by that."""
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
    given = json.dumps({"metadata": {"ownerReferences": [reference]}})
    serving.kubectl("patch", "deployment", NAME, "--type=merge", "-p", given)
    serving.until_verified("1.0.0")
    assert [each["revision"] for each in serving.history] == [1]
    assert serving.pods() == pods
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))


def test_a_deployment_of_which_no_record_tells_gives_way_when_it_is_deleted(serving: Stage) -> None:
    orphaned(serving)
    serving.kubectl("delete", "deployment", NAME, "--timeout=30s")
    serving.until_verified("1.0.0")
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))


@dataclass
class Neighbour:
    """A deployment that nothing happens to."""

    stage: Stage
    before: Any = None

    def look(self) -> Any:
        deployment = self.stage.get("deployment")["metadata"]
        return deployment["generation"], deployment["resourceVersion"], self.stage.history, self.stage.pods()

    def remember(self) -> None:
        """Take note of how it is, now that it is at rest."""
        self.stage.assert_falls_silent()
        self.before = self.look()

    def assert_undisturbed(self) -> None:
        assert self.look() == self.before, self.stage.report()


@pytest.fixture
def neighbour(serving: Stage) -> Neighbour:
    return Neighbour(serving)


@pytest.fixture
def doomed(rig: Rig, neighbour: Neighbour, tmp_path: Path) -> Iterator[dict[str, Stage]]:
    """Return three stages whose namespaces are to be deleted: one serves, the others are on their way."""
    ways = {"serving": while_it_serves, "rollout": in_mid_rollout, "rollback": in_mid_rollback}
    operator = neighbour.stage.operator
    stages = {name: Stage(rig, f"doomed-{name}-{uuid.uuid4().hex[:6]}", tmp_path / name, operator) for name in ways}
    for stage in stages.values():
        stage.accuracy("1.0.0", 0.95)
        stage.version("1.0.0", "production")
        stage.deployment(replicas=1)
    for name, reach in ways.items():
        stages[name].until_verified("1.0.0")
        reach(stages[name])
    yield stages
    names = [each.namespace for each in stages.values()]
    rig.kubectl("delete", "namespace", *names, "--wait=false", "--ignore-not-found")


def test_namespaces_are_deleted_at_any_time_and_another_is_not_disturbed(
    neighbour: Neighbour, doomed: dict[str, Stage]
) -> None:
    neighbour.remember()
    rig, operator = neighbour.stage.rig, neighbour.stage.operator
    names = [each.namespace for each in doomed.values()]
    rig.kubectl("delete", "namespace", *names, "--wait=false")
    rig.kubectl("wait", "--for=delete", *(f"namespace/{name}" for name in names), "--timeout=60s")
    neighbour.assert_undisturbed()
    for stage in doomed.values():
        stage.assert_falls_silent()
    operator.assert_sound()


def test_the_version_to_go_back_to_is_deleted_and_is_gone_back_to(serving: Stage) -> None:
    """Rule: R8."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.delete("modelversion", "fraud-1.0.0")
    serving.operator.restart()
    serving.accuracy("1.1.0", 0.5)
    serving.until_rolled_back_to("1.0.0")
    serving.until(lambda: len(serving.pods("1.0.0")) == 2 and not serving.pods("1.1.0"))
    serving.delete("modelversion", "fraud-1.1.0")
    serving.until(lambda: "verifiedAt" in serving.history[-1])
    assert len(serving.history) == 3


def test_a_version_that_is_deleted_in_mid_rollout_is_rolled_out(serving: Stage) -> None:
    in_mid_rollout(serving)
    serving.delete("modelversion", "fraud-1.1.0")
    serving.until(lambda: serving.condition("TagResolved") == ("False", "TagUnassigned"))
    serving.unready("1.1.0", False)
    serving.until_verified("1.1.0")
    assert serving.versions_in_history() == [("1.0.0", "TagMoved", "Superseded"), ("1.1.0", "TagMoved", "Verified")]
    assert len(serving.pods("1.1.0")) == 2


def delete_record(stage: Stage, number: int) -> None:
    """Delete the record of a revision, and let it be noticed: records are read when the operator starts."""
    stage.delete("controllerrevision", f"{NAME}-{number}")
    stage.operator.restart()


def test_the_record_of_what_serves_is_deleted_by_hand(serving: Stage) -> None:
    """It is recorded anew by the next number, its pods stay, and what is gone is named for as long as it matters."""
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


def test_the_record_of_what_serves_is_deleted_while_no_version_is_there_to_make_another(serving: Stage) -> None:
    pods = serving.pods()
    serving.delete("modelversion", "fraud-1.0.0")
    delete_record(serving, 1)
    serving.until(lambda: serving.condition("HistoryIntact") == ("False", "HistoryTampered"))
    assert "the ControllerRevision of revision 1 is missing" in serving.message("HistoryIntact")
    assert (len(serving.history), serving.pods()) == (1, pods)


def test_an_old_record_is_deleted_by_hand_while_the_operator_works(serving: Stage) -> None:
    for version in ("1.1.0", "1.2.0"):
        serving.accuracy(version, 0.97)
        serving.version(version)
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.delete("controllerrevision", "fraud-1")
    serving.delete("controllerrevision", "fraud-2")
    serving.move_tag("1.1.0", "1.2.0")
    serving.until_verified("1.2.0")
    serving.until(lambda: serving.condition("HistoryIntact") == ("False", "HistoryTampered"))
    assert "the ControllerRevision of revision 2 is missing" in serving.message("HistoryIntact")
    assert [each["version"] for each in serving.history][:2] == ["1.0.0", "1.1.0"]
    numbers, hashes = [each["revision"] for each in serving.history], [each["hash"] for each in serving.history]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [each["previousHash"] for each in serving.history[1:]] == hashes[:-1]


LENIENT = "fraud-lenient"


def lenient(stage: Stage) -> Manifest:
    """Return another deployment of the same model, which is content with less."""
    manifest: Manifest = json.loads(json.dumps(stage.a_deployment(replicas=1)))
    manifest["metadata"]["name"] = LENIENT
    manifest["spec"]["analysis"]["metrics"][0]["threshold"] = {"min": "0.7"}
    return manifest


def test_two_deployments_of_one_model_do_not_concern_each_other(stage: Stage) -> None:
    """What one finds bad the other goes on serving, also when the one is deleted.

    Rule: R102.
    """
    for version, accuracy in (("1.0.0", 0.95), ("1.1.0", 0.8)):
        stage.accuracy(version, accuracy)
    stage.version("1.0.0", "production")
    stage.version("1.1.0")
    stage.deployment(replicas=1)
    stage.apply(lenient(stage))

    def other() -> Any:
        return stage.get("modeldeployment", LENIENT).get("status", {})

    def other_verified(version: str) -> bool:
        last = (other().get("history") or [{}])[-1]
        return last.get("version") == version and "verifiedAt" in last

    stage.until_verified("1.0.0")
    stage.until(lambda: other_verified("1.0.0"))
    stage.move_tag("1.0.0", "1.1.0")
    stage.until_rolled_back_to("1.0.0")
    stage.until(lambda: other_verified("1.1.0"))
    stage.until(lambda: "verifiedAt" in stage.history[-1])
    marks = stage.get("modelversion", "fraud-1.1.0")["status"]["quarantinedBy"]
    assert [each["deployment"] for each in marks] == [NAME]
    stage.assert_falls_silent()

    def look() -> Any:
        metadata = stage.get("deployment", LENIENT)["metadata"]
        return metadata["generation"], metadata["resourceVersion"], other()

    before = look()
    assert {each["type"]: each["status"] for each in before[2]["conditions"]}["Ready"] == "True"
    stage.delete("modeldeployment", NAME)
    stage.until(lambda: not stage.kubectl("get", "deployment", NAME, "--ignore-not-found"))
    stage.assert_falls_silent()
    assert look() == before
