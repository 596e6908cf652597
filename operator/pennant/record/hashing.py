r"""Digests of files and directories, computed from their bytes as a stream.

The digest of a directory is the sha256 of the list of its files, as `sha256sum` prints it: for each file its digest in
hexadecimal, two spaces, and its path with `/`, sorted by the bytes of the path. A user can compute it:

    cd DIR && find -L . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pennant.record.errors import RegisterError
from pennant.record.progress import Meter

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hashed:
    """The digest of an artefact, and its size."""

    digest: str
    size: int
    files: int | None = None
    """Number of files of a directory, whose digest is that of their list; None: it is a file."""


def of_path(path: Path, meter: Meter) -> Hashed:
    """Return the digest of a file or a directory; raises `RegisterError` where it cannot be read as a whole."""
    try:
        if path.is_dir():
            return _of_directory(path, meter)
        if not path.is_file():
            raise RegisterError(f"{path} is no file and no directory" if path.exists() else f"{path} does not exist")
        size = path.stat().st_size
        with meter.measuring(str(path), size):
            return Hashed(f"sha256:{of_file(path, meter)}", size)
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}") from error


def of_file(path: Path, meter: Meter) -> str:
    """Return the hexadecimal sha256 of a file; raises `RegisterError` where it changes while it is read."""
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise RegisterError(f"{path} is no regular file")
        digest = of_chunks(iter(lambda: file.read(CHUNK), b""), meter)[0]
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise RegisterError(f"{path} changed while it was read; register it when it is written completely")
    return digest


def of_chunks(chunks: Iterable[bytes], meter: Meter) -> tuple[str, int]:
    """Return the hexadecimal sha256 of a stream, and its length."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        meter.advance(len(chunk))
    return digest.hexdigest(), size


def of_list(digests: dict[str, str]) -> str:
    """Return the digest of a directory, given the hexadecimal sha256 of each file by its path."""
    for path in digests:
        check_name(path)
    lines = (f"{digests[path]}  {path}\n" for path in sorted(digests, key=lambda each: each.encode()))
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def check_name(path: str) -> None:
    """Raise `RegisterError` for a path that `sha256sum` would write in another way, or that leads elsewhere."""
    if not path.isprintable() or "\\" in path:
        raise RegisterError(f"the file name {path!r} has characters that no list of files can hold; rename the file")
    if path.startswith("/") or ".." in path.split("/"):
        raise RegisterError(f"the file {path} is not in the directory")


def _of_directory(root: Path, meter: Meter) -> Hashed:
    files = dict(_files(root))
    if not files:
        raise RegisterError(f"the directory {root} has no files")
    size = sum(each.stat().st_size for each in files.values())
    with meter.measuring(str(root), size):
        digests = {name: of_file(path, meter) for name, path in files.items()}
    if dict(_files(root)).keys() != files.keys():
        raise RegisterError(f"files of {root} came or went while it was read; register it when it is complete")
    return Hashed(of_list(digests), size, len(files))


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file below a directory with its path in it."""
    real = root.resolve()
    pending = [root]
    while pending:
        directory = pending.pop()
        for path in directory.iterdir():
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                yield name, _target(path, real)
            elif path.is_dir():
                pending.append(path)
            elif path.is_file():
                yield name, path
            else:
                raise RegisterError(f"{path} is neither a file nor a directory; remove it from the artefact")


def _target(link: Path, root: Path) -> Path:
    """Return the file that a symbolic link leads to; raises `RegisterError` where it is none in the directory."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise RegisterError(f"the symbolic link {link} leads nowhere or to itself") from error
    if not target.is_relative_to(root):
        raise RegisterError(
            f"the symbolic link {link} leads out of the directory, to {target}; make a copy with `cp -rL` and register "
            "that"
        )
    if not target.is_file():
        raise RegisterError(f"the symbolic link {link} leads to a directory; replace it by a copy")
    return target
