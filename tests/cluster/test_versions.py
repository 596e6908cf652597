"""The statuses of ModelVersions on the real control plane, and how often each is written."""

import asyncio
from collections import Counter

from cluster.scenario import NAME, Manifest, Scenario
from pennant.core.versions.record import record_digest
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind
from rig import Rig
from unit.api.examples import a_whole_version

MANY, CLIENTS = 300, 16
VERSION = RESOURCES[Kind.MODEL_VERSION]
RECORD = {
    name: each
    for name, each in a_whole_version()["spec"].items()
    if name not in ("model", "version", "tags", "parent", "serving")
}
METRICS: list[Manifest] = [{"name": "auc", "value": "0.9", "split": split} for split in ("Validation", "Test")]
INCOMPLETE = {name: each for name, each in RECORD.items() if name != "author"} | {"metrics": METRICS[:1]}


def status(scenario: Scenario, version: str) -> Manifest:
    found: Manifest = scenario.get("modelversion", f"{NAME}-{version}").get("status", {})
    return found


def condition(scenario: Scenario, version: str, kind: str) -> tuple[str, str, str]:
    for each in status(scenario, version).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each["reason"], each["message"]
    return "", "", ""


def until_bump(scenario: Scenario, version: str, bump: str, reason: str) -> None:
    def computed() -> bool:
        found = status(scenario, version).get("computedBump", {})
        return found.get("bump") == bump and reason in found["reasons"]

    scenario.until(computed, what=f"the bump {bump} of {version}: {status(scenario, version)}")


def written(scenario: Scenario) -> Counter[str]:
    """Return how often the operator wrote the status of each version."""
    writes = (each["objectRef"] for each in scenario.operator_writes())
    return Counter(each["name"] for each in writes if each["resource"] == "modelversions")


def test_a_record_is_judged_by_itself(scenario: Scenario) -> None:
    """Rule: R80."""
    scenario.version("1.0.0", **RECORD | {"metrics": METRICS})
    scenario.version("1.1.0", "staging", **INCOMPLETE)
    scenario.until(lambda: condition(scenario, "1.0.0", "Complete")[0] == "True", what="a complete record")
    assert condition(scenario, "1.0.0", "Ready") == ("True", "RecordValid", "the record is valid")
    assert condition(scenario, "1.0.0", "Complete") == ("True", "RecordComplete", "all 9 elements are present")
    scenario.until(lambda: condition(scenario, "1.1.0", "Complete")[0] == "False", what="an incomplete record")
    assert condition(scenario, "1.1.0", "Complete")[1:] == (
        "RecordIncomplete",
        "missing: Metrics (on validation data and on test data), Author",
    )
    assert condition(scenario, "1.1.0", "Ready")[:2] == ("True", "RecordValid")
    assert status(scenario, "1.1.0")["completeness"] == {"present": 7, "missing": ["Metrics", "Author"]}

    stored = scenario.get("modelversion", f"{NAME}-1.0.0")
    assert stored["status"]["recordDigest"] == record_digest(stored["spec"])
    assert stored["status"]["observedGeneration"] == stored["metadata"]["generation"]
    header, *lines = scenario.kubectl("get", "modelversions").splitlines()
    assert header.split() == ["NAME", "MODEL", "VERSION", "TAGS", "COMPLETE", "SERVING", "AGE"]
    assert [line.split()[3:5] for line in lines] == [["[]", "True"], ['["staging"]', "False"]]
    assert written(scenario) == {f"{NAME}-1.0.0": 1, f"{NAME}-1.1.0": 1}

    digest = status(scenario, "1.1.0")["recordDigest"]
    scenario.version("1.1.0", "canary", **INCOMPLETE)
    scenario.until(lambda: status(scenario, "1.1.0")["observedGeneration"] == 2, what="the next generation")
    assert status(scenario, "1.1.0")["recordDigest"] == digest, "a tag is no part of the record"
    scenario.assert_falls_silent()
    assert written(scenario) == {f"{NAME}-1.0.0": 1, f"{NAME}-1.1.0": 2}


def test_the_bump_follows_the_parent_also_when_it_comes_later_or_goes(scenario: Scenario) -> None:
    """Rule: R81."""
    weights = {"artifacts": RECORD["artifacts"]}
    scenario.version("2.0.0", **RECORD | {"parent": "1.0.0", "hyperparameters": [{"name": "depth", "value": "7"}]})
    until_bump(scenario, "2.0.0", "Unknown", f"the parent {NAME}-1.0.0 does not exist")
    scenario.version("1.0.0", **RECORD)
    until_bump(scenario, "2.0.0", "Minor", "hyperparameters differ: depth")
    scenario.version(
        "3.0.0", **RECORD | {"parent": "1.0.0", "schema": {"inputs": [], "outputs": [{"name": "s", "type": "x"}]}}
    )
    until_bump(scenario, "3.0.0", "Major", "input x was removed")
    scenario.version("1.0.1", **RECORD | {"parent": "1.0.0", "preprocessing": {"commit": "9999abc"}})
    until_bump(scenario, "1.0.1", "Patch", "preprocessing differs")
    scenario.version("1.0.2", **RECORD | {"parent": "1.0.0", "metrics": METRICS})
    until_bump(scenario, "1.0.2", "None", "only metrics or documents differ")
    scenario.version("1.0.3", **RECORD | {"parent": "1.0.0"})
    until_bump(scenario, "1.0.3", "None", "duplicate of 1.0.0: nothing differs")
    scenario.version("1.0.4", **weights | {"parent": "1.0.0"})
    until_bump(scenario, "1.0.4", "Unknown", "a data set with the role Training is missing in 1.0.4")
    scenario.version("1.0.0", "staging", **RECORD)
    scenario.assert_falls_silent()
    assert written(scenario)[f"{NAME}-1.0.3"] == 1, "a tag of the parent is nothing to its children"
    scenario.delete("modelversion", f"{NAME}-1.0.0")
    until_bump(scenario, "1.0.2", "Unknown", f"the parent {NAME}-1.0.0 does not exist")


def test_hundreds_of_versions_are_written_once_each_and_delay_no_promotion(serving: Scenario) -> None:
    """Rule: R92.

    Rule: R79.
    """
    scenario = serving
    scenario.accuracy("1.1.0", 0.97)
    scenario.version("1.1.0")
    # The parent comes first: a child that is there before it is judged twice, and rightly.
    asyncio.run(create(scenario.rig, [many(scenario, 0)]))
    asyncio.run(create(scenario.rig, [many(scenario, number) for number in range(1, MANY)]))
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until(lambda: scenario.served() == "1.1.0", what="the promotion")
    scenario.until(
        lambda: sum(name.startswith("many-") for name in written(scenario)) == MANY, 150, "a status of every one"
    )
    scenario.until_verified("1.1.0")
    scenario.assert_falls_silent()
    counts, bumps = written(scenario), judged(scenario)
    assert len(bumps) == MANY
    assert {counts[name] for name in bumps} == {1}
    assert all(bump["bump"] == "Minor" for name, bump in bumps.items() if not name.endswith("-0.0.0"))

    # Whoever starts among them finds nothing to say.
    before = len(scenario.operator_writes())
    scenario.operator.restart()
    scenario.operator.wait_for("Leading")
    scenario.accuracy("1.2.0", 0.98)
    scenario.version("1.2.0")
    scenario.until(lambda: condition(scenario, "1.2.0", "Ready")[0] == "True", what="the judgement of the newest")
    assert len([each for each in scenario.operator_writes()[before:] if "many-" in each["objectRef"]["name"]]) == 0


def many(scenario: Scenario, number: int) -> Manifest:
    spec = RECORD | {
        "model": "many",
        "version": f"0.0.{number}",
        "hyperparameters": [{"name": "n", "value": str(number)}],
    }
    if number:
        spec["parent"] = "0.0.0"
    metadata = {"name": f"many-0.0.{number}", "namespace": scenario.namespace}
    return {"apiVersion": VERSION.api_version, "kind": Kind.MODEL_VERSION, "metadata": metadata, "spec": spec}


async def create(rig: Rig, manifests: list[Manifest]) -> None:
    """Create all of them by several clients at once."""
    left = iter(manifests)

    async def some(client: Client) -> None:
        for each in left:
            path = VERSION.path(each["metadata"]["namespace"])
            await client.request(ApiVerb.CREATE, Kind.MODEL_VERSION, path, body=each)

    async with Client(Connection(str(rig.kubeconfig))) as client, asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(some(client))


def judged(scenario: Scenario) -> dict[str, Manifest]:
    """Return the bumps of the many versions of which something is said already."""
    found = [each for each in scenario.all_of("modelversion") if each["spec"]["model"] == "many"]
    said = {each["metadata"]["name"]: each["status"] for each in found if each.get("status", {}).get("conditions")}
    return {name: each.get("computedBump", {}) for name, each in said.items()}
