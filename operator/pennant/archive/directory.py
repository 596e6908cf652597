"""An archive in a directory, such as that of a PersistentVolumeClaim."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pennant.archive.threads import Threads
from pennant.ports import Refused, Unavailable

HIDDEN = "."
"""What the name of a file begins with while it is written."""
T = TypeVar("T")


class Directory:
    """Implements `Place`. The directory must exist; its subdirectories are created."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._threads = Threads()

    async def create(self, name: str, content: bytes) -> bool:
        """Write a new file completely, and return True when it is durable; False where the name exists already."""
        return await self._run(lambda: _created(self._root, name, content))

    async def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return await self._run(lambda: (self._root / name).read_bytes())

    async def names(self, under: str) -> AsyncIterator[str]:
        """Yield the names of all files below a directory, in no order."""
        for each in await self._run(lambda: _listed(self._root, under)):
            yield each

    def close(self) -> None:
        """Let the threads end."""
        self._threads.close()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._threads.run(work)
        except OSError as error:
            raise _error(error) from error


def _error(error: OSError) -> Unavailable | Refused:
    said = f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
    return Refused(said) if isinstance(error, PermissionError) else Unavailable(said)


def _created(root: Path, name: str, content: bytes) -> bool:
    """Write beside the name, then link: the name never has a part of the content, and an existing file stays."""
    if not root.is_dir():
        raise FileNotFoundError(2, "the directory of the archive does not exist", str(root))
    path = root / name
    new = _parents_of_missing(root, path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{HIDDEN}{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
    finally:
        with suppress(OSError):
            beside.unlink()
    for directory in (path.parent, *new):
        _sync(directory)
    return True


def _parents_of_missing(root: Path, directory: Path) -> list[Path]:
    """Return the parents of the directories that are missing: the names in these must become durable too."""
    parents = list[Path]()
    while directory != root and not directory.is_dir():
        directory = directory.parent
        parents.append(directory)
    return parents


def _sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _listed(root: Path, under: str) -> list[str]:
    found = (each for each in (root / under).rglob("*") if not each.name.startswith(HIDDEN) and each.is_file())
    return [each.relative_to(root).as_posix() for each in found]
