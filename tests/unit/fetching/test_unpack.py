"""Archives that are safe, and those that are made to do harm."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pennant.fetching import unpack
from unit.fetching.conftest import Fetcher, sha256

FILES = {"config.json": b"{}", "weights/1.bin": b"1" * 100_000, "./weights/2.bin": b"2"}
FOUND = {"model/config.json": b"{}", "model/weights/1.bin": b"1" * 100_000, "model/weights/2.bin": b"2"}


def a_tar(files: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            change(member)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def a_zip(files: dict[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, mode << 16
            archive.writestr(info, content)
    return made.getvalue()


GOOD = {
    "tar": a_tar(FILES),
    "tar.gz": gzip.compress(a_tar(FILES)),
    "tar.bz2": bz2.compress(a_tar(FILES)),
    "tar.xz": lzma.compress(a_tar(FILES)),
    "zip": a_zip(FILES),
}


def unpacked(fetch: Fetcher, tmp_path: Path, content: bytes, *options: str, code: int = 0) -> str:
    (tmp_path / "m.archive").write_bytes(content)
    return fetch("--unpack=model", *options, f"model=file://{tmp_path}/m.archive@{sha256(content)}", code=code)


@pytest.mark.parametrize("kind", GOOD)
def test_an_archive_is_unpacked_and_known_again(fetch: Fetcher, tmp_path: Path, kind: str) -> None:
    """Rule: R164."""
    unpacked(fetch, tmp_path, GOOD[kind])
    assert fetch.there() == FOUND
    assert "is there, with the digest of the record" in unpacked(fetch, tmp_path, GOOD[kind])
    (fetch.volume / "model" / "config.json").write_bytes(b"[]")
    unpacked(fetch, tmp_path, GOOD[kind])
    assert fetch.there() == FOUND, "what was changed is unpacked again"


def test_a_tar_that_ends_with_a_zip_is_a_tar(fetch: Fetcher, tmp_path: Path) -> None:
    inner = a_zip({"inside": b"x"}, method=zipfile.ZIP_STORED)
    unpacked(fetch, tmp_path, a_tar({"config.json": b"{}", "weights.zip": inner}))
    assert fetch.there() == {"model/config.json": b"{}", "model/weights.zip": inner}


def link(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0


def hard_link(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.LNKTYPE, "../../etc/passwd", 0


def device(member: tarfile.TarInfo) -> None:
    member.type, member.size = tarfile.CHRTYPE, 0


def pipe(member: tarfile.TarInfo) -> None:
    member.type, member.size = tarfile.FIFOTYPE, 0


def comment(member: tarfile.TarInfo) -> None:
    member.pax_headers = {"comment": "y" * (8 * 2**20)}


BAD = {
    "a path that leads out": (a_tar({"../out": b"x"}), "the file ../out is not in the directory"),
    "a path that leads out later": (a_tar({"a/../../out": b"x"}), "is not in the directory"),
    "an absolute path": (a_tar({"/etc/cron.d/x": b"x"}), "the file /etc/cron.d/x is not in the directory"),
    "a path of Windows": (a_tar({"..\\out": b"x"}), "has characters that no list of files can hold"),
    "a new line": (a_tar({"a\nb": b"x"}), "has characters that no list of files can hold"),
    "a link": (a_tar({"weights.bin": b""}, link), "weights.bin in the archive is no regular file, but a link"),
    "a hard link": (a_tar({"weights.bin": b""}, hard_link), "but a link"),
    "a device": (a_tar({"null": b""}, device), "but a device or a pipe"),
    "a pipe": (a_tar({"pipe": b""}, pipe), "but a device or a pipe"),
    "a file twice": (a_tar({"a": b"1", "./a": b"2"}), "./a is in the archive twice"),
    "a file as a directory": (a_tar({"a": b"1", "a/b": b"2"}), "do not fit into a file system"),
    "a bomb": (gzip.compress(a_tar({"zeros": bytes(32 * 2**20)})), "more than 16.0 MiB come out of it"),
    "a bomb in a zip": (a_zip({"zeros": bytes(32 * 2**20)}), "more than 16.0 MiB come out of it"),
    "a path that leads out of a zip": (a_zip({"../out": b"x"}), "the file ../out is not in the directory"),
    "a link in a zip": (a_zip({"weights.bin": b"/etc/passwd"}, 0o120777), "but a link"),
    "no archive": (b"weights" * 1000, "it is no whole tar or zip archive"),
    "half an archive": (GOOD["tar.gz"][: len(GOOD["tar.gz"]) // 2], "it is no whole tar or zip archive"),
    "half a tar": (a_tar({"a": b"1" * 100_000})[:50_000], "it is no whole tar or zip archive"),
    "nothing": (a_tar({}), "the archive has no files"),
    "a header of eight megabytes": (
        gzip.compress(a_tar({"x": b""}, comment)),
        "the archive has a header that is too large",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_an_archive_that_does_harm_is_refused_and_nothing_of_it_is_served(
    fetch: Fetcher, tmp_path: Path, name: str
) -> None:
    """Rule: R164."""
    content, says = BAD[name]
    unpacked(fetch, tmp_path, content, code=66)
    assert fetch.why.startswith("artefact model is refused: ")
    assert says in fetch.why
    assert fetch.there() == {}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.archive", "models", "termination-log"]


def test_more_entries_than_the_limit_are_refused(
    fetch: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: R164."""
    monkeypatch.setattr(unpack, "MOST_FILES", 10)
    unpacked(fetch, tmp_path, a_tar({f"{number}": b"" for number in range(11)}), code=66)
    assert "more than 10 entries" in fetch.why


def test_the_size_limit_counts_what_comes_out(fetch: Fetcher, tmp_path: Path) -> None:
    content = gzip.compress(a_tar({"zeros": bytes(4 * 2**20)}))
    unpacked(fetch, tmp_path, content, "--size-limit=2Mi", code=66)
    assert "spec.delivery.sizeLimit" in fetch.why
    unpacked(fetch, tmp_path, content, "--size-limit=5Mi")
    assert fetch.there() == {"model/zeros": bytes(4 * 2**20)}
