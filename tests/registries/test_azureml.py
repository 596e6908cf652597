"""Azure ML: the official client and the import read the same from the same server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy

from pennant.registries.azureml import address as addresses
from pennant.registries.azureml.connection import REGISTRY_API, WORKSPACE_API
from registries.azure_client import (
    REGISTRY_DATAPLANE_API_VERSION,
    MachineLearningServicesMgmtClient,
    Model,
    ModelContainer,
    ModelVersion,
    RegistryDiscovery,
    RegistryDiscoveryClient,
    environments,
    get_registry_versioned_asset,
    list_registry_assets,
)
from registries.clouds import imported, manifests, problems, ran
from unit.registries.fake_azureml import FRONT, REGISTRY, SHORT, SUBSCRIPTION, WORKSPACE, FakeAzureMl, at, azureml
from unit.registries.fake_rest import Answer, served

OF = {"resource_group_name": "ml", "workspace_name": "risk"}
VERSIONS = f"{WORKSPACE}/models/Churn_Model/versions"


class Credential:
    """A credential that no server looks at."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("t", 4102444800)


@pytest.fixture
def fake() -> FakeAzureMl:
    return azureml()


@pytest.fixture(autouse=True)
def address(fake: FakeAzureMl, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve, with credentials as Azure's own clients find them: the identity that an App Service has."""
    fake.grant = {
        "access_token": "fresh",
        "expires_on": "4102444800",
        "resource": "https://management.azure.com",
        "token_type": "Bearer",
    }
    with served(fake) as url:
        fake.address = url
        at(fake, url)
        for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_ACCESS_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", url)
        yield url


@pytest.fixture
def client(address: str) -> Any:
    return MachineLearningServicesMgmtClient(
        Credential(),
        SUBSCRIPTION,
        base_url=address,
        api_version=WORKSPACE_API,
        authentication_policy=SansIOHTTPPolicy(),
    )


@pytest.fixture
def registry(address: str) -> Any:
    """Return the client that the official one uses for a registry, after it asked the discovery."""
    discovery = RegistryDiscoveryClient(Credential(), endpoint=address, authentication_policy=SansIOHTTPPolicy())
    found = RegistryDiscovery(Credential(), "shared", discovery, authentication_policy=SansIOHTTPPolicy())
    return found.get_registry_arm_service_client()


def in_workspace(address: str) -> tuple[str, str]:
    return "azureml", f"{address}/{SHORT}"


def in_registry(address: str) -> tuple[str, str]:
    return "azureml", f"{address}/registries/shared"


def unknown(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Yield the fields of the server's JSON that the types of the official client do not have."""
    if isinstance(wanted, list):
        for number, each in enumerate(wanted):
            yield from unknown(found[number], each, f"{path}[{number}]")
    elif isinstance(wanted, dict):
        fields = getattr(type(found), "_attr_to_rest_field", None)
        names = {each._rest_name: name for name, each in fields.items()} if fields is not None else None
        for name, each in wanted.items():
            inner = f"{path}.{name}"
            if names is None:
                # A map, such as tags, whose names are anything.
                yield from unknown(found[name], each, inner)
            elif name not in names:
                yield inner
            elif each is not None:
                yield from unknown(getattr(found, names[name]), each, inner)


def test_the_types_of_the_client_find_a_wrong_field() -> None:
    wrong = {"name": "1", "properties": {"modelUri": "x", "modelURL": "x", "datasets": [{"nome": "x"}]}}
    found = ModelVersion._deserialize(wrong, [])
    assert list(unknown(found, wrong)) == [".properties.modelURL", ".properties.datasets[0].nome"]


def test_the_client_knows_each_field_of_a_version(client: Any, fake: FakeAzureMl) -> None:
    models = list(client.model_containers.list(**OF, list_view_type="All"))
    assert [each.name for each in models] == ["Churn_Model", "old", "tree"]
    assert list(unknown(models, fake.resources[f"{WORKSPACE}/models"])) == []
    found = list(client.model_versions.list(name="Churn_Model", **OF, list_view_type="All"))
    assert [each.name for each in found] == [each["name"] for each in fake.resources[VERSIONS]]
    assert list(unknown(found, fake.resources[VERSIONS])) == []
    with pytest.raises(ResourceNotFoundError):
        client.model_containers.get(name="nope", **OF)


def test_the_client_knows_each_field_of_the_job_the_environment_and_the_datastore(
    client: Any, fake: FakeAzureMl
) -> None:
    for found, path in (
        (client.jobs.get(id="churn-job", **OF), "jobs/churn-job"),
        (client.environment_versions.get(name="sklearn", version="7", **OF), "environments/sklearn/versions/7"),
        (client.datastores.get(name="workspaceblobstore", **OF), "datastores/workspaceblobstore"),
    ):
        assert list(unknown(found, fake.resources[f"{WORKSPACE}/{path}"])) == []
    workspace = client.workspaces.get(**OF)
    assert list(unknown(workspace, fake.resources[WORKSPACE])) == []


def test_a_registry_is_asked_as_the_official_client_does(
    registry: Any, fake: FakeAzureMl, address: str, capsys: Any
) -> None:
    assert REGISTRY_API == REGISTRY_DATAPLANE_API_VERSION
    of = ("ml", "shared")
    (model,) = list_registry_assets(registry, "models", None, *of, ModelContainer, lambda each: each)
    (version,) = list_registry_assets(registry, "models", model.name, *of, ModelVersion, Model._from_rest_object)
    whole = get_registry_versioned_asset(registry, "models", model.name, version.version, *of)
    said = Model._from_rest_object(ModelVersion._deserialize(whole, []))
    theirs = list(dict.fromkeys(fake.asked))
    assert all(each.startswith(f"{FRONT}/subscriptions/") for each in theirs[1:])
    fake.asked.clear()
    code, out, _ = ran(capsys, *in_registry(address))
    (record,) = (each["spec"] for each in manifests(out))
    assert code == 0
    # The import asks for the model as well, to know whether it is archived.
    ours = [each for each in dict.fromkeys(fake.asked) if each not in ("/token", f"{REGISTRY}/models/shared-churn")]
    assert ours == theirs
    assert record["artifacts"][0]["uri"] == said.path
    assert record["source"]["annotations"]["tags.team"] == said.tags["team"]
    assert said._intellectual_property is not None
    assert said._intellectual_property.publisher in record["source"]["annotations"]["intellectualProperty"]


def test_the_import_has_what_the_client_says(client: Any, address: str, capsys: Any) -> None:
    listed = client.model_versions.list(name="Churn_Model", **OF)
    said = {each.version: each for each in map(Model._from_rest_object, listed)}
    code, out, err = ran(capsys, *in_workspace(address), "Churn_Model", "--all-versions")
    found = {each["spec"]["source"]["version"]: each["spec"] for each in manifests(out)}
    assert (code, found.keys()) == (0, said.keys())
    assert "Warning: Churn_Model broken is skipped: it is archived in Azure ML" in err
    for name, record in found.items():
        model, notes = said[name], record["source"]["annotations"]
        assert record["artifacts"][0]["uri"] == model.path
        assert (notes.get("stage"), notes["modelType"]) == (model.stage, model.type)
        tags = {key: each for key, each in model.tags.items() if key != "apiKey"}
        assert {key: notes[f"tags.{key}"] for key in tags} == tags
        assert record["author"]["name"] == model.creation_context.created_by
        created = model.creation_context.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert record["createdAt"] == created
        assert record.get("training", {}).get("run") == model.job_name


def test_the_newest_version_is_the_one_that_the_client_calls_latest(client: Any, address: str, capsys: Any) -> None:
    newest = max(client.model_versions.list(name="Churn_Model", **OF), key=lambda each: each.system_data.created_at)
    _, out, _ = ran(capsys, *in_workspace(address), "Churn_Model")
    assert newest.name in {each["spec"]["source"]["version"] for each in manifests(out)}


def test_the_clouds_are_those_of_the_client() -> None:
    assert {name: (each.management, each.discovery, each.storage) for name, each in addresses.CLOUDS.items()} == {
        name: (
            each["resource_manager"].rstrip("/"),
            each["registry_discovery_endpoint"].rstrip("/"),
            each["storage_endpoint"],
        )
        for name, each in environments.items()
    }


def test_versions_are_imported_once_with_credentials_of_azure(
    address: str, fake: FakeAzureMl, capsys: Any, tmp_path: Path
) -> None:
    for name in ("1", "2", "candidate"):
        fake.objects[f"blobs/models/Churn_Model/{name}/model.pkl"] = name.encode()
    arguments = (*in_workspace(address), "--all-versions", "--verify", "--write", str(tmp_path / "records"))
    code, _, err = ran(capsys, *arguments)
    assert (code, err.splitlines()[-2:]) == (0, ["digests of artefacts: 5 Verified", "5 imported, 2 skipped"])
    assert set(fake.credentials) == {None, "Bearer fresh"}
    # One for Azure Resource Manager, one for storage.
    assert fake.asked.count("/token") == 2
    names = ["churn-model-1", "churn-model-2", "churn-model-2026-05.1", "churn-model-candidate", "tree-1"]
    assert imported(tmp_path / "records") == names
    assert problems(tmp_path / "records") == []
    for each in (arguments, tuple(each for each in arguments if each != "--verify")):
        code, out, err = ran(capsys, *each)
        assert (code, out, err.splitlines()[-1]) == (0, "", "0 imported, 5 unchanged, 2 skipped")


def test_a_version_that_changed_under_its_name_is_an_error(
    address: str, fake: FakeAzureMl, capsys: Any, tmp_path: Path
) -> None:
    arguments = (*in_workspace(address), "tree", "--write", str(tmp_path))
    ran(capsys, *arguments)
    fake.resources[f"{WORKSPACE}/models/tree/versions"][0]["properties"]["modelUri"] = "azureml://datastores/d/paths/x"
    code, _, err = ran(capsys, *arguments)
    assert code == 1
    assert "error: tree 1: the registry says something else than" in err
    assert "spec.artifacts[model].uri" in err


def test_the_files_of_a_registry_cannot_be_verified(address: str, capsys: Any) -> None:
    code, out, err = ran(capsys, *in_registry(address), "--verify")
    assert (code, out) == (1, "")
    assert (
        "error: shared-churn 1: the storage of a registry of Azure ML gives its files by signed addresses only" in err
    )


def test_credentials_that_azure_refuses_are_a_sentence(address: str, fake: FakeAzureMl, capsys: Any) -> None:
    fake.broken["/token"] = Answer(400, '{"error": "invalid_resource"}')
    code, out, err = ran(capsys, *in_workspace(address))
    assert (code, out) == (1, "")
    assert err.startswith("error: there are no credentials for Azure: ")
    assert "Run `az login`, or set AZURE_CLIENT_ID" in err
    assert len(err.splitlines()) == 1
