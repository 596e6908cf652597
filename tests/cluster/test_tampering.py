"""Records that are made anew with another content, and a status whose progress is changed by hand.

Rule: R77.
"""

import json
from copy import deepcopy

from cluster.stage import NAME, Manifest, Stage

KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")


def make_anew(stage: Stage, record: Manifest) -> None:
    """Delete a ControllerRevision and create it again, as this one: nobody can change one in place."""
    metadata = {name: each for name, each in record["metadata"].items() if name in KEPT}
    stage.kubectl("delete", "controllerrevision", metadata["name"])
    stage.kubectl("create", "-f", "-", stdin=json.dumps({**record, "metadata": metadata}))


def with_image(record: Manifest, image: str) -> Manifest:
    """Return the record with another image; its labels and hashes are as they were."""
    changed = deepcopy(record)
    changed["data"]["template"]["spec"]["containers"][0]["image"] = image
    return changed


def promoted(stage: Stage, old: str, new: str) -> None:
    stage.accuracy(new, 0.97)
    stage.version(new)
    stage.move_tag(old, new)
    stage.until_verified(new)


def test_a_rollback_passes_over_a_record_that_holds_another_image_than_was_recorded(serving: Stage) -> None:
    promoted(serving, "1.0.0", "1.1.0")
    make_anew(serving, with_image(serving.get("controllerrevision", f"{NAME}-2"), "registry.example/evil:1"))
    # Records are read when the operator starts: nobody but it writes them.
    serving.operator.restart()
    says = "the record of revision 2 does not fit its hash: its pod template was changed"
    serving.until(lambda: says in serving.message("HistoryIntact"))
    # That of what serves is recorded anew from the version, by the same template.
    serving.until_verified("1.1.0")
    assert serving.history[-1]["reason"] == "the record of revision 2 was changed"
    make_anew(serving, with_image(serving.get("controllerrevision", f"{NAME}-3"), "registry.example/evil:1"))
    serving.operator.restart()
    serving.until(lambda: "the record of revision 3" in serving.message("HistoryIntact"))

    serving.accuracy("1.2.0", 0.5)
    serving.version("1.2.0")
    serving.move_tag("1.1.0", "1.2.0")
    serving.until(lambda: serving.history[-1]["trigger"] == "AutomaticRollback")
    serving.until(lambda: "verifiedAt" in serving.history[-1])
    images = {each["spec"]["containers"][0]["image"] for each in serving.all_of("pod")}
    assert "registry.example/evil:1" not in images
    assert all("evil" not in json.dumps(each) for each in serving.all_of("replicaset"))


def test_what_serves_keeps_serving_until_its_record_is_put_right(serving: Stage) -> None:
    """Nobody has to tell the operator that it was."""
    pods, record = serving.pods(), serving.get("controllerrevision", f"{NAME}-1")
    serving.delete("modelversion", f"{NAME}-1.0.0")
    make_anew(serving, with_image(record, "registry.example/evil:1"))
    serving.operator.restart()
    serving.until_stalled("HistoryTampered")
    assert "1.0.0 keeps serving as it is deployed" in serving.message("Stalled")
    serving.kubectl("scale", "modeldeployment", NAME, "--replicas=3")
    serving.stays(lambda: serving.pods() == pods, 3, "what is deployed")
    make_anew(serving, record)
    serving.until(lambda: serving.condition("HistoryIntact") == ("True", "HistoryConsistent"), seconds=80)
    serving.until(lambda: len(serving.pods()) == 3)
    assert set(serving.pods()) > set(pods)
    assert len(serving.history) == 1
    serving.applied.clear()


def test_progress_that_is_changed_by_hand_is_restored_and_named(rolled_back: Stage) -> None:
    """Rule: R78."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.assert_falls_silent()
    before = rolled_back.history
    forged = [
        {"op": "replace", "path": "/status/history/1/outcome", "value": "Verified"},
        {"op": "add", "path": "/status/history/1/verifiedAt", "value": before[1]["endedAt"]},
    ]
    rolled_back.kubectl(
        "patch", "modeldeployment", NAME, "--subresource=status", "--type=json", "-p", json.dumps(forged)
    )
    rolled_back.until(lambda: rolled_back.history == before, what="the history as it was")
    rolled_back.until_told("HistoryTampered")
    noted = json.loads(
        rolled_back.get("controllerrevision", f"{NAME}-2")["metadata"]["annotations"]["pennant.dev/progress"]
    )
    assert (noted["outcome"], "verifiedAt" in noted) == ("RolledBack", False)
