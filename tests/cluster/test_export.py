"""A history is exported, everything is deleted as in a cluster that is built again, and the export is restored.

Rule: R140.
Rule: R144.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.plugin import kubectl_pennant
from cluster.scenario import NAME, Manifest, Scenario
from cluster.test_restoration import delete_all, labels_of_replica_sets
from rig import Rig

REBUILT = ("history", "quarantine")


@dataclass(slots=True)
class Somewhere:
    """A namespace of the control plane."""

    rig: Rig
    namespace: str


@pytest.fixture
def at_rest(rolled_back: Scenario) -> Scenario:
    """Return a scenario in which the tag asks for 1.1.0, which was found bad."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.assert_falls_silent()
    return rolled_back


def run(scenario: Scenario, *args: str) -> str:
    code, out, err = kubectl_pennant(scenario, *args)
    scenario.touched_at = datetime.now(UTC)
    assert code == 0, f"{out}\n{err}\n{scenario.report()}"
    return out


def lines(does: str, suffix: str = "", revisions: Sequence[int] = (1, 2, 3)) -> list[str]:
    records = [f"controllerrevision.apps/{NAME}-{number}" for number in revisions]
    versions = [f"modelversion.pennant.dev/{NAME}-{version}" for version in ("1.0.0", "1.1.0")]
    return [f"{each} {does}{suffix}" for each in (*records, *versions, f"modeldeployment.pennant.dev/{NAME}")]


def marked(told: list[str]) -> list[str]:
    """Return the lines about objects without those about marks, of which each ModelVersion has one."""
    marks = [each for each in told if " marked" in each]
    assert [each.partition(" ")[0] for each in marks] == [
        f"modelversion.pennant.dev/{NAME}-{version}" for version in ("1.0.0", "1.1.0")
    ]
    return [each for each in told if each not in marks]


def periods(version: Manifest) -> list[tuple[Any, ...]]:
    return [(each["revision"], each["from"], each.get("verifiedAt")) for each in version["status"]["servedBy"]]


def test_what_is_exported_and_restored_in_a_cluster_built_again_is_what_it_was(
    at_rest: Scenario, tmp_path: Path
) -> None:
    before, served = at_rest.status, periods(at_rest.get("modelversion", f"{NAME}-1.0.0"))
    file = tmp_path / "fraud.json"
    run(at_rest, "export", NAME, "--output-file", str(file))
    assert json.loads(file.read_text())["deployment"]["history"] == before["history"]
    assert run(at_rest, "restore", str(file)).splitlines() == lines("unchanged"), "nothing is missing"

    delete_all(at_rest)
    assert marked(run(at_rest, "restore", str(file), "--dry-run=client").splitlines()) == lines("created", " (dry run)")
    told = run(at_rest, "restore", str(file), "--dry-run=server").splitlines()
    assert marked(told) == lines("created", " (server dry run)")
    assert at_rest.left() == [], "dry runs create nothing"

    assert marked(run(at_rest, "restore", str(file)).splitlines()) == lines("created")
    at_rest.until(lambda: at_rest.history == before["history"], what="the whole history as it was")
    at_rest.until(lambda: at_rest.condition("RolledBack") == ("True", "MetricBreach"))
    at_rest.until(lambda: len(at_rest.pods("1.0.0")) == 1)
    at_rest.stays(lambda: not at_rest.pods("1.1.0"), 2, "no pod of what is bad")
    assert {each["pennant.dev/version"] for each in labels_of_replica_sets(at_rest)} == {"1.0.0"}
    assert {name: at_rest.status[name] for name in REBUILT} == {name: before[name] for name in REBUILT}
    assert at_rest.condition("HistoryIntact") == ("True", "HistoryConsistent")
    assert f"{NAME}: intact" in run(at_rest, "audit", NAME, "--verify")
    at_rest.until(lambda: set(periods(at_rest.get("modelversion", f"{NAME}-1.0.0"))) >= set(served))

    assert run(at_rest, "restore", str(file)).splitlines() == lines("unchanged")
    at_rest.assert_falls_silent()
    again = tmp_path / "again.json"
    run(at_rest, "export", NAME, "--output-file", str(again))
    one, other = (json.loads(each.read_text())["deployment"] for each in (file, again))
    assert {**one, "annotations": {}} == {**other, "annotations": {}}
    assert_a_retry_is_not_taken_back(at_rest, file)


def assert_a_retry_is_not_taken_back(scenario: Scenario, file: Path) -> None:
    """A version that was released since is not quarantined again by the older document."""
    scenario.accuracy("1.1.0", 0.97)
    run(scenario, "retry", NAME, "1.1.0")
    scenario.until_verified("1.1.0")
    scenario.assert_falls_silent()
    assert run(scenario, "restore", str(file)).splitlines() == lines("unchanged")
    scenario.assert_silent()
    assert scenario.quarantined() == []


def test_the_deployment_may_be_applied_later_and_in_another_namespace(at_rest: Scenario, tmp_path: Path) -> None:
    before, file = at_rest.status, tmp_path / "fraud.json"
    file.write_text(run(at_rest, "export", f"modeldeployment/{NAME}"))
    other = Scenario(at_rest.rig, f"{at_rest.namespace}-b", tmp_path / "other", at_rest.operator)
    (tmp_path / "other" / "1.0.0.accuracy").write_text("0.95")
    (tmp_path / "other" / "1.1.0.accuracy").write_text("0.5")
    try:
        told = run(other, "restore", str(file), "--without-deployment").splitlines()
        assert marked(told) == lines("created")[:-1]
        assert not other.exists("modeldeployment", NAME)
        other.create(bare(at_rest.get("modeldeployment"), other.namespace))
        other.until(lambda: other.history[:3] == before["history"], what="the history of the other namespace")
        assert other.quarantined() == [("1.1.0", "MetricBreach")]
        other.until(lambda: other.pods("1.0.0"))
        assert other.condition("HistoryIntact") == ("True", "HistoryConsistent")
        assert not other.pods("1.1.0")
    finally:
        other.end()


def bare(found: Manifest, namespace: str) -> Manifest:
    metadata = {"name": found["metadata"]["name"], "namespace": namespace}
    return {
        "apiVersion": "pennant.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": metadata,
        "spec": found["spec"],
    }


def test_what_is_missing_for_a_restore_is_named_and_the_next_run_continues(at_rest: Scenario, tmp_path: Path) -> None:
    at_rest.deployment(historyLimit=2)
    at_rest.until(lambda: [each["revision"] for each in at_rest.history] == [2, 3], what="the limit of the history")
    at_rest.assert_falls_silent()
    before, file = at_rest.status, tmp_path / "fraud.json"
    run(at_rest, "export", NAME, "--output-file", str(file))
    delete_all(at_rest)
    created, unchanged = (lines(does, revisions=(2, 3)) for does in ("created", "unchanged"))
    kinds = ("controllerrevisions.apps", "modelversions.pennant.dev", "modeldeployments.pennant.dev")
    at_rest.kubectl("create", "serviceaccount", "ada")
    at_rest.kubectl("create", "role", "makes", "--verb=get,list,create", f"--resource={','.join(kinds)}")
    at_rest.kubectl("create", "rolebinding", "makes", "--role=makes", f"--serviceaccount={at_rest.namespace}:ada")
    ada = at_rest.rig.kubeconfig_for(at_rest.namespace, "ada")
    code, out, err = kubectl_pennant(at_rest, "restore", str(file), kubeconfig=ada)
    assert code == 1
    assert err.startswith(f"error: modelversion.pennant.dev/{NAME}-1.0.0: "), err
    assert 'cannot patch resource "modelversions/status"' in err
    assert err.endswith("What was restored stays; run the same command again\n"), err
    assert out.splitlines() == created[:3]
    assert not at_rest.exists("modeldeployment", NAME), "it would roll out what has no mark yet"

    nowhere = Somewhere(at_rest.rig, "no-such-namespace")
    code, out, err = kubectl_pennant(nowhere, "restore", str(file))
    assert (code, out) == (1, "")
    assert err.endswith(
        'namespaces "no-such-namespace" not found. Create it: kubectl create namespace no-such-namespace\n'
    )

    told = run(at_rest, "restore", str(file)).splitlines()
    assert marked(told) == [*unchanged[:3], *created[3:]]
    at_rest.until(lambda: at_rest.history == before["history"], what="the whole history as it was")
    assert at_rest.quarantined() == [("1.1.0", "MetricBreach")]
