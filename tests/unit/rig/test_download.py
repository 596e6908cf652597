import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rig import binaries
from rig.download import download
from rig.errors import DownloadError
from rig.programs import PROGRAMS
from rig.store import cached
from unit.rig.conftest import FakeGo

CONTENT = b"#!/bin/sh\necho kubectl\n"
PATH = "/release/v1.37.2/bin/linux/amd64/kubectl"


class Releases(ThreadingHTTPServer):
    """A place that publishes releases, honest or not."""

    files: dict[str, bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/release/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Releases)
        body = self.server.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
        pass


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with Releases(("127.0.0.1", 0), Handler) as server:
        server.files = {PATH: CONTENT, f"{PATH}.sha256": hashlib.sha256(CONTENT).hexdigest().encode()}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def test_a_release_with_its_published_checksum_is_installed(go: FakeGo, releases: Releases) -> None:
    download([PROGRAMS["kubectl"]], releases.base)
    found = binaries.find("kubectl")
    assert found is not None
    assert found.read_bytes() == CONTENT
    assert go.built == []


@pytest.mark.parametrize("published", [b"0" * 64, b"", b"<html>not a checksum</html>"])
def test_a_wrong_checksum_is_refused_and_nothing_is_installed(go: FakeGo, releases: Releases, published: bytes) -> None:
    releases.files[f"{PATH}.sha256"] = published
    with pytest.raises(DownloadError, match="not installed"):
        download([PROGRAMS["kubectl"]], releases.base)
    assert [path.name for path in cached(PROGRAMS["kubectl"]).parent.iterdir()] == [".lock"]


@pytest.mark.parametrize("absent", [PATH, f"{PATH}.sha256"])
def test_what_is_not_published_is_named(go: FakeGo, releases: Releases, absent: str) -> None:
    del releases.files[absent]
    with pytest.raises(DownloadError, match=f"{absent}: .*404"):
        download([PROGRAMS["kubectl"]], releases.base)
    assert binaries.find("kubectl") is None


def test_what_has_no_release_of_this_kind_is_left_to_be_built(go: FakeGo, releases: Releases) -> None:
    download([PROGRAMS["etcd"]], releases.base)
    assert binaries.find("etcd") is None
