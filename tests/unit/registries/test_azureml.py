"""Versions of Azure ML: what is read, what it becomes, and what is said of the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennant.api.meta import Json
from pennant.core.versions.completeness import missing
from pennant.registries import http
from pennant.registries.azureml import connection, job, storage
from pennant.registries.azureml.address import CLOUD, CLOUDS, place
from pennant.registries.azureml.registry import AzureMl, Survey
from pennant.registries.azureml.runs import Runs
from pennant.registries.azureml.source import Source
from pennant.registries.catalogue import Given, opened
from pennant.registries.http import Pairs
from pennant.registries.notes import Notes
from pennant.registries.protocol import Failed, FoundVersion, NoAccess, NotThere, RegistryError, Selection, Skipped
from unit.core.builders import NOON
from unit.registries.fake_azureml import COMMIT, DATA, IMAGE, SHORT, WORKSPACE, FakeAzureMl, at, azureml, version
from unit.registries.fake_rest import Answer, Damaged, Direct
from unit.registries.records import NoFiles, peak_of, spec

ALL = Selection(is_all=True)
VERSIONS = f"{WORKSPACE}/models/Churn_Model/versions"
JOB = f"{WORKSPACE}/jobs/churn-job"


@pytest.fixture
def fake() -> FakeAzureMl:
    found = azureml()
    at(found, "https://mlflow.example")
    return found


def registry(reader: Any, repository: str | None = None) -> AzureMl:
    source = Source(reader, f"azureml://{SHORT}", WORKSPACE, connection.WORKSPACE_API)
    return AzureMl(source, Runs(source, lambda _: reader), None, repository)


async def read(reader: Any, model: str = "Churn_Model", selection: Selection = ALL, **options: Any) -> list[Any]:
    reader = Direct(reader) if isinstance(reader, FakeAzureMl) else reader
    return [each async for each in registry(reader, **options).versions(model, selection)]


async def one(fake: FakeAzureMl, **options: Any) -> FoundVersion:
    found = (await read(fake, **options))[1]
    assert isinstance(found, FoundVersion), found
    return found


def whole(fake: FakeAzureMl) -> dict[str, Any]:
    """Return the properties of the version that has everything, to be changed."""
    found: dict[str, Any] = fake.resources[VERSIONS][1]["properties"]
    return found


async def test_all_models_are_listed(fake: FakeAzureMl) -> None:
    assert [each async for each in registry(Direct(fake)).models()] == ["Churn_Model", "old", "tree"]


async def test_the_newest_version_and_those_with_a_stage_are_read(fake: FakeAzureMl) -> None:
    found = await read(fake, selection=Selection())
    assert [(each.version, each.aliases) for each in found] == [
        ("2026-05.1", ("Production",)),
        ("candidate", ("Development",)),
    ]


async def test_a_stage_of_several_versions_is_an_alias_of_the_newest_of_them(fake: FakeAzureMl) -> None:
    """Rule: R217."""
    found = {each.version: each for each in await read(fake) if isinstance(each, FoundVersion)}
    assert {name: each.aliases for name, each in found.items()} == {
        "1": (),
        "2026-05.1": ("Production",),
        "candidate": ("Development",),
        "2": (),
    }
    source = spec(found["1"]).source
    assert source is not None
    assert source.annotations["stage"] == "Production"


@pytest.mark.parametrize("fields", [{"isArchived": True}, {"provisioningState": "Deleting"}])
def test_a_version_that_is_not_imported_has_no_alias_and_is_not_the_newest(fields: dict[str, Any]) -> None:
    """Rule: R217."""
    survey = Survey()
    survey.add(version(WORKSPACE, "m", "1", 1, stage="Production"))
    survey.add(version(WORKSPACE, "m", "2", 2, stage="Production", **fields))
    assert (survey.newest, survey.aliases("1"), survey.aliases("2")) == ("1", ("Production",), ())


@pytest.mark.parametrize("stage", [None, "", "None"])
def test_no_stage_is_no_alias(stage: str | None) -> None:
    survey = Survey()
    survey.add(version(WORKSPACE, "m", "1", 1, stage=stage))
    assert survey.aliases("1") == ()


async def test_since_reads_versions_that_were_created_since_then(fake: FakeAzureMl) -> None:
    since = Selection(since=datetime(2026, 5, 3, tzinfo=UTC))
    assert [each.version for each in await read(fake, selection=since)] == ["2026-05.1", "candidate", "broken"]


async def test_what_is_archived_is_skipped_with_a_sentence(fake: FakeAzureMl) -> None:
    found = await read(fake)
    assert found[3] == Skipped("Churn_Model", "broken", "it is archived in Azure ML; restore it there to import it")
    assert await read(fake, "old") == [Skipped("old", "(all versions)", "the model is archived")]
    for each in fake.resources[VERSIONS]:
        each["properties"]["isArchived"] = True
    assert await read(fake, selection=Selection()) == [
        Skipped("Churn_Model", "(all versions)", "each of them is archived or not ready")
    ]


async def test_a_version_that_is_not_ready_is_skipped(fake: FakeAzureMl) -> None:
    whole(fake)["provisioningState"] = "Creating"
    assert (await read(fake))[1] == Skipped("Churn_Model", "2026-05.1", "its provisioningState is Creating")


async def test_a_version_has_all_that_azure_ml_and_its_job_hold(fake: FakeAzureMl) -> None:
    found = await one(fake)
    record = spec(found)
    # Azure ML has no digest of files and of data sets.
    assert [each.value for each in missing(record)] == ["Artifacts", "TrainingData"]
    assert (record.description, record.reason) == ("Who will leave", "retrained on April")
    assert record.author is not None
    assert (record.author.name, record.author.email, record.author.kind) == (
        "ada@example.com",
        "ada@example.com",
        "User",
    )
    assert record.created_at == datetime(2026, 5, 3, 9, 0, 0, 123000, UTC)
    assert record.artifacts[0].format is not None
    assert record.artifacts[0].format.name == "mlflow"
    assert record.base_model is not None
    assert (record.base_model.name, record.base_model.revision) == ("base", "5")
    assert record.code is not None
    assert (record.code.repository, record.code.commit, record.code.dirty) == (
        "https://git.example/churn.git",
        COMMIT,
        False,
    )
    assert [(each.name, each.role, each.uri, each.version) for each in record.datasets] == [
        ("churn-val", "Validation", DATA.replace("churn/versions/4", "churn-val/versions/2"), "2"),
        ("training_data", "Training", DATA, "4"),
        ("test_data", "Test", "https://data.example/test", None),
    ]
    assert {each.name: each.value for each in record.hyperparameters} == {"depth": "6", "lr": "0.1", "sweep.seed": "7"}
    assert [(each.name, each.value, each.split) for each in record.metrics] == [
        ("val_auc", "0.93", "Validation"),
        ("test_auc", "0.91", "Test"),
    ]
    assert record.environment is not None
    assert (record.environment.image, record.environment.language_version) == (IMAGE, "3.11.7")
    assert {each.name: each.version for each in record.environment.frameworks} == {
        "mlflow": "2.16.0",
        "scikit-learn": "1.5.2",
    }
    assert record.training is not None
    assert (record.training.experiment, record.training.run) == ("churn", "churn-job")
    assert record.training.started_at == datetime(2026, 5, 3, 9, tzinfo=UTC)


async def test_what_has_no_field_is_an_annotation(fake: FakeAzureMl) -> None:
    source = spec(await one(fake)).source
    assert source is not None
    assert (source.registry, source.instance, source.version) == ("Azure ML", f"azureml://{SHORT}", "2026-05.1")
    assert source.id == f"{WORKSPACE}/models/Churn_Model/versions/2026-05.1"
    notes = source.annotations
    assert (notes["stage"], notes["tags.team"], notes["properties.origin"]) == (
        "Production",
        "risk",
        "pipeline https://host/x",
    )
    assert json.loads(notes["flavors"])["python_function"]["loader_module"] == "mlflow.sklearn"
    assert notes["job.command"] == "python train.py --lr ${{inputs.lr}} --db-password ***"
    assert notes["job.environmentVariables"] == "DB_PASSWORD"
    assert notes["job.properties.mlflow.source.git.branch"] == "main"


async def test_no_secret_gets_into_the_record_and_the_notes(fake: FakeAzureMl) -> None:
    whole(fake)["modelUri"] = "https://store.blob.core.windows.net/blobs/model?sv=1&sig=hunter2"
    found = await one(fake)
    assert "hunter2" not in json.dumps(found.record)
    assert "hunter2" not in str(found.unknown)
    assert "hf_token may be a secret, so the record does not have its value" in found.unknown


async def test_a_model_that_is_not_there(fake: FakeAzureMl) -> None:
    with pytest.raises(NotThere, match=r"no model in azureml://.*/workspaces/risk has the name nope"):
        await read(fake, "nope")


@pytest.mark.parametrize("uri", [None, ""])
async def test_a_version_without_an_artefact_fails_and_the_others_are_read(fake: FakeAzureMl, uri: Any) -> None:
    whole(fake)["modelUri"] = uri
    found = await read(fake)
    assert [type(each) for each in found] == [FoundVersion, Failed, FoundVersion, Skipped, FoundVersion]
    assert "its modelUri is empty" in found[1].why


async def test_what_was_deleted_is_told(fake: FakeAzureMl) -> None:
    del fake.resources[f"{WORKSPACE}/environments/sklearn/versions/7"]
    assert "the environment sklearn 7 was deleted, with its image and libraries" in (await one(fake)).unknown
    del fake.resources[JOB]
    fake.resources = {path: each for path, each in fake.resources.items() if "mlflow" not in path}
    found = await one(fake)
    assert "the job churn-job was deleted, with its inputs, code and environment" in found.unknown
    assert "the workspace has no run churn-job, so metrics are not known" in found.unknown


async def test_a_workspace_whose_runs_cannot_be_read_is_not_asked_for_each_version(fake: FakeAzureMl) -> None:
    def closed(_: str) -> Direct:
        fake.asked.append("session")
        raise NoAccess("it does not answer")

    runs, notes = Runs(Source(Direct(fake), f"azureml://{SHORT}", WORKSPACE, "1"), closed), Notes()
    assert await runs.of_job("churn-job", notes) == {}
    assert await runs.of_job("other", notes) == {}
    assert fake.asked.count("session") == 1
    assert notes.said == ("the runs of the workspace cannot be read, so metrics are not known: it does not answer",)


async def test_a_job_that_may_not_be_read_fails_the_version(fake: FakeAzureMl) -> None:
    fake.broken[JOB] = Answer(403)
    assert [type(each) for each in await read(fake)] == [FoundVersion, Failed, FoundVersion, Skipped, FoundVersion]


async def test_a_commit_without_a_repository_is_told(fake: FakeAzureMl) -> None:
    fake.resources[JOB]["properties"]["properties"] = {"azureml.git.commit": COMMIT}
    found = await one(fake)
    assert spec(found).code is None
    assert any(each.startswith(f"the code is at commit {COMMIT}, and no property") for each in found.unknown)
    code = spec(await one(fake, repository="https://bot:hunter2@git.example/wine.git")).code
    assert code is not None
    assert code.repository == "https://git.example/wine.git"


@pytest.mark.parametrize(
    ("conda", "lock", "said"),
    [
        ("dependencies: [python=3.10.4, numpy=1.26.4=py310_0, {pip: [torch==2.4.0]}]", True, ""),
        (
            "dependencies: [python=3.10, {pip: ['torch>=2']}]",
            False,
            "the conda file has no exact version for torch>=2",
        ),
        ("dependencies: [", False, "the conda file of the environment e is no YAML that can be read"),
        ("", False, ""),
    ],
)
def test_a_conda_file_is_a_lock_file_only_if_each_library_has_one_version(conda: str, lock: bool, said: str) -> None:
    notes = Notes()
    found = job.environment({"image": "i", "condaFile": conda}, "e", notes)
    assert ("lockDigest" in found, found["image"]) == (lock, "i")
    assert said in " ".join(notes.said)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        (f"azureml://{SHORT}/datastores/d/paths/a/b", ("d", "a/b")),
        ("azureml://datastores/d/paths/a", ("d", "a")),
        ("azureml://datastores/d/ExperimentRun/dcid.j/a", ("d", "ExperimentRun/dcid.j/a")),
        ("azureml://jobs/j/outputs/artifacts/paths/model/", ("workspaceartifactstore", "ExperimentRun/dcid.j/model/")),
        ("runs:/j/model", ("workspaceartifactstore", "ExperimentRun/dcid.j/model")),
    ],
)
def test_the_datastore_of_an_artefact_is_found(uri: str, found: tuple[str, str]) -> None:
    assert storage.location(uri) == found


def test_an_artefact_in_no_datastore_cannot_be_read() -> None:
    with pytest.raises(RegistryError, match="is in no datastore of the workspace"):
        storage.location("azureml://models/x/versions/1")


async def test_the_next_page_is_asked_of_the_same_host(fake: FakeAzureMl) -> None:
    fake.address = "https://attacker.example"
    assert len(await read(fake)) == 5


async def test_more_than_a_record_can_have_is_cut_and_told(fake: FakeAzureMl) -> None:
    whole(fake)["tags"] = {f"t{number}": "y" * 2000 for number in range(80)}
    fake.resources[JOB]["properties"]["parameters"] = {f"p{number:03}": 1 for number in range(300)}
    found = await one(fake)
    assert len(spec(found).hyperparameters) == 256
    assert any(each.startswith("the record has 64 of ") for each in found.unknown)


@pytest.mark.parametrize("item", [{}, {"name": 7}, 7, None])
async def test_a_list_of_another_form_is_an_error(fake: FakeAzureMl, item: Any) -> None:
    class Strange(Direct):
        async def json(self, path: str, params: Pairs = ()) -> Json:
            return {"value": [item]} if path.endswith("versions") else await super().json(path, params)

    with pytest.raises(RegistryError, match="gives an item without a name"):
        await read(Strange(fake))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(0, 14))
async def test_an_answer_of_any_form_is_a_record_or_a_sentence(data: st.DataObject, which: int) -> None:
    fake = azureml()
    at(fake, "https://mlflow.example")
    try:
        found = await read(Damaged(fake, data, which))
    except RegistryError:
        return
    for each in found:
        assert isinstance(each, Failed | FoundVersion | Skipped)
        if isinstance(each, FoundVersion):
            json.dumps(each.record)


@dataclass
class Many(NoFiles):
    """Implements `Reader` for a model with many versions, which are made when they are asked for."""

    count: int
    size: int = 100
    pages: int = 0
    repeats: bool = False

    async def json(self, path: str, params: Pairs = ()) -> Json:
        asked: Mapping[str, str] = dict(params)
        if not path.endswith("/versions"):
            return {"name": "big", "properties": {}}
        self.pages += 1
        start = int(asked.get("$skip", 0))
        end = min(start + self.size, self.count)
        listed = [version(WORKSPACE, "big", str(each + 1), 1) for each in range(start, end)]
        token = start if self.repeats and start else end
        link = f"https://management.azure.com:443{path}?api-version=1&$skip={token}" if end < self.count else None
        return {"value": listed, "nextLink": link}


async def test_two_thousand_versions_are_read_page_by_page() -> None:
    many, began = Many(2_000), process_time()
    numbers = [int(each.version) async for each in registry(many).versions("big", ALL)]
    assert numbers == list(range(1, 2_001))
    # Once to find the newest and the stages, and once to read them.
    assert many.pages == 2 * 2_000 / many.size
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


async def test_many_versions_need_the_memory_of_a_page() -> None:
    few, many = [await peak_of(registry(Many(count)).versions("big", ALL)) for count in (200, 2000)]
    # A record of these takes 3 kB in memory, so all of them would take 6 MB.
    assert many < few + 1_000_000


async def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever() -> None:
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(Many(10_000, repeats=True), "big")


@pytest.mark.parametrize(
    ("address", "environment", "host", "uri"),
    [
        (f"azureml://{SHORT}", {}, "https://management.azure.com", f"azureml://{SHORT}"),
        (WORKSPACE, {}, "https://management.azure.com", f"azureml://{SHORT}"),
        (f"https://proxy:8443{WORKSPACE}", {}, "https://proxy:8443", f"azureml://{SHORT}"),
        (
            f"azureml://{SHORT}",
            {CLOUD: "AzureUSGovernment"},
            "https://management.usgovcloudapi.net",
            f"azureml://{SHORT}",
        ),
        ("azureml://registries/shared", {}, "https://eastus.api.azureml.ms", "azureml://registries/shared"),
        ("https://proxy/registries/shared/", {}, "https://proxy", "azureml://registries/shared"),
    ],
)
def test_the_address_is_that_of_the_workspace_or_the_registry(
    address: str, environment: dict[str, str], host: str, uri: str
) -> None:
    found = place(address, environment)
    assert (found.host, found.uri, found.is_registry) == (host, uri, "registries" in address)


@pytest.mark.parametrize(
    ("address", "environment", "said"),
    [
        (None, {}, "no registry is given; use --from with azureml://"),
        ("azureml://workspaces/risk", {}, "is no workspace and no registry of Azure ML"),
        ("https://ada:hunter2@/registries/x", {}, "is no address of Azure Resource Manager"),
        ("azureml://registries/x", {CLOUD: "Moon"}, f"{CLOUD} is Moon, which is none of AzureCloud"),
    ],
)
def test_a_wrong_address_is_a_sentence_without_secrets(
    address: str | None, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(NoAccess, match=said) as error:
        place(address, environment)
    assert "hunter2" not in str(error.value)


def test_an_error_of_azure_identity_is_told_by_what_is_set_up() -> None:
    text = (
        "DefaultAzureCredential failed to retrieve a token from the included credentials.\nAttempted credentials:\n"
        "\tEnvironmentCredential: Authentication failed: AADSTS7000215: Invalid client secret provided.\n"
        "\tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable.\n"
        "\tAzureCliCredential: Azure CLI not found on path\nTo mitigate this issue, read this."
    )
    said = "EnvironmentCredential: Authentication failed: AADSTS7000215: Invalid client secret provided"
    assert connection.reason(text) == said
    assert connection.reason("Nothing works.\n\tA: unavailable") == "Nothing works"


async def test_an_address_without_tls_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    async def discovered(self: http.Http, path: str, params: Pairs = ()) -> Json:
        return {
            "primaryRegionResourceProviderUri": "http://attacker.example/",
            "subscriptionId": "s",
            "resourceGroup": "g",
        }

    monkeypatch.setattr(http.Http, "json", discovered)
    variables = {connection.TOKEN: "t"}
    with pytest.raises(NoAccess, match=r"names http://attacker\.example, which is without TLS"):
        async with opened("azureml", Given("azureml://registries/shared", variables, lambda: NOON)):
            raise AssertionError("not opened")


async def test_without_azure_identity_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure", None)
    with pytest.raises(NoAccess, match=r"reading Azure ML needs azure.*pip install 'pennant\[azureml\]'"):
        async with opened("azureml", Given(f"azureml://{SHORT}", {}, lambda: NOON)):
            raise AssertionError("not opened")


def test_the_page_names_each_property_and_each_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-azure-ml.md").read_text(encoding="utf-8")
    words = (*job.REPOSITORY, *job.COMMIT, job.DIRTY, connection.TOKEN, *connection.OF_STORAGE, CLOUD, *CLOUDS)
    for word in words:
        assert f"`{word}`" in page, word
