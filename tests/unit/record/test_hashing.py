"""Digests from bytes: of files and directories, with links, changes in between, and names that hide something."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pennant.record import hashing
from pennant.record.errors import RegisterError
from pennant.record.hashing import of_path
from pennant.record.progress import Silent


class Counter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None, int]] = []

    @contextmanager
    def measuring(self, what: str, total: int | None) -> Iterator[None]:
        self.count = 0
        yield
        self.seen.append((what, total, self.count))

    def advance(self, count: int) -> None:
        self.count += count


def a_tree(root: Path) -> Path:
    for name, content in (("b/ü.txt", "1"), ("B.txt", ""), ("b-c", "22"), ("b/.hidden", "3"), ("a b", "4")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def by_coreutils(directory: Path) -> str:
    line = "find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    assert line in (hashing.__doc__ or "")
    done = subprocess.run(["bash", "-c", line], cwd=directory, capture_output=True, text=True, check=True)
    return f"sha256:{done.stdout.split()[0]}"


def test_a_file_is_read_as_a_stream(tmp_path: Path) -> None:
    content = os.urandom(3 * hashing.CHUNK + 7)
    (tmp_path / "m").write_bytes(content)
    meter = Counter()
    found = of_path(tmp_path / "m", meter)
    assert (found.digest, found.size) == (f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
    assert found.files is None
    assert meter.seen == [(str(tmp_path / "m"), len(content), len(content))]


def test_a_directory_has_the_digest_that_coreutils_compute(tmp_path: Path) -> None:
    root = a_tree(tmp_path / "model")
    meter = Counter()
    found = of_path(root, meter)
    assert (found.digest, found.size, found.files) == (by_coreutils(root), 5, 5)
    assert meter.seen == [(str(root), 5, 5)]
    assert of_path(a_tree(tmp_path / "other"), Silent()).digest == found.digest
    (root / "b-c").rename(root / "b-d")
    assert of_path(root, Silent()).digest != found.digest


def test_a_link_to_a_file_of_the_directory_is_that_file(tmp_path: Path) -> None:
    root = a_tree(tmp_path / "model")
    (root / "link").symlink_to("b/ü.txt")
    found = of_path(root, Silent())
    assert (found.digest, found.files) == (by_coreutils(root), 6)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("../secret", "leads out of the directory"),
        ("/etc/passwd", "leads out of the directory"),
        ("link", "leads nowhere or to itself"),
        ("nothing", "leads nowhere or to itself"),
        ("b", "leads to a directory"),
        (".", "leads to a directory"),
        ("..", "leads out of the directory"),
    ],
)
def test_any_other_link_is_refused(tmp_path: Path, target: str, says: str) -> None:
    (tmp_path / "secret").write_text("x")
    root = a_tree(tmp_path / "model")
    (root / "link").symlink_to(target)
    with pytest.raises(RegisterError, match=says):
        of_path(root, Silent())


@pytest.mark.parametrize("name", ["a\nb", "a\\b", "a\x1b[2J"])
def test_a_name_that_a_list_of_files_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(RegisterError, match="rename the file"):
        of_path(tmp_path, Silent())


@pytest.mark.parametrize("path", ["/a", "../a", "a/../../b"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(RegisterError, match="is not in the directory"):
        hashing.of_list({path: "0"})


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("none", "does not exist"), ("empty", "has no files"), ("pipe", "is no file and no directory")):
        with pytest.raises(RegisterError, match=says):
            of_path(tmp_path / name, Silent())
    with pytest.raises(RegisterError, match="is neither a file nor a directory"):
        of_path(tmp_path, Silent())


def test_what_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    root = a_tree(tmp_path / "model")

    class Writer(Counter):
        def __init__(self, path: Path) -> None:
            super().__init__()
            self._path = path

        def advance(self, count: int) -> None:
            self._path.write_text("another content")

    with pytest.raises(RegisterError, match="changed while it was read"):
        of_path(root / "b-c", Writer(root / "b-c"))
    with pytest.raises(RegisterError, match=r"files of .* came or went while it was read"):
        of_path(root, Writer(root / "new"))
