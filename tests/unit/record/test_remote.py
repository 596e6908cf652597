"""Artefacts at URLs, by the real libraries: an HTTP server, an object store with its protocol, and fsspec."""

import hashlib
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import fsspec
import pytest

from pennant.record import hashing, remote
from pennant.record.errors import RegisterError
from pennant.record.progress import Silent
from unit.http_server import serving
from unit.record.test_hashing import Counter, a_tree

FILES = {"models/fraud/model.bin": b"weights" * 300_000, "models/fraud/b/ü.json": b"{}", "models/frau": b"x"}


class Store(BaseHTTPRequestHandler):
    """Serves objects of the bucket `models` as S3 does, and the same files over HTTP."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path).lstrip("/")
        query = parse_qs(url.query)
        if "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            names = [each.removeprefix("models/") for each in sorted(FILES) if each.startswith(f"models/{prefix}")]
            self._say(200, self._listing(names).encode())
        elif path in FILES:
            self._say(200, FILES[path])
        else:
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _listing(self, names: list[str]) -> str:
        items = "".join(
            f"<Contents><Key>{each}</Key><Size>{len(FILES[f'models/{each}'])}</Size><ETag>x</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for each in names
        )
        return f"<ListBucketResult><Name>models</Name><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"

    def _say(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"x"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(Store) as address:
        yield address


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_file_over_http(server: str) -> None:
    meter = Counter()
    url = f"{server}/models/fraud/model.bin"
    content = FILES["models/fraud/model.bin"]
    assert remote.of_url(url, meter) == hashing.Hashed(sha256(content), len(content))
    assert meter.seen == [(url, len(content), len(content))]


def test_a_file_and_a_prefix_of_an_object_store(bucket: None) -> None:
    content = FILES["models/fraud/model.bin"]
    assert remote.of_url("s3://models/fraud/model.bin", Silent()) == hashing.Hashed(sha256(content), len(content))
    found = remote.of_url("s3://models/fraud/", Silent())
    listed = {"model.bin": content, "b/ü.json": b"{}"}
    digests = {name: hashlib.sha256(each).hexdigest() for name, each in listed.items()}
    assert found == hashing.Hashed(hashing.of_list(digests), len(content) + 2, 2)


def test_a_directory_has_the_same_digest_by_fsspec_as_on_disk(tmp_path: Path) -> None:
    local = a_tree(tmp_path / "model")
    memory = fsspec.filesystem("memory")
    memory.put(str(local), "/register/model", recursive=True)
    assert remote.of_url("memory://register/model/", Silent()) == hashing.of_path(local, Silent())
    assert remote.of_url("memory://register/model/b-c", Silent()) == hashing.of_path(local / "b-c", Silent())


def test_a_signed_url_is_read_and_its_signature_is_shown_nowhere(server: str) -> None:
    meter = Counter()
    content = FILES["models/fraud/model.bin"]
    url = f"{server}/models/fraud/model.bin?X-Amz-Signature=s3cret"
    assert remote.of_url(url, meter) == hashing.Hashed(sha256(content), len(content))
    assert meter.seen == [(url.partition("?")[0], len(content), len(content))]
    with pytest.raises(RegisterError, match="cannot be read") as caught:
        remote.of_url(f"{server}/none?X-Amz-Signature=s3cret", Silent())
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://models/none", "s3://models/none cannot be read: .*write it after the URL, as in URL@sha256:..."),
        ("s3://models/none/", "there is no file below s3://models/none/"),
        ("memory://register/none/", "there is no file below memory://register/none/"),
        ("memory://register/none", "cannot be read"),
        ("nowhere://x/y", "cannot be read: .*nowhere"),
    ],
)
def test_what_cannot_be_read_is_named(bucket: None, url: str, says: str) -> None:
    with pytest.raises(RegisterError, match=says):
        remote.of_url(url, Silent())


@pytest.mark.parametrize(("module", "url"), [("obstore", "s3://models/x"), ("fsspec.core", "memory://x")])
def test_without_the_library_the_extra_is_named(module: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    library = module.partition(".")[0]
    with pytest.raises(RegisterError, match=rf"reading {url} needs {library}.*'pennant\[register\]'"):
        remote.of_url(url, Silent())


def streamed(url: str) -> bytes:
    return b"".join(remote.stream(url))


def test_a_file_is_streamed_from_a_store_and_from_a_filesystem(server: str) -> None:
    assert streamed(f"{server}/models/fraud/model.bin") == FILES["models/fraud/model.bin"]
    with fsspec.open("memory://fraud/model.bin", "wb") as file:
        file.write(b"weights")
    assert streamed("memory://fraud/model.bin") == b"weights"


@pytest.mark.parametrize("url", ["{server}/models/nope", "memory://nope", "nope://host/x"])
def test_a_file_that_cannot_be_streamed_is_a_sentence(server: str, url: str) -> None:
    with pytest.raises(RegisterError, match="cannot be read: "):
        streamed(url.replace("{server}", server))
