"""What lies in the volume after a fetch, for good artefacts and for those that are not."""

import errno
import fcntl
import hashlib
import io
import resource
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pennant.fetching import budget, command, volume
from pennant.fetching.download import Downloads, at_the_volume
from pennant.fetching.errors import FetchError, Refused
from pennant.fetching.sources import web
from pennant.record import hashing
from pennant.record.progress import Silent
from unit.fetching.conftest import Fetcher, sha256
from unit.fetching.servers import files

MODEL = b"weights" * 300_000


def test_a_file_has_its_name_only_with_the_digest_of_the_record(fetch: Fetcher) -> None:
    """Rule: R162.

    Rule: R163.
    """
    with files({"/m/model.onnx": MODEL}) as server:
        said = fetch(f"model={server.address}/m/model.onnx@{sha256(MODEL)}")
        assert fetch.there() == {"model/model.onnx": MODEL}
        assert "model: fetching http://127.0.0.1" in said
        place = fetch.volume / "model" / "model.onnx"
        # A file that was right for an earlier digest stays.
        fetch(f"model={server.address}/m/model.onnx@sha256:{'0' * 64}", code=65)
        assert fetch.there() == {"model/model.onnx": MODEL}
        assert place.stat().st_mode & 0o777 == 0o644, "the server runs as another user"

        server.files["/m/model.onnx"] = b"other"
        fetch(f"other={server.address}/m/model.onnx@{sha256(MODEL)}", code=65)
    assert fetch.why == (
        f"artefact other has the digest {sha256(b'other')}, not {sha256(MODEL)} as recorded "
        f"({server.address}/m/model.onnx)"
    )
    assert fetch.there() == {"model/model.onnx": MODEL}
    assert fetch.unfinished() == [], "what is wrong is deleted"


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "sha1", "md5"])
def test_a_digest_of_each_algorithm_is_computed(fetch: Fetcher, algorithm: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MODEL)
    digest = hashlib.new(algorithm, MODEL).hexdigest()
    fetch(f"model=file://{tmp_path}/m@{algorithm}:{digest.upper()}")
    fetch(f"wrong=file://{tmp_path}/m@{algorithm}:{'0' * len(digest)}", code=65)
    assert fetch.there() == {"model/m": MODEL}


def test_what_is_there_is_hashed_again_and_fetched_only_if_it_was_changed(fetch: Fetcher) -> None:
    """Rule: R163."""
    with files({"/model": MODEL}) as server:
        word = f"model={server.address}/model@{sha256(MODEL)}"
        fetch(word)
        assert "is there, with the digest of the record" in fetch(word)
        assert len(server.asked) == 1
        (fetch.volume / "model" / "model").write_bytes(b"changed by another pod")
        fetch(word)
    assert len(server.asked) == 2
    assert fetch.there() == {"model/model": MODEL}


def test_a_connection_that_breaks_is_continued_where_it_stopped(fetch: Fetcher) -> None:
    """Rule: R163."""
    with files({"/model": MODEL}, stops_after=1_000_000) as server:
        said = fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert [each[1] for each in server.asked] == ["", "bytes=1000000-"]
    assert server.sent == len(MODEL)
    assert "it ended after 1000000 of 2100000 bytes; trying again" in said
    assert fetch.there() == {"model/model": MODEL}


def test_a_server_that_always_stops_is_no_mismatch(fetch: Fetcher) -> None:
    """A truncated answer is tried again, and what is there is kept for the next container."""
    with files({"/model": MODEL}, stops_after=500_000, stops=100) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL)}", code=1)
        assert fetch.why == "artefact model cannot be fetched: it ended after 1500000 of 2100000 bytes"
        assert [each.stat().st_size for each in fetch.unfinished()] == [1_500_000]
        server.stops = 0
        fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert server.sent == len(MODEL)


def test_a_truncated_artefact_is_a_mismatch(fetch: Fetcher) -> None:
    with files({"/model": MODEL[:-1]}) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL)}", code=65)
    assert fetch.there() == {}


def test_a_server_without_ranges_begins_again(fetch: Fetcher) -> None:
    with files({"/model": MODEL}, stops_after=1_000_000, has_ranges=False) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert fetch.there() == {"model/model": MODEL}


def test_a_file_that_was_replaced_in_between_is_fetched_from_the_beginning(fetch: Fetcher) -> None:
    old = b"x" * 2_000_000
    with files({"/model": old}, stops_after=500_000, stops=100) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL)}", code=1)
        server.files["/model"], server.stops = MODEL, 0
        said = fetch(f"model={server.address}/model@{sha256(MODEL)}")
        assert "it is fetched again from the beginning" in said
        assert fetch.there() == {"model/model": MODEL}
        # One that is shorter than what is there.
        server.files["/short"], server.stops = old, 100
        fetch(f"short={server.address}/short@{sha256(b'short')}", code=1)
        server.files["/short"], server.stops = b"short", 0
        fetch(f"short={server.address}/short@{sha256(b'short')}")
    assert fetch.there()["short/short"] == b"short"


def test_a_file_that_was_replaced_while_it_was_fetched_is_no_mismatch(
    fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first part is of the old file, and the second one of the new."""
    with files({"/model": b"x" * len(MODEL)}, stops_after=500_000) as server:

        def replace(_: float) -> None:
            server.files["/model"] = MODEL

        monkeypatch.setattr("pennant.fetching.volume.Downloads", partial(Downloads, pause=replace))
        fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert fetch.there() == {"model/model": MODEL}


def test_a_length_that_is_not_known_is_no_hindrance(fetch: Fetcher) -> None:
    with files({"/model": MODEL}, is_chunked=True) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert fetch.there() == {"model/model": MODEL}


def test_a_server_that_is_slow_is_waited_for_and_one_that_stalls_is_not(
    fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "STALL_SECONDS", 0.2)
    with files({"/model": MODEL[:400_000]}, pause=0.05) as server:
        fetch(f"model={server.address}/model@{sha256(MODEL[:400_000])}")
        server.pause = 1
        begin = time.monotonic()
        fetch(f"other={server.address}/model@{sha256(b'')}", code=1)
        assert time.monotonic() - begin < 5
    assert "TimeoutError" in fetch.why


def test_a_missing_file_is_said_without_words_of_the_server_and_without_a_signature(fetch: Fetcher) -> None:
    """Rule: R166."""
    with files({}) as server:
        word = f"model={server.address}/none?X-Amz-Signature=s3cret@{sha256(b'')}"
        said = fetch(word, code=1)
        assert fetch.why == "artefact model cannot be fetched: HTTP 404 Not Found"
        assert len(server.asked) == 1, "to ask again would not help"
    assert "s3cret" not in said
    assert "a text of the server" not in said


def test_a_redirect_gets_no_password_and_leads_to_no_file(fetch: Fetcher, tmp_path: Path) -> None:
    """Rule: R166."""
    (tmp_path / "secret").write_bytes(b"of the machine")
    with files({"/model": MODEL}) as other, files({}) as server:
        server.redirects = {"/m": f"{other.address}/model", "/f": f"file://{tmp_path}/secret"}
        place = server.address.replace("http://", "http://ada:s3cret@")
        said = fetch(f"model={place}/m@{sha256(MODEL)}")
        assert server.asked[0][2].startswith("Basic ")
        assert other.asked[0][2] == ""
        fetch(f"file={place}/f@{sha256(b'of the machine')}", code=1)
    assert "s3cret" not in said
    assert fetch.there() == {"model/m": MODEL}


def test_a_directory_has_the_digest_that_register_computes(fetch: Fetcher, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "b").mkdir(parents=True)
    (source / "a.json").write_bytes(b"{}")
    (source / "b" / "w.bin").write_bytes(MODEL)
    digest = hashing.of_path(source, Silent()).digest
    fetch(f"model={source.as_uri()}/@{digest}")
    assert fetch.there() == {"model/a.json": b"{}", "model/b/w.bin": MODEL}
    assert "is there" in fetch(f"model={source.as_uri()}/@{digest}")
    (source / "more").write_bytes(b"")
    fetch(f"other={source.as_uri()}/@{digest}", code=65)
    assert "as recorded" in fetch.why


def test_a_file_that_a_directory_lost_since_is_not_served(fetch: Fetcher, tmp_path: Path) -> None:
    """An earlier attempt has fetched it already."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"a")
    part = fetch.volume / ".pennant" / "model.part"
    part.mkdir(parents=True)
    (part / "gone.py").write_bytes(b"import os")
    fetch(f"model={source.as_uri()}/@{hashing.of_path(source, Silent()).digest}")
    assert fetch.there() == {"model/a": b"a"}


def test_a_full_volume_is_named_and_what_is_there_is_kept(fetch: Fetcher, tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for a full disk: a write fails in the middle."""
    (tmp_path / "m").write_bytes(MODEL)
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, before[1]))
    try:
        fetch(f"model=file://{tmp_path}/m@{sha256(MODEL)}", code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert fetch.why.startswith("artefact model cannot be fetched: the file is larger than the file system allows")
    assert fetch.there() == {}
    fetch(f"model=file://{tmp_path}/m@{sha256(MODEL)}")
    assert fetch.there() == {"model/m": MODEL}


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ENOSPC, FetchError, "the volume is full: raise the size"),
        (errno.EDQUOT, FetchError, "the quota of the volume is used up"),
        (errno.EACCES, FetchError, "set fsGroup in spec.template.spec.securityContext"),
        (errno.EISDIR, Refused, "do not fit into a file system"),
        (errno.EIO, FetchError, "the volume cannot be written"),
    ],
)
def test_what_a_volume_lacks_is_said_with_the_fix(number: int, kind: type[FetchError], says: str) -> None:
    with pytest.raises(kind, match=says), at_the_volume():
        raise OSError(number, "x")


def test_more_bytes_than_the_size_limit_are_refused(fetch: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MODEL)
    word = f"model=file://{tmp_path}/m@{sha256(MODEL)}"
    fetch("--size-limit=1Mi", word, code=66)
    assert "the artefacts have more than 1Mi, which is spec.delivery.sizeLimit" in fetch.why
    fetch("--size-limit=3M", word)
    # What is there already counts too.
    (tmp_path / "n").write_bytes(MODEL[:1_000_000])
    fetch("--size-limit=3M", word, f"n=file://{tmp_path}/n@{sha256(MODEL[:1_000_000])}", code=66)


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("2k", 2000), ("3Ki", 3072), ("1G", 10**9), ("20Gi", 20 * 2**30), ("1Pi", 2**50)]
)
def test_a_size_means_what_kubernetes_means(text: str, count: int) -> None:
    assert budget.bytes_of(text) == count


PROGRAM = (sys.executable, "-m", "pennant", "fetch")


def test_a_fetch_that_is_killed_continues_where_it_stopped(tmp_path: Path) -> None:
    """Rule: R163."""
    with files({"/model": MODEL}, pause=0.05) as server:
        words = [*PROGRAM, f"--to={tmp_path}", f"--artifact=model={server.address}/model@{sha256(MODEL)}"]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        part = tmp_path / ".pennant" / "model_model.part"
        deadline = time.monotonic() + 20
        while not part.exists() or not 0 < part.stat().st_size < len(MODEL):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
        process.wait()
        kept = part.stat().st_size
        assert not (tmp_path / "model").exists()
        server.pause = 0
        subprocess.run(words, check=True, capture_output=True)
    assert server.asked[-1][1] == f"bytes={kept}-"
    assert (tmp_path / "model" / "model").read_bytes() == MODEL


def test_a_fetch_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """As the first process of a container, it would ignore SIGTERM otherwise."""
    with files({"/model": MODEL}, pause=0.1) as server:
        words = [*PROGRAM, f"--to={tmp_path}", f"--artifact=model={server.address}/model@{sha256(MODEL)}"]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        assert server.begun.wait(20)
        process.terminate()
        assert process.wait(10) == 143


def test_of_two_pods_with_one_claim_one_fetches_and_both_serve(tmp_path: Path) -> None:
    """Rule: R163."""
    with files({"/model": MODEL}, pause=0.02) as server:
        option = f"--artifact=model={server.address}/model@{sha256(MODEL)}"
        words = [*PROGRAM, f"--to={tmp_path}", "--by-digest", option]
        both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [each.communicate()[1] for each in both]
        assert [each.returncode for each in both] == [0, 0], said
    assert len(server.asked) == 1
    assert sorted("another pod fetches it; waiting" in each for each in said) == [False, True]
    name = f"{sha256(MODEL).replace(':', '-')}-model"
    assert (tmp_path / name).read_bytes() == MODEL


def test_a_lock_that_is_never_released_does_not_stop_a_pod(
    fetch: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(volume, "LOOK_SECONDS", 0.05)
    (tmp_path / "m").write_bytes(MODEL)
    own = fetch.volume / ".pennant"
    own.mkdir(parents=True)
    with (own / "model_m.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = fetch(f"model=file://{tmp_path}/m@{sha256(MODEL)}")
    assert "another pod has been fetching it" in said
    assert fetch.there() == {"model/m": MODEL}


def test_a_claim_without_locks_is_no_hindrance(fetch: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("pennant.fetching.volume.fcntl.flock", refuse)
    (tmp_path / "m").write_bytes(MODEL)
    words = [threading.Thread(target=fetch, args=(f"model=file://{tmp_path}/m@{sha256(MODEL)}",)) for _ in range(3)]
    for each in words:
        each.start()
    for each in words:
        each.join()
    assert fetch.there() == {"model/m": MODEL}


def test_an_artefact_without_a_digest_is_fetched_only_if_that_is_allowed(fetch: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MODEL)
    with pytest.raises(SystemExit) as ended:
        fetch(f"model=file://{tmp_path}/m")
    assert ended.value.code == 2
    said = fetch("--allow-missing-digest", f"model=file://{tmp_path}/m")
    assert f"has the digest {sha256(MODEL)}; the record has none" in said
    (tmp_path / "m").write_bytes(b"newer")
    fetch("--allow-missing-digest", f"model=file://{tmp_path}/m")
    assert fetch.there() == {"model/m": b"newer"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["model"], "must be NAME=URI@DIGEST"),
        (["Model=file:///m@sha256:" + "0" * 64], "Model: its name is not valid"),
        (["m=file:///m@etag:abc"], "the digest must be one of sha256"),
        (["m=file:///m/@md5:" + "0" * 32], "the digest must be one of sha256"),
        (["m=file:///m@md5:abc"], "m: the digest md5:abc is not valid: sha256 has 64 hexadecimal digits"),
        (["m=s3://bucket@sha256:"], "m: the digest sha256: is not valid"),
        (["m=file:///m@sha256:" + "g" * 64, "--allow-missing-digest"], "is not valid: sha256 has 64"),
        (["m=file:///m@md5:" + "0" * 32] * 2, "the name m is there twice"),
        (["m=file:///m@md5:" + "0" * 32, "--unpack=n"], "--unpack names n"),
        (["m=file:///m@md5:" + "0" * 32, "--size-limit=big"], "big is no size"),
        (["m=file:///m", "--by-digest", "--allow-missing-digest"], "--by-digest needs a digest"),
    ],
)
def test_wrong_options_are_named(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [each if each.startswith("--") else f"--artifact={each}" for each in words]
    with pytest.raises(SystemExit) as ended:
        command.main([f"--to={tmp_path}", *options])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_log_shows_how_far_it_is(fetch: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennant.fetching.progress.LINE_SECONDS", 0.0)
    with files({"/model": MODEL}) as server:
        said = fetch(f"model={server.address}/model@{sha256(MODEL)}")
    assert "of 2.0 MiB (" in said
    assert "%)" in said
    assert "/s" in said


def test_a_scheme_that_nothing_reads_is_named(fetch: Fetcher) -> None:
    fetch(f"model=nowhere://x/y@{sha256(b'')}", code=1)
    assert fetch.why == "artefact model cannot be fetched: no installed package reads URIs of this scheme"


def test_help_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert "example: pennant fetch --to models --artifact model=s3://" in said
    assert io.StringIO(said).readline().startswith("usage: pennant fetch")
