"""Objects that passed no validation: each ends as a condition. One object's trouble delays no other.

The schema is relaxed, the objects are created, and it is tightened again: as if they came from a backup, or from a time
before a rule. The control plane and the operator are this test's own.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.stage import NAME, Manifest, Stage
from pennant.api.crd import crds
from pennant.runtime.app import RECURSION_LIMIT
from rig import Rig
from unit.api import poison
from unit.api.poison import Poisoned

BESIDE, ELSEWHERE = "beside", "elsewhere"
OPEN = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
# Three kinds, each on one page.
RESYNCED = 3
MUTE = [each for each in poison.DEPLOYMENTS if each.is_mute]
# Follows a tag that only a version without a readable record carries.
UNLUCKY = "unlucky"


def define(rig: Rig, definitions: list[Manifest]) -> None:
    rig.kubectl("replace", "-f", "-", stdin=listed(definitions))
    rig.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


def listed(manifests: list[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


def relaxed(definition: Manifest) -> Manifest:
    """Return the definition of a kind that may be anything."""
    (version,) = definition["spec"]["versions"]
    known = {name: version[name] for name in ("name", "served", "storage")}
    return {**definition, "spec": {**definition["spec"], "versions": [{**known, "schema": OPEN}]}}


def smuggle(rig: Rig, manifests: list[Manifest]) -> None:
    """Create objects that the schema would not let in."""
    define(rig, [relaxed(each) for each in crds().values()])
    for each in manifests:
        # One by one: all together they are larger than kubectl's patience.
        rig.kubectl("create", "-n", BESIDE, "--validate=false", "-f", "-", stdin=json.dumps(each))
    define(rig, list(crds().values()))


def a_holder_of(tag: str) -> Manifest:
    wrong = next(each for each in poison.VERSIONS if each.what == "artifacts a string")
    spec = wrong.manifest["spec"] | {"version": "6.6.7", "tags": [tag]}
    return wrong.manifest | {"metadata": {"name": f"{NAME}-6.6.7"}, "spec": spec}


def garbage_records(stage: Stage) -> list[Manifest]:
    """Return ControllerRevisions that have the names of the next revisions, or say that they are ours."""
    owner = stage.get("modeldeployment")["metadata"]
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
def stages(own_rig: Rig, operator: Operator, tmp_path: Path) -> tuple[Stage, Stage]:
    """Return two namespaces in each of which 1.0.0 is known good; the objects are smuggled into the first."""
    played = tuple(Stage(own_rig, name, tmp_path / name, operator) for name in (BESIDE, ELSEWHERE))
    for stage in played:
        stage.accuracy("1.0.0", 0.95)
        stage.version("1.0.0", "production")
        stage.deployment()
    for stage in played:
        stage.until_verified("1.0.0")
    beside, elsewhere = played
    return beside, elsewhere


def promote(stages: tuple[Stage, Stage], old: str, new: str) -> None:
    for stage in stages:
        stage.accuracy(new, 0.97)
        stage.version(new)
        stage.move_tag(old, new)
    for stage in stages:
        stage.until_verified(new)
        assert stage.condition("Ready") == ("True", "Serving")
        assert stage.served() == new


def conditions(stage: Stage) -> dict[str, dict[str, Manifest]]:
    """Return the conditions of all ModelDeployments by name and type."""
    found = stage.all_of("modeldeployment")
    return {each["metadata"]["name"]: by_type(each.get("status")) for each in found}


def by_type(status: Any) -> dict[str, Manifest]:
    """Return the conditions of a status, which may be anything as long as one that was smuggled in is not put right."""
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


def unsaid(stage: Stage) -> list[str]:
    """Return what is wrong and not yet said in a condition, or where there can be none, in an Event."""
    found = conditions(stage)
    events = json.loads(stage.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
    reasons = ("InvalidSpec", "StatusUnreadable")
    told = {each["regarding"]["name"]: each["note"] for each in events if each["reason"] in reasons}
    missing = [each for each in poison.DEPLOYMENTS if not each.is_mute and not is_said(each, found, "InvalidSpec")]
    missing += [each for each in MUTE if each.says not in told.get(each.manifest["metadata"]["name"], "")]
    return [
        *(each.what for each in missing),
        *(f"version with {each}" for each in unsaid_of_versions(stage, told)),
        *(each.what for each in poison.STATUSES if not is_said_of_status(each, found, told)),
    ]


# What the API server leaves out when it reads the object again under the schema; then only the name is wrong.
READ_WELL = frozenset({"tags null", "datasets null", "nested deeply"})


def unsaid_of_versions(stage: Stage, told: dict[str, str]) -> list[str]:
    """Return what is wrong with versions and is said in no condition, nor where there can be none, in an Event."""
    ready = ready_of_versions(stage)
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


def ready_of_versions(stage: Stage) -> dict[str, Manifest]:
    """Return the condition Ready of all ModelVersions that have one."""
    found = stage.all_of("modelversion")
    statuses = {each["metadata"]["name"]: each.get("status") for each in found}
    return {
        name: each
        for name, status in statuses.items()
        if isinstance(status, dict)
        for each in status.get("conditions", [])
        if each["type"] == "Ready"
    }


def until_all_is_said(stage: Stage, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while missing := unsaid(stage):
        assert time.monotonic() < deadline, f"nothing is said of: {', '.join(missing)}"
        time.sleep(0.5)


def test_what_was_smuggled_in_is_said_and_disturbs_nobody(
    own_rig: Rig, operator: Operator, stages: tuple[Stage, Stage]
) -> None:
    beside, _ = stages
    beside.kubectl("create", "-f", "-", stdin=listed(garbage_records(beside)))
    everything = [*poison.DEPLOYMENTS, *poison.STATUSES, *poison.VERSIONS]
    smuggle(own_rig, [*(each.manifest for each in everything), a_holder_of(UNLUCKY)])
    unlucky = beside.a_deployment(tag=UNLUCKY) | {"metadata": {"name": UNLUCKY, "namespace": BESIDE}}
    beside.kubectl("apply", "-f", "-", stdin=json.dumps(unlucky))
    promote(stages, "1.0.0", "1.1.0")

    until_all_is_said(beside)
    resolved = conditions(beside)[UNLUCKY]["TagResolved"]
    assert (resolved["status"], resolved["reason"]) == ("False", "HolderInvalid")
    assert f"{NAME}-6.6.7 holds the tag {UNLUCKY}, but spec.artifacts: must be a list" in resolved["message"]

    # Whoever starts among them is not disturbed either.
    operator.restart()
    promote(stages, "1.1.0", "1.2.0")
    assert_at_rest(operator, beside)
    for stage in stages:
        stage.assert_left_alone()


def assert_at_rest(operator: Operator, stage: Stage) -> None:
    """Only what is refused is tried again, each once a minute, and nothing was an accident."""
    until_all_is_said(stage)
    before = len(requests(operator))
    stage.stays(lambda: operator.alive, 15, "the operator")
    asked = requests(operator)[before:]
    reads = [each for each in asked if each["verb"] in ("get", "list")]
    assert len(reads) <= 4 * RESYNCED, "no more than the lists of some rounds"
    ready = ready_of_versions(stage)
    mute = [each.what for each in poison.VERSIONS if each.manifest["metadata"]["name"] not in ready]
    # The mark that nothing supports is on a version whose status cannot be written either; so may be the unlucky one's.
    assert len(asked) - len(reads) <= len(MUTE) + len(mute) + 2
    assert "Traceback" not in operator.log.read_text()
    port = operator.port
    _, metrics = operator.fetch("/metrics", port)
    assert 'pennant_reconcile_errors_total{kind="bug"} 0.0' in metrics
    assert 'pennant_reconcile_errors_total{kind="refused"} 0.0' not in metrics
    assert operator.fetch("/livez", port)[0] == 200
    assert operator.installation.refusals() == []


def requests(operator: Operator) -> list[Manifest]:
    """Return what the operator has asked so far; watches and its Lease aside."""
    asked = operator.installation.requests()
    return [
        each
        for each in asked
        if each["verb"] != "watch" and each.get("objectRef", {}).get("resource") not in (None, "leases")
    ]
