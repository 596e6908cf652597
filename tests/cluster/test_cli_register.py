"""`kubectl pennant register --apply` and `pennant.register(apply=True)` on a real API server."""

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

import pennant
from cluster.plugin import command, environment
from cluster.scenario import Manifest, Scenario
from unit.record.projects import HOME, checkout

FIELDS: Manifest = {
    "author": {"name": "ada"},
    "schema": {"inputs": [{"name": "x", "type": "float32", "shape": [-1, 2]}]},
    "metrics": [{"name": "auc", "value": 0.9, "split": split} for split in ("Validation", "Test")],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in HOME.items():
        monkeypatch.setenv(name, value)
    root = checkout(tmp_path / "project")
    files = {"data.csv": "1", "requirements.lock": "numpy==2.4.6\n", "params.json": '{"lr": 0.1, "on": "1e3"}'}
    for name, text in (files | {"fields.json": json.dumps(FIELDS)}).items():
        (root / name).write_text(text)
    return root


def words(weights: Path, *more: str) -> list[str]:
    given = {"artifact": str(weights), "uri": "s3://models/{model}/{version}", "reason": "test", "spec": "fields.json"}
    given |= {"dataset": "train=data.csv", "params": "params.json"}
    return ["register", "fraud", *(f"--{name}={each}" for name, each in given.items()), *more]


def run(
    scenario: Scenario, project: Path, weights: str, *more: str, kubeconfig: Path | None = None
) -> tuple[int, str, str]:
    """Register a model with these weights; return the exit code and what was printed."""
    path = Path(tempfile.mkdtemp(dir=project)) / "model.bin"
    path.write_text(weights)
    done = subprocess.run(
        command(scenario, *words(path, *more)),
        env=environment(scenario, kubeconfig),
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def spec(scenario: Scenario, version: str) -> Any:
    return scenario.get("modelversion", f"fraud-{version}")["spec"]


def test_versions_are_created_and_the_operator_agrees(scenario: Scenario, project: Path) -> None:
    code, out, err = run(scenario, project, "first", "--apply", "--dry-run=server")
    assert (code, *out.splitlines()[:1]) == (0, "modelversion.pennant.dev/fraud-1.0.0 created (server dry run)"), err
    code, out, err = run(scenario, project, "first", "--apply")
    assert (code, *out.splitlines()[:1]) == (0, "modelversion.pennant.dev/fraud-1.0.0 created"), err
    code, out, err = run(scenario, project, "first", "--apply", "--bump=major")
    assert (code, out) == (3, "")
    assert "error: this is a duplicate of fraud-1.0.0" in err
    (project / "params.json").write_text('{"lr": 0.2}')
    code, out, err = run(scenario, project, "second", "--apply", "--tag=staging")
    assert (code, *out.splitlines()[1:2]) == (0, "fraud-1.1.0 follows 1.0.0 (Minor): hyperparameters differ: lr, on"), (
        err
    )
    assert spec(scenario, "1.1.0")["tags"] == ["staging"]

    def status() -> Any:
        return scenario.get("modelversion", "fraud-1.1.0").get("status", {})

    scenario.until(lambda: "computedBump" in status(), what="the status")
    assert status()["computedBump"] == {
        "parent": "1.0.0",
        "bump": "Minor",
        "reasons": ["hyperparameters differ: lr, on"],
    }
    assert status()["completeness"] == {"present": 9, "missing": []}


def test_a_file_for_git_is_the_object_that_is_created(scenario: Scenario, project: Path) -> None:
    code, _, err = run(scenario, project, "first", "--write=manifests", "--created-at=1767366245000")
    assert code == 0, err
    scenario.kubectl("apply", "--namespace", scenario.namespace, "-f", str(project / "manifests"))
    written = yaml.safe_load((project / "manifests" / "fraud-1.0.0.yaml").read_text())
    assert spec(scenario, "1.0.0") == written["spec"]
    assert spec(scenario, "1.0.0")["hyperparameters"][1] == {"name": "on", "value": "1e3"}
    assert run(scenario, project, "first", "--apply")[0] == 3


def test_writers_at_the_same_time_get_different_versions_or_are_duplicates(scenario: Scenario, project: Path) -> None:
    weights = ["a", "b", "c", "a"]
    with ThreadPoolExecutor(len(weights)) as pool:
        done = list(pool.map(lambda each: run(scenario, project, each, "--apply"), weights))
    assert sorted(code for code, _, _ in done) == [0, 0, 0, 3], done
    names = scenario.kubectl("get", "modelversions", "-o", "name", "--namespace", scenario.namespace).split()
    assert [each.rpartition("-")[2] for each in sorted(names)] == ["1.0.0", "1.0.1", "1.0.2"]


def test_list_and_create_are_all_that_it_needs(scenario: Scenario, project: Path) -> None:
    scenario.kubectl("create", "serviceaccount", "ci")
    account = f"--serviceaccount={scenario.namespace}:ci"
    ci = scenario.rig.kubeconfig_for(scenario.namespace, "ci")
    for verb in ("list", "create"):
        code, _, err = run(scenario, project, "first", "--apply", kubeconfig=ci)
        assert (code, f'cannot {verb} resource "modelversions"' in err) == (1, True), err
        assert "Ask an administrator for this permission" in err
        scenario.kubectl("create", "role", verb, f"--verb={verb}", "--resource=modelversions.pennant.dev")
        scenario.kubectl("create", "rolebinding", verb, f"--role={verb}", account)
    code, _, err = run(scenario, project, "first", "--apply", kubeconfig=ci)
    assert code == 0, err


def test_the_function_creates_a_version(scenario: Scenario, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "m.bin").write_text("weights")
    where: Any = {"apply": True, "namespace": scenario.namespace, "kubeconfig": str(scenario.rig.kubeconfig)}
    found = pennant.register("fraud", "m.bin", uri="s3://m", spec=FIELDS, reason="test", **where)
    assert (found.version, found.path) == ("1.0.0", None)
    assert spec(scenario, "1.0.0")["environment"]["language"] == "Python"
    with pytest.raises(pennant.Duplicate):
        pennant.register("fraud", "m.bin", uri="s3://m", spec=FIELDS, reason="test", **where)
    with pytest.raises(pennant.RegisterError, match=r'the cluster did not take the version: .*"nowhere" not found'):
        pennant.register("fraud", "m.bin", uri="s3://m", **where | {"namespace": "nowhere"})
