"""The check of the operator's writes at the end of each scenario finds a missing precondition of each kind of write.

Rule: R16.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from cluster.audit import AuditLog, Entry, described, fault, is_tried_only, without_precondition
from cluster.scenario import ALLOWED, NAME, Scenario

LEASE = ("leases", "", "update")


@pytest.fixture
def writes(rolled_back: Scenario) -> list[Entry]:
    """Return the operator's writes of a scenario that has every kind of them."""
    # What somebody adds to the pod template is taken away again by a patch of its own.
    added = {"spec": {"template": {"metadata": {"annotations": {"added": "by hand"}}}}}
    rolled_back.merge("deployment", NAME, added)
    rolled_back.until(lambda: "drift" in rolled_back.status, what="the change by hand being put right")
    # A history that is full lets the oldest record go.
    rolled_back.deployment(historyLimit=2)
    rolled_back.until(lambda: ("controllerrevisions", "", "delete") in map(kind, rolled_back.operator_writes()))
    rolled_back.deployment(historyLimit=2, service={"ports": [{"port": 80}]})
    rolled_back.until(lambda: rolled_back.exists("service", NAME))
    rolled_back.deployment(historyLimit=2)
    rolled_back.until(lambda: not rolled_back.exists("service", NAME))
    found = rolled_back.operator.installation.audit_log.writes(rolled_back.begins_at)
    return [each for each in found if not is_tried_only(each)]


def kind(entry: Entry) -> tuple[str, str, str]:
    reference = entry["objectRef"]
    return reference["resource"], reference.get("subresource", ""), entry["verb"]


def careless(entry: Entry) -> Iterator[Entry]:
    """Yield one copy of the write for each of its preconditions, without that precondition."""
    if entry["verb"] == "create":
        if "name" in entry["requestObject"]["metadata"]:
            yield without(entry, "metadata", "name")
        return
    if isinstance(entry["requestObject"], list):
        for path in ("/metadata/uid", "/metadata/resourceVersion"):
            planted = deepcopy(entry)
            planted["requestObject"] = [each for each in planted["requestObject"] if each["path"] != path]
            yield planted
        return
    place = "preconditions" if entry["verb"] == "delete" else "metadata"
    for name in ("uid", "resourceVersion"):
        if name in entry["requestObject"][place]:
            yield without(entry, place, name)


def without(entry: Entry, place: str, name: str) -> Entry:
    planted = deepcopy(entry)
    del planted["requestObject"][place][name]
    return planted


def test_each_kind_of_write_is_found_at_fault_without_one_of_its_preconditions(writes: list[Entry]) -> None:
    assert {kind(each) for each in writes} >= ALLOWED | {LEASE}
    assert any(isinstance(each["requestObject"], list) for each in writes), "a JSON patch is among them"
    assert without_precondition(writes) == []
    found_at_fault = set()
    for entry in writes:
        for planted in careless(entry):
            assert fault(planted), described(planted)
            found_at_fault.add(kind(planted))
    assert found_at_fault >= (ALLOWED - {("events", "", "create")}) | {LEASE}


def planted(verb: str, body: Any, *, code: int = 200, resource: str = "deployments") -> Entry:
    entry = {
        "verb": verb,
        "requestURI": f"/apis/apps/v1/namespaces/a/{resource}/b",
        "objectRef": {"resource": resource, "namespace": "a", "name": "b", "apiGroup": "apps"},
        "responseStatus": {"code": code},
    }
    return entry if body is None else {**entry, "requestObject": body}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (planted("create", {"metadata": {"generateName": "b-"}}), "no name of its own"),
        (planted("update", {"metadata": {"name": "b"}, "kind": "Deployment"}), "uid and resourceVersion"),
        (planted("update", {"metadata": {"uid": "1", "resourceVersion": ""}}), "name resourceVersion"),
        (planted("update", {"metadata": {"resourceVersion": "1"}}), "name uid"),
        (planted("patch", {"metadata": {"resourceVersion": "7"}}), "name uid"),
        (planted("patch", {"metadata": {"resourceVersion": "1"}}), "name uid"),
        (planted("patch", {"kind": "Deployment", "metadata": {"resourceVersion": "7"}}), "name uid"),
        (planted("patch", {"spec": {}}), "uid and resourceVersion"),
        (planted("patch", []), "uid and resourceVersion"),
        (planted("patch", [{"op": "remove", "path": "/metadata/uid"}]), "uid and resourceVersion"),
        (planted("delete", None), "nothing was sent"),
        (planted("delete", None, code=404), "nothing was sent"),
        (planted("delete", {"kind": "DeleteOptions"}), "uid and resourceVersion"),
        (planted("delete", {"preconditions": {"uid": "1"}}), "name resourceVersion"),
        (planted("deletecollection", {"preconditions": {"uid": "1", "resourceVersion": "7"}}), "no precondition"),
        (planted("update", None), "nothing was sent"),
    ],
    ids=lambda each: "" if isinstance(each, str) else f"{each['verb']} {each.get('requestObject')}",
)
def test_a_write_that_does_not_look_at_what_is_there_is_found_at_fault(entry: Entry, says: str) -> None:
    assert says in fault(entry)


@pytest.mark.parametrize(
    "entry",
    [
        planted("create", {"metadata": {"name": "b"}}),
        planted("create", {"metadata": {"generateName": "b-"}}, resource="events"),
        planted("update", {"metadata": {"uid": "1", "resourceVersion": "7"}}, code=409),
        planted("patch", {"kind": "Deployment", "metadata": {"resourceVersion": "1"}}, code=201),
        planted("patch", None, code=403),
        planted("delete", {"preconditions": {"uid": "1", "resourceVersion": "7"}}),
    ],
    ids=lambda each: f"{each['verb']} {each.get('requestObject')}",
)
def test_a_write_that_is_bound_to_what_was_seen_is_not(entry: Entry) -> None:
    assert fault(entry) == ""


def test_what_somebody_else_says_in_an_object_is_found(scenario: Scenario) -> None:
    scenario.version("1.0.0", "production")
    scenario.assert_left_alone()
    scenario.merge("modelversion", f"{NAME}-1.0.0", {"spec": {"tags": ["staging"]}})
    with pytest.raises(AssertionError, match="production"):
        scenario.assert_left_alone()
    scenario.version("1.0.0", "production")


def test_each_line_of_the_log_is_read_once_and_one_that_is_not_whole_later(tmp_path: Any) -> None:
    path = tmp_path / "audit.log"
    entries = [{"verb": "patch", "user": {"username": user}, "requestObject": {}} for user in ("a", "b", "a")]
    first, second, third = (json.dumps(each) + "\n" for each in entries)
    path.write_text(first)
    log = AuditLog.from_now_on(path, "a")
    assert log.requests() == []
    path.write_text(first + second + third[:9])
    assert log.requests() == []
    path.write_text(first + second + third)
    for _ in range(2):
        assert log.requests() == [{"verb": "patch", "user": {"username": "a"}}], "bodies are not kept"
    assert list(log.writes(len(first))) == [entries[2]]
    assert list(log.writes(0)) == [entries[0], entries[2]]
