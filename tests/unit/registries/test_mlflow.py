"""Versions of MLflow: what is read, what it becomes, and what is said of the rest."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import urlencode

import pytest

from pennant.api.meta import Json
from pennant.core.versions.completeness import missing
from pennant.registries.digest import verified
from pennant.registries.fields import LONGEST_ANNOTATION, MAX_ANNOTATIONS, MAX_PARAMETERS
from pennant.registries.http import Pairs
from pennant.registries.mlflow.listing import PAGE
from pennant.registries.mlflow.measured import MAX_DATASETS, ROLES
from pennant.registries.mlflow.record import ENTRY, MAPPED
from pennant.registries.mlflow.registry import Mlflow
from pennant.registries.protocol import Failed, File, FoundVersion, NotThere, RegistryError, Selection, Skipped, Unread
from unit.registries.fake_mlflow import RECORDED
from unit.registries.records import NoFiles, peak_of, short, spec

BASE = "https://mlflow.example"
ALL = Selection(is_all=True)
SEARCH = "/api/2.0/mlflow/model-versions/search"


@dataclass
class Replayed:
    """Implements `Reader` with answers in memory."""

    answers: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(RECORDED)))
    asked: list[str] = field(default_factory=list)

    def _found(self, path: str, params: Pairs) -> Any:
        target = path + (f"?{urlencode(params)}" if params else "")
        self.asked.append(target)
        if target not in self.answers:
            raise NotThere(f"not found: {target}")
        found = self.answers[target]
        if isinstance(found, Exception):
            raise found
        return found

    async def json(self, path: str, params: Pairs = ()) -> Json:
        found: Json = self._found(path, params)
        return found

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        return bytes(self._found(path, params), "utf-8")

    async def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        content = bytes(self._found(path, params), "utf-8")
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    def versions(self, model: str, number: str = "1") -> dict[str, Any]:
        """Return a version in the list of all, to be changed."""
        for target, answer in self.answers.items():
            if target.startswith(SEARCH) and "ASC" in target:
                for each in answer["model_versions"]:
                    if (each["name"], each["version"]) == (model, number):
                        return dict_of(each)
        raise AssertionError(f"{model} {number}")

    def answer(self, start: str) -> dict[str, Any]:
        """Return the first answer whose path begins so, to be changed."""
        return dict_of(next(each for target, each in self.answers.items() if target.startswith(start)))


def dict_of(value: Any) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


@pytest.fixture
def reader() -> Replayed:
    return Replayed()


async def read(reader: Any, model: str, selection: Selection = ALL, **options: Any) -> list[Any]:
    return [each async for each in Mlflow(reader, BASE, **options).versions(model, selection)]


async def one(reader: Replayed, model: str = "Wine Quality", **options: Any) -> FoundVersion:
    found = (await read(reader, model, **options))[0]
    assert isinstance(found, FoundVersion), found
    return found


async def test_all_models_are_listed(reader: Replayed) -> None:
    assert [each async for each in Mlflow(reader, BASE).models()] == ["Churn_Model", "Wine Quality"]


async def test_the_newest_version_and_those_with_an_alias_are_read(reader: Replayed) -> None:
    found = await read(reader, "Churn_Model", Selection())
    assert [(each.version, each.aliases) for each in found] == [("2", ("champion",)), ("3", ())]


async def test_since_reads_no_further_than_the_first_older_version(reader: Replayed) -> None:
    since = datetime.fromtimestamp(reader.versions("Churn_Model", "2")["creation_timestamp"] / 1000, UTC)
    found = await read(reader, "Churn_Model", Selection(since=since))
    assert [each.version for each in found] == ["3", "2"]
    assert not [each for each in reader.asked if "version=1" in each]


async def test_known_versions_are_listed_with_their_aliases_and_not_read(reader: Replayed) -> None:
    for selection in (Selection(), Selection(since=datetime(2020, 1, 1, tzinfo=UTC))):
        reader.asked.clear()
        known = replace(selection, known=lambda version, base: (version, base) != ("3", BASE))
        found = await read(reader, "Churn_Model", known)
        newest = [(type(each), each.version, each.aliases) for each in found if each.version != "1"]
        assert sorted(newest, key=lambda each: each[1]) == [(Unread, "2", ("champion",)), (FoundVersion, "3", ())]
        assert not [each for each in reader.asked if "model-versions/get" in each and "version=2" in each]


async def test_a_list_ends_at_the_first_known_version_if_all_older_ones_are_known(reader: Replayed) -> None:
    newest_first = f"{SEARCH}?filter=name%3D%27Churn_Model%27&order_by=version_number+DESC&max_results=100"
    listed = reader.answers[newest_first.replace("DESC", "ASC")]["model_versions"]
    reader.answers[newest_first] = {"model_versions": listed[::-1]}
    for ends, versions in ((True, ["3", "2"]), (False, ["3", "2", "1"])):
        known = Selection(is_all=True, known=lambda _version, _base: True, ends_at_known=ends)
        found = await read(reader, "Churn_Model", known)
        assert found == [Unread("Churn_Model", each, ("champion",) if each == "2" else ()) for each in versions]


async def test_the_state_of_a_model_changes_with_its_aliases_and_versions(reader: Replayed) -> None:
    async def states(*models: str) -> dict[str, str]:
        return dict([each async for each in Mlflow(reader, BASE).states(models)])

    before = await states()
    assert before.keys() == {"Churn_Model", "Wine Quality"}
    assert await states() == before
    named = await states("Churn_Model", "nope")
    assert named.keys() == {"Churn_Model"}
    reader.answer("/api/2.0/mlflow/registered-models/get?name=Churn_Model")["registered_model"]["aliases"] = []
    assert await states("Churn_Model") != named


async def test_a_model_that_is_not_there(reader: Replayed) -> None:
    with pytest.raises(NotThere):
        await read(reader, "nope")


async def test_a_version_of_mlflow_3_has_all_that_its_logged_model_and_run_have(reader: Replayed) -> None:
    found = await one(reader, "Churn_Model")
    record = spec(found)
    # MLflow has no digest of the files, and no reason.
    assert [each.value for each in missing(record)] == ["Artifacts", "Reason"]
    assert record.artifacts[0].uri.startswith("mlflow-artifacts:/1/models/m-")
    assert [(each.name, each.role, each.digest, each.rows) for each in record.datasets] == [
        ("churn-train", "Training", "mlflow:302f7f9b", 3),
        ("churn-test", "Test", "mlflow:400c9b78", 2),
        ("churn-val", "Validation", "mlflow:4155864c", 1),
    ]
    # The run has only the last value of auc, whatever its data set.
    assert [(each.name, each.value, each.dataset, each.split) for each in record.metrics] == [
        ("auc", "0.91", "churn-test", None),
        ("auc", "0.93", "churn-val", None),
        ("train_loss", "0.1", None, "Train"),
    ]
    assert record.code is not None
    assert (record.code.repository, record.code.path) == ("https://git.example/churn.git", "seed.py")
    assert record.training is not None
    assert record.training.experiment == "churn training"
    assert record.source is not None
    assert (record.source.model_name, record.source.version) == ("Churn_Model", "1")
    assert record.source.uri == f"{BASE}/#/models/Churn_Model/versions/1"
    assert record.source.annotations["tags.validated_by"] == "ada"
    assert record.source.annotations["run.tags.team"] == "risk"
    assert found.unknown == ()


async def test_a_version_of_mlflow_2_has_what_its_run_has(reader: Replayed) -> None:
    found = await one(reader)
    record = spec(found)
    assert [each.value for each in missing(record)] == ["Artifacts", "Code", "Environment"]
    assert (record.reason, record.author and record.author.name) == ("new harvest", "ada")
    assert [(each.name, each.role, each.uri) for each in record.datasets] == [
        ("wine", "Training", "https://data.example/wine.csv"),
        ("wine (Reference)", "Reference", None),
    ]
    assert [(each.name, each.value, each.split) for each in record.metrics] == [
        ("val_f1", "0.81", "Validation"),
        ("test_f1", "0.79", "Test"),
    ]
    assert record.schema_ is not None
    assert [(each.name, each.type, each.required) for each in record.schema_.inputs] == [
        ("alcohol", "double", True),
        ("pH", "double", False),
    ]
    assert record.source is not None
    assert record.source.annotations["run.tags.mlflow.source.git.commit"].startswith("0123456789")
    assert found.unknown == (
        "data set wine has the context 'eval', which is none of train, training, val, valid, validation, test, "
        "testing: Reference",
        "the code is at commit 0123456789abcdef0123456789abcdef01234567, and no tag says in which repository; give it "
        "with --repository",
        "metric loss is NaN, which is no number that a record can have",
        "requirements.txt has no exact version for scikit-learn>=1.5, so it is no lock file",
    )


async def test_the_repository_can_be_given(reader: Replayed) -> None:
    code = spec(await one(reader, repository="https://bot:secret@git.example/wine.git")).code
    assert code is not None
    assert (code.repository, code.path) == ("https://git.example/wine.git", None)


async def test_no_credentials_get_into_the_record(reader: Replayed) -> None:
    reader.versions("Wine Quality")["source"] = "https://ada:secret@host/model?X-Amz-Signature=secret"
    inputs = reader.answer("/api/2.0/mlflow/runs/get?run_id=7aed")["run"]["inputs"]["dataset_inputs"]
    inputs[0]["dataset"]["source"] = '{"uri": "https://data.example/wine.csv?sig=secret"}'
    record = spec(await one(reader))
    assert record.artifacts[0].uri == "https://host/model"
    assert record.datasets[0].uri == "https://data.example/wine.csv"
    assert "secret" not in record.model_dump_json()


async def test_the_digest_is_that_of_sha256sum(reader: Replayed) -> None:
    """`find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` said so of the files."""
    (artifact,) = (await verified(Mlflow(reader, BASE), await one(reader)))["artifacts"]
    assert artifact["manifestDigest"] == "sha256:298d3d9df9d556ce79e1ad7dc558fcbcc817dd9a28f8493c6e3a8e89a2e94722"
    assert artifact["sizeBytes"] == 572


async def test_a_file_that_is_not_as_long_as_listed_has_no_digest(reader: Replayed) -> None:
    found = await one(reader)
    reader.answers["/model-versions/get-artifact?name=Wine+Quality&version=1&path=model.pkl"] = "short"
    with pytest.raises(RegistryError, match=r"model\.pkl has 5 bytes, and the registry lists 10"):
        await verified(Mlflow(reader, BASE), found)


async def test_a_list_of_files_without_an_end_is_an_error(reader: Replayed) -> None:
    found = await one(reader)
    for target in [each for each in reader.answers if "/artifacts/list" in each]:
        reader.answers[target]["next_page_token"] = "again"
        reader.answers[f"{target}&page_token=again"] = reader.answers[target]
    with pytest.raises(RegistryError, match="artifacts/list gives the same page again"):
        await short(Mlflow(reader, BASE).files(found))


async def test_an_artefact_elsewhere_cannot_be_listed(reader: Replayed) -> None:
    reader.versions("Wine Quality")["source"] = "s3://bucket/model"
    found = await one(reader)
    with pytest.raises(RegistryError, match="these are at s3://bucket/model"):
        await verified(Mlflow(reader, BASE), found)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a\nb"])
async def test_a_path_that_leads_elsewhere_is_refused(reader: Replayed, path: str) -> None:
    found = await one(reader)
    mlflow = Mlflow(reader, BASE)

    async def files(_: FoundVersion) -> AsyncIterator[File]:
        yield File(path, None)

    mlflow.files = files  # type: ignore[method-assign,assignment]
    with pytest.raises(RegistryError, match=r"is not in the directory|has characters"):
        await verified(mlflow, found)


@pytest.mark.parametrize("source", ["", None, "REDACTED-SOURCE-PATH"])
async def test_a_version_without_an_artefact_fails_and_the_others_are_read(reader: Replayed, source: Any) -> None:
    reader.versions("Churn_Model", "2")["source"] = source
    found = await read(reader, "Churn_Model")
    assert [type(each) for each in found] == [FoundVersion, Failed, FoundVersion]
    assert "its source is empty" in found[1].why


@pytest.mark.parametrize("status", ["PENDING_REGISTRATION", "FAILED_REGISTRATION"])
async def test_a_version_that_is_not_ready_is_skipped(reader: Replayed, status: str) -> None:
    reader.versions("Churn_Model", "2").update(status=status, status_message="copying")
    skipped = Skipped("Churn_Model", "2", f"its status is {status}: copying", ("champion",))
    assert (await read(reader, "Churn_Model"))[1] == skipped


async def test_an_answer_of_another_form_fails_one_version(reader: Replayed) -> None:
    reader.answer("/api/2.0/mlflow/runs/get")["run"]["data"]["params"] = [7]
    found = await read(reader, "Churn_Model")
    assert [type(each) for each in found] == [Failed, FoundVersion, FoundVersion]
    assert found[0].why.startswith("MLflow's answer does not have the expected form")


@pytest.mark.parametrize("item", [{}, {"name": "Churn_Model"}, 7, None])
@pytest.mark.parametrize("selection", [ALL, Selection()])
async def test_a_list_of_another_form_is_an_error(reader: Replayed, item: Any, selection: Selection) -> None:
    for target, answer in reader.answers.items():
        if target.startswith(SEARCH):
            answer["model_versions"] = [item]
    with pytest.raises(RegistryError, match="gives an item without a name or a version"):
        await read(reader, "Churn_Model", selection)


async def test_a_version_that_lost_its_place_while_it_was_read_is_left_out(reader: Replayed) -> None:
    del reader.answers["/api/2.0/mlflow/model-versions/get?name=Churn_Model&version=2"]
    assert [each.version for each in await read(reader, "Churn_Model", Selection())] == ["3"]


async def test_a_run_that_was_deleted_is_told(reader: Replayed) -> None:
    for target in [each for each in reader.answers if each.startswith("/api/2.0/mlflow/runs/get")]:
        del reader.answers[target]
    found = await one(reader)
    assert found.unknown[0].startswith("the run 7aed6ba05e994dd6a742739f5f7e083a was deleted")
    assert not spec(found).hyperparameters


async def test_a_store_that_the_server_cannot_read_leaves_out_what_is_in_the_files(reader: Replayed) -> None:
    target = "/model-versions/get-artifact?name=Wine+Quality&version=1&path=MLmodel"
    reader.answers[target] = RegistryError("busy")
    assert isinstance((await read(reader, "Wine Quality"))[0], Failed)
    del reader.answers[target]
    found = await one(reader)
    assert found.unknown[0].startswith("the file MLmodel cannot be read through MLflow")
    assert (spec(found).schema_, spec(found).environment) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "the file MLmodel is no YAML that can be read"),
        ("flavors: {}\nsignature: {inputs: 'x'}", "signature.inputs is no signature of MLflow, so the schema is not"),
    ],
)
async def test_an_mlmodel_that_is_damaged_is_told(reader: Replayed, text: str, said: str) -> None:
    reader.answers["/model-versions/get-artifact?name=Wine+Quality&version=1&path=MLmodel"] = text
    found = await one(reader)
    assert any(said in each for each in found.unknown), found.unknown
    assert spec(found).schema_ is None


async def test_a_metric_of_another_logged_model_of_the_run_is_left_out(reader: Replayed) -> None:
    metrics = reader.answer("/api/2.0/mlflow/runs/get?run_id=1162")["run"]["data"]["metrics"]
    metrics += [{"key": "mae", "value": 1.0, "model_id": "m-other"}, {"key": "rmse", "value": 2.0}]
    names = [each.name for each in spec(await one(reader, "Churn_Model")).metrics]
    assert ("mae" in names, "rmse" in names) == (False, True)


@pytest.mark.parametrize(("of_run", "said"), [("NaN", "NaN"), ("Infinity", "Infinity"), (0.0, None)])
async def test_a_metric_that_is_not_finite_in_the_run_is_no_zero(reader: Replayed, of_run: Any, said: Any) -> None:
    data = reader.answer("/api/2.0/mlflow/runs/get?run_id=1162")["run"]["data"]
    data["metrics"].append({"key": "nanm", "value": of_run, "timestamp": 9, "step": 1})
    # Of a logged model, MLflow 3.17 gives 0 for NaN.
    logged = reader.answer("/api/2.0/mlflow/logged-models/m-689b")["model"]["data"]
    logged["metrics"] = [
        {"key": "nanm", "value": 0.5, "timestamp": 8, "step": 0},
        {"key": "nanm", "value": 0.0, "timestamp": 9, "step": 1},
        {"key": "nanm", "value": 0.25, "timestamp": 9, "step": 1, "dataset_name": "other"},
    ]
    found = await one(reader, "Churn_Model")
    values = {each.dataset: each.value for each in spec(found).metrics if each.name == "nanm"}
    assert values == ({"other": "0.25"} if said else {"other": "0.25", None: "0.0"})
    note = f"metric nanm is {said}, which is no number that a record can have"
    assert (note in found.unknown) is (said is not None)


async def test_more_than_a_record_can_have_is_cut_and_told(reader: Replayed) -> None:
    run = reader.answer("/api/2.0/mlflow/runs/get?run_id=7aed")["run"]["data"]
    run["params"] = [{"key": f"p{number:03}", "value": "x" * 7000} for number in range(300)]
    run["tags"] += [{"key": f"t{number}", "value": "y" * 2000} for number in range(80)]
    found = await one(reader)
    assert len(spec(found).hyperparameters) == 256
    assert "the record has 256 of 300 parameters, the first ones by name" in found.unknown
    assert "parameter p000 has 7000 characters, and the record the first 6000" in found.unknown
    assert any(each.startswith("the record has 64 of ") for each in found.unknown)


async def test_a_name_with_quotes_is_asked_for(reader: Replayed) -> None:
    reader.answers["/api/2.0/mlflow/registered-models/get?name=it%27s"] = {"registered_model": {"name": "it's"}}
    with pytest.raises(NotThere, match="filter=name%3D%22it%27s%22"):
        await read(reader, "it's")
    reader.answers["/api/2.0/mlflow/registered-models/get?name=%27%22"] = {"registered_model": {"name": "'\""}}
    with pytest.raises(RegistryError, match="both kinds of quotes"):
        await read(reader, "'\"")


@dataclass
class Many(NoFiles):
    """Implements `Reader` for a model with many versions, which are made when they are asked for."""

    count: int
    pages: int = 0
    repeats: bool = False

    async def json(self, path: str, params: Pairs = ()) -> Json:
        given: Mapping[str, str] = dict(params)
        if path.endswith("registered-models/get"):
            return {"registered_model": {"name": "big"}}
        start, size = int(given.get("page_token", 0)), int(given["max_results"])
        self.pages += 1
        end = min(start + size, self.count)
        versions = [
            {"name": "big", "version": str(each + 1), "creation_timestamp": 1_700_000_000_000, "source": "s3://b/m"}
            for each in range(start, end)
        ]
        token = str(start if self.repeats and start else end)
        return {"model_versions": versions, **({"next_page_token": token} if end < self.count else {})}


async def test_two_thousand_versions_are_read_page_by_page() -> None:
    many, began = Many(2_000), process_time()
    numbers = [int(each.version) async for each in Mlflow(many, BASE).versions("big", ALL)]
    assert numbers == list(range(1, 2_001))
    assert many.pages == 2_000 / PAGE
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


async def test_many_versions_need_the_memory_of_a_page() -> None:
    few, many = [await peak_of(Mlflow(Many(count), BASE).versions("big", ALL)) for count in (200, 2000)]
    # A record of these takes 3 kB in memory, so all of them would take 6 MB.
    assert many < few + 1_000_000


async def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever() -> None:
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(Many(10_000, repeats=True), "big")


def test_the_page_names_each_context_and_each_tag() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-mlflow.md").read_text(encoding="utf-8")
    for word in (*ROLES, *(f"{each}_" for each in ROLES), *MAPPED, ENTRY):
        assert f"`{word}`" in page, word
    for limit in (MAX_PARAMETERS, MAX_DATASETS, MAX_ANNOTATIONS, LONGEST_ANNOTATION, PAGE):
        assert str(limit) in page, limit
