"""Vertex AI: the official client and the import read the same from the same server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1.services.dataset_service import DatasetServiceClient
from google.cloud.aiplatform_v1.services.dataset_service.transports.rest import DatasetServiceRestTransport
from google.cloud.aiplatform_v1.services.job_service import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports.rest import JobServiceRestTransport
from google.cloud.aiplatform_v1.services.metadata_service import MetadataServiceClient
from google.cloud.aiplatform_v1.services.metadata_service.transports.rest import MetadataServiceRestTransport
from google.cloud.aiplatform_v1.services.model_service import ModelServiceClient
from google.cloud.aiplatform_v1.services.model_service.transports.rest import ModelServiceRestTransport
from google.cloud.aiplatform_v1.services.pipeline_service import PipelineServiceClient
from google.cloud.aiplatform_v1.services.pipeline_service.transports.rest import PipelineServiceRestTransport
from google.protobuf.json_format import MessageToDict

from registries.clouds import imported, manifests, problems, ran
from unit.registries.fake_rest import Answer, served
from unit.registries.fake_vertex import LOCATION, STORE, FakeVertex, vertex


@pytest.fixture
def fake() -> FakeVertex:
    return vertex()


@pytest.fixture(autouse=True)
def address(fake: FakeVertex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Serve, with credentials as Google's own clients find them: the key of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    fake.grant = {"access_token": "fresh", "expires_in": 3600, "token_type": "Bearer"}
    with served(fake) as url:
        account = {
            "type": "service_account",
            "project_id": "shop",
            "client_email": "importer@shop.iam.gserviceaccount.com",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "token_uri": f"{url}/token",
        }
        (tmp_path / "key.json").write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
        monkeypatch.setenv("GOOGLE_BASE_URL", url)
        monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN", raising=False)
        yield url


def place(address: str) -> tuple[str, str]:
    return "vertex", f"{address}/v1/{LOCATION}"


@pytest.fixture
def client(address: str) -> Callable[[Any, Any], Any]:
    """Return what opens an official client of the server."""

    def opened(kind: Any, transport: Any) -> Any:
        host = address.removeprefix("http://")
        return kind(transport=transport(host=host, url_scheme="http", credentials=AnonymousCredentials()))

    return opened


def plain(message: Any) -> Any:
    """Return a message of the client as the JSON of the API. Fields that the client does not know are not there."""
    return MessageToDict(type(message).pb(message))


def test_the_client_knows_each_field_of_a_version(client: Any, fake: FakeVertex) -> None:
    models = client(ModelServiceClient, ModelServiceRestTransport)
    assert [each.name for each in models.list_models(parent=LOCATION)] == [
        f"{LOCATION}/models/churn",
        f"{LOCATION}/models/4711",
    ]
    found = [plain(each) for each in models.list_model_versions(name=f"{LOCATION}/models/churn")]
    assert found == fake.resources[f"{LOCATION}/models/churn"]
    with pytest.raises(NotFound):
        models.get_model(name=f"{LOCATION}/models/nope")


def test_the_client_knows_each_field_of_evaluations_and_slices(client: Any, fake: FakeVertex) -> None:
    models = client(ModelServiceClient, ModelServiceRestTransport)
    of = f"{LOCATION}/models/churn@3"
    found = [plain(each) for each in models.list_model_evaluations(parent=of)]
    assert found == fake.resources[f"{of}/evaluations"]
    slices = models.list_model_evaluation_slices(parent=f"{of}/evaluations/5")
    assert [plain(each) for each in slices] == fake.resources[f"{of}/evaluations/5/slices"]


def test_the_client_knows_each_field_of_the_training(client: Any, fake: FakeVertex) -> None:
    name = f"{LOCATION}/trainingPipelines/77"
    pipelines = client(PipelineServiceClient, PipelineServiceRestTransport)
    assert plain(pipelines.get_training_pipeline(name=name)) == fake.resources[name]
    name = f"{LOCATION}/customJobs/78"
    jobs = client(JobServiceClient, JobServiceRestTransport)
    assert plain(jobs.get_custom_job(name=name)) == fake.resources[name]
    name = f"{LOCATION}/datasets/99"
    datasets = client(DatasetServiceClient, DatasetServiceRestTransport)
    assert plain(datasets.get_dataset(name=name)) == fake.resources[name]


def test_the_client_knows_each_field_of_a_pipeline_job(client: Any, fake: FakeVertex) -> None:
    name = f"{LOCATION}/pipelineJobs/churn"
    fake.resources[name] = {
        "name": name,
        "displayName": "churn run",
        "runtimeConfig": {"parameterValues": {"epochs": 5.0}, "parameters": {"old": {"intValue": "3"}}},
        "jobDetail": {"pipelineContext": {"displayName": "churn-pipeline"}},
        "startTime": "2026-05-03T08:00:00Z",
        "endTime": "2026-05-03T08:50:00Z",
        "templateUri": "https://europe-west4-kfp.pkg.dev/shop/churn/v1",
        "serviceAccount": "runner@shop.iam.gserviceaccount.com",
    }
    pipelines = client(PipelineServiceClient, PipelineServiceRestTransport)
    assert plain(pipelines.get_pipeline_job(name=name)) == fake.resources[name]


def test_the_client_knows_each_field_of_the_lineage(client: Any, fake: FakeVertex) -> None:
    metadata = client(MetadataServiceClient, MetadataServiceRestTransport)
    artifact, run = f"{STORE}/artifacts/model-3", f"{STORE}/contexts/churn-exp-run-3"
    found = metadata.query_artifact_lineage_subgraph(request={"artifact": artifact, "max_hops": 2})
    assert plain(found) == fake.resources[f"{artifact}:queryArtifactLineageSubgraph"]
    assert plain(metadata.get_context(name=run)) == fake.resources[run]


def test_the_import_has_what_the_client_says(client: Any, address: str, capsys: Any) -> None:
    models = client(ModelServiceClient, ModelServiceRestTransport)
    said = {each.version_id: each for each in models.list_model_versions(name=f"{LOCATION}/models/churn")}
    code, out, _ = ran(capsys, *place(address), "churn", "--all-versions")
    found = {each["spec"]["version"]: each["spec"] for each in manifests(out)}
    assert (code, found.keys()) == (0, said.keys())
    for number, record in found.items():
        model = said[number]
        assert record["artifacts"][0]["uri"] == model.artifact_uri
        assert record.get("description", "") == model.description
        assert record.get("reason", "") == model.version_description
        assert record["source"]["id"] == model.name
        assert record["createdAt"] == model.version_create_time.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        )
    evaluations = models.list_model_evaluations(parent=f"{LOCATION}/models/churn@3")
    numbers = {float(each.metrics["auRoc"]) for each in evaluations}
    metrics = [each for each in found["3"]["metrics"] if each["name"] == "auRoc" and "slice" not in each]
    assert {float(each["value"]) for each in metrics} == numbers


def test_versions_are_imported_once_with_credentials_of_google(
    address: str, fake: FakeVertex, capsys: Any, tmp_path: Path
) -> None:
    fake.objects["models/churn/2/model.pkl"] = b"middle weights"
    fake.objects["models/4711/1/model.pkl"] = b"tree"
    arguments = (*place(address), "--all-versions", "--verify", "--write", str(tmp_path / "records"))
    code, _, err = ran(capsys, *arguments)
    assert (code, err.splitlines()[-2:]) == (0, ["digests of artefacts: 4 Verified", "4 imported"])
    assert set(fake.credentials) == {None, "Bearer fresh"}
    assert fake.asked.count("/token") == 1
    assert imported(tmp_path / "records") == ["churn-1", "churn-2", "churn-3", "tree-1"]
    assert problems(tmp_path / "records") == []
    code, out, err = ran(capsys, *arguments)
    assert (code, out, err.splitlines()[-1]) == (0, "", "0 imported, 4 unchanged")
    code, out, err = ran(capsys, *(each for each in arguments if each != "--verify"))
    assert (code, out, err.splitlines()[-1]) == (0, "", "0 imported, 4 unchanged")


def test_a_version_that_changed_under_its_number_is_an_error(
    address: str, fake: FakeVertex, capsys: Any, tmp_path: Path
) -> None:
    arguments = (*place(address), "churn", "--write", str(tmp_path))
    ran(capsys, *arguments)
    fake.resources[f"{LOCATION}/models/churn"][1]["artifactUri"] = "gs://models/other"
    code, _, err = ran(capsys, *arguments)
    assert code == 1
    assert "error: churn 2: the registry says something else than" in err
    assert "spec.artifacts[model].uri" in err


def test_credentials_that_google_refuses_are_a_sentence(address: str, fake: FakeVertex, capsys: Any) -> None:
    fake.broken["/token"] = Answer(400, '{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')
    code, out, err = ran(capsys, *place(address))
    assert (code, out) == (1, "")
    assert err.startswith("error: there are no credentials for Google: ")
    assert "Run `gcloud auth application-default login`" in err


def test_without_credentials_the_error_says_where_they_come_from(
    address: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    code, out, err = ran(capsys, *place(address))
    assert (code, out) == (1, "")
    assert err.startswith("error: there are no credentials for Google: File ")
