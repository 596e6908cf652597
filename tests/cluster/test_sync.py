"""`pennant sync` on a real API server: its rights suffice and are used, and the operator promotes what it tags."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.governance import GOVERNANCE, _list, govern
from cluster.scenario import NAME, Scenario
from cluster.sync_process import SyncProcess, holders, is_held_by
from pennant.kube.permissions import SYNC, SYNC_TAGS
from unit.registries.fake_mlflow import Answer, FakeMlflow, served

API = "/api/2.0/mlflow"
TOKEN = "token-that-nobody-may-read"
PROMOTE = {"apiGroups": ["pennant.dev"], "resources": ["tags"], "resourceNames": ["production"], "verbs": ["promote"]}


class Registry(FakeMlflow):
    """An MLflow server with versions of one model, of which one has the alias `champion`."""

    def __init__(self, *versions: str) -> None:
        super().__init__(answers={})
        self.versions, self.champion = list(versions), versions[0]

    def reply(self, target: str) -> Answer:
        path = target.partition("?")[0].removeprefix(API)
        if self.faults or self.broken:
            return super().reply(target)
        model = {
            "name": NAME,
            "last_updated_timestamp": len(self.versions),
            "aliases": [{"alias": "champion", "version": self.champion}],
        }
        listed = [self._version(each) for each in reversed(self.versions)]
        found: dict[str, Any] = {
            "/registered-models/search": {"registered_models": [model]},
            "/registered-models/get": {"registered_model": model},
            "/model-versions/search": {"model_versions": listed},
        }
        return Answer(200, json.dumps(found[path])) if path in found else super().reply(target)

    @staticmethod
    def _version(version: str) -> dict[str, Any]:
        source = f"file:///models/{NAME}/{version}"
        return {"name": NAME, "version": version, "creation_timestamp": 1767225600000, "source": source}


@pytest.fixture
def registry() -> Registry:
    return Registry("1", "2")


@pytest.fixture
def address(registry: Registry) -> Iterator[str]:
    with served(registry) as url:
        yield url


@pytest.fixture
def sync(scenario: Scenario, address: str, tmp_path: Path) -> Iterator[SyncProcess]:
    settings = {"name": "mlflow", "address": address, "versions": "All", "aliases": {"champion": "production"}}
    process = SyncProcess(scenario, tmp_path / "sync", settings | {"credentials": {"secretName": "login"}})
    token = tmp_path / "sync" / "credentials" / "mlflow" / "MLFLOW_TRACKING_TOKEN"
    token.parent.mkdir()
    token.write_text(TOKEN)
    process.start()
    yield process
    process.kill()


def tags(scenario: Scenario, version: str) -> list[str]:
    found: list[str] = scenario.get("modelversion", f"{NAME}-{version}")["spec"].get("tags", [])
    return found


def test_an_alias_that_moves_is_promoted_and_a_bad_version_is_rolled_back(
    scenario: Scenario, sync: SyncProcess, registry: Registry
) -> None:
    """Rule: R100, R201, R203, R207."""
    scenario.accuracy("1", 0.95)
    scenario.deployment()
    scenario.until_verified("1")
    entry = scenario.history[-1]
    assert (entry["trigger"], entry["actor"]) == ("TagMoved", "pennant-sync-mlflow")

    registry.versions.append("3")
    scenario.accuracy("3", 0.5)
    registry.champion = "3"
    scenario.until_rolled_back_to("1")
    scenario.until_told("AliasMoved")
    assert holders(scenario) == ["3"], "the tag stays where the alias is"
    assert scenario.quarantined() == [("3", "MetricBreach")]

    # It is neither moved back nor moved again.
    asked = len(registry.asked)
    scenario.until(lambda: len(registry.asked) > asked + 3, what="a few polls")
    writes = [each for each in sync.requests() if each[0] in ("create", "patch", "update", "delete")]
    scenario.until(lambda: len(registry.asked) > asked + 8, what="a few polls")
    assert [each for each in sync.requests() if each[0] in ("create", "patch", "update", "delete")] == writes
    assert holders(scenario) == ["3"]

    # A user goes back by hand, and sync leaves that alone until the alias moves.
    scenario.rig.kubectl("patch", "modelversion", f"{NAME}-3", "-n", scenario.namespace, "--type=merge", "-p", _tags())
    scenario.rig.kubectl(
        "patch", "modelversion", f"{NAME}-1", "-n", scenario.namespace, "--type=merge", "-p", _tags("production")
    )
    scenario.until(lambda: scenario.condition("Ready") == ("True", "Serving"))
    scenario.stays(lambda: holders(scenario) == ["1"], 12, "the tag that a user moved")
    scenario.accuracy("2", 0.95)
    registry.champion = "2"
    scenario.until_verified("2")
    assert holders(scenario) == ["2"]
    assert sync.value('pennant_sync_failing{registry="mlflow",what="poll"}') == 0

    used = {(resource, verb) for verb, resource, code in sync.requests() if code < 300}
    granted = {
        (resource, verb) for table in (SYNC, SYNC_TAGS) for (_, resource), verbs in table.items() for verb in verbs
    }
    assert granted <= used
    assert [each for each in sync.requests() if each[2] == 403] == []
    assert f"Bearer {TOKEN}" in registry.credentials
    assert TOKEN not in sync.said + sync.fetch("/metrics")
    assert TOKEN.encode() not in scenario.rig.audit_log.read_bytes()
    assert sync.fetch("/livez") == "loop: ok\n"
    assert sync.fetch("/readyz") == "versions: ok\n"
    assert sync.stop() == 0


def _tags(*names: str) -> str:
    return json.dumps({"spec": {"tags": list(names)}})


def test_a_registry_that_is_killed_and_a_process_that_is_killed_lose_nothing(
    scenario: Scenario, sync: SyncProcess, registry: Registry
) -> None:
    """Rule: R202."""
    scenario.until(lambda: holders(scenario) == ["1"])
    registry.broken[""] = Answer(500, "out of order")
    registry.versions += ["3", "4"]
    registry.champion = "4"
    scenario.until(lambda: "The registry cannot be read" in sync.said, what="a failed poll")
    sync.kill()
    registry.broken.clear()
    sync.start()
    scenario.until(lambda: holders(scenario) == ["4"])
    assert len(scenario.all_of("modelversion")) == 4


def test_two_processes_at_once_do_no_harm(
    scenario: Scenario, sync: SyncProcess, registry: Registry, tmp_path: Path
) -> None:
    """Rule: R201."""
    other = SyncProcess.__new__(SyncProcess)
    other.__dict__ = dict(sync.__dict__)
    other.log, other.port, other.webhook_port = tmp_path / "other.log", 0, 0
    other.environment = sync.environment | {"PENNANT_SYNC_PORT": "0", "PENNANT_SYNC_WEBHOOK_PORT": "0"}
    other.start()
    try:
        for champion in ("1", "2", "1", "2"):
            registry.versions.append(str(len(registry.versions) + 1))
            registry.champion = champion
            scenario.until(partial(is_held_by, scenario, champion))
        scenario.until(lambda: len(scenario.all_of("modelversion")) == 6)
        assert "Traceback" not in sync.said + other.said
    finally:
        other.kill()


def test_with_governance_it_needs_the_verb_promote(scenario: Scenario, sync: SyncProcess, registry: Registry) -> None:
    scenario.until(lambda: holders(scenario) == ["1"])
    governed = govern(scenario.rig, scenario.namespace, stamp=GOVERNANCE["stamp"])
    try:
        registry.champion = "2"
        scenario.until(lambda: "lacks the verb promote on tags.pennant.dev production" in sync.said, what="a refusal")
        assert holders(scenario) == ["1"]
        assert sync.value('pennant_sync_failing{registry="mlflow",what="tag"}') == 1
        role: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [PROMOTE]}
        role["metadata"] = {"name": "sync-promotes", "namespace": scenario.namespace}
        scenario.rig.kubectl("apply", "-f", "-", stdin=_list(role))
        scenario.rig.kubectl(
            *("create", "rolebinding", "sync-promotes", "--role=sync-promotes", "-n", scenario.namespace),
            f"--serviceaccount={sync.user.removeprefix('system:serviceaccount:')}",
        )
        scenario.until(lambda: holders(scenario) == ["2"])
        stamped = scenario.get("modelversion", f"{NAME}-2")["metadata"]["annotations"]
        assert stamped["tagged-by.pennant.dev/production"] == sync.user
        assert stamped["alias.pennant.dev/production"] == "mlflow/champion"
    finally:
        governed.end()


def test_a_right_that_is_missing_is_named_at_the_start(scenario: Scenario, sync: SyncProcess) -> None:
    sync.kill()
    scenario.rig.kubectl("delete", "rolebinding", sync.account, "-n", scenario.namespace)
    done = subprocess.run(
        [sys.executable, "-m", "pennant", "sync"],
        env=os.environ | sync.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"patch modelversions.pennant.dev in namespace {scenario.namespace}" in done.stderr
    assert "the roles of the chart grant them" in done.stderr


def test_a_file_that_is_wrong_is_named_at_the_start(sync: SyncProcess) -> None:
    sync.kill()
    sync.file.write_text(sync.file.read_text().replace("kind: mlflow", "kind: nope"))
    done = subprocess.run(
        [sys.executable, "-m", "pennant", "sync"],
        env=os.environ | sync.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "registries.0.kind: must be one of mlflow" in done.stderr
    assert "Traceback" not in done.stderr
