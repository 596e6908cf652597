"""Objects that the API server has never validated: each gets a condition, and none delays another object.

The test relaxes the schema, creates the objects and restores the schema, as if they came from a backup or from an
older release. It has a control plane and an operator of its own.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api import Api
from cluster.installation import install
from cluster.operator_process import Operator
from cluster.scenario import NAME, Manifest, Scenario
from pennant.api.crd import crds
from pennant.runtime.app import RECURSION_LIMIT
from rig import Rig
from unit.api import poison
from unit.api.poison import Poisoned

BESIDE, ELSEWHERE = "beside", "elsewhere"
OPEN = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
# Three kinds, each on one page.
RESYNCED = 3
WITHOUT_STATUS = [each for each in poison.DEPLOYMENTS if each.is_mute]
# Asks for a tag that only a version without a readable record has.
INVALID_HOLDER = "invalid-holder"


def define(rig: Rig, definitions: list[Manifest]) -> None:
    rig.kubectl("replace", "-f", "-", stdin=listed(definitions))
    rig.until_crds_are_served()


def listed(manifests: list[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


def relaxed(definition: Manifest) -> Manifest:
    """Return the definition of a kind with a schema that accepts everything."""
    (version,) = definition["spec"]["versions"]
    known = {name: version[name] for name in ("name", "served", "storage")}
    return {**definition, "spec": {**definition["spec"], "versions": [{**known, "schema": OPEN}]}}


def create_invalid(rig: Rig, manifests: list[Manifest]) -> None:
    """Create objects that the schema would refuse."""
    define(rig, [relaxed(each) for each in crds().values()])
    api = Api(rig)
    for each in manifests:
        api.create(BESIDE, each, fieldValidation="Ignore")
    define(rig, list(crds().values()))


def a_holder_of(tag: str) -> Manifest:
    wrong = next(each for each in poison.VERSIONS if each.what == "artifacts a string")
    spec = wrong.manifest["spec"] | {"version": "6.6.7", "tags": [tag]}
    return wrong.manifest | {"metadata": {"name": f"{NAME}-6.6.7"}, "spec": spec}


def garbage_records(scenario: Scenario) -> list[Manifest]:
    """Return ControllerRevisions that have the names of the next revisions, or say that they are ours."""
    owner = scenario.get("modeldeployment")["metadata"]
    known = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1}
    reference = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "name": NAME, "uid": owner["uid"]}
    ours = {
        "labels": {"pennant.dev/modeldeployment": NAME},
        "ownerReferences": [reference | {"controller": True}],
        "annotations": {"pennant.dev/progress": "[" * 50_000},
    }
    datas: list[Any] = [{"entry": 7}, {"entry": poison.entry(), "template": {}, "record": []}, poison.nested(500)]
    found = [known | {"metadata": {"name": f"{NAME}-2"}, "data": {}}]
    return [
        *found,
        *(known | {"metadata": {"name": f"{NAME}-{7 + n}", **ours}, "data": d} for n, d in enumerate(datas)),
    ]


@pytest.fixture(autouse=True)
def deep_json() -> Iterator[None]:
    """Let this process, too, read and write objects that are nested deeply."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION_LIMIT)
    yield
    sys.setrecursionlimit(before)


@pytest.fixture
def operator(own_rig: Rig, tmp_path: Path) -> Iterator[Operator]:
    installation = install(own_rig, tmp_path)
    process = Operator(own_rig, tmp_path / "operator", installation)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def scenarios(own_rig: Rig, operator: Operator, tmp_path: Path) -> tuple[Scenario, Scenario]:
    """Return two namespaces in each of which 1.0.0 is known good; the invalid objects are created in the first."""
    played = tuple(Scenario(own_rig, name, tmp_path / name, operator) for name in (BESIDE, ELSEWHERE))
    for scenario in played:
        scenario.accuracy("1.0.0", 0.95)
        scenario.version("1.0.0", "production")
        scenario.deployment()
    for scenario in played:
        scenario.until_verified("1.0.0")
    beside, elsewhere = played
    return beside, elsewhere


def promote(scenarios: tuple[Scenario, Scenario], old: str, new: str) -> None:
    for scenario in scenarios:
        scenario.accuracy(new, 0.97)
        scenario.version(new)
        scenario.move_tag(old, new)
    for scenario in scenarios:
        scenario.until_verified(new)
        assert scenario.condition("Ready") == ("True", "Serving")
        assert scenario.served() == new


def conditions(scenario: Scenario) -> dict[str, dict[str, Manifest]]:
    """Return the conditions of all ModelDeployments by name and type."""
    found = scenario.all_of("modeldeployment")
    return {each["metadata"]["name"]: by_type(each.get("status")) for each in found}


def by_type(status: Any) -> dict[str, Manifest]:
    """Return the conditions of a status, which may be anything until the operator has replaced an invalid one."""
    told = status.get("conditions") if isinstance(status, dict) else None
    each_told = told if isinstance(told, list) else []
    return {each["type"]: each for each in each_told if isinstance(each, dict) and "type" in each}


def is_said(poisoned: Poisoned, found: dict[str, dict[str, Manifest]], reason: str) -> bool:
    ready = found[poisoned.manifest["metadata"]["name"]].get("Ready", {})
    invalid = (ready.get("status"), ready.get("reason")) == ("False", reason)
    return invalid and poisoned.says in ready["message"]


def is_said_of_status(poisoned: Poisoned, found: dict[str, dict[str, Manifest]], told: dict[str, str]) -> bool:
    """Return whether what is wrong with a status is said in it, or by an Event where the API server takes none."""
    name = poisoned.manifest["metadata"]["name"]
    if poisoned.says:
        return is_said(poisoned, found, "StatusUnreadable") or poisoned.says in told.get(name, "")
    return bool(found[name].get("TagResolved", {}).get("reason") == "TagUnassigned")


def unsaid(scenario: Scenario) -> list[str]:
    """Return what is wrong and not yet said in a condition, or where there can be none, in an Event."""
    found = conditions(scenario)
    reasons = ("InvalidSpec", "StatusUnreadable")
    events = [each for each in scenario.all_of("event") if each["reason"] in reasons]
    told = {each["involvedObject"]["name"]: each["message"] for each in events}
    missing = [each for each in poison.DEPLOYMENTS if not each.is_mute and not is_said(each, found, "InvalidSpec")]
    missing += [each for each in WITHOUT_STATUS if each.says not in told.get(each.manifest["metadata"]["name"], "")]
    return [
        *(each.what for each in missing),
        *(f"version with {each}" for each in unsaid_of_versions(scenario, told)),
        *(each.what for each in poison.STATUSES if not is_said_of_status(each, found, told)),
    ]


# What the API server leaves out when it reads the object again under the schema; then only the name is wrong.
READ_WELL = frozenset({"tags null", "datasets null", "nested deeply"})


def unsaid_of_versions(scenario: Scenario, told: dict[str, str]) -> list[str]:
    """Return what is wrong with versions and is said in no condition, nor where there can be none, in an Event."""
    ready = ready_of_versions(scenario)
    for each in poison.VERSIONS:
        name = each.manifest["metadata"]["name"]
        if name not in ready and name in told:
            ready[name] = {"status": "False", "reason": "InvalidSpec", "message": told[name]}
    return [
        each.what
        for each in poison.VERSIONS
        if (found := ready.get(each.manifest["metadata"]["name"], {})).get("reason") != "InvalidSpec"
        or found["status"] != "False"
        or each.says not in found["message"]
        if not (each.what in READ_WELL and "metadata.name: must be" in found.get("message", ""))
    ]


def ready_of_versions(scenario: Scenario) -> dict[str, Manifest]:
    """Return the condition Ready of all ModelVersions that have one."""
    found = scenario.all_of("modelversion")
    statuses = {each["metadata"]["name"]: each.get("status") for each in found}
    return {
        name: each
        for name, status in statuses.items()
        if isinstance(status, dict)
        for each in status.get("conditions", [])
        if each["type"] == "Ready"
    }


def until_all_is_said(scenario: Scenario, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while missing := unsaid(scenario):
        assert time.monotonic() < deadline, f"nothing is said of: {', '.join(missing)}"
        time.sleep(0.5)


def test_invalid_objects_are_reported_and_disturb_no_other_object(
    own_rig: Rig, operator: Operator, scenarios: tuple[Scenario, Scenario]
) -> None:
    beside, _ = scenarios
    for each in garbage_records(beside):
        beside.create(each)
    everything = [*poison.DEPLOYMENTS, *poison.STATUSES, *poison.VERSIONS]
    create_invalid(own_rig, [*(each.manifest for each in everything), a_holder_of(INVALID_HOLDER)])
    invalid_holder = beside.a_deployment(tag=INVALID_HOLDER) | {
        "metadata": {"name": INVALID_HOLDER, "namespace": BESIDE}
    }
    beside.create(invalid_holder)
    promote(scenarios, "1.0.0", "1.1.0")

    until_all_is_said(beside)
    resolved = conditions(beside)[INVALID_HOLDER]["TagResolved"]
    assert (resolved["status"], resolved["reason"]) == ("False", "HolderInvalid")
    says = f'{NAME}-6.6.7 has the tag "{INVALID_HOLDER}", but is invalid: spec.artifacts: must be a list'
    assert says in resolved["message"]

    # They disturb no start of the operator either.
    operator.restart()
    promote(scenarios, "1.1.0", "1.2.0")
    assert_at_rest(operator, beside)
    for scenario in scenarios:
        scenario.assert_left_alone()


def assert_at_rest(operator: Operator, scenario: Scenario) -> None:
    """Fail where more is repeated than the refused writes, once a minute, or where the log has a traceback."""
    until_all_is_said(scenario)
    before = len(requests(operator))
    scenario.stays(lambda: operator.alive, 15, "the operator")
    asked = requests(operator)[before:]
    reads = [each for each in asked if each["verb"] in ("get", "list")]
    assert len(reads) <= 5 * RESYNCED, "no more than the lists of four kinds in some rounds"
    ready = ready_of_versions(scenario)
    mute = [each.what for each in poison.VERSIONS if each.manifest["metadata"]["name"] not in ready]
    # Two more statuses cannot be written: of a version with a mark without support, and of the invalid holder.
    assert len(asked) - len(reads) <= len(WITHOUT_STATUS) + len(mute) + 2
    assert "Traceback" not in operator.log.read_text()
    port = operator.port
    _, metrics = operator.fetch("/metrics", port)
    assert 'pennant_reconcile_errors_total{kind="bug"} 0.0' in metrics
    assert 'pennant_reconcile_errors_total{kind="refused"} 0.0' not in metrics
    assert operator.fetch("/livez", port)[0] == 200
    assert operator.installation.refusals() == []


def requests(operator: Operator) -> list[Manifest]:
    """Return the requests of the operator so far, without watches and those of its Lease."""
    asked = operator.installation.requests()
    return [
        each
        for each in asked
        if each["verb"] != "watch" and each.get("objectRef", {}).get("resource") not in (None, "leases")
    ]
