"""Versions of Vertex AI: what is read, what it becomes, and what is said of the rest."""

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
from pennant.registries import tokens
from pennant.registries.catalogue import Given
from pennant.registries.http import Pairs
from pennant.registries.protocol import Failed, FoundVersion, NoAccess, NotThere, RegistryError, Selection
from pennant.registries.vertex import connection, measured
from pennant.registries.vertex.record import AUTHOR, COMMIT, name_of
from pennant.registries.vertex.registry import PAGE, Vertex
from unit.core.builders import NOON
from unit.registries.fake_rest import Answer, Damaged, Direct
from unit.registries.fake_vertex import COMMIT as HASH
from unit.registries.fake_vertex import LOCATION, STORE, FakeVertex, version, vertex
from unit.registries.records import NoFiles, peak_of, spec

HOST = "https://europe-west4-aiplatform.googleapis.com"
ALL = Selection(is_all=True)
REPOSITORY = "https://git.example/churn.git"


@pytest.fixture
def fake() -> FakeVertex:
    return vertex()


def registry(reader: Any, repository: str | None = None) -> Vertex:
    return Vertex(reader, HOST, LOCATION, tokens.given("t", lambda: NOON), repository)


async def read(reader: Any, model: str = "churn", selection: Selection = ALL, **options: Any) -> list[Any]:
    reader = Direct(reader) if isinstance(reader, FakeVertex) else reader
    return [each async for each in registry(reader, **options).versions(model, selection)]


async def one(fake: FakeVertex, **options: Any) -> FoundVersion:
    found = (await read(fake, **options))[2]
    assert isinstance(found, FoundVersion), found
    return found


def whole(fake: FakeVertex) -> dict[str, Any]:
    """Return the version that has everything, to be changed."""
    found: dict[str, Any] = fake.resources[f"{LOCATION}/models/churn"][2]
    return found


async def test_all_models_are_listed_by_their_ids(fake: FakeVertex) -> None:
    assert [each async for each in registry(Direct(fake)).models()] == ["churn", "4711"]


async def test_the_newest_version_and_those_with_an_alias_are_read(fake: FakeVertex) -> None:
    found = await read(fake, selection=Selection())
    assert [(each.version, each.aliases) for each in found] == [("2", ("default",)), ("3", ("champion",))]


async def test_the_order_of_the_list_does_not_say_which_version_is_the_newest(fake: FakeVertex) -> None:
    listed = [version("churn", each) for each in (2, 9, 1)] + [version("churn", 3), version("churn", 4)]
    fake.resources[f"{LOCATION}/models/churn"] = [{**each, "versionId": each["versionId"]} for each in listed]
    assert [each.version for each in await read(fake, selection=Selection())] == ["9"]


async def test_since_reads_versions_that_were_created_since_then(fake: FakeVertex) -> None:
    since = Selection(since=datetime(2026, 5, 2, tzinfo=UTC))
    assert [each.version for each in await read(fake, selection=since)] == ["2", "3"]


async def test_a_version_has_all_that_vertex_ai_holds(fake: FakeVertex) -> None:
    found = await one(fake, repository=REPOSITORY)
    record = spec(found)
    # Vertex AI has no digest of files and of data sets.
    assert [each.value for each in missing(record)] == ["Artifacts", "TrainingData"]
    assert (record.description, record.reason) == ("Who will leave", "retrained on April")
    assert record.author is not None
    assert record.author.name == "ada"
    assert record.created_at == datetime(2026, 5, 3, 9, 0, 0, 123000, UTC)
    assert (record.artifacts[0].uri, record.artifacts[0].digest) == ("gs://models/churn/3", None)
    assert record.base_model is not None
    assert (record.base_model.name, record.base_model.revision) == ("publishers/google/models/tabnet", "2")
    assert record.code is not None
    assert (record.code.repository, record.code.commit) == (REPOSITORY, HASH)
    assert record.schema_ is not None
    assert record.schema_.uri == "gs://models/churn/instance.yaml"
    assert record.environment is not None
    assert record.environment.image_digest == f"sha256:{'a' * 64}"
    assert record.training is not None
    assert (record.training.experiment, record.training.run, record.training.pipeline) == (
        "churn-exp",
        "run-3",
        "churn training",
    )


async def test_parameters_are_those_of_the_pipeline_the_arguments_the_run_and_the_lineage(fake: FakeVertex) -> None:
    record = spec(await one(fake))
    assert {each.name: each.value for each in record.hyperparameters} == {
        "depth": "6",
        "epochs": "20",
        "lr": "0.1",
        "maxTrialCount": "5",
        "optimizer.name": "adam",
        "seed": "7",
        "verbose": "true",
    }


async def test_data_sets_are_counted_by_their_use_and_those_of_lineage_and_evaluations_follow(
    fake: FakeVertex,
) -> None:
    assert [(each.name, each.role, each.uri, each.rows) for each in spec(await one(fake)).datasets] == [
        ("churn-2026-04", "Training", "gs://data/churn-2026-04.csv", 800),
        ("churn-2026-04 (Validation)", "Validation", "gs://data/churn-2026-04.csv", 100),
        ("churn-2026-04 (Test)", "Test", "gs://data/churn-2026-04.csv", 100),
        ("features", "Training", "gs://data/features", None),
        ("gs://data/holdout.jsonl", "Test", "gs://data/holdout.jsonl", None),
    ]


async def test_metrics_have_the_data_and_the_slice_of_their_evaluation(fake: FakeVertex) -> None:
    found = await one(fake)
    data = "gs://data/holdout.jsonl"
    assert [(each.name, each.value, each.dataset, each.split, each.slice) for each in spec(found).metrics] == [
        ("train_loss", "0.12", None, "Train", None),
        ("test_recall", "0.7", None, "Test", None),
        ("auRoc", "0.93", None, "Validation", None),
        ("auRoc", "0.91", data, "Test", None),
        ("thresholds.f1", "0.75", data, "Test", None),
        ("auRoc", "0.9", data, "Test", "country=DE"),
        ("auRoc", "0.88", data, "Test", "country=FR"),
        ("auRoc", "0.86", data, "Test", "country=IT"),
    ]
    said = (
        "metric confusionMatrix.rows of evaluation holdout is a list, such as a curve or a matrix, and not one number"
    )
    assert said in found.unknown


async def test_what_has_no_field_is_an_annotation(fake: FakeVertex) -> None:
    source = spec(await one(fake)).source
    assert source is not None
    assert (source.registry, source.model_name, source.version) == ("Vertex AI", "churn", "3")
    assert source.id == f"{LOCATION}/models/churn@3"
    notes = source.annotations
    assert (notes["labels.team"], notes["displayName"], notes["versionAliases"]) == ("risk", "Churn EU", "champion")
    assert notes["containerSpec.imageUri"].endswith("sklearn-cpu.1-5:latest")
    assert notes["containerSpec.env"] == "API_KEY"
    assert notes["containerSpec.args"] == "--api-key *** --workers=2"
    assert notes["training.args"] == "--lr=0.1 --epochs 20 --hf-token=*** --verbose"


async def test_no_secret_gets_into_the_record_and_the_notes(fake: FakeVertex) -> None:
    whole(fake)["artifactUri"] = "https://ada:hunter2@host/model?X-Goog-Signature=hunter2"
    found = await one(fake, repository="https://bot:hunter2@git.example/churn.git")
    assert "hunter2" not in json.dumps(found.record)
    assert "hunter2" not in str(found.unknown)
    assert "hf-token may be a secret, so the record does not have its value" in found.unknown


@pytest.mark.parametrize(
    ("identity", "name"), [("churn", "churn"), ("4711", "Churn EU"), ("churn-2", "churn-2"), ("_x", "_x")]
)
def test_a_model_has_its_id_as_its_name_unless_vertex_ai_chose_a_number(identity: str, name: str) -> None:
    """Rule: R216."""
    assert name_of(version(identity, 1)) == name


def test_a_model_without_a_display_name_keeps_its_number() -> None:
    assert name_of({"name": f"{LOCATION}/models/4711@2"}) == "4711"


async def test_a_model_is_found_by_its_display_name(fake: FakeVertex) -> None:
    """Rule: R216."""
    assert [(each.model, each.version) for each in await read(fake, "Tree")] == [("Tree", "1")]
    assert [each.version for each in await read(fake, "4711")] == ["1"]


async def test_a_display_name_of_several_models_is_an_error_that_names_their_ids(fake: FakeVertex) -> None:
    fake.resources[f"{LOCATION}/models/4711"] = [version("4711", 1)]
    with pytest.raises(RegistryError, match="several models have the display name Churn EU; give the ID of one: churn"):
        await read(fake, "Churn EU")


@pytest.mark.parametrize("model", ["nope", "No Pe", 'a"b'])
async def test_a_model_that_is_not_there(fake: FakeVertex, model: str) -> None:
    with pytest.raises(NotThere, match="no model"):
        await read(fake, model)


@pytest.mark.parametrize("uri", [None, "", 7])
async def test_a_version_without_an_artefact_fails_and_the_others_are_read(fake: FakeVertex, uri: Any) -> None:
    whole(fake)["artifactUri"] = uri
    found = await read(fake)
    assert [type(each) for each in found] == [FoundVersion, FoundVersion, Failed]
    assert "register what was exported with `pennant register`" in found[2].why


async def test_what_was_deleted_is_told(fake: FakeVertex) -> None:
    for name in (f"{LOCATION}/trainingPipelines/77", f"{STORE}/artifacts/model-3:queryArtifactLineageSubgraph"):
        del fake.resources[name]
    found = await one(fake)
    assert f"the training pipeline {LOCATION}/trainingPipelines/77 was deleted, with what it says of the training" in (
        found.unknown
    )
    assert f"the lineage {STORE}/artifacts/model-3 was deleted from ML Metadata" in found.unknown
    assert not spec(found).hyperparameters


async def test_a_part_that_may_not_be_read_fails_the_version(fake: FakeVertex) -> None:
    fake.broken[f"/v1/{LOCATION}/customJobs"] = Answer(403)
    assert [type(each) for each in await read(fake)] == [FoundVersion, FoundVersion, Failed]


async def test_a_pipeline_job_has_its_parameters_its_run_and_its_pipeline(fake: FakeVertex) -> None:
    job = f"{LOCATION}/pipelineJobs/churn-20260503"
    fake.resources[job] = {
        "name": job,
        "displayName": "churn run",
        "runtimeConfig": {
            "parameterValues": {"epochs": 5.0, "split": [0.8, 0.2]},
            "parameters": {"old": {"intValue": "3"}},
        },
        "jobDetail": {"pipelineContext": {"displayName": "churn-pipeline"}},
        "startTime": "2026-05-03T08:00:00Z",
        "templateUri": "https://europe-west4-kfp.pkg.dev/shop/churn/v1",
        "serviceAccount": "runner@shop.iam.gserviceaccount.com",
    }
    fake.resources[f"{LOCATION}/models/churn"] = [version("churn", 1, pipelineJob=job)]
    found = (await read(fake))[0]
    record = spec(found)
    assert {each.name: each.value for each in record.hyperparameters} == {
        "epochs": "5",
        "old": "3",
        "split": "[0.8, 0.2]",
    }
    assert record.training is not None
    assert (record.training.run, record.training.pipeline) == ("churn-20260503", "churn-pipeline")
    assert record.training.run_uri == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/churn-20260503?project=shop"
    )
    assert record.source is not None
    assert record.source.annotations["pipelineJob.serviceAccount"] == "runner@shop.iam.gserviceaccount.com"


async def test_a_commit_without_a_repository_is_told(fake: FakeVertex) -> None:
    found = await one(fake)
    assert spec(found).code is None
    assert (
        f"the code is at commit {HASH}, and a label has no place for a URL; give it with --repository" in found.unknown
    )
    whole(fake)["labels"] = {"git-commit": "main"}
    assert "the label git-commit is 'main', which is no hash of a commit" in (await one(fake)).unknown


async def test_more_than_a_record_can_have_is_cut_and_told(fake: FakeVertex) -> None:
    run = fake.resources[f"{STORE}/contexts/churn-exp-run-3"]["metadata"]
    run["_params"] = {f"p{number:03}": "x" for number in range(300)}
    whole(fake)["labels"] = {f"l{number}": "y" for number in range(80)}
    found = await one(fake)
    assert len(spec(found).hyperparameters) == 256
    assert any(each.startswith("the record has 64 of ") for each in found.unknown)


@pytest.mark.parametrize("item", [{}, {"name": 7}, 7, None])
async def test_a_list_of_another_form_is_an_error(fake: FakeVertex, item: Any) -> None:
    fake.resources[f"{LOCATION}/models/churn"].append(item)
    with pytest.raises(RegistryError, match="gives an item without a name"):
        await read(fake)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(0, 12))
async def test_an_answer_of_any_form_is_a_record_or_a_sentence(data: st.DataObject, which: int) -> None:
    try:
        found = await read(Damaged(vertex(), data, which))
    except RegistryError:
        return
    for each in found:
        assert isinstance(each, Failed | FoundVersion)
        if isinstance(each, FoundVersion):
            json.dumps(each.record)


@dataclass
class Many(NoFiles):
    """Implements `Reader` for a model with many versions, which are made when they are asked for."""

    count: int
    pages: int = 0
    repeats: bool = False

    async def json(self, path: str, params: Pairs = ()) -> Json:
        asked: Mapping[str, str] = dict(params)
        if path.endswith("/models/big"):
            return version("big", 1)
        if not path.endswith(":listVersions"):
            return {}
        start, size = int(asked.get("pageToken", 0)), int(asked["pageSize"])
        self.pages += 1
        end = min(start + size, self.count)
        models = [
            {**version("big", each + 1), "versionCreateTime": "2026-05-01T09:00:00Z"} for each in range(start, end)
        ]
        token = str(start if self.repeats and start else end)
        return {"models": models, **({"nextPageToken": token} if end < self.count else {})}


async def test_two_thousand_versions_are_read_page_by_page() -> None:
    many, began = Many(2_000), process_time()
    numbers = [int(each.version) async for each in registry(many).versions("big", ALL)]
    assert numbers == list(range(1, 2_001))
    assert many.pages == 2_000 / PAGE
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


@pytest.mark.parametrize("selection", [ALL, Selection()])
async def test_many_versions_need_the_memory_of_a_page(selection: Selection) -> None:
    few, many = [await peak_of(registry(Many(count)).versions("big", selection)) for count in (200, 2000)]
    # A record of these takes 3 kB in memory, so all of them would take 6 MB.
    assert many < few + 1_000_000


async def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever() -> None:
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(Many(10_000, repeats=True), "big")


@pytest.mark.parametrize(
    ("address", "environment", "place"),
    [
        ("projects/p/locations/us-central1", {}, ("https://us-central1-aiplatform.googleapis.com", "us-central1")),
        ("projects/p/locations/global/", {}, ("https://aiplatform.googleapis.com", "global")),
        ("https://proxy:8443/v1/projects/p/locations/eu", {}, ("https://proxy:8443", "eu")),
        (
            None,
            {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_REGION": "europe-west4"},
            ("https://europe-west4-aiplatform.googleapis.com", "europe-west4"),
        ),
    ],
)
def test_the_address_is_that_of_the_location(address: str | None, environment: Any, place: tuple[str, str]) -> None:
    host, location = place
    assert connection.place(address, environment) == (host, f"projects/p/locations/{location}")


@pytest.mark.parametrize("address", ["p/eu", "projects/p", "https://ada:hunter2@/projects/p/locations/eu", "ftp://x"])
def test_a_wrong_address_is_a_sentence_without_secrets(address: str) -> None:
    with pytest.raises(NoAccess) as error:
        connection.place(address, {})
    assert "hunter2" not in str(error.value)
    with pytest.raises(NoAccess, match="no registry is given"):
        connection.place(None, {})


async def test_without_google_auth_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from pennant.registries.catalogue import opened

    monkeypatch.setitem(__import__("sys").modules, "google", None)
    with pytest.raises(NoAccess, match=r"reading Vertex AI needs google.*pip install 'pennant\[vertex\]'"):
        async with opened("vertex", Given("projects/p/locations/eu", {}, lambda: NOON)):
            raise AssertionError("not opened")


def test_the_page_names_each_label_and_each_limit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-vertex-ai.md").read_text(encoding="utf-8")
    for word in (AUTHOR, *COMMIT, connection.TOKEN, connection.PROJECT, connection.LOCATION, *measured.COUNTS):
        assert f"`{word}`" in page, word
