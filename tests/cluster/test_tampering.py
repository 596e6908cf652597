"""Records that somebody deletes and creates again with another content.

Rule: R77.
"""

import json
from copy import deepcopy

import pytest

from cluster.api import RefusedError
from cluster.scenario import NAME, Manifest, Scenario

KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")


def make_anew(scenario: Scenario, record: Manifest) -> None:
    """Delete a ControllerRevision and create it again, as this one: the API server lets nobody change one in place."""
    with pytest.raises(RefusedError):
        scenario.merge("controllerrevision", record["metadata"]["name"], {"data": record["data"]})
    metadata = {name: each for name, each in record["metadata"].items() if name in KEPT}
    scenario.delete("controllerrevision", metadata["name"])
    scenario.create({"apiVersion": "apps/v1", "kind": "ControllerRevision", **record, "metadata": metadata})


def with_image(record: Manifest, image: str) -> Manifest:
    """Return the record with another image; its labels and hashes are as they were."""
    changed = deepcopy(record)
    changed["data"]["template"]["spec"]["containers"][0]["image"] = image
    return changed


def promoted(scenario: Scenario, old: str, new: str) -> None:
    scenario.accuracy(new, 0.97)
    scenario.version(new)
    scenario.move_tag(old, new)
    scenario.until_verified(new)


def test_a_rollback_passes_over_a_record_that_holds_another_image_than_was_recorded(serving: Scenario) -> None:
    promoted(serving, "1.0.0", "1.1.0")
    make_anew(serving, with_image(serving.get("controllerrevision", f"{NAME}-2"), "registry.example/evil:1"))
    # Records are read when the operator starts: nobody but it writes them.
    serving.operator.restart()
    says = "the ControllerRevision of revision 2 does not match its hash: its pod template was changed"
    serving.until(lambda: says in serving.message("HistoryIntact"))
    # That of what serves is recorded anew from the version, by the same template.
    serving.until_verified("1.1.0")
    assert serving.history[-1]["reason"] == "the ControllerRevision of revision 2 was changed"
    make_anew(serving, with_image(serving.get("controllerrevision", f"{NAME}-3"), "registry.example/evil:1"))
    serving.operator.restart()
    serving.until(lambda: "the ControllerRevision of revision 3" in serving.message("HistoryIntact"))

    serving.accuracy("1.2.0", 0.5)
    serving.version("1.2.0")
    serving.move_tag("1.1.0", "1.2.0")
    serving.until(lambda: serving.history[-1]["trigger"] == "AutomaticRollback")
    serving.until(lambda: "verifiedAt" in serving.history[-1])
    images = {each["spec"]["containers"][0]["image"] for each in serving.all_of("pod")}
    assert "registry.example/evil:1" not in images
    assert all("evil" not in json.dumps(each) for each in serving.all_of("replicaset"))
