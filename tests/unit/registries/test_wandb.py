"""Versions on a W&B server: what is read, what it becomes, and what is said of the rest."""

import json
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.core.versions.completeness import missing
from pennant.registries.catalogue import Given
from pennant.registries.digest import verified
from pennant.registries.fields import MAX_ANNOTATIONS, MAX_PARAMETERS
from pennant.registries.http import Http
from pennant.registries.protocol import (
    Failed,
    FoundVersion,
    NoAccess,
    NotThere,
    Refused,
    RegistryError,
    Selection,
    Skipped,
    Unreadable,
)
from pennant.registries.stored import Stored
from pennant.registries.wandb import connection, manifest
from pennant.registries.wandb.graphql import PAGE, VIEWER, Graph
from pennant.registries.wandb.measured import split_of
from pennant.registries.wandb.record import MAX_DATASETS, ROLES
from pennant.registries.wandb.registry import Place
from unit.core.builders import NOON
from unit.http_server import serving
from unit.registries.records import peak_of, spec
from unit.registries.wandb_answers import METADATA, PROJECT, Server, used, version

ALL = Selection(is_all=True)


async def read(server: Server, selection: Selection = ALL, model: str = "fraud", **options: Any) -> list[Any]:
    return [each async for each in server.registry(**options).versions(model, selection)]


async def one(server: Server, **options: Any) -> FoundVersion:
    found = (await read(server, **options))[0]
    assert isinstance(found, FoundVersion), found
    return found


async def test_all_models_of_a_project_are_listed() -> None:
    assert [each async for each in Server().registry().models()] == ["fraud"]


async def test_the_models_of_all_projects_have_the_name_of_theirs() -> None:
    """A project without artefacts of the type model has none."""
    server = Server()
    registry = server.registry(Place("https://wandb.ai", "acme", None))
    assert [each async for each in registry.models()] == ["churn/fraud"]
    assert [each.version async for each in registry.versions("churn/fraud", Selection())] == ["v1", "v2"]


async def test_a_version_has_all_that_its_artefact_and_its_run_have() -> None:
    found = await one(Server(versions=[version(3, "production", description="d", metadata='{"framework": "onnx"}')]))
    record = spec(found)
    assert missing(record) == ()
    assert (record.description, record.reason) == ("d", "less noise")
    assert record.created_at == datetime(2026, 5, 1, 3, tzinfo=UTC)
    assert record.author is not None
    assert (record.author.name, record.author.email) == ("ada", "ada@example.com")
    (artifact,) = record.artifacts
    assert (artifact.uri, artifact.manifest_digest) == ("wandb-artifact://acme/churn/fraud:v3", f"md5:{3:032x}")
    assert artifact.format is not None
    assert artifact.format.name == "onnx"
    assert [(each.name, each.role, each.uri, each.version) for each in record.datasets] == [
        ("fraud-train", "Training", "wandb-artifact://acme/churn/fraud-train:v4", "v4"),
        ("fraud-test", "Test", "wandb-artifact://acme/churn/fraud-test:v4", "v4"),
    ]
    assert record.code is not None
    assert (record.code.repository, record.code.path) == ("https://git.example/fraud.git", "train.py")
    assert [(each.name, each.value) for each in record.hyperparameters] == [("lr", "1e-05"), ("opt.name", "adam")]
    assert [(each.name, each.value, each.split, each.direction) for each in record.metrics] == [
        ("loss", "0.25", None, "Minimize"),
        ("test/acc", "0.8", "Test", None),
        ("val/acc", "0.9", "Validation", None),
    ]
    assert record.environment is not None
    assert (record.environment.language_version, record.environment.frameworks[0].name) == ("3.11.7", "numpy")
    assert record.training is not None
    assert record.training.run_uri == "https://wandb.ai/acme/churn/runs/r1"
    assert record.source is not None
    assert record.source.uri == "https://wandb.ai/acme/churn/artifacts/model/fraud/v3"
    assert record.source.annotations["metadata.framework"] == "onnx"
    assert record.source.annotations["run.tags"] == "weekly"
    assert found.unknown == ()


@pytest.mark.parametrize("order", [1, -1])
async def test_the_newest_version_and_those_with_an_alias_are_read_in_any_order(order: int) -> None:
    """`latest` and `v2` are W&B's own aliases."""
    listed = [version(0, "production", "old"), version(1), version(2, "latest"), version(3, state="PENDING")]
    found = await read(Server(versions=listed[::order]), Selection())
    assert {each.version: each.aliases for each in found} == {"v0": ("production", "old"), "v2": ()}


async def test_an_alias_of_another_collection_does_not_count() -> None:
    other = {"name": "Fraud", "project": {"name": "wandb-registry-model", "entity": {"name": "acme-org"}}}
    listed = version(0, aliases=[{"alias": "champion", "artifactCollection": other}])
    assert (await read(Server(versions=[listed])))[0].aliases == ()
    place = Place("https://wandb.ai", "acme-org", "wandb-registry-model", organization="Acme")
    server = Server(versions=[listed])
    server.collection["name"] = "Fraud"
    server._collection = lambda _: {"project": {"artifactType": {"artifactCollection": server.collection}}}  # type: ignore[method-assign,assignment]
    (found,) = [each async for each in server.registry(place).versions("Fraud", ALL)]
    assert isinstance(found, FoundVersion)
    assert found.aliases == ("champion",)
    source = spec(found).source
    assert source is not None
    assert source.annotations["linkedFrom"] == "acme/churn/fraud:v0"
    assert source.uri is not None
    assert source.uri.startswith("https://wandb.ai/orgs/Acme/registry/model?selectionPath=acme-org%2F")


async def test_since_reads_versions_that_were_created_since_then() -> None:
    since = datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert [each.version for each in await read(Server(), Selection(since=since))] == ["v1", "v2"]


async def test_a_collection_that_is_not_there() -> None:
    with pytest.raises(NotThere, match="acme/churn has no collection 'nope' of the type 'model' that you may read"):
        await read(Server(), model="nope")


async def test_a_run_is_read_once_for_its_versions() -> None:
    server = Server(versions=[version(each) for each in range(20)])
    await read(server)
    assert (server.asked.count("Origin"), server.asked.count("Run")) == (20, 1)


async def test_a_checkpoint_says_that_its_metrics_are_those_of_the_end() -> None:
    found = await one(Server(versions=[version(0, historyStep=4)]))
    assert found.unknown == ("it was logged at step 4; W&B has the metrics at the end of the run, at step 9",)


@pytest.mark.parametrize("origin", [None, {"__typename": "User"}, {}])
async def test_a_version_without_a_run_is_told(origin: Any) -> None:
    found = await one(Server(origin=origin))
    assert found.unknown == ("it has no run, so parameters, metrics, data sets, code and environment are not known",)
    assert [each.value for each in missing(spec(found))][:2] == ["TrainingData", "Hyperparameters"]


async def test_a_file_of_a_run_that_cannot_be_read_is_told() -> None:
    found = await one(Server(files={"store:requirements.txt": Unreadable("gone")}))
    assert found.unknown == ("the file requirements.txt of the run cannot be read: gone",)


@pytest.mark.parametrize("url", ["store:requirements.txt", "store:manifest"])
async def test_a_file_that_may_come_back_fails_the_version(url: str) -> None:
    """Otherwise a record without it would stay, because a record does not change."""
    found = await read(Server(files={url: RegistryError("busy")}))
    assert found == [Failed("fraud", f"v{number}", "busy") for number in range(3)]


async def test_a_version_without_a_number_fails() -> None:
    listed = {"node": {**version(0)["node"], "versionIndex": None}}
    assert await read(Server(versions=[listed])) == [Failed("fraud", "vNone", "the server does not say its number")]


async def test_a_commit_without_a_repository_needs_one() -> None:
    files = {"store:wandb-metadata.json": "{}"}
    found = await one(Server(files=files))
    assert found.unknown[0].endswith("give it with --repository")
    record = spec(found)
    assert record.source is not None
    assert (record.code, record.source.annotations["run.commit"]) == (None, "a" * 40)
    code = spec(await one(Server(files=files), repository="git@git.example:acme/fraud.git")).code
    assert code is not None
    assert code.repository == "ssh://git@git.example/acme/fraud.git"


async def test_without_git_the_artefact_with_the_code_counts() -> None:
    run = {"commit": None, "outputArtifacts": {"edges": [used("source-fraud", "code")]}}
    code = spec(await one(Server(run=run, files={"store:wandb-metadata.json": "{}"}))).code
    assert code is not None
    assert code.uri == "wandb-artifact://acme/churn/source-fraud:v4"


async def test_a_model_that_the_run_used_is_the_base_model() -> None:
    record = spec(await one(Server(run={"inputArtifacts": {"edges": [used("llama", "model"), used("notes", "text")]}})))
    assert record.base_model is not None
    assert (record.base_model.name, record.base_model.revision) == ("llama", "v4")
    assert [(each.name, each.role) for each in record.datasets] == [("notes", "Reference")]


async def test_a_patch_says_that_the_working_tree_had_changes() -> None:
    server = Server()
    server.run["files"]["edges"].append({"node": {"name": "diff.patch", "directUrl": "store:patch"}})
    code = spec(await one(server)).code
    assert code is not None
    assert code.dirty is True


async def test_no_secret_gets_into_the_record() -> None:
    """Rule: R213."""
    config = json.dumps({"wandb_api_key": {"value": "s3cr3t"}, "max_tokens": {"value": 7}, "depth": {"value": None}})
    metadata = json.dumps({"password": "s3cr3t", "store": "https://ada:s3cr3t@host/x?sig=s3cr3t"})
    own = json.dumps({**METADATA, "args": ["--lr", "0.1", "--password", "s3cr3t"]})
    files = {"store:wandb-metadata.json": own}
    found = await one(Server(run={"config": config}, versions=[version(0, metadata=metadata)], files=files))
    record = spec(found)
    assert "s3cr3t" not in record.model_dump_json()
    assert [(each.name, each.value) for each in record.hyperparameters] == [("depth", "null"), ("max_tokens", "7")]
    assert record.source is not None
    assert record.source.annotations["run.arguments"] == "--lr 0.1 --password ***"
    assert found.unknown == (
        "wandb_api_key may be a secret, so the record does not have its value",
        "metadata.password may be a secret, so the record does not have its value",
    )


async def test_numbers_that_are_none_and_media_are_told() -> None:
    summary = '{"loss": NaN, "gap": "Infinity", "table": {"_type": "table-file"}, "note": "ok", "acc": {"best": 1}}'
    found = await one(Server(run={"summaryMetrics": summary}))
    record = spec(found)
    assert [(each.name, each.value) for each in record.metrics] == [("acc.best", "1.0")]
    assert record.source is not None
    assert record.source.annotations["run.summary.note"] == "ok"
    assert [each.partition(" is ")[0] for each in found.unknown[:2]] == ["metric gap", "metric loss"]
    assert found.unknown[2].startswith("the summary has table, which are no numbers")


@pytest.mark.parametrize(
    ("name", "split"),
    [("val/acc", "Validation"), ("metrics.test.f1", "Test"), ("train/loss", "Train"), ("loss", None), ("a/val", None)],
)
def test_the_split_is_a_part_of_the_path(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize("state", ["PENDING", "DELETED"])
async def test_a_version_that_is_not_there_is_skipped(state: str) -> None:
    assert await read(Server(versions=[version(0, state=state)])) == [Skipped("fraud", "v0", f"its state is {state}")]


async def test_the_digest_is_computed_from_the_bytes() -> None:
    """The manifest has the md5 of `hello`; `sha256sum` said so of the file, and of the list."""
    server = Server()
    record = await verified(server.registry(), await one(server))
    assert record["artifacts"][0]["manifestDigest"] == (
        "sha256:d45241e4682ab41c40d959c6e5ed4ad85ce3f95b726aaf89ac78c349bd84dfa4"
    )


async def test_other_bytes_than_those_of_the_manifest_are_refused() -> None:
    server = Server(files={"store:model.onnx": "hullo"})
    with pytest.raises(RegistryError, match=r"model\.onnx has the digest md5:\w+, and the registry lists md5:5d41402a"):
        await verified(server.registry(), await one(server))


async def test_a_file_that_w_and_b_only_refers_to_is_read_where_it_is() -> None:
    ref = {"ref": "s3://models/fraud/model.onnx", "digest": "etag", "size": 5, "extra": {"versionID": "7"}}
    contents = json.dumps({"contents": {"model.onnx": ref}})
    server = Server(files={"store:manifest": contents, "s3://models/fraud/model.onnx": "hello"})
    found = await one(server)
    assert found.record["artifacts"][0]["uri"] == "s3://models/fraud/model.onnx"
    (artifact,) = (await verified(server.registry(), found))["artifacts"]
    assert artifact["digest"] == "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert "s3://models/fraud/model.onnx@7" in server.asked


@pytest.mark.parametrize(
    ("refs", "uri"),
    [
        ({"a": "s3://b/m/a", "d/c": "s3://b/m/d/c"}, "s3://b/m/"),
        ({"a": "s3://b/m/a", "c": "s3://b/other/c"}, None),
        ({"a": "s3://b/m/x", "c": "s3://b/m/c"}, None),
        ({"a": "s3://b/m/a", "c": ""}, None),
        ({"a": "https://ada:pw@host/a"}, "https://host/a"),
        ({}, None),
    ],
)
def test_the_place_of_references_is_that_of_all_files(refs: dict[str, str], uri: str | None) -> None:
    assert manifest.reference({path: {"ref": ref} for path, ref in refs.items()}) == uri


@pytest.mark.parametrize(
    ("artifact", "digest"),
    [
        ({"digest": "A" * 32}, f"md5:{'a' * 32}"),
        ({"digest": "a" * 32, "digestAlgorithm": "MANIFEST_XXH128"}, f"xxh128:{'a' * 32}"),
        ({"digest": "a" * 32, "digestAlgorithm": "MANIFEST_NEW"}, None),
        ({"digest": "short"}, None),
        ({}, None),
    ],
)
def test_a_digest_has_the_algorithm_that_w_and_b_names(artifact: dict[str, Any], digest: str | None) -> None:
    assert manifest.digest(artifact) == digest


@pytest.mark.parametrize("text", ["", "{", "[]", '{"contents": 7}', '{"contents": {"a": 7}}'])
async def test_a_manifest_of_another_form_is_told_and_cannot_be_verified(text: str) -> None:
    server = Server(files={"store:manifest": text})
    found = await one(server)
    assert found.unknown[0].startswith("the list of files cannot be read, so formats and references are not known")
    with pytest.raises(RegistryError, match="the list of files ends early or is wrong"):
        await verified(server.registry(), found)


@pytest.mark.parametrize("failure", [Refused, None])
async def test_an_older_server_is_asked_without_the_fields_that_it_does_not_know(failure: Any) -> None:
    said = 'Cannot query field "ttlDurationSeconds" on type "Artifact". Did you mean "x"?'
    reply = failure(said) if failure is not None else {"errors": [{"message": said}], "data": None}
    server = Server()
    registry = server.registry()
    server.replies = [reply]
    assert [each.version async for each in registry.versions("fraud", ALL)] == ["v0", "v1", "v2"]
    assert "ttlDurationSeconds" not in server.sent[-3]["query"]
    server.replies = [{"errors": [{"message": said}]}]
    with pytest.raises(RegistryError, match="Cannot query field"):
        await read_again(registry)


async def read_again(registry: Any) -> None:
    async for _ in registry.versions("fraud", ALL):
        pass


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ({"errors": [{"message": "permission denied"}]}, NoAccess, "permission denied. Set WANDB_API_KEY"),
        ({"errors": ["user is not logged in"]}, NoAccess, "user is not logged in. Set WANDB_API_KEY"),
        ({"errors": [{"message": "internal"}]}, RegistryError, "internal"),
        ({"hello": "world"}, NoAccess, "the server answers without data. Is it a server of W&B?"),
    ],
)
async def test_an_error_of_the_server_is_told(answer: Any, kind: type[RegistryError], said: str) -> None:
    with pytest.raises(RegistryError) as error:
        await read(Server(replies=[answer]))
    assert (type(error.value), str(error.value)) == (kind, said)


async def test_the_error_of_one_version_does_not_end_the_import() -> None:
    server = Server()
    registry = server.registry()
    server.origin = None
    found = []
    async for each in registry.versions("fraud", ALL):
        found.append(each)
    assert len(found) == 3
    server = Server(versions=[version(0), {"version": "v1", "node": {"digest": "no identifier"}}, version(2)])
    del server.versions[0]["node"]["id"]
    assert [type(each) for each in await read(server)] == [Failed, Failed, FoundVersion]


async def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever() -> None:
    server = Server()
    page = {"edges": [version(0)], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    server._versions = lambda _: {"project": {"artifactType": {"artifactCollection": {"artifacts": page}}}}  # type: ignore[method-assign,assignment]
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(server)


async def test_two_thousand_versions_are_read_page_by_page() -> None:
    server, began = Server(versions=[version(each) for each in range(2_000)]), process_time()
    numbers = [int(each.version[1:]) for each in await read(server)]
    assert numbers == list(range(2_000))
    assert server.asked.count("Versions") == 2_000 / PAGE
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


@dataclass
class Many(Server):
    """A server whose versions are made when they are asked for, so that they are in no memory."""

    count: int = 0

    def _page(self, listed: list[Any], variables: Any) -> Any:
        start = int(variables["cursor"] or 0)
        end = min(start + PAGE, self.count)
        info = {"endCursor": str(end), "hasNextPage": end < self.count}
        return {"edges": [version(each) for each in range(start, end)], "pageInfo": info}


async def test_many_versions_need_the_memory_of_a_page() -> None:
    servers = [Many(count=count) for count in (200, 2000)]
    few, many = [await peak_of(each.registry().versions("fraud", ALL), each.asked, each.sent) for each in servers]
    # A record of these takes 8 kB in memory, so all of them would take 16 MB.
    assert many < few + 1_000_000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["config", "summaryMetrics", "user", "files", "inputArtifacts", "outputArtifacts", "tags", "notes", "createdAt"]
)
FIELDS = st.sampled_from(
    ["id", "digest", "versionIndex", "artifactType", "artifactSequence", "state", "metadata", "aliases", "tags", "size"]
)


@given(
    st.dictionaries(NAMES, ANYTHING | ANYTHING.map(json.dumps)),
    st.dictionaries(FIELDS, ANYTHING | ANYTHING.map(json.dumps)),
    ANYTHING,
)
async def test_an_answer_of_any_form_is_a_version_or_the_error_of_one(run: Any, artifact: Any, origin: Any) -> None:
    origin = origin if isinstance(origin, dict) else {"__typename": "Run", "name": "r1", "project": PROJECT}
    server = Server(versions=[version(0, **artifact)], origin=origin)
    server.run |= run
    for each in await read(server):
        assert isinstance(each, FoundVersion | Failed | Skipped)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("acme/churn", "https://api.wandb.ai acme/churn"),
        ("https://wandb.ai/acme/churn", "https://api.wandb.ai acme/churn"),
        ("https://ada:pw@wandb.acme.example:8443/acme/", "https://wandb.acme.example:8443 acme"),
        ("wandb-registry-model", "https://api.wandb.ai wandb-registry-model"),
    ],
)
def test_an_address_names_the_server_and_what_is_on_it(address: str, path: str) -> None:
    assert " ".join(connection._split(address, {})) == path


@pytest.mark.parametrize(
    ("base", "app"),
    [
        ("https://api.wandb.ai", "https://wandb.ai"),
        ("https://api.acme.example", "https://app.acme.example"),
        ("https://wandb.acme.example", "https://wandb.acme.example"),
    ],
)
def test_the_pages_are_where_the_client_of_w_and_b_links_to(base: str, app: str) -> None:
    assert connection.app_address(base) == app


async def test_a_directory_that_is_not_there_is_told_where_no_server_answers() -> None:
    given = Given("nowhere", {"WANDB_BASE_URL": "http://127.0.0.1:9"}, lambda: NOON)
    with pytest.raises(NoAccess, match=r"does not answer.* because no directory of that name has runs .* \./nowhere$"):
        async with connection.opened(given) as opened:
            await anext(opened.models())


async def test_an_address_with_the_form_of_a_path_asks_no_server(tmp_path: Path) -> None:
    for address in (f"{tmp_path}/gone", f"{tmp_path}/gone.wandb"):
        with pytest.raises(NoAccess, match=f"there is no directory and no file {address};"):
            async with connection.opened(Given(address, {}, lambda: NOON)):
                pass


def test_the_key_is_that_of_the_environment_or_of_the_login(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine api.wandb.ai\n  login user\n  password logged-in\n")
    path.chmod(0o600)
    both = {"WANDB_API_KEY": "k", "NETRC": str(path)}
    assert connection._headers("https://api.wandb.ai", both) == {"Authorization": "Basic YXBpOms="}
    login = connection._headers("https://api.wandb.ai", {"NETRC": str(path)})
    assert login == {"Authorization": "Basic YXBpOmxvZ2dlZC1pbg=="}
    assert connection._headers("https://other.example", {"NETRC": str(path)}) == {}
    assert connection._headers("https://api.wandb.ai", {"HOME": "/nonexistent"}) == {}


@pytest.mark.parametrize(
    ("address", "environment", "said"),
    [
        (None, {}, "no registry is given; use --from ENTITY/PROJECT or --from DIRECTORY, or set WANDB_ENTITY"),
        ("a b/c", {}, "'a b/c' is no place of W&B; write it as ENTITY/PROJECT, ENTITY or wandb-registry-NAME"),
        ("a/b", {"WANDB_BASE_URL": "ftp://x"}, "ftp://x is no address of a W&B server"),
    ],
)
async def test_a_wrong_place_is_a_sentence(address: str | None, environment: dict[str, str], said: str) -> None:
    with pytest.raises(NoAccess) as error:
        async with connection.opened(Given(address, environment, lambda: datetime.now(UTC))):
            pass
    assert str(error.value).startswith(said)


async def test_offline_runs_need_the_messages_of_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(
        NoAccess, match=r"reading W&B needs wandb.*, which is not installed; install it with `pip install"
    ):
        async with connection.opened(Given(f"{tmp_path}", {}, lambda: datetime.now(UTC))):
            pass


async def test_a_question_is_asked_again_when_the_server_says() -> None:
    """W&B says how long to wait in a header of its own."""
    replies = deque(
        [(429, {"RateLimit-Reset": "9.5"}, {}), (503, {}, {}), (200, {}, {"data": {"viewer": {"entity": "acme"}}})]
    )
    bodies: list[Any] = []
    pauses: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            code, headers, answer = replies.popleft()
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    with serving(Handler) as address:
        http = Http(address, {}, hint="", pause=pause, now=lambda: NOON)
        assert await Graph(http, "").ask(VIEWER) == {"viewer": {"entity": "acme"}}
        await http.close()
    assert (pauses, len(bodies), {each["query"] for each in bodies}) == ([9.5, 1.0], 3, {VIEWER})


async def test_a_redirect_without_an_end_does_not_show_the_signature() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/again?X-Amz-Signature=s3cr3t")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    stored = Stored(lambda: NOON)
    with serving(Handler) as address:
        with pytest.raises(Unreadable) as error:
            await stored.whole(f"{address}/model?X-Amz-Signature=s3cr3t")
        await stored.close()
    assert "s3cr3t" not in str(error.value)


def test_the_page_names_each_limit_and_each_role() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-wandb.md").read_text(encoding="utf-8")
    for limit in (MAX_PARAMETERS, MAX_DATASETS, MAX_ANNOTATIONS, PAGE):
        assert str(limit) in page, limit
    for word in ROLES:
        assert f"`{word}`" in page, word


async def test_a_place_that_cannot_be_read_is_a_sentence_without_a_signature(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"hello")
    stored = Stored(lambda: NOON)
    assert [part async for part in stored.chunks(path.as_uri())] == [b"hello"]
    for url, said in (
        (tmp_path.as_uri(), "is no regular file"),
        ("ftp://host/model", "is a place that cannot be read; import without --verify"),
        ("az://models/m?sig=s3cr3t", "az://models/m is no place in an object store: "),
    ):
        with pytest.raises(RegistryError, match=said) as error:
            await anext(stored.chunks(url, "7"))
        assert "s3cr3t" not in str(error.value)
