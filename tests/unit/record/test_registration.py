"""One registration from end to end: `pennant.register()` in real checkouts, with files for Git."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

import pennant
from pennant.cli.manifests.findings import report
from pennant.core.versions.completeness import Element
from pennant.record import files, registration
from unit.record.projects import HOME, checkout, onnx_bytes
from unit.record.projects import git as run
from unit.record.test_ci import GITHUB
from unit.record.test_dvc import LOCK

SPEC = {
    "owner": "shop",
    "license": "Apache-2.0",
    "training": {"startedAt": 1767366245000, "seed": 7},
    "schema": {"inputs": [{"name": "x", "type": "float32"}], "outputs": [{"name": "y", "type": "float32"}]},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*GITHUB, "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in HOME.items():
        monkeypatch.setenv(name, value)
    root = checkout(tmp_path / "project")
    run(root, "config", "user.name", "Ada")
    (root / "data.csv").write_text("1,2\n")
    (root / "model.bin").write_text("weights")
    (root / "uv.lock").write_text('[[package]]\nname = "numpy"\nversion = "2.4.6"\n')
    monkeypatch.chdir(root)
    return root


def register(**changes: Any) -> pennant.Registered:
    whole: dict[str, Any] = {
        "artifact": "model.bin",
        "uri": {"model": "s3://models/{model}/{version}/model.bin", "transactions": "s3://data/{sha256}.csv"},
        "metrics": {"validation": {"auc": 0.91}, "test": {"auc": 0.9}},
        "maximize": "auc",
        "params": {"lr": 0.1},
        "dataset": {"transactions": "data.csv"},
        "reason": "first",
        "spec": SPEC,
        "write": "manifests",
    }
    return pennant.register("fraud", **(whole | changes))


def test_a_complete_record_is_a_file_for_git(project: Path) -> None:
    found = register()
    assert (found.version, found.name, found.parent, found.bump) == ("1.0.0", "fraud-1.0.0", None, None)
    assert (found.warnings, found.incomplete) == ((), ())
    assert found.digests == {"artifacts.model": "Verified", "datasets.transactions": "Verified"}
    assert found.path == Path("manifests/fraud-1.0.0.yaml")
    text = found.path.read_text()
    assert text == found.yaml
    assert yaml.safe_load(text) == found.manifest
    assert [each.sentence for each in report([("x.yaml", text)]).findings] == []
    spec = found.manifest["spec"]
    assert spec["artifacts"][0]["uri"] == "s3://models/fraud/1.0.0/model.bin"
    assert spec["code"] == {
        "repository": "https://git.example/shop/fraud.git",
        "commit": run(project, "rev-parse", "HEAD"),
        "dirty": False,
    }
    assert spec["author"] == {"name": "Ada"}
    assert spec["training"] == {"startedAt": "2026-01-02T15:04:05.000Z", "seed": 7}
    assert spec["environment"]["lockUri"] == "uv.lock"
    assert spec["metrics"][1] == {"name": "auc", "value": "0.9", "split": "Test", "direction": "Maximize"}


def test_the_next_version_follows_and_a_duplicate_is_refused(project: Path) -> None:
    register()
    with pytest.raises(pennant.Duplicate, match=r"duplicate of fraud-1.0.0") as caught:
        register(reason="again")
    assert caught.value.version == "1.0.0"
    (project / "model.bin").write_text("other weights")
    found = register(params={"lr": 0.2})
    assert (found.version, found.parent, found.bump) == ("1.1.0", "1.0.0", "Minor")
    assert found.reasons == ("hyperparameters differ: lr",)
    (project / "model.bin").write_text("third weights")
    assert register(params={"lr": 0.2}, bump="major").version == "2.0.0"
    assert sorted(each.name for each in (project / "manifests").iterdir()) == [
        "fraud-1.0.0.yaml",
        "fraud-1.1.0.yaml",
        "fraud-2.0.0.yaml",
    ]


def test_a_dirty_tree_is_in_the_record_and_told(project: Path) -> None:
    (project / "train.py").write_text("changed\n")
    found = register()
    assert found.manifest["spec"]["code"]["dirty"] is True
    assert found.warnings[0].startswith("the working tree has uncommitted changes (train.py)")


def test_what_is_missing_is_told_and_commented(project: Path) -> None:
    (project / "uv.lock").unlink()
    found = pennant.register("fraud", "model.bin", progress=False)
    assert found.path is None
    assert found.incomplete == ("TrainingData", "Hyperparameters", "Metrics", "Reason", "Environment")
    assert "  # incomplete: Reason; --reason TEXT gives it\n" in found.yaml
    assert found.warnings == (
        "artifacts[model].uri is a path of this machine; --uri model=URI says where others find it",
    )
    assert found.manifest["spec"]["environment"]["language"] == "Python"


def test_a_ci_job_is_author_and_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    found = register()
    spec, head = found.manifest["spec"], run(project, "rev-parse", "HEAD")
    assert spec["author"] == {"name": "ada", "kind": "User"}
    assert spec["training"]["run"] == "123"
    assert spec["code"]["repository"] == "https://git.example/shop/fraud.git"
    assert found.warnings == (
        f"code.commit is {head} by git and {GITHUB['GITHUB_SHA']} by GitHub Actions; the first is recorded",
    )


@pytest.mark.parametrize("has_checkout", [True, False])
def test_a_ci_job_gives_what_the_checkout_lacks(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_checkout: bool
) -> None:
    run(project, "remote", "remove", "origin")
    if not has_checkout:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for name, value in (GITHUB | {"GITHUB_SHA": run(project, "rev-parse", "HEAD")}).items():
        monkeypatch.setenv(name, value)
    found = pennant.register("fraud", str(project / "model.bin"), uri="s3://m")
    assert found.manifest["spec"]["code"]["repository"] == "https://github.com/shop/fraud"
    assert not any("commit" in each or "remote" in each for each in found.warnings)


def test_without_any_address_the_repository_is_the_checkout(project: Path) -> None:
    run(project, "remote", "remove", "origin")
    found = register()
    assert found.manifest["spec"]["code"]["repository"] == project.as_uri()
    assert found.warnings == (
        f"git has no remote origin, so code.repository is {project.as_uri()}; set it with --spec",
    )


def test_dvc_and_the_header_of_a_model_fill_the_record(project: Path) -> None:
    (project / "dvc.lock").write_text(LOCK)
    (project / "models").mkdir()
    (project / "models" / "model.pkl").write_text("model")
    (project / "graph.onnx").write_bytes(onnx_bytes())
    artifacts = {"model": "models/model.pkl", "graph": "graph.onnx"}
    found = pennant.register("fraud", artifacts, params={"train.lr": 0.1})
    spec = found.manifest["spec"]
    assert [each["name"] for each in spec["datasets"]] == ["prepared", "holdout.csv"]
    assert [each["name"] for each in spec["hyperparameters"]] == ["train.lr", "train.layers"]
    assert spec["schema"]["inputs"][0]["name"] == "x"
    assert found.digests["datasets.prepared"] == "Weak"


def test_the_lock_file_of_the_directory_counts_more_than_that_of_the_checkout(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "fraud").mkdir()
    monkeypatch.chdir(project / "fraud")
    for expected in ("uv.lock", "fraud/poetry.lock"):
        found = pennant.register("fraud", "../model.bin")
        assert found.manifest["spec"]["environment"]["lockUri"] == expected
        (project / "fraud" / "poetry.lock").write_text("")


def test_several_lock_files_need_a_choice(project: Path) -> None:
    (project / "requirements.lock").write_text("numpy==2.4.6\n")
    found = register()
    assert "there are several lock files" in found.warnings[0]
    assert "lockDigest" not in found.manifest["spec"]["environment"]
    assert register(env="uv.lock", write=None).manifest["spec"]["environment"]["lockUri"] == "uv.lock"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"artifact": None}, "a version has at least one artefact; give --artifact PATH"),
        ({"artifact": ["model.bin", "data.csv"]}, "two of them are the artefact model"),
        ({"artifact": "none.bin"}, "none.bin does not exist"),
        ({"bump": "huge"}, "bump is huge; it must be major, minor or patch"),
        ({"maximize": "f1"}, "there is no metric f1 to maximize or minimize; there are: auc"),
        ({"spec": {"version": "3"}}, "spec has version, which has an option of its own"),
        ({"spec": {"owner": 3}}, "spec.owner: must be a string"),
        ({"version": "1.0"}, None),
        ({"version": "Release 7"}, "spec.version: must be lower-case letters"),
        ({"created_at": 1767366245}, "in milliseconds"),
        ({"apply": True}, "give write or apply, not both"),
        ({"metrics": {"auc": float("nan")}}, "metrics: auc is nan"),
        ({"schema": "none.json"}, "none.json does not exist"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    project: Path, changes: dict[str, Any], says: str | None
) -> None:
    if says is None:
        assert register(**changes).version == changes["version"]
        return
    with pytest.raises(pennant.RegisterError, match=says):
        register(**changes)
    assert not (project / "manifests").exists()


def test_an_invalid_manifest_is_told_and_not_replaced(project: Path) -> None:
    (project / "manifests").mkdir()
    broken = project / "manifests" / "fraud-1.0.0.yaml"
    broken.write_text("apiVersion: pennant.dev/v1alpha1\nkind: ModelVersion\nspec: {model: fraud, version: 1.0.0}\n")
    with pytest.raises(
        pennant.RegisterError, match=r"the versions of fraud are invalid.*1.0.0: spec.artifacts: must be"
    ):
        register()
    found = register(version="1.0.1")
    assert found.warnings == ("fraud-1.0.0 is invalid and was not compared: spec.artifacts: must be set",)


def test_versions_of_another_namespace_do_not_count(project: Path) -> None:
    register(namespace="shop")
    assert register(namespace="bank", write="bank", manifests="manifests").version == "1.0.0"
    with pytest.raises(pennant.Duplicate):
        register(write=None, manifests="manifests")


def test_metrics_can_be_files(project: Path) -> None:
    (project / "v.json").write_text('{"auc": 0.91}')
    (project / "t.csv").write_text("auc\n0.9\n")
    found = register(metrics=["validation=v.json", "test=t.csv"])
    assert [(each["value"], each["split"]) for each in found.manifest["spec"]["metrics"]] == [
        ("0.91", "Validation"),
        ("0.9", "Test"),
    ]
    assert register(metrics="v.json", write=None).incomplete == ("Metrics",)


def test_other_files_of_the_directory_are_left_alone(project: Path) -> None:
    directory = project / "manifests"
    directory.mkdir()
    (directory / "chart.yaml").write_text("{{ .Values }} : [")
    (directory / "service.yaml").write_text("kind: Service\n")
    (directory / ".hidden.yaml").write_text("kind: ModelVersion\n[")
    (directory / "fraud-1.0.0.yaml").write_text("notes\n")
    with pytest.raises(pennant.Taken, match=r"fraud-1.0.0.yaml exists already; remove it"):
        register()
    assert (directory / "fraud-1.0.0.yaml").read_text() == "notes\n"
    (directory / "broken.yaml").write_text("kind: ModelVersion\nspec: [")
    with pytest.raises(pennant.RegisterError, match=r"broken.yaml is no YAML"):
        register()


def test_writers_at_the_same_time_get_different_versions(project: Path) -> None:
    names: list[str] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        (project / f"{number}.bin").write_text(f"weights {number}")
        barrier.wait()
        names.append(register(artifact=f"{number}.bin", progress=False).name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(names) == ["fraud-1.0.0", "fraud-1.0.1", "fraud-1.0.2", "fraud-1.0.3"]


def test_a_file_that_appears_in_between_is_the_parent(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = files._create

    def create(path: Path, text: str) -> None:
        monkeypatch.setattr(files, "_create", first)
        other = text.replace("value: '0.1'", "value: '0.3'")
        first(path, other)
        first(path, text)

    monkeypatch.setattr(files, "_create", create)
    found = register()
    assert (found.version, found.parent) == ("1.1.0", "1.0.0")


def test_importing_pennant_imports_nothing_of_it() -> None:
    program = "import sys, pennant; print([n for n in sys.modules if n.startswith(('pennant.', 'pydantic', 'yaml'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="has no attribute 'registr'"):
        _ = pennant.registr


def test_every_missing_element_has_a_hint() -> None:
    assert registration.HINTS.keys() == set(Element)
