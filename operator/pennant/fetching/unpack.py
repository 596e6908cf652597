"""Archives, unpacked without trust: no link, no device, no path that leads out, and limits for what comes out.

Rule: R164.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pennant.fetching.budget import Budget
from pennant.fetching.errors import Refused
from pennant.fetching.progress import size
from pennant.record import hashing
from pennant.record.errors import RegisterError

MOST_FILES = 50_000
LARGEST_RATIO = 200
"""Bytes that may come out for each byte of an archive."""
FREE_BYTES = 16 * 1024 * 1024
"""Bytes that may come out of any archive."""
LARGEST_HEADER = 4 * 1024 * 1024
"""Bytes that a tar may ask to read at once: more is a header that would fill the memory."""
CHUNK = 1024 * 1024
_ZIP = b"PK\x03\x04"
_COMPRESSED: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile, ValueError)


def unpack(archive: Path, into: Path, budget: Budget) -> None:
    """Unpack a tar (plain, gzip, bzip2, xz) or a zip into an empty directory; raises `Refused`."""
    output = _Output(into, budget, max(archive.stat().st_size * LARGEST_RATIO, FREE_BYTES))
    try:
        with archive.open("rb") as file:
            # By its first bytes: a tar whose last file is a zip ends like a zip.
            is_zip = file.read(len(_ZIP)) == _ZIP
            file.seek(0)
            if is_zip:
                _zip(file, output)
            else:
                with _decompressed(file) as plain:
                    _tar(plain, output)
    except _BROKEN as error:
        raise Refused(f"it is no whole tar or zip archive ({type(error).__name__})") from error
    except (RuntimeError, NotImplementedError) as error:
        raise Refused("the archive is encrypted, or compressed in a way that is not supported") from error
    if not output.files:
        raise Refused("the archive has no files")


class _Output:
    """The directory that is written, and what may still come out."""

    def __init__(self, root: Path, budget: Budget, most: int) -> None:
        self._root, self._budget, self._most, self._left = root, budget, most, most
        self._entries = self.files = 0

    def directory(self, name: str) -> None:
        self._place(name).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, content: IO[bytes]) -> None:
        place = self._place(name)
        if place.exists():
            raise Refused(f"{name} is in the archive twice")
        place.parent.mkdir(parents=True, exist_ok=True)
        self.files += 1
        with place.open("xb") as file:
            while chunk := content.read(CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise Refused(f"more than {size(self._most)} come out of it, {LARGEST_RATIO} times its own size")
                self._budget.take(len(chunk))
                file.write(chunk)

    def _place(self, name: str) -> Path:
        self._entries += 1
        if self._entries > MOST_FILES:
            raise Refused(f"the archive has more than {MOST_FILES} entries")
        try:
            hashing.check_name(name)
        except RegisterError as error:
            raise Refused(f"in the archive, {error}") from error
        return self._root.joinpath(*(each for each in name.split("/") if each not in ("", ".")))


class _Limited:
    """An uncompressed tar that refuses a header of any size."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= LARGEST_HEADER:
            raise Refused("the archive has a header that is too large")
        found: bytes = self._file.read(count)
        return found

    def seek(self, place: int, whence: int = 0) -> int:
        return int(self._file.seek(place, whence))

    def tell(self) -> int:
        return int(self._file.tell())


@contextmanager
def _decompressed(file: IO[bytes]) -> Iterator[Any]:
    begin = file.read(8)
    file.seek(0)
    for magic, opened in _COMPRESSED:
        if begin.startswith(magic):
            with opened(file) as plain:
                yield plain
            return
    yield file


def _tar(file: Any, output: _Output) -> None:
    limited: Any = _Limited(file)
    with tarfile.open(fileobj=limited, mode="r:") as archive:
        for each in archive:
            if each.isdir():
                output.directory(each.name)
            elif each.isreg() and not each.issparse():
                content = archive.extractfile(each)
                assert content is not None, "a regular file has content"
                output.file(each.name, content)
            else:
                raise Refused(f"{each.name[:200]} in the archive is no regular file, but a {_kind(each)}")


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "link"
    return "sparse file" if member.issparse() else "device or a pipe"


def _zip(file: IO[bytes], output: _Output) -> None:
    with zipfile.ZipFile(file) as archive:
        for each in archive.infolist():
            kind = stat.S_IFMT(each.external_attr >> 16)
            if each.is_dir():
                output.directory(each.filename)
            elif kind in (0, stat.S_IFREG):
                with archive.open(each) as content:
                    output.file(each.filename, content)
            else:
                what = "link" if kind == stat.S_IFLNK else "device or a pipe"
                raise Refused(f"{each.filename[:200]} in the archive is no regular file, but a {what}")
