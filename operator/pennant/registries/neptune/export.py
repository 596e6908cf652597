"""The files of an export: which objects there are, and where their attributes and their files lie.

An object has files `<identifier>-<hash>_part_<number>.parquet`. Its parts get their names when all are complete, the
first part last.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pennant.registries.protocol import RegistryError

_PART = re.compile(r"(?P<id>.+)-(?P<hash>[0-9a-f]{16})_part_(?P<number>\d+)\.parquet(?P<is_open>\.tmp)?")


@dataclass(frozen=True, slots=True)
class Object:
    """An object of Neptune, such as a version of a model or a run."""

    id: str
    """Identifier in the project, such as `CLS-PRE-3`."""
    directory: str
    """Name of the directory of the project."""
    parts: tuple[Path, ...]
    """Empty: its export is not complete."""


@dataclass(frozen=True, slots=True)
class Export:
    """The objects of one kind."""

    data: Path
    """Has a directory for each project."""
    files: Path
    """Has the files, in a directory for each project."""
    scope: str
    """Directory in that of a project; empty: there is none."""

    def projects(self) -> list[str]:
        """Return the names of the directories of projects."""
        if not self.data.is_dir():
            return []
        return sorted(each.name for each in self.data.iterdir() if (each / self.scope).is_dir())

    def objects(self, project: str) -> list[Object]:
        """Return the objects of a project; one whose export was interrupted has no parts."""
        found: dict[str, dict[int, Path]] = {}
        for path in (self.data / project / self.scope).iterdir():
            if (part := _PART.fullmatch(path.name)) is not None and _hash(part["id"]) == part["hash"]:
                parts = found.setdefault(part["id"], {})
                if not part["is_open"]:
                    parts[int(part["number"])] = path
        return [
            Object(name, project, tuple(parts[each] for each in sorted(parts)) if 0 in parts else ())
            for name, parts in sorted(found.items())
        ]

    def object(self, project: str, name: str) -> Object | None:
        """Return an object by its identifier; None: the export does not have it."""
        start = self.data / project / self.scope / f"{name}-{_hash(name)}_part_"
        parts: list[Path] = []
        while (path := start.with_name(f"{start.name}{len(parts)}.parquet")).is_file():
            parts.append(path)
        return Object(name, project, tuple(parts)) if parts else None

    def file(self, project: str, path: str) -> Path:
        """Return a file or directory of the export; raises `RegistryError` where a path leads elsewhere."""
        root = (self.files / project).resolve()
        found = (root / path).resolve()
        if not found.is_relative_to(root) or found == root:
            raise RegistryError(f"the path {path!r} is not in the directory {root}")
        return found


def below(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a directory with their paths in it; of a file only itself, with an empty path."""
    if path.is_file():
        yield "", path
        return
    for each in sorted(path.rglob("*")):
        if each.is_file() and not each.is_symlink():
            yield each.relative_to(path).as_posix(), each


def _hash(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
