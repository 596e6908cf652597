"""`pennant import mlflow` from a real MLflow server, with a model that its own client has logged."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.record.hashing import of_path
from pennant.record.progress import Silent
from registries.mlflow_server import MlflowServer

MODEL = "Iris_Tree"


@pytest.fixture(scope="module", autouse=True)
def trained(mlflow: MlflowServer) -> str:
    """Train the first version; the others have its content."""
    number = mlflow.train(MODEL)
    mlflow.alias(MODEL, "champion", number)
    return number


@pytest.fixture(autouse=True)
def address(mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.url)


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["import", "mlflow", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def specs(directory: Path) -> dict[str, Any]:
    return {path.stem: yaml.safe_load(path.read_text())["spec"] for path in sorted(directory.iterdir())}


def test_a_trained_model_becomes_a_record_and_a_second_import_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: str
) -> None:
    code, _, err = ran(capsys, MODEL, "--write", str(tmp_path), "--tag-alias=champion=production")
    assert code == 0, err
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    assert [each for each in report([(str(path), text)]).findings if each.severity == "error"] == []
    found = specs(tmp_path)[f"iris-tree-{trained}"]
    assert found["tags"] == ["production"]
    assert {each["name"]: each["value"] for each in found["hyperparameters"]} == {"C": "1.0", "solver": "lbfgs"}
    assert [(each["name"], each["split"]) for each in found["metrics"]] == [("test_accuracy", "Test")]
    assert [(each["name"], each["role"]) for each in found["datasets"]] == [("iris-train", "Training")]
    assert found["source"]["registry"] == "MLflow"
    assert found["training"]["experiment"] == "iris"
    code, _, err = ran(capsys, MODEL, "--write", str(tmp_path))
    assert (code, err.splitlines()[-1]) == (0, "0 imported, 1 unchanged")
    assert path.read_text() == text


def test_the_bytes_give_the_digest_that_a_user_computes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: MlflowServer
) -> None:
    code, _, err = ran(capsys, MODEL, "--verify", "--write", str(tmp_path))
    assert code == 0, err
    assert "1 Verified" in err
    ((_, found),) = specs(tmp_path).items()
    # Other tests have models on the same server.
    (stored,) = (mlflow.directory / "artifacts").rglob(f"{found['source']['id']}/artifacts")
    digest = of_path(stored, Silent()).digest
    assert found["artifacts"][0]["manifestDigest"] == digest


def test_a_version_that_is_deleted_and_one_that_is_new(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mlflow: MlflowServer, trained: str
) -> None:
    gone, there = mlflow.copy(MODEL, trained), mlflow.copy(MODEL, trained)
    mlflow.call("model-versions/delete", {"name": MODEL, "version": gone}, "DELETE")
    code, _, err = ran(capsys, MODEL, "--all-versions", "--as-semver", "--write", str(tmp_path))
    assert code == 0, err
    assert specs(tmp_path).keys() == {f"iris-tree-{trained}.0.0", f"iris-tree-{there}.0.0"}
    mlflow.call("model-versions/delete", {"name": MODEL, "version": there}, "DELETE")


def test_what_is_not_there_and_what_is_no_mlflow_is_named(
    capsys: pytest.CaptureFixture[str], mlflow: MlflowServer
) -> None:
    code, _, err = ran(capsys, "nothing")
    assert code == 1
    assert "Registered Model with name=nothing not found" in err
    code, _, err = ran(capsys, MODEL, "--from", f"{mlflow.url}/elsewhere")
    assert code == 1
    assert "Is this the address of the registry" in err or "is no address" in err or "does not exist (404)" in err
