"""The statuses of ModelVersions on the real control plane: what is said of a record, and how often it is written."""

import asyncio
import json
from collections import Counter

from cluster.stage import NAME, Manifest, Stage
from pennant.core.versions.record import record_digest
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind
from rig import Rig
from unit.api.examples import a_whole_version

MANY, CLIENTS = 1000, 16
VERSION = RESOURCES[Kind.MODEL_VERSION]
RECORD = {
    name: each
    for name, each in a_whole_version()["spec"].items()
    if name not in ("model", "version", "tags", "parent", "serving")
}
METRICS = [{"name": "auc", "value": "0.9", "split": split} for split in ("Validation", "Test")]


def status(stage: Stage, version: str) -> Manifest:
    found: Manifest = stage.get("modelversion", f"{NAME}-{version}").get("status", {})
    return found


def condition(stage: Stage, version: str, kind: str) -> tuple[str, str, str]:
    for each in status(stage, version).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each["reason"], each["message"]
    return "", "", ""


def until_bump(stage: Stage, version: str, bump: str, reason: str) -> None:
    def computed() -> bool:
        found = status(stage, version).get("computedBump", {})
        return found.get("bump") == bump and reason in found["reasons"]

    stage.until(computed, what=f"the bump {bump} of {version}: {status(stage, version)}")


def written(stage: Stage) -> Counter[str]:
    """Return how often the operator wrote the status of each version."""
    writes = (each["objectRef"] for each in stage.operator_writes())
    return Counter(each["name"] for each in writes if each["resource"] == "modelversions")


def test_a_record_is_judged_by_itself(stage: Stage) -> None:
    """Rule: R80."""
    stage.version("1.0.0", **RECORD | {"metrics": METRICS})
    stage.version("1.1.0", "staging", **RECORD | {"metrics": METRICS[:1], "author": None})
    stage.until(lambda: condition(stage, "1.0.0", "Complete")[0] == "True", what="a complete record")
    assert condition(stage, "1.0.0", "Ready") == ("True", "RecordValid", "the record is valid")
    assert condition(stage, "1.0.0", "Complete") == ("True", "RecordComplete", "all 9 elements are present")
    stage.until(lambda: condition(stage, "1.1.0", "Complete")[0] == "False", what="an incomplete record")
    assert condition(stage, "1.1.0", "Complete")[1:] == ("RecordIncomplete", "missing: Metrics, Author")
    assert condition(stage, "1.1.0", "Ready")[:2] == ("True", "RecordValid")
    assert status(stage, "1.1.0")["completeness"] == {"present": 7, "missing": ["Metrics", "Author"]}

    stored = stage.get("modelversion", f"{NAME}-1.0.0")
    assert stored["status"]["recordDigest"] == record_digest(stored["spec"])
    assert stored["status"]["observedGeneration"] == stored["metadata"]["generation"]
    header, *lines = stage.kubectl("get", "modelversions").splitlines()
    assert header.split() == ["NAME", "MODEL", "VERSION", "TAGS", "COMPLETE", "SERVING", "AGE"]
    assert [line.split()[3:5] for line in lines] == [["[]", "True"], ['["staging"]', "False"]]
    assert written(stage) == {f"{NAME}-1.0.0": 1, f"{NAME}-1.1.0": 1}

    digest = status(stage, "1.1.0")["recordDigest"]
    stage.version("1.1.0", "canary", **RECORD | {"metrics": METRICS[:1], "author": None})
    stage.until(lambda: status(stage, "1.1.0")["observedGeneration"] == 2, what="the next generation")
    assert status(stage, "1.1.0")["recordDigest"] == digest, "a tag is no part of the record"
    stage.assert_falls_silent()
    assert written(stage) == {f"{NAME}-1.0.0": 1, f"{NAME}-1.1.0": 2}


def test_the_bump_follows_the_parent_also_when_it_comes_later_or_goes(stage: Stage) -> None:
    """Rule: R81."""
    weights = {"artifacts": RECORD["artifacts"]}
    stage.version("2.0.0", **RECORD | {"parent": "1.0.0", "hyperparameters": [{"name": "depth", "value": "7"}]})
    until_bump(stage, "2.0.0", "Unknown", f"the parent {NAME}-1.0.0 does not exist")
    stage.version("1.0.0", **RECORD)
    until_bump(stage, "2.0.0", "Minor", "hyperparameters differ: depth")
    stage.version(
        "3.0.0", **RECORD | {"parent": "1.0.0", "schema": {"inputs": [], "outputs": [{"name": "s", "type": "x"}]}}
    )
    until_bump(stage, "3.0.0", "Major", "input x is gone")
    stage.version("1.0.1", **RECORD | {"parent": "1.0.0", "preprocessing": {"commit": "9999abc"}})
    until_bump(stage, "1.0.1", "Patch", "preprocessing differs")
    stage.version("1.0.2", **RECORD | {"parent": "1.0.0", "metrics": METRICS})
    until_bump(stage, "1.0.2", "None", "only metrics or documents differ")
    stage.version("1.0.3", **RECORD | {"parent": "1.0.0"})
    until_bump(stage, "1.0.3", "None", "a duplicate of 1.0.0: nothing differs")
    stage.version("1.0.4", **weights | {"parent": "1.0.0"})
    until_bump(stage, "1.0.4", "Unknown", "the training data is not recorded in 1.0.4")
    stage.version("1.0.0", "staging", **RECORD)
    stage.assert_falls_silent()
    assert written(stage)[f"{NAME}-1.0.3"] == 1, "a tag of the parent is nothing to its children"
    stage.delete("modelversion", f"{NAME}-1.0.0")
    until_bump(stage, "1.0.2", "Unknown", f"the parent {NAME}-1.0.0 does not exist")


def test_who_served_is_told_through_rollback_and_the_mark_of_quarantine_stays(rolled_back: Stage) -> None:
    """Rule: R82."""
    stage = rolled_back
    stage.until(
        lambda: ["verifiedAt" in each for each in status(stage, "1.0.0").get("servedBy", ())] == [True, True],
        what="1.0.0 known good again",
    )
    stage.until(lambda: "until" in status(stage, "1.1.0").get("servedBy", [{}])[-1], what="the end of 1.1.0")
    history = {each["revision"]: each for each in stage.history}
    good, bad = status(stage, "1.0.0"), status(stage, "1.1.0")
    assert (good["serving"], bad.get("serving")) == (NAME, None)
    ended_or_verified = {"until": "endedAt", "verifiedAt": "verifiedAt"}
    for version, revisions in ((good, (1, 3)), (bad, (2,))):
        assert version["servedBy"] == [
            {"deployment": NAME, "revision": number, "from": history[number]["availableAt"]}
            | {name: history[number][of] for name, of in ended_or_verified.items() if of in history[number]}
            for number in revisions
        ]
    stage.until(lambda: status(stage, "1.1.0").get("quarantinedBy"), what="the mark of quarantine")
    mark = status(stage, "1.1.0")["quarantinedBy"]

    generation = status(stage, "1.1.0")["observedGeneration"]
    stage.version("1.1.0", "production", "watched")
    stage.until(lambda: status(stage, "1.1.0")["observedGeneration"] > generation, what="a new judgement")
    assert status(stage, "1.1.0")["quarantinedBy"] == mark
    assert [mark["deployment"] for mark in mark] == [NAME]
    stage.assert_falls_silent()

    stage.delete("modeldeployment", NAME)
    stage.until(lambda: "serving" not in status(stage, "1.0.0"), what="the end of its serving")
    assert all("until" in each for each in status(stage, "1.0.0")["servedBy"])
    assert status(stage, "1.1.0")["quarantinedBy"] == mark


def test_a_thousand_versions_are_written_once_each_and_delay_no_promotion(serving: Stage) -> None:
    """Rule: R92.

    Rule: R79.
    """
    stage = serving
    stage.accuracy("1.1.0", 0.97)
    stage.version("1.1.0")
    # The parent comes first: a child that is there before it is judged twice, and rightly.
    asyncio.run(create(stage.rig, [many(stage, 0)]))
    asyncio.run(create(stage.rig, [many(stage, number) for number in range(1, MANY)]))
    stage.move_tag("1.0.0", "1.1.0")
    stage.until(lambda: stage.served() == "1.1.0", what="the promotion")
    stage.until(lambda: sum(name.startswith("many-") for name in written(stage)) == MANY, 150, "a status of every one")
    stage.until_verified("1.1.0")
    stage.assert_falls_silent()
    counts, bumps = written(stage), judged(stage)
    assert len(bumps) == MANY
    assert {counts[name] for name in bumps} == {1}
    assert all(bump["bump"] == "Minor" for name, bump in bumps.items() if not name.endswith("-0.0.0"))

    # Whoever starts among them finds nothing to say.
    before = len(stage.operator_writes())
    stage.operator.restart()
    stage.operator.wait_for("Leading")
    stage.accuracy("1.2.0", 0.98)
    stage.version("1.2.0")
    stage.until(lambda: condition(stage, "1.2.0", "Ready")[0] == "True", what="the judgement of the newest")
    assert len([each for each in stage.operator_writes()[before:] if "many-" in each["objectRef"]["name"]]) == 0


def many(stage: Stage, number: int) -> Manifest:
    spec = RECORD | {
        "model": "many",
        "version": f"0.0.{number}",
        "hyperparameters": [{"name": "n", "value": str(number)}],
    }
    if number:
        spec["parent"] = "0.0.0"
    metadata = {"name": f"many-0.0.{number}", "namespace": stage.namespace}
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


def judged(stage: Stage) -> dict[str, Manifest]:
    """Return the bumps of the many versions of which something is said already."""
    found = json.loads(stage.kubectl("get", "modelversions", "-o", "json", "--field-selector=spec.model=many"))["items"]
    said = {each["metadata"]["name"]: each["status"] for each in found if each.get("status", {}).get("conditions")}
    return {name: each.get("computedBump", {}) for name, each in said.items()}
