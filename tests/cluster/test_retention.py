"""Retention and the archive on the real control plane: what is reported, what is deleted, and what remains of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.plugin import kubectl_pennant
from cluster.scenario import NAME, Manifest, Scenario
from cluster.test_versions import condition
from pennant.cli.auditing import archived
from pennant.cli.auditing.archived import Found
from pennant.core.facts.observation import Key
from rig import Rig

VALUES = {"archive": {"persistentVolumeClaim": "disk"}, "retention": {"delete": True}}
TRACKED = {"argocd.argoproj.io/tracking-id": f"shop:pennant.dev/ModelVersion:default/{NAME}-0.2.0"}
LIMITS = {"keepLast": 1, "action": "Delete"}
OFF = {"PENNANT_ARCHIVE": "", "PENNANT_RETENTION_DELETES": "false"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    directory = tmp_path / "archive"
    directory.mkdir()
    return directory


@pytest.fixture
def keeper(rig: Rig, operator: Operator, tmp_path: Path, archive: Path, scenario: Scenario) -> Iterator[Operator]:
    """Return an operator with the rights of a chart that deletes versions, and an archive; it is not started."""
    operator.stop()
    directory = tmp_path / "keeper"
    directory.mkdir()
    installed = install(rig, directory, release="keeper", namespace="keeper", values=VALUES)
    settings = {"PENNANT_ARCHIVE": str(archive), "PENNANT_RETENTION_SECONDS": "1"}
    scenario.operator = Operator(rig, directory / "operator", installed, **settings)
    yield scenario.operator
    if scenario.operator.process is not None:
        scenario.operator.stop()
    scenario.operator = operator
    operator.start()


def expired(scenario: Scenario, version: str) -> tuple[str, str]:
    return condition(scenario, version, "Expired")[:2]


def names(scenario: Scenario) -> set[str]:
    return {each["spec"]["version"] for each in scenario.all_of("modelversion")}


def found(archive: Path, scenario: Scenario, at: Manifest | None = None) -> tuple[Found, ...]:
    directory = archived.deployment(str(archive), Key(scenario.namespace, NAME), scenario.touched_at)
    assert directory.problems == ()
    return archived.revisions(directory)


def several(scenario: Scenario) -> None:
    """Apply versions that nothing needs, some that something keeps, and one that serves."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("0.1.0")
    managed = scenario.a_version("0.2.0")
    managed["metadata"]["annotations"] = TRACKED
    scenario.apply(managed)
    scenario.version("0.3.0", "staging")
    scenario.version("0.4.0", retention={"legalHold": True})
    scenario.version("1.0.0", "production", parent="0.5.0")
    scenario.version("0.5.0")
    scenario.version("0.6.0")


def test_versions_are_reported_refused_and_deleted_after_their_export(
    scenario: Scenario, keeper: Operator, archive: Path
) -> None:
    """Rule: R190.

    Rule: R193.
    """
    without = Operator(keeper.rig, keeper.directory / "without", keeper.installation, **keeper.environment | OFF)
    without.start()
    several(scenario)
    scenario.deployment(retention=LIMITS | {"action": "Report"})
    scenario.until_verified("1.0.0")
    scenario.version("2.0.0")
    scenario.until(lambda: expired(scenario, "0.6.0") == ("True", "RetentionExceeded"), what="a report")
    scenario.deployment(retention=LIMITS)
    scenario.until(lambda: expired(scenario, "0.6.0") == ("True", "DeletionRefused"), what="a refusal")
    assert "the operator has no archive" in condition(scenario, "0.6.0", "Expired")[2]
    kept = {
        "0.2.0": "Argo CD (application shop) manages it",
        "0.3.0": "it has the tag staging",
        "0.4.0": "spec.retention.legalHold is set",
        "0.5.0": "it is the parent of 1.0.0",
        "1.0.0": "ModelDeployment fraud serves it",
    }
    for version, why in kept.items():
        assert expired(scenario, version) == ("False", "Kept")
        assert why in condition(scenario, version, "Expired")[2]
    assert expired(scenario, "2.0.0") == ("", "")
    code, shown, _ = kubectl_pennant(scenario, "versions", NAME)
    assert code == 0
    assert "not deleted: the operator has no archive" in shown
    without.stop()

    keeper.start()
    scenario.until(lambda: names(scenario) == {*kept, "2.0.0"}, what="the deletions")
    for each in ("0.1.0", "0.6.0"):
        del scenario.applied[f"ModelVersion/{NAME}-{each}"]
        code, shown, _ = kubectl_pennant(scenario, "audit", f"mver/{NAME}-{each}", "--archive", str(archive))
        assert code == 0, shown
        assert "deleted; its record was exported on" in shown
        assert "(matches the record)" in shown


def test_each_revision_is_archived_over_crashes_and_a_deletion(
    scenario: Scenario, keeper: Operator, archive: Path
) -> None:
    """Rule: R195.

    Rule: R198.
    """
    keeper.start()
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment(historyLimit=2, rollback={"budget": {"count": 1, "windowSeconds": 1}})
    scenario.until_verified("1.0.0")
    scenario.until(lambda: scenario.status.get("archived") == {"recorded": 1, "ended": 0}, what="the first revision")
    archive.rename(archive.with_name("away"))
    scenario.accuracy("1.1.0", 0.5)
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until_rolled_back_to("1.0.0")
    assert [each["revision"] for each in scenario.history] == [1, 2, 3], "more than historyLimit"
    keeper.kill()
    archive.with_name("away").rename(archive)
    keeper.start()
    # The rollback target stays, and the revision between is removed.
    scenario.until(lambda: [each["revision"] for each in scenario.history] == [1, 3], what="the limit")
    scenario.until(lambda: scenario.status["archived"] == {"recorded": 3, "ended": 2}, what="the archive")
    entries = [each.entry for each in found(archive, scenario)]
    assert [(each.revision, each.version, each.outcome.value) for each in entries[:2]] == [
        (1, "1.0.0", "Superseded"),
        (2, "1.1.0", "RolledBack"),
    ]
    assert entries[1].evidence
    code, shown, _ = kubectl_pennant(scenario, "audit", NAME, "--archive", str(archive), "--verify")
    assert code == 0, shown
    assert "4 revisions" not in shown
    assert "3 revisions are in the archive, 2 in the cluster, 2 in both." in shown

    scenario.delete("modeldeployment", NAME)
    del scenario.applied[f"ModelDeployment/{NAME}"]
    scenario.until(lambda: found(archive, scenario)[-1].deleted_at is not None, what="the deletion")
    code, shown, _ = kubectl_pennant(scenario, "audit", NAME, "--archive", str(archive), "-o", "csv")
    assert code == 0, shown
    assert len({line.split(",")[3] for line in shown.splitlines()[1:]} - {""}) == 3, "three revisions"
