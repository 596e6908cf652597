"""Reads a DVC project at a commit: its pipelines, what it tracks, its remotes."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pennant.record.errors import RegisterError
from pennant.record.texts import parsed
from pennant.registries.dvc import config, outputs
from pennant.registries.dvc.config import Remotes
from pennant.registries.dvc.outputs import Output, Stage
from pennant.registries.fields import mapping
from pennant.registries.git.objects import Entry
from pennant.registries.git.repository import Repository
from pennant.registries.notes import Notes
from pennant.registries.protocol import RegistryError

PIPELINE, LOCK, TRACKED = "dvc.yaml", "dvc.lock", ".dvc"
KEPT_LOCKS = 4096
"""Directories of which it is remembered where their lock files are."""
KEPT_VALUES = 32
"""Files of which it is remembered what they hold."""


class Memory:
    """Remembers what most versions have in common: where lock files are, and what unchanged files hold."""

    def __init__(self, repository: Repository) -> None:
        """Read the directories and files of a repository."""
        self.repository = repository
        self._locks: dict[str, tuple[str, ...]] = {}
        self._values: dict[str, Mapping[str, Any]] = {}

    async def locks(self, tree: str) -> tuple[str, ...]:
        """Return the paths of the `dvc.lock` files below a directory."""
        if tree not in self._locks:
            found: list[str] = []
            for name, entry in sorted((await self.repository.entries(tree)).items()):
                if entry.is_directory:
                    found += [f"{name}/{each}" for each in await self.locks(entry.object)]
                elif entry.is_file and name == LOCK:
                    found.append(name)
            _bound(self._locks, KEPT_LOCKS)
            self._locks[tree] = tuple(found)
        return self._locks[tree]

    async def values(self, entry: Entry, path: str) -> Mapping[str, Any]:
        """Return what a YAML file holds; raises `RegisterError` where it is damaged."""
        if entry.object not in self._values:
            content = await self.repository.content(entry)
            try:
                value = parsed(content.decode("utf-8-sig"), ".yaml", path)
            except UnicodeDecodeError as error:
                raise RegisterError(f"{path} is no text in UTF-8: {error.reason}") from error
            _bound(self._values, KEPT_VALUES)
            self._values[entry.object] = mapping(value)
        return self._values[entry.object]


def _bound(known: dict[str, Any], most: int) -> None:
    """Forget the oldest value where there is no room for another one."""
    if len(known) >= most:
        del known[next(iter(known))]


@dataclass(frozen=True, slots=True)
class Project:
    """A DVC project at a commit."""

    memory: Memory
    tree: str
    notes: Notes

    @property
    def repository(self) -> Repository:
        """The repository."""
        return self.memory.repository

    async def described(self, name: str) -> tuple[str, Mapping[str, Any], int]:
        """Return the path of a `dvc.yaml`, the artefact in it, and how many models it has.

        Raises `RegistryError` where it does not describe this artefact.
        """
        directory, _, own = name.rpartition(":")
        path = posixpath.join(directory, PIPELINE)
        try:
            entry = await self.entry(path)
            values = await self.memory.values(entry, path) if entry is not None and entry.is_file else {}
        except RegisterError as error:
            said = " ".join(str(error).removeprefix(path).split())
            raise RegistryError(
                f"{path} of the commit cannot be read: {said}. Correct it, commit, and register the next version"
            ) from error
        artifacts = mapping(values.get("artifacts"))
        one = artifacts.get(own)
        if not isinstance(one, Mapping) or not isinstance(one.get("path"), str) or not one["path"]:
            there = f"has the artifacts {', '.join(map(str, artifacts))}" if artifacts else "has no artifacts"
            raise RegistryError(
                f"the commit does not say which file is the model: {path} {there}. Add artifacts.{own}.path there, and "
                "register the next version"
            )
        return path, one, sum(mapping(each).get("type") != "dataset" for each in artifacts.values())

    async def values(self, path: str) -> Mapping[str, Any]:
        """Return what a YAML file holds; empty where there is none, and noted where it is damaged."""
        entry = await self.entry(path)
        if entry is None or not entry.is_file:
            return {}
        try:
            return await self.memory.values(entry, path)
        except RegisterError as error:
            self.notes.add(f"{path} cannot be read: {' '.join(str(error).removeprefix(path).split())}")
            return {}

    async def content(self, path: str) -> bytes | None:
        """Return a small file; None: there is none."""
        entry = await self.entry(path)
        return await self.repository.content(entry) if entry is not None and entry.is_file else None

    async def entry(self, path: str) -> Entry | None:
        """Return what git has at a path; None: nothing."""
        return None if outputs.is_outside(path) else await self.repository.entry(self.tree, path)

    async def stages(self, locks: Iterable[str]) -> list[Stage]:
        """Return the stages of all pipelines, as they ran."""
        found: list[Stage] = []
        for path in locks:
            directory = posixpath.dirname(path)
            pipeline = await self.values(posixpath.join(directory, PIPELINE))
            found += outputs.stages(await self.values(path), pipeline, directory)
        return found

    async def tracked(self, path: str) -> Output | None:
        """Return what the file `<path>.dvc` says; None: there is none."""
        values = await self.values(f"{path}{TRACKED}")
        listed = outputs.outputs(values.get("outs"), posixpath.dirname(path))
        return next((each for each in listed if each.path == path), None)

    async def around(self, path: str, stages: Sequence[Stage]) -> Output | None:
        """Return the directory that DVC tracks and that a path is in; None: there is none."""
        made = {out.path: out for stage in stages for out in stage.outs}
        directory = posixpath.dirname(path)
        while directory:
            if (one := made.get(directory) or await self.tracked(directory)) is not None:
                return one
            directory = posixpath.dirname(directory)
        return None

    async def remotes(self, directory: str, checkout: Path | None) -> tuple[str, Remotes]:
        """Return the directory of the project that a directory is in, and its remotes."""
        while True:
            content = await self.content(posixpath.join(directory, config.FILE))
            if content is not None or not directory:
                top = checkout / directory if checkout is not None else None
                return directory, config.of_text((content or b"").decode(errors="replace"), top)
            directory = posixpath.dirname(directory)

    async def in_git(self, paths: Iterable[str]) -> frozenset[str]:
        """Return the paths that git tracks."""
        return frozenset([each for each in paths if await self.entry(each) is not None])
