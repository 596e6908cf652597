"""`import kubeflow` of what the official client registered, in a registry that it accepts."""

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import boto3
import mr_openapi
import pytest
import yaml
from model_registry import ModelRegistry
from model_registry.types import DataSet, DocArtifact, ModelArtifact, Parameter
from model_registry.utils import s3_uri_from
from moto.server import ThreadedMotoServer
from mr_openapi import ArtifactState, ModelVersionState, ParameterType

from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from unit.registries.fake_kubeflow import FakeKubeflow, served

BUCKET = "models"
FILES = {"churn/1.1.0/model.json": b"weights", "churn/1.1.0/tokenizer/vocab.txt": b"words", "churn/1.1.0-rc/x": b"x"}
TOKEN = "t0ken"


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what the client awaits, without its change of the loop for the whole process."""
    return asyncio.run(coroutine)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    s3: Any = boto3.client("s3", region_name="us-east-1", endpoint_url=address, **keys)
    s3.create_bucket(Bucket=BUCKET)
    for name, content in FILES.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=content)
    yield address
    moto.stop()


@pytest.fixture
def kubeflow() -> FakeKubeflow:
    return FakeKubeflow(token=TOKEN)


@pytest.fixture
def client(kubeflow: FakeKubeflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelRegistry]:
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    with served(kubeflow) as url:
        monkeypatch.setenv("MODEL_REGISTRY_BASE_URL", url)
        host, _, port = url.rpartition(":")
        yield ModelRegistry(host, int(port), author="ada", is_secure=False, async_runner=run)


def register(client: ModelRegistry, version: str, uri: str, **more: Any) -> Any:
    """Return the version that the client registered."""
    given = {"model_format_name": "xgboost", "model_format_version": "1.7", **more}
    client.register_model("Churn Model", uri, version=version, **given)
    return client.get_model_version("Churn Model", version)


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["import", "kubeflow", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


async def measured(client: ModelRegistry, version: str) -> None:
    """Add a metric. The client's own class of it has a number as its step, which the API does not have."""
    metric = mr_openapi.Metric(name="val_auc", value=0.93, step="1", artifactType="metric")
    async with client._api.get_client() as api:
        await api.upsert_model_version_artifact(version, mr_openapi.Artifact(metric))


def seed(client: ModelRegistry) -> None:
    register(client, "1.0.0", "s3://models/churn/1.0.0", version_description="first")
    version = register(
        client,
        "1.1.0",
        "s3://models/churn/1.1.0",
        owner="growth",
        storage_key="models",
        storage_path="churn",
        service_account_name="reader",
        model_source_kind="pipelines",
        model_source_class="pipelinerun",
        model_source_id="3f1c",
        metadata={"reason": "new data", "approved": True, "gpus": 2, "threshold": 0.5, "candidate": ""},
    )
    for artifact in (
        DataSet(name="train", uri="s3://data/train", digest=f"sha256:{'c' * 64}", source_type="s3"),
        Parameter(name="depth", value=6, parameter_type=ParameterType.NUMBER),
        DocArtifact(name="Model Card", uri="https://docs.example/churn"),
        ModelArtifact(name="gone", uri="s3://models/gone", state=ArtifactState.DELETED, model_format_name="onnx"),
    ):
        run(client._api.upsert_model_version_artifact(artifact, version.id))
    run(measured(client, version.id))
    archived = register(client, "1.2.0", "s3://models/churn/1.2.0")
    archived.state = ModelVersionState.ARCHIVED
    client.update(archived)


def test_what_the_official_client_registered_is_imported_once(
    capsys: pytest.CaptureFixture[str], client: ModelRegistry, tmp_path: Path
) -> None:
    seed(client)
    code, out, err = ran(capsys, "--all-versions")
    assert (code, err.splitlines()[-1]) == (0, "2 imported, 1 skipped")
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []
    spec = list(yaml.safe_load_all(out))[1]["spec"]
    read = client.get_model_version("Churn Model", "1.1.0")
    artifact = client.get_model_artifact("Churn Model", "1.1.0")
    assert read is not None
    assert artifact is not None
    assert (spec["version"], spec["author"]["name"], spec["source"]["id"]) == (read.name, read.author, read.id)
    assert spec["artifacts"] == [
        {"name": "model", "uri": artifact.uri, "format": {"name": "xgboost", "version": "1.7"}}
    ]
    assert spec["datasets"] == [
        {"name": "train", "role": "Training", "uri": "s3://data/train", "digest": f"sha256:{'c' * 64}"}
    ]
    assert spec["hyperparameters"] == [{"name": "depth", "value": "6"}]
    assert spec["metrics"] == [{"name": "val_auc", "value": "0.93", "split": "Validation"}]
    assert spec["reports"] == [{"name": "model-card", "uri": "https://docs.example/churn"}]
    assert (spec["reason"], spec["owner"], spec["training"]["run"]) == ("new data", "ada", "3f1c")
    said = spec["source"]["annotations"]
    assert read.custom_properties is not None
    assert {name: said[f"customProperties.{name}"] for name in ("approved", "gpus", "threshold")} == {
        "approved": "true",
        "gpus": "2",
        "threshold": "0.5",
    }
    assert said["labels"] == "candidate"
    assert {name: said[f"artifact.{name}"] for name in ("storageKey", "storagePath", "serviceAccountName")} == {
        "storageKey": artifact.storage_key,
        "storagePath": artifact.storage_path,
        "serviceAccountName": artifact.service_account_name,
    }
    records = str(tmp_path / "records")
    assert ran(capsys, "--all-versions", "--write", records)[0] == 0
    code, _, err = ran(capsys, "--all-versions", "--write", records)
    assert (code, err.splitlines()[-1]) == (0, "0 imported, 2 unchanged, 1 skipped")


@pytest.mark.parametrize("has_query", [True, False])
def test_the_bytes_are_hashed_where_the_client_says_they_are(
    capsys: pytest.CaptureFixture[str],
    client: ModelRegistry,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    has_query: bool,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if not has_query:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def uri(path: str) -> str:
        whole = str(s3_uri_from(path, BUCKET, endpoint=bucket, region="us-east-1"))
        return whole if has_query else whole.partition("?")[0]

    register(client, "1.0.0", uri("churn/1.1.0/model.json"))
    register(client, "1.1.0", uri("churn/1.1.0"))
    register(client, "1.2.0", uri("nothing/here"))
    code, out, err = ran(capsys, "--all-versions", "--verify")
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "2 imported, 1 failed"), err
    assert "error: Churn Model 1.2.0: there is no file at s3://models/nothing/here" in err
    file, directory = (each["spec"]["artifacts"][0] for each in yaml.safe_load_all(out))
    assert file["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("model.json", b"weights"), ("tokenizer/vocab.txt", b"words"))
    )
    assert directory["manifestDigest"] == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert directory["sizeBytes"] == 12


def test_a_token_that_is_wrong_is_named(
    capsys: pytest.CaptureFixture[str], client: ModelRegistry, tmp_path: Path
) -> None:
    seed(client)
    (tmp_path / "token").write_text("0ther")
    code, out, err = ran(capsys)
    assert (code, out) == (1, "")
    assert "does not accept the credentials (401)" in err
    assert "0ther" not in err
