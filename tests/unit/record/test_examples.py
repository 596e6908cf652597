"""The examples of registration run as they are, and write complete, valid manifests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests.findings import report
from pennant.core.versions.completeness import missing
from unit.record.projects import HOME, checkout
from unit.record.projects import git as run_git
from unit.record.test_ci import GITHUB, GITLAB

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "register"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = checkout(tmp_path / "project")
    for path in (*EXAMPLES.glob("*.*"), ROOT / "requirements.lock"):
        shutil.copy(path, root)
    run_git(root, "add", ".")
    run_git(root, "commit", "--quiet", "--message=Examples")
    run_git(root, "config", "user.name", "Ada")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pennant").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pennant "$@"\n')
    (programs / "pennant").chmod(0o755)
    return root


def run(project: Path, *command: str) -> tuple[int, str, str]:
    environ = {name: each for name, each in os.environ.items() if name not in GITHUB | GITLAB} | HOME
    source = os.pathsep.join((str(ROOT / "operator"), os.environ.get("PYTHONPATH", "")))
    environ |= {"PATH": f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": source}
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def record(project: Path, name: str) -> Any:
    text = (project / "manifests" / f"{name}.yaml").read_text()
    assert [each.sentence for each in report([(name, text)]).findings] == []
    return yaml.safe_load(text)["spec"]


def lacks(spec: Any) -> list[str]:
    return [str(each) for each in missing(ModelVersionSpec.model_validate(spec))]


def test_scikit_learn(project: Path) -> None:
    code, out, err = run(project, sys.executable, "scikit_learn.py")
    assert (code, out, err) == (0, "manifests/wine-1.0.0.yaml: the first version of wine\n", "")
    first = record(project, "wine-1.0.0")
    assert lacks(first) == []
    assert first["artifacts"][0]["format"] == {"name": "skops"}
    frameworks = {each["name"]: each["version"] for each in first["environment"]["frameworks"]}
    assert {"scikit-learn", "skops", "onnx"} <= frameworks.keys()
    assert all(float(each["value"]) > 0.9 for each in first["metrics"] if each["name"] == "accuracy")
    code, out, err = run(project, sys.executable, "scikit_learn.py", "0.5")
    assert (code, out) == (0, "manifests/wine-1.1.0.yaml: hyperparameters differ: C\n"), err


def test_onnx(project: Path) -> None:
    code, out, err = run(project, sys.executable, "onnx_model.py")
    assert (code, out, err) == (0, "manifests/iris-1.0.0.yaml: the first version of iris\n", "")
    spec = record(project, "iris-1.0.0")
    assert spec["schema"]["inputs"] == [{"name": "X", "type": "float32", "shape": [-1, 4]}]
    assert [each["type"] for each in spec["schema"]["outputs"]] == ["int64", "float32"]
    assert spec["artifacts"][0]["format"]["name"] == "onnx"
    assert lacks(spec) == ["TrainingData", "Metrics"]
    code, out, err = run(project, sys.executable, "onnx_model.py")
    assert (code, "nothing new: this is a duplicate of iris-1.0.0" in out) == (0, True), err


def test_a_plain_file(project: Path) -> None:
    code, out, err = run(project, "./plain-file.sh")
    assert (code, out.splitlines()[0], err) == (
        0,
        "manifests/fraud-1.0.0.yaml: modelversion.pennant.dev/fraud-1.0.0 written",
        "",
    )
    assert lacks(record(project, "fraud-1.0.0")) == []
    assert run(project, "./plain-file.sh")[0] == 3
    code, out, err = run(project, "./plain-file.sh", "better weights")
    assert (code, out.splitlines()[1].startswith("fraud-1.1.0 follows 1.0.0 (Minor)")) == (0, True), err
