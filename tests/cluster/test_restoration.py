"""All objects are deleted and created again from an export, with new uids and without owners, as backup tools do it.

The garbage collector is the real one. What is bad is never served on the way.

Rule: R74.
Rule: R65.
"""

import json
import time

import pytest

from cluster.scenario import NAME, Manifest, Scenario
from pennant.kube.http.resources import RESOURCES, Kind

KINDS = {
    "records": Kind.CONTROLLER_REVISION,
    "deployment": Kind.DEPLOYMENT,
    "object": Kind.MODEL_DEPLOYMENT,
    "versions": Kind.MODEL_VERSION,
}
KEPT = ("name", "namespace", "labels", "annotations")
BY_NAME = ("records", "deployment", "object", "versions")
"""Kind after kind in the order of their names, as Velero creates what it has no other order for."""
RECORDS_LATE = ("object", "deployment", "records", "versions")


def exported(scenario: Scenario) -> dict[str, list[Manifest]]:
    return {
        what: [
            {"apiVersion": RESOURCES[kind].api_version, "kind": kind, **each} for each in scenario.all_of(kind.lower())
        ]
        for what, kind in KINDS.items()
    }


def bare(found: Manifest) -> Manifest:
    """Return the object as it is created from a backup: without its identity and owners, and without a status."""
    metadata = {name: each for name, each in found["metadata"].items() if name in KEPT}
    return {name: each for name, each in found.items() if name != "status"} | {"metadata": metadata}


def delete_all(scenario: Scenario) -> None:
    scenario.delete("modeldeployment", NAME, "Foreground")
    for each in scenario.all_of("modelversion"):
        scenario.delete("modelversion", each["metadata"]["name"])
    scenario.until(lambda: not scenario.left(), what="the end of everything")


def create(scenario: Scenario, what: str, backup: dict[str, list[Manifest]], with_status: bool) -> None:
    for each in backup[what]:
        scenario.create(bare(each))
        if with_status and what in ("object", "versions"):
            scenario.merge(KINDS[what].lower(), each["metadata"]["name"], {"status": each["status"]}, "status")


@pytest.fixture
def at_rest(rolled_back: Scenario) -> Scenario:
    """Return a scenario in which the tag asks for 1.1.0, which was found bad, and all that is known of it is noted."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.assert_falls_silent()
    return rolled_back


def assert_as_before(scenario: Scenario, before: Manifest, *, may_go_on: bool = False) -> None:
    ended = before["history"][:-1]
    scenario.until(lambda: scenario.history[:2] == ended, what="the history as it was")
    if not may_go_on:
        scenario.until(lambda: scenario.history == before["history"], what="the whole history as it was")
    scenario.until(lambda: scenario.condition("RolledBack") == ("True", "MetricBreach"))
    scenario.until(lambda: len(scenario.pods("1.0.0")) == 1)
    scenario.stays(lambda: not scenario.pods("1.1.0"), 2, "no pod of what is bad")
    assert scenario.condition("HistoryIntact") == ("True", "HistoryConsistent")
    assert [each["digest"] for each in scenario.status["quarantine"]] == [
        each["digest"] for each in before["quarantine"]
    ]
    assert scenario.served() == "1.0.0"
    versions = {each["pennant.dev/version"] for each in labels_of_replica_sets(scenario)}
    assert versions == {"1.0.0"}, "no pod of 1.1.0 was ever asked for"
    owner = scenario.get("modeldeployment")["metadata"]["uid"]
    for each in (scenario.get("deployment"), *scenario.all_of("controllerrevision")):
        assert [reference["uid"] for reference in each["metadata"]["ownerReferences"]] == [owner]


def labels_of_replica_sets(scenario: Scenario) -> list[dict[str, str]]:
    return [each["spec"]["template"]["metadata"]["labels"] for each in scenario.all_of("replicaset")]


@pytest.mark.parametrize(
    ("order", "with_status"),
    [
        pytest.param(BY_NAME, False, id="records first, without the status"),
        pytest.param(RECORDS_LATE, True, id="records late, with the status"),
    ],
)
def test_what_is_created_again_while_the_operator_runs_is_what_it_was(
    at_rest: Scenario, order: tuple[str, ...], with_status: bool
) -> None:
    before, backup = at_rest.status, exported(at_rest)
    delete_all(at_rest)
    for what in order:
        create(at_rest, what, backup, with_status)
        time.sleep(1)
    # A status that says which revision is in place has it recorded anew where its own record is the last to come.
    assert_as_before(at_rest, before, may_go_on=with_status and order == RECORDS_LATE)
    assert_a_tag_is_followed(at_rest)


def assert_a_tag_is_followed(scenario: Scenario) -> None:
    scenario.accuracy("1.2.0", 0.97)
    scenario.version("1.2.0")
    scenario.move_tag("1.1.0", "1.2.0")
    scenario.until_verified("1.2.0")
    numbers = [each["revision"] for each in scenario.history]
    assert numbers == list(range(1, len(numbers) + 1))
    assert scenario.status.get("quarantine", []) == []


def test_what_is_created_again_in_any_order_before_the_operator_starts_is_what_it_was(at_rest: Scenario) -> None:
    before, backup = at_rest.status, exported(at_rest)
    at_rest.operator.stop()
    delete_all(at_rest)
    for what in ("versions", "object", "deployment", "records"):
        create(at_rest, what, backup, with_status=False)
    at_rest.operator.start()
    assert_as_before(at_rest, before)
    at_rest.until_told("Adopted")
    notes = {each["message"] for each in at_rest.all_of("event") if each["reason"] == "Adopted"}
    whose = ("ControllerRevisions of revision 1, 2, 3", f"Deployment {NAME}")
    assert notes == {f"adopted the {each}, which had no owner" for each in whose}


def test_objects_that_are_replaced_by_force_serve_nothing_bad(at_rest: Scenario) -> None:
    """They are deleted, and created again while the garbage collector is at work: it may be faster, or not."""
    manifest = at_rest.applied[f"ModelDeployment/{NAME}"]
    for _ in range(2):
        at_rest.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(manifest))
        at_rest.until(lambda: at_rest.condition("Stalled")[0] == "True")
        at_rest.assert_falls_silent()
        assert at_rest.condition("Stalled") in (("True", "RolledBack"), ("True", "Quarantined"))
        assert not at_rest.pods("1.1.0")
        assert at_rest.status["quarantine"][0]["version"] == "1.1.0"
