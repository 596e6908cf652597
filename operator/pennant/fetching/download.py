"""One file: written as it arrives, hashed while it arrives, and continued where it stopped."""

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pennant.fetching.budget import Budget
from pennant.fetching.errors import FetchError, Refused
from pennant.fetching.progress import Progress, say
from pennant.fetching.sources.source import CHUNK, Source, Unavailable

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try. When the last one failed, Kubernetes starts the container again."""
ResultT = TypeVar("ResultT")
_FULL: Mapping[int, str] = {
    errno.ENOSPC: "the volume is full",
    errno.EDQUOT: "the quota of the volume is used up",
    errno.EFBIG: "the file is larger than the file system allows",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is there as a whole."""

    digest: str
    """In hexadecimal."""
    size: int
    was_resumed: bool
    """Whether its parts are of several attempts, between which the file may have been replaced."""


class Downloads:
    """Downloads of one artefact."""

    def __init__(self, progress: Progress, budget: Budget, pause: Callable[[float], None] = time.sleep) -> None:
        """Report the progress, and count bytes against a budget."""
        self._progress, self.budget, self._pause = progress, budget, pause

    def fetch(self, source: Source, path: str, place: Path, algorithm: str) -> Fetched:
        """Write a file of a source to a place, and return its digest.

        What is there already is hashed, and only the rest is fetched. Raises `FetchError`.
        """
        with at_the_volume():
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a+b") as file:
                return self._written(source, path, file, algorithm)

    def forget(self, place: Path) -> None:
        """Delete what was fetched to a place."""
        self.budget.give_back(size_of(place))
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)

    def _written(self, source: Source, path: str, file: Any, algorithm: str) -> Fetched:
        file.seek(0)
        hasher, size = hashlib.new(algorithm), 0
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
            size += len(chunk)
            self.budget.take(len(chunk))
        resumed = False

        def rest() -> Fetched:
            nonlocal hasher, size, resumed
            opened = source.open(path, size)
            resumed = resumed or size > 0
            if opened.offset != size:
                # The server cannot continue, or has another file by now.
                file.truncate(0)
                self.budget.give_back(size)
                hasher, size, resumed = hashlib.new(algorithm), 0, False
            for chunk in opened.chunks:
                self.budget.take(len(chunk))
                file.write(chunk)
                hasher.update(chunk)
                size += len(chunk)
                self._progress.advance(len(chunk), opened.total, size)
            if opened.total is not None and size != opened.total:
                raise Unavailable(f"it ended after {size} of {opened.total} bytes")
            return Fetched(hasher.hexdigest(), size, resumed)

        return self.tried(rest)

    def tried(self, act: Callable[[], ResultT]) -> ResultT:
        """Return what `act` returns, which is tried again where its source does not answer."""
        for pause in PAUSES:
            try:
                return act()
            except Unavailable as error:
                if error.is_final:
                    raise FetchError(str(error)) from error
                say(f"{error}; trying again in {pause:g} s")
                self._pause(pause)
        try:
            return act()
        except Unavailable as error:
            raise FetchError(str(error)) from error


def size_of(place: Path) -> int:
    """Return the bytes of a file, or of all files below a directory; 0 where there is nothing."""
    files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


@contextmanager
def at_the_volume() -> Iterator[None]:
    """Raise `FetchError` with what to do where the volume cannot be written."""
    try:
        yield
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> FetchError:
    if (full := _FULL.get(error.errno or 0)) is not None:
        return FetchError(f"{full}: raise the size of the claim or the ephemeral storage of the node, or unpack less")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FetchError(
            "the volume cannot be written: set fsGroup in spec.template.spec.securityContext, or correct the claim"
        )
    if error.errno in (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return Refused(f"the names of its files do not fit into a file system ({error.strerror})")
    return FetchError(f"the volume cannot be written ({error.strerror})")
