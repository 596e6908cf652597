"""Finds the artefact of a version in a DVC project at a commit, what made it, and what measured it."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pennant.registries.dvc import outputs
from pennant.registries.dvc.config import Remotes
from pennant.registries.dvc.outputs import Output, Stage
from pennant.registries.dvc.project import Project
from pennant.registries.dvc.record import Found
from pennant.registries.dvc.store import CACHE, Stored
from pennant.registries.git import artifact, evidence, finding
from pennant.registries.git.artifact import Place
from pennant.registries.git.evidence import Evidence
from pennant.registries.git.opening import Opened
from pennant.registries.protocol import RegistryError

VERSIONED = (
    "its remote keeps versions of files in a cloud store, which --verify cannot read. Without it, the digest is that "
    "of DVC"
)


@dataclass(frozen=True, slots=True)
class Where:
    """The artefact, and where its bytes are."""

    found: Found
    place: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that is read."""

    opened: Opened
    project: Project
    number: str
    stages: Sequence[Stage]
    remotes: Remotes
    cache: Path | None
    """The cache of DVC on this machine; None: there is none."""

    async def artifact(self, path: str) -> Where:
        """Return the artefact at a path; raises `RegistryError` where nothing is there."""
        output = next((out for stage in self.stages for out in stage.outs if out.path == path), None)
        output = output or await self.project.tracked(path)
        if output is not None:
            return self._tracked(path, output)
        entry = await self.project.entry(path)
        uri = self.opened.uri(self.number, path)
        if entry is not None and (entry.is_file or entry.is_directory):
            place = Place(path, entry)
            fields = await artifact.fields(self.project.repository, place, uri, self.project.notes)
            return Where(Found(path, uri, fields=fields), {"tree": self.project.tree, "path": path})
        around = await self.project.around(path, self.stages)
        if around is not None and around.key is not None:
            self.project.notes.add(f"{path} is in the directory {around.path} of DVC, whose list only --verify reads")
            return Where(Found(path, uri), self._stored(around, posixpath.relpath(path, around.path)).as_place)
        damaged = f" ({'; '.join(self.project.notes.said)})" if self.project.notes.said else ""
        raise RegistryError(
            f"the commit has no {path}: no dvc.lock and no {path}.dvc tracks it, and git does not have it{damaged}. "
            "Run `dvc repro` or `dvc add`, commit, and register the next version"
        )

    def _tracked(self, path: str, output: Output) -> Where:
        address = self.remotes.address(output)
        if address is None:
            self.project.notes.add(WITHOUT_REMOTE)
        elif address.startswith("file:"):
            self.project.notes.add(LOCAL_REMOTE)
        found = Found(path, address or self.opened.uri(self.number, path), output)
        if output.key is not None and not output.is_outside:
            return Where(found, self._stored(output).as_place)
        if output.is_outside and output.version is None and address is not None:
            return Where(found, Stored("", address, size=_text(output.size)).as_place)
        return Where(found, {"why": VERSIONED})

    def _stored(self, output: Output, inside: str = "") -> Stored:
        cache = str(self.cache) if self.cache is not None else ""
        url = self.remotes.url(output.remote) or ""
        return Stored(output.key or "", url, cache, output.is_legacy, inside, "" if inside else _text(output.size))

    def making(self, path: str) -> list[Stage]:
        """Return the stages that have the artefact as an output, or a directory that it is in."""
        return [each for each in self.stages if any(_is_in(path, out.path) for out in each.outs)]

    def measuring(self, path: str) -> list[Stage]:
        """Return the stages with metrics that use the artefact, or what another stage made of it."""
        reached, found = {path}, dict[str, Stage]()
        while True:
            more = [
                each
                for each in self.stages
                if each.name not in found and any(_is_in(one, dep.path) for dep in each.deps for one in reached)
            ]
            if not more:
                break
            for each in more:
                found[each.name] = each
                reached |= {out.path for out in each.outs}
        return [each for each in found.values() if each.metrics]

    def addresses(self, stages: Iterable[Stage], in_git: frozenset[str]) -> dict[str, str]:
        """Return where the dependencies of stages are, by path."""
        deps = {dep.path: dep for stage in stages for dep in stage.deps}
        found = {}
        for path, dep in deps.items():
            if path in in_git:
                found[path] = self.opened.uri(self.number, path)
            elif (address := self.remotes.address(dep)) is not None:
                found[path] = address
        return found

    async def evidence(self, pipeline: str, models: int, stages: Sequence[Stage]) -> Evidence:
        """Return the metrics of stages, and what the `dvc.yaml` of the artefact lists besides, and a lock file."""
        project, directory = self.project, posixpath.dirname(pipeline)
        values = await project.values(pipeline)
        listed = {key: [outputs.joined(directory, each) for each in outputs.paths(values.get(key))] for key in LISTS}
        if models > 1 and any(listed.values()):
            project.notes.add(f"{pipeline} has several models, so its own lists of metrics and params are not read")
            listed = {key: [] for key in LISTS}
        metrics = dict.fromkeys([*(path for stage in stages for path in stage.metrics), *listed["metrics"]])
        read = await finding.contents(project.repository, project.tree, metrics, project.notes)
        for path in metrics.keys() - read.keys():
            project.notes.add(
                f"the metrics in {path} are not known: git does not have the file; set cache: false for it"
            )
        parameters = await finding.contents(project.repository, project.tree, listed["params"], project.notes)
        return Evidence(read, parameters, await self._lock(directory, stages))

    async def _lock(self, directory: str, stages: Sequence[Stage]) -> Mapping[str, bytes]:
        """Return the lock file that a stage depends on, or else the nearest one."""
        project = self.project
        deps = {posixpath.basename(dep.path): dep.path for stage in stages for dep in stage.deps}
        for name in evidence.first_lock(deps):
            if read := await finding.contents(project.repository, project.tree, [deps[name]], project.notes):
                return read
        above = finding.above(directory)
        return await finding.nearest(project.repository, project.tree, above, evidence.first_lock, project.notes)


WITHOUT_REMOTE = ".dvc/config has no remote that others can find, so the artefact has the address of its path in git"
LOCAL_REMOTE = "the remote in .dvc/config is a directory, so the artefact has its path on this machine"
LISTS = ("metrics", "params")
"""Lists of a `dvc.yaml` that belong to no stage."""


def _is_in(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer.rstrip('/')}/")


def _text(size: int | None) -> str:
    return "" if size is None else str(size)


def cache_of(checkout: Path | None, project: str) -> Path | None:
    """Return the cache of DVC of a checkout; None: there is none."""
    path = checkout / project / CACHE if checkout is not None else None
    return path if path is not None and path.is_dir() else None
