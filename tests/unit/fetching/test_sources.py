"""Sources besides plain HTTP: a hub, a registry of OCI artifacts, and file systems of fsspec, each by its protocol."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import fsspec
import obstore
import pytest
from obstore.store import MemoryStore

from pennant.fetching.sources import store
from pennant.fetching.sources.choice import source_of
from pennant.fetching.sources.hub import Hub
from pennant.fetching.sources.local import Local
from pennant.fetching.sources.source import Unavailable
from pennant.fetching.sources.store import Store
from pennant.record.hashing import of_list
from unit.fetching.conftest import Fetcher, sha256
from unit.fetching.test_unpack import a_tar, link
from unit.http_server import serving

WEIGHTS, CONFIG = b"weights" * 50_000, b"{}"


@dataclass
class Server:
    """What a server answers by path, and what it was asked."""

    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    token: str = ""
    """The token without which it answers 401; empty: it asks for none."""
    challenge: str = ""
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    address: str = ""

    def put(self, path: str, content: bytes, **headers: str) -> None:
        self.answers[path] = (200, {name.replace("_", "-"): each for name, each in headers.items()}, content)


@contextmanager
def a_server(known: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known.asked.append((self.path, dict(self.headers)))
            given = self.headers.get("Authorization", "")
            code, headers, content = known.answers.get(self.path, (404, {}, b"none"))
            if known.token and given != f"Bearer {known.token}" and not self.path.startswith("/token"):
                code, headers, content = 401, {"WWW-Authenticate": known.challenge}, b""
            self.send_response(code)
            for name, each in headers.items():
                self.send_header(name, each)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        known.address = address
        yield known


@pytest.fixture
def server() -> Iterator[Server]:
    with a_server(Server()) as running:
        yield running


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return a hub with a repository at the revision `abc`."""
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "s3cret")
    server.token = "s3cret"
    for name, content in {"config.json": CONFIG, "onnx/model.onnx": WEIGHTS}.items():
        server.put(f"/org/fraud/resolve/abc/{name}", content)
    tree, entry = "/api/models/org/fraud/tree/abc", {"type": "file", "path": "config.json", "size": len(CONFIG)}
    following = f'<{server.address}{tree}?recursive=true&cursor=2>; rel="next"'
    server.put(
        f"{tree}?recursive=true", json.dumps([{"type": "directory", "path": "onnx"}, entry]).encode(), Link=following
    )
    weights = {"type": "file", "path": "onnx/model.onnx", "size": len(WEIGHTS)}
    server.put(f"{tree}?recursive=true&cursor=2", json.dumps([weights]).encode())
    server.put(f"{tree}/onnx?recursive=true", json.dumps([weights]).encode())
    return server


def test_a_file_of_a_hub_at_a_revision(fetch: Fetcher, hub: Server) -> None:
    said = fetch(f"model=hf://org/fraud@abc/onnx/model.onnx@{sha256(WEIGHTS)}")
    assert fetch.there() == {"model/model.onnx": WEIGHTS}
    assert [each[0] for each in hub.asked] == ["/org/fraud/resolve/abc/onnx/model.onnx"]
    assert "s3cret" not in said


def test_a_repository_of_a_hub_is_a_directory_in_several_pages(fetch: Fetcher, hub: Server) -> None:
    digests = {"config.json": CONFIG, "onnx/model.onnx": WEIGHTS}
    listed = of_list({name: hashlib.sha256(each).hexdigest() for name, each in digests.items()})
    fetch(f"model=hf://org/fraud@abc/@{listed}")
    assert fetch.there() == {f"model/{name}": each for name, each in digests.items()}
    part = of_list({"model.onnx": hashlib.sha256(WEIGHTS).hexdigest()})
    fetch(f"part=hf://org/fraud@abc/onnx/@{part}")
    assert fetch.there()["part/model.onnx"] == WEIGHTS


def test_a_hub_that_refuses_or_names_another_server_is_not_followed(
    fetch: Fetcher, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = "/api/models/org/fraud/tree/abc?recursive=true"
    hub.put(tree, b"[]", Link='<http://127.0.0.2:9/steal>; rel="next"')
    assert Hub("hf://org/fraud@abc/").files() == {}
    hub.put(tree, b"<html>")
    with pytest.raises(Unavailable, match="list of files cannot be read"):
        Hub("hf://org/fraud@abc/").files()
    monkeypatch.setenv("HF_TOKEN", "")
    fetch(f"model=hf://org/fraud@abc/config.json@{sha256(CONFIG)}", code=1)
    assert fetch.why == "artefact model cannot be fetched: HTTP 401 Unauthorized"
    fetch(f"model=hf://fraud@{sha256(CONFIG)}", code=1)
    assert "must be hf://ORG/NAME@REVISION/PATH" in fetch.why


def a_layer(content: bytes, title: str | None = None, **notes: str) -> dict[str, Any]:
    annotations = {**({"org.opencontainers.image.title": title} if title else {}), **notes}
    return {"digest": sha256(content), "size": len(content), "annotations": annotations}


class Artifacts:
    """A registry with OCI artifacts."""

    def __init__(self, server: Server) -> None:
        self.server, self.host = server, urlsplit(server.address).netloc

    def push(self, *layers: tuple[dict[str, Any], bytes], tag: str = "1") -> str:
        for layer, content in layers:
            self.server.put(f"/v2/models/fraud/blobs/{layer['digest']}", content)
        manifest = json.dumps({"schemaVersion": 2, "layers": [each for each, _ in layers]}).encode()
        for name in (tag, sha256(manifest)):
            self.server.put(f"/v2/models/fraud/manifests/{name}", manifest)
        return sha256(manifest)


@pytest.fixture
def registry(server: Server) -> Artifacts:
    return Artifacts(server)


def test_an_oci_artifact_has_a_file_of_each_layer_with_a_title_and_the_content_of_the_others(
    fetch: Fetcher, registry: Artifacts
) -> None:
    packed = gzip.compress(a_tar({"onnx/model.onnx": WEIGHTS}))
    digest = registry.push((a_layer(CONFIG, "config.json"), CONFIG), (a_layer(packed), packed))
    word = f"model=oci://{registry.host}/models/fraud:1@{digest}"
    fetch(word)
    assert fetch.there() == {"model/config.json": CONFIG, "model/onnx/model.onnx": WEIGHTS}
    assert "is there" in fetch(word)
    assert f"/v2/models/fraud/manifests/{digest}" in [each[0] for each in registry.server.asked], "never by the tag"


@pytest.mark.parametrize("is_basic", [True, False])
def test_a_registry_gets_the_credentials_that_it_asks_for(
    fetch: Fetcher, registry: Artifacts, monkeypatch: pytest.MonkeyPatch, is_basic: bool
) -> None:
    monkeypatch.setenv("OCI_USERNAME", "ada")
    monkeypatch.setenv("OCI_PASSWORD", "s3cret")
    digest = registry.push((a_layer(CONFIG, "config.json"), CONFIG))
    server = registry.server
    server.token, server.challenge = "t0ken", f'Bearer realm="{server.address}/token",service="r",scope="pull"'
    server.put("/token?service=r&scope=pull", json.dumps({"token": "t0ken" if not is_basic else "wrong"}).encode())
    word = f"model=oci://{registry.host}/models/fraud:1@{digest}"
    said = fetch(word, code=1 if is_basic else 0)
    assert not {"s3cret", "t0ken"} & set(said.split())
    (asked,) = {each[1]["Authorization"] for each in server.asked if each[0].startswith("/token")}
    assert base64.b64decode(asked.removeprefix("Basic ")) == b"ada:s3cret"
    if not is_basic:
        assert fetch.there() == {"model/config.json": CONFIG}


def test_what_a_registry_has_instead_is_never_served(fetch: Fetcher, registry: Artifacts) -> None:
    """Rule: R162."""
    digest = registry.push((a_layer(CONFIG, "config.json"), CONFIG))
    blob = f"/v2/models/fraud/blobs/{sha256(CONFIG)}"
    registry.server.put(blob, b"[]")
    word = f"model=oci://{registry.host}/models/fraud:1@{digest}"
    fetch(word, code=65)
    assert (
        fetch.why == f"artefact model has a layer with another digest than {sha256(CONFIG)}, which its manifest names"
    )
    registry.server.put(f"/v2/models/fraud/manifests/{digest}", b'{"layers": []}')
    fetch(word, code=65)
    changed = sha256(b'{"layers": []}')
    assert fetch.why.startswith(f"artefact model has the digest {changed}, not {digest} as recorded")
    assert fetch.there() == {}


def test_layers_that_do_harm_are_refused(fetch: Fetcher, registry: Artifacts) -> None:
    """Rule: R164."""
    outside = registry.push((a_layer(CONFIG, "../config.json"), CONFIG))
    fetch(f"model=oci://{registry.host}/models/fraud:1@{outside}", code=66)
    assert "the file ../config.json is not in the directory" in fetch.why
    packed = a_tar({"m": b""}, link)
    linked = registry.push((a_layer(packed), packed))
    fetch(f"model=oci://{registry.host}/models/fraud:1@{linked}", code=66)
    assert "is no regular file, but a link" in fetch.why
    assert fetch.there() == {}


def test_what_is_no_artifact_is_named(fetch: Fetcher, registry: Artifacts) -> None:
    index = b'{"manifests": []}'
    registry.server.put(f"/v2/models/fraud/manifests/{sha256(index)}", index)
    fetch(f"model=oci://{registry.host}/models/fraud:1@{sha256(index)}", code=1)
    assert "name that of one platform, not an index" in fetch.why
    fetch(f"model=oci://fraud@{sha256(index)}", code=1)
    assert "must be oci://HOST/REPOSITORY:TAG" in fetch.why
    with pytest.raises(Unavailable, match="no directory to list"):
        source_of(f"oci://{registry.host}/models/fraud").files()


def test_a_file_system_of_fsspec(fetch: Fetcher) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/fetching/model/a.bin", WEIGHTS)
    memory.pipe("/fetching/model/b/c.json", CONFIG)
    fetch(f"model=memory://fetching/model/a.bin@{sha256(WEIGHTS)}")
    digests = {"a.bin": WEIGHTS, "b/c.json": CONFIG}
    listed = of_list({name: hashlib.sha256(each).hexdigest() for name, each in digests.items()})
    fetch(f"all=memory://fetching/model/@{listed}")
    assert fetch.there() == {"model/a.bin": WEIGHTS, "all/a.bin": WEIGHTS, "all/b/c.json": CONFIG}
    fetch(f"none=memory://fetching/none@{sha256(b'')}", code=1)
    assert fetch.why == "artefact none cannot be fetched: it does not exist"


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("s3://models/fraud/m", "S3Store"),
        ("gs://models/fraud/m", "GCSStore"),
        ("az://models/fraud/m", "AzureStore"),
        ("abfs://models@account.dfs.core.windows.net/fraud/m", "AzureStore"),
        ("abfss://models@account.dfs.core.windows.net/fraud/m", "AzureStore"),
    ],
)
def test_an_object_store_is_opened_by_its_scheme(uri: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such server is asked here; tests/registries has a real one of S3."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    opened = source_of(uri)
    assert isinstance(opened, Store)
    assert type(opened._store).__name__ == kind
    assert opened._path == "fraud/m"
    assert urlsplit(uri).scheme in store.SCHEMES


@pytest.mark.parametrize("length", [0, 1, 10, 11, 40, 41, 99, 100, 101])
@pytest.mark.parametrize("offset", [0, 7, 10, 200])
def test_an_object_is_whole_whatever_number_of_parts_it_has(
    length: int, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PART", 10)
    memory = MemoryStore()
    content = bytes(range(length))
    obstore.put(memory, "m", content)
    monkeypatch.setattr(store, "_opened", lambda _: memory)
    opened = Store("s3://models/m").open("", offset)
    begin = offset if offset <= length else 0
    assert (opened.offset, opened.total) == (begin, length)
    assert b"".join(opened.chunks) == content[begin:]


def test_what_a_file_lacks_is_named(fetch: Fetcher) -> None:
    fetch(f"model=file:///nonexistent@{sha256(b'')}", code=1)
    assert fetch.why == "artefact model cannot be fetched: No such file or directory"
    fetch(f"model=https://127.0.0.1:9/m/@{sha256(b'')}", code=1)
    assert "a directory cannot be listed over HTTP: record an archive" in fetch.why
    with pytest.raises(Unavailable, match="is no directory"):
        Local("file:///nonexistent/").files()
