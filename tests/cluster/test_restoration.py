"""Everything is created anew from an export, with new uids and without owners, as backup tools do it.

The garbage collector is the real one. What is bad is never served on the way.

Rule: R74.
Rule: R65.
"""

import json
import time

import pytest

from cluster.stage import NAME, Manifest, Stage
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


def exported(stage: Stage) -> dict[str, list[Manifest]]:
    return {
        what: [{"apiVersion": RESOURCES[kind].api_version, "kind": kind, **each} for each in stage.all_of(kind.lower())]
        for what, kind in KINDS.items()
    }


def bare(found: Manifest) -> Manifest:
    """Return the object as it is created from a backup: without its identity and owners, and without a status."""
    metadata = {name: each for name, each in found["metadata"].items() if name in KEPT}
    return {name: each for name, each in found.items() if name != "status"} | {"metadata": metadata}


def delete_all(stage: Stage) -> None:
    stage.kubectl("delete", "modeldeployment", NAME, "--cascade=foreground", "--timeout=60s")
    stage.kubectl("delete", "modelversions", "--all", "--timeout=30s")
    stage.until(lambda: not stage.left(), what="the end of everything")


def create(stage: Stage, what: str, backup: dict[str, list[Manifest]], with_status: bool) -> None:
    for each in backup[what]:
        stage.kubectl("create", "-f", "-", stdin=json.dumps(bare(each)))
        if with_status and what in ("object", "versions"):
            patch = json.dumps({"status": each["status"]})
            name = each["metadata"]["name"]
            stage.kubectl("patch", KINDS[what].lower(), name, "--subresource=status", "--type=merge", "-p", patch)


@pytest.fixture
def at_rest(rolled_back: Stage) -> Stage:
    """Return a stage on which the tag asks for 1.1.0, which was found bad, and all that is known of it is noted."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.assert_falls_silent()
    return rolled_back


def assert_as_before(stage: Stage, before: Manifest, *, may_go_on: bool = False) -> None:
    ended = before["history"][:-1]
    stage.until(lambda: stage.history[:2] == ended, what="the history as it was")
    if not may_go_on:
        stage.until(lambda: stage.history == before["history"], what="the whole history as it was")
    stage.until(lambda: stage.condition("RolledBack") == ("True", "MetricBreach"))
    stage.until(lambda: len(stage.pods("1.0.0")) == 2)
    stage.stays(lambda: not stage.pods("1.1.0"), 3, "no pod of what is bad")
    assert stage.condition("HistoryIntact") == ("True", "HistoryConsistent")
    assert [each["digest"] for each in stage.status["quarantine"]] == [each["digest"] for each in before["quarantine"]]
    assert stage.served() == "1.0.0"
    versions = {each["pennant.dev/version"] for each in labels_of_replica_sets(stage)}
    assert versions == {"1.0.0"}, "no pod of 1.1.0 was ever asked for"
    owner = stage.get("modeldeployment")["metadata"]["uid"]
    for each in (stage.get("deployment"), *stage.all_of("controllerrevision")):
        assert [reference["uid"] for reference in each["metadata"]["ownerReferences"]] == [owner]


def labels_of_replica_sets(stage: Stage) -> list[dict[str, str]]:
    return [each["spec"]["template"]["metadata"]["labels"] for each in stage.all_of("replicaset")]


@pytest.mark.parametrize("with_status", [True, False], ids=["with the status", "without the status"])
@pytest.mark.parametrize("order", [BY_NAME, RECORDS_LATE], ids=["records first", "records late"])
def test_what_is_created_again_while_the_operator_runs_is_what_it_was(
    at_rest: Stage, order: tuple[str, ...], with_status: bool
) -> None:
    before, backup = at_rest.status, exported(at_rest)
    delete_all(at_rest)
    for what in order:
        create(at_rest, what, backup, with_status)
        time.sleep(1)
    # A status that says which revision is in place has it recorded anew where its own record is the last to come.
    assert_as_before(at_rest, before, may_go_on=with_status and order == RECORDS_LATE)
    assert_a_tag_is_followed(at_rest)


def assert_a_tag_is_followed(stage: Stage) -> None:
    stage.accuracy("1.2.0", 0.97)
    stage.version("1.2.0")
    stage.move_tag("1.1.0", "1.2.0")
    stage.until_verified("1.2.0")
    numbers = [each["revision"] for each in stage.history]
    assert numbers == list(range(1, len(numbers) + 1))
    assert stage.status.get("quarantine", []) == []


def test_what_is_created_again_in_any_order_before_the_operator_starts_is_what_it_was(at_rest: Stage) -> None:
    before, backup = at_rest.status, exported(at_rest)
    at_rest.operator.stop()
    delete_all(at_rest)
    for what in ("versions", "object", "deployment", "records"):
        create(at_rest, what, backup, with_status=False)
    at_rest.operator.start()
    assert_as_before(at_rest, before)
    at_rest.until_told("Adopted")
    notes = {each["message"] for each in at_rest.all_of("event") if each["reason"] == "Adopted"}
    taken = " belonged to nobody and is taken up again"
    assert notes == {f"the record of revision 1, 2, 3{taken}", f"the Deployment {NAME}{taken}"}


def test_a_command_in_the_files_is_not_carried_out_again_when_everything_is_created_again(serving: Stage) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.command(rollback_to="1.0.0", requested_at="monday")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))
    serving.assert_falls_silent()
    before, backup = serving.status, exported(serving)
    delete_all(serving)
    for what in BY_NAME:
        create(serving, what, backup, with_status=False)
    serving.until(lambda: serving.said()[0] == "Ignored")
    assert "already carried out as revision 3 on " in serving.said()[1]
    serving.until(lambda: serving.condition("RolledBack") == ("True", "Undone"))
    serving.until(lambda: serving.history == before["history"])
    assert serving.served() == "1.0.0"


def test_objects_that_are_replaced_by_force_serve_nothing_bad(at_rest: Stage) -> None:
    """They are deleted, and created again while the garbage collector is at work: it may be faster, or not."""
    manifest = at_rest.applied[f"ModelDeployment/{NAME}"]
    for _ in range(3):
        at_rest.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(manifest))
        at_rest.until(lambda: at_rest.condition("Stalled")[0] == "True")
        at_rest.assert_falls_silent()
        assert at_rest.condition("Stalled") in (("True", "RolledBack"), ("True", "Quarantined"))
        assert not at_rest.pods("1.1.0")
        assert at_rest.status["quarantine"][0]["version"] == "1.1.0"
