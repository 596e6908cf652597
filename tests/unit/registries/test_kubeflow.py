"""Versions of the Kubeflow Model Registry: what is read, what it becomes, and what is said of the rest."""

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pennant.api.meta import Json
from pennant.record.document import model_version
from pennant.record.errors import RegisterError
from pennant.record.metrics import SPLITS
from pennant.registries.digest import verified
from pennant.registries.http import Pairs
from pennant.registries.kubeflow import measured
from pennant.registries.kubeflow.record import COMMIT, DIGEST, LICENSE, LONGEST_README, PIPELINE_RUN, REASON, REPOSITORY
from pennant.registries.kubeflow.registry import PAGE, Kubeflow
from pennant.registries.protocol import (
    Failed,
    FoundVersion,
    NoAccess,
    NoSuchPath,
    NotThere,
    RegistryError,
    Selection,
    Skipped,
)
from unit.http_server import serving
from unit.registries.fake_kubeflow import FIRST_TIME, HOUR, FakeKubeflow, seeded, text
from unit.registries.records import peak_of, spec

BASE = "https://registry.example"
ALL = Selection(is_all=True)


class Asked:
    """Implements `Reader` without a server."""

    def __init__(self, kubeflow: FakeKubeflow) -> None:
        self.kubeflow = kubeflow

    async def json(self, path: str, params: Pairs = ()) -> Json:
        answer = self.kubeflow.reply("GET", path + (f"?{urlencode(params)}" if params else ""), None, None)
        if answer.code != 200:
            raise (NotThere if answer.body.startswith("{") else NoSuchPath)(f"not found: {path}")
        found: Json = json.loads(answer.body)
        return found

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        raise AssertionError(path)

    def chunks(self, path: str, params: Pairs = ()) -> Any:
        raise AssertionError(path)


async def read(
    kubeflow: FakeKubeflow, model: str = "Churn Model", selection: Selection = ALL, **options: Any
) -> list[Any]:
    return [each async for each in Kubeflow(Asked(kubeflow), BASE, **options).versions(model, selection)]


async def one(kubeflow: FakeKubeflow, number: int = 1, **options: Any) -> FoundVersion:
    found = (await read(kubeflow, **options))[number]
    assert isinstance(found, FoundVersion), found
    return found


async def test_the_newest_version_that_is_not_archived_is_read() -> None:
    found = await read(seeded(), selection=Selection())
    assert found[0] == Skipped("Churn Model", "1.2.0", "it is archived in Kubeflow")
    assert [each.version for each in found[1:]] == ["1.1.0"]


async def test_of_an_archived_model_nothing_is_imported() -> None:
    why = "its registered model is archived in Kubeflow"
    assert await read(seeded(), "fraud", Selection()) == [Skipped("fraud", "7", why)]


async def test_since_reads_no_further_than_the_first_older_version() -> None:
    kubeflow = seeded()
    since = datetime.fromtimestamp((FIRST_TIME + 4 * HOUR) / 1000, UTC)
    assert [each.version for each in await read(kubeflow, selection=Selection(since=since))] == ["1.2.0", "1.1.0"]


async def test_all_models_are_listed_and_one_that_is_not_there_is_told() -> None:
    assert [each async for each in Kubeflow(Asked(seeded()), BASE).models()] == ["Churn Model", "fraud"]
    with pytest.raises(NotThere):
        await read(seeded(), "nope")


@pytest.mark.parametrize("releases", [("v1",), ("v1alpha3",), ("v1alpha3", "v1")])
async def test_the_newest_release_of_the_api_that_the_server_has_is_used(releases: tuple[str, ...]) -> None:
    kubeflow = seeded()
    kubeflow.releases = releases
    assert len(await read(kubeflow)) == 3
    assert {each.split("/")[3] for each in kubeflow.asked[2:]} == {"v1" if "v1" in releases else "v1alpha3"}


async def test_a_server_without_the_api_is_no_registry() -> None:
    kubeflow = seeded()
    kubeflow.releases = ()
    with pytest.raises(NoAccess, match="has no /api/model_registry/v1 and /api/model_registry/v1alpha3"):
        await read(kubeflow)


async def test_artefacts_data_sets_and_the_experiment_run_have_their_fields() -> None:
    found = await one(seeded())
    record = spec(found)
    assert [(each.name, each.digest) for each in record.artifacts] == [
        ("churn", f"sha256:{'a' * 64}"),
        ("tokenizer-v2", f"sha256:{'b' * 64}"),
    ]
    assert [(each.name, each.role, each.digest, each.version) for each in record.datasets] == [
        ("churn-train", "Training", f"sha256:{'c' * 64}", None),
        ("holdout", "Test", None, "7"),
        ("names", "Reference", None, None),
    ]
    assert {each.name: (each.value, each.split) for each in record.metrics} == {
        "val_auc": ("0.93", "Validation"),
        "test_auc": ("0.91", "Test"),
    }
    assert record.training is not None
    assert (record.training.experiment, record.training.run, record.training.pipeline) == (
        "churn training",
        "trees",
        "churn-pipeline",
    )
    assert (record.license, record.owner, record.reason) == ("apache-2.0", "growth", "new data")
    assert record.code is not None
    assert record.code.commit == "0123456789abcdef0123456789abcdef01234567"
    assert "secret" not in json.dumps(dict(found.record))
    assert found.unknown == (
        "the artefact old is left out: its state is DELETED",
        "neither the name nor the property role of data set names says its use: Reference",
        "customProperties.api_key has the name of a secret, so the record does not have its value",
    )


async def test_the_repository_can_be_given() -> None:
    kubeflow = seeded()
    commit = {"git.commit": text("0123456789abcdef0123456789abcdef01234567")}
    kubeflow.kinds["model_versions"][1]["customProperties"] = commit
    found = await one(kubeflow)
    assert any("give it with --repository" in each for each in found.unknown)
    assert "customProperties.git.commit" in found.record["source"]["annotations"]
    code = spec(await one(kubeflow, repository="https://git.example/churn.git")).code
    assert code is not None
    assert code.repository == "https://git.example/churn.git"


async def test_an_experiment_run_that_was_deleted_is_told() -> None:
    kubeflow = seeded()
    kubeflow.kinds["experiment_runs"].clear()
    found = await one(kubeflow)
    assert any(each.startswith("the experiment run 6 is not there") for each in found.unknown)
    training = spec(found).training
    assert training is not None
    assert training.run == "3f1c"


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({"uri": ""}, Failed, "Kubeflow has no artefact of it with a URI"),
        ({"state": "ABANDONED"}, Failed, "Kubeflow has no artefact of it with a URI"),
        ({"artifactType": "doc-artifact"}, Failed, "Kubeflow has no artefact of it with a URI"),
        ({"state": "PENDING"}, Skipped, "its artefact is PENDING"),
    ],
)
async def test_a_version_without_an_artefact_and_the_others_are_read(fields: Json, kind: type, said: str) -> None:
    kubeflow = seeded()
    kubeflow.owned["model_versions", "2"][0].update(fields)
    found = await read(kubeflow)
    assert [type(each) for each in found] == [kind, FoundVersion, Skipped]
    assert said in found[0].why


async def test_a_digest_that_is_none_is_told() -> None:
    kubeflow = seeded()
    kubeflow.owned["model_versions", "4"][0]["customProperties"] = {"digest": text("abc")}
    assert "the property digest of artefact churn is 'abc', which is no digest" in (await one(kubeflow)).unknown


async def test_a_list_of_another_form_is_an_error() -> None:
    kubeflow = seeded()
    del kubeflow.kinds["model_versions"][0]["id"]
    kubeflow._page = lambda *_: {"items": [{"name": "x"}]}  # type: ignore[method-assign]
    with pytest.raises(RegistryError, match="gives an item without a name or an id"):
        await read(kubeflow)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("oci://registry.example/m:1", "only object stores can be read; leave --verify out"),
        ("pvc://claim/model", "only object stores can be read; leave --verify out"),
        ("https://files.example/m?download=1", "which has a query; leave --verify out"),
    ],
)
async def test_bytes_that_are_in_no_object_store_cannot_be_hashed(uri: str, said: str) -> None:
    kubeflow = seeded()
    kubeflow.owned["model_versions", "2"][0]["uri"] = uri
    with pytest.raises(RegistryError, match=said):
        await verified(Kubeflow(Asked(kubeflow), BASE), await one(kubeflow, 0))


async def test_the_bytes_of_a_file_on_a_web_server_are_hashed() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200 if self.path == "/models/m.json" else 404)
            self.send_header("Content-Length", "7")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(b"weights")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    kubeflow = seeded()
    registry = Kubeflow(Asked(kubeflow), BASE)
    with serving(Handler) as url:
        kubeflow.owned["model_versions", "2"][0]["uri"] = f"{url}/models/m.json"
        (artifact,) = (await verified(registry, await one(kubeflow, 0)))["artifacts"]
        assert artifact["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
        kubeflow.owned["model_versions", "2"][0]["uri"] = f"{url}/models/gone.json"
        with pytest.raises(RegistryError, match=r"there is no file at|cannot be read"):
            await verified(registry, await one(kubeflow, 0))


def many(count: int) -> FakeKubeflow:
    kubeflow = FakeKubeflow()
    model = kubeflow.model("Churn Model")
    for number in range(1, count + 1):
        kubeflow.artifact(kubeflow.version(model, str(number)), "model-artifact", name="m", uri="s3://m/x")
    return kubeflow


async def test_two_thousand_versions_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    kubeflow = many(2_000)
    versions = kubeflow.kinds["model_versions"]
    monkeypatch.setattr(kubeflow, "_page", lambda listed, query: paged(versions, listed, query))
    began = process_time()
    registry = Kubeflow(Asked(kubeflow), BASE)
    numbers = [int(each.version) async for each in registry.versions("Churn Model", ALL)]
    assert numbers == list(range(1, 2_001))
    assert len([each for each in kubeflow.asked if "/versions?" in each]) == 2_000 / PAGE
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


def paged(versions: list[Any], listed: list[Any], query: dict[str, str]) -> dict[str, Any]:
    """Return a page of a list that is in order already."""
    known = versions if len(listed) > 1 else listed
    start = int(query.get("nextPageToken") or 0)
    end = start + int(query["pageSize"])
    return {"items": known[start:end], "nextPageToken": str(end) if end < len(known) else ""}


async def test_many_versions_need_the_memory_of_a_page() -> None:
    fakes = [many(count) for count in (200, 2000)]
    few, most = [await peak_of(Kubeflow(Asked(each), BASE).versions("Churn Model", ALL), each.asked) for each in fakes]
    assert most < few + 1_000_000


async def test_the_same_page_again_is_not_asked_for_ever() -> None:
    kubeflow = many(3 * PAGE)
    kubeflow.repeats = True
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(kubeflow)


async def test_an_old_server_that_begins_again_after_the_last_page_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeflow = many(2 * PAGE)
    page = kubeflow._page
    monkeypatch.setattr(
        kubeflow, "_page", lambda *given: (found := page(*given)) | {"nextPageToken": found["nextPageToken"] or "100"}
    )
    assert len(await read(kubeflow)) == 2 * PAGE


def test_the_interpreter_ends_as_usual_after_a_store_that_does_not_answer() -> None:
    """With the asynchronous functions of obstore, every second one is aborted."""
    program = """
import asyncio
from pennant.registries.kubeflow import stored
async def read():
    async for _ in stored.bucket({"name": "model", "uri": "http://127.0.0.1:9/x"}).files():
        pass
asyncio.run(read())
"""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, "cannot be read" in done.stderr) == (1, True), done.stderr


def test_the_page_names_each_word_and_each_limit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-kubeflow.md").read_text(encoding="utf-8")
    for word in (*SPLITS, *COMMIT, *REPOSITORY, REASON, DIGEST, LICENSE, measured.ROLE, PIPELINE_RUN):
        assert f"`{word}`" in page, word
    for limit in (PAGE, LONGEST_README):
        assert str(limit) in page, limit


KEYS = st.sampled_from(
    ["artifactType", "uri", "name", "state", "customProperties", "digest", "value", "step", "source"]
)
SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.sampled_from(
        ["model-artifact", "dataset-artifact", "metric", "parameter", "doc-artifact", "s3://b/k", "http://["]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(KEYS | st.sampled_from(["author", "description", "createTimeSinceEpoch"]), SHAPES, max_size=4),
    st.lists(st.dictionaries(KEYS, SHAPES, max_size=6), max_size=3),
    st.dictionaries(st.sampled_from(["owner", "license", "readme", "tasks", "customProperties"]), SHAPES, max_size=3),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_answers_of_any_form_fail_one_version_at_most(version: Any, artifacts: Any, model: Any) -> None:
    kubeflow = seeded()
    kubeflow.kinds["registered_models"][0] |= model
    kubeflow.kinds["model_versions"][1] |= {name: each for name, each in version.items() if name != "name"}
    for number, each in enumerate(artifacts):
        kubeflow.owned["model_versions", "4"].append({"id": str(900 + number), **each})
    found = await read(kubeflow)
    assert {type(each) for each in found} <= {FoundVersion, Failed, Skipped}
    for each in found:
        if isinstance(each, FoundVersion):
            # A value that no record can have is an error of this version.
            with suppress(RegisterError):
                model_version({"model": "m", "version": "1", **each.record})
