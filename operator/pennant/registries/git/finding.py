"""Finds the files of a commit that say something of a version: metrics, parameters, a lock file, a record."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

from pennant.record.errors import RegisterError
from pennant.record.texts import parsed
from pennant.registries.git import evidence, tag_names
from pennant.registries.git.evidence import Evidence, Files
from pennant.registries.git.repository import Repository
from pennant.registries.git.tag_names import Tagged
from pennant.registries.names import kept, semantic
from pennant.registries.notes import Notes
from pennant.registries.protocol import Unreadable

METRICS = re.compile(r"([A-Za-z]+[-_.])?metrics([-_.][A-Za-z]+)?\.(json|ya?ml|toml|csv)")
PARAMETERS = re.compile(r"params\.(json|ya?ml|toml)")
_SUFFIXES = (".yaml", ".yml", ".json")

Choice = Callable[[Iterable[str]], Iterable[str]]
"""Which of the names in a directory are read."""


async def found(repository: Repository, tree: str, start: str, notes: Notes, *, is_shared: bool) -> Evidence:
    """Return metrics, parameters and a lock file of the directory of the model, or else of one above it.

    What stands at the top of a repository with several models does not say which of them it is of, unless the model is
    the whole repository.
    """
    directories = list(above(start))
    own = [each for each in directories if each or not is_shared or not start]
    return Evidence(
        await nearest(repository, tree, own, lambda names: sorted(filter(METRICS.fullmatch, names)), notes),
        await nearest(repository, tree, own, lambda names: sorted(filter(PARAMETERS.fullmatch, names)), notes),
        await nearest(repository, tree, directories, evidence.first_lock, notes),
    )


async def unread(repository: Repository, tree: str, evidence: Evidence) -> list[str]:
    """Return the metrics and parameters at the top, of those that a version of several models has none of."""
    names = [name for name, each in (await repository.entries(tree)).items() if each.is_file]
    metrics = [] if evidence.metrics else filter(METRICS.fullmatch, names)
    parameters = [] if evidence.parameters else filter(PARAMETERS.fullmatch, names)
    return sorted({*metrics, *parameters})


def above(directory: str) -> Iterator[str]:
    """Yield a directory and each one above it; the last one is empty."""
    while directory:
        yield directory
        directory = posixpath.dirname(directory)
    yield ""


async def nearest(repository: Repository, tree: str, directories: Iterable[str], choice: Choice, notes: Notes) -> Files:
    """Return the chosen files of the first directory that has any."""
    for directory in directories:
        at = await repository.entry(tree, directory)
        there = await repository.entries(at.object) if at is not None and at.is_directory else {}
        names = list(choice(name for name, entry in there.items() if entry.is_file))
        if names:
            return await contents(repository, tree, [posixpath.join(directory, each) for each in names], notes)
    return {}


async def contents(repository: Repository, tree: str, paths: Iterable[str], notes: Notes) -> Files:
    """Return files by their paths. One that cannot be read is noted, and one that is not there is left out."""
    read: dict[str, bytes] = {}
    for path in paths:
        entry = await repository.entry(tree, path)
        if entry is not None and entry.is_file:
            try:
                read[path] = await repository.content(entry)
            except Unreadable as error:
                notes.add(f"{path} cannot be read: {error}")
    return read


async def manifest(repository: Repository, tree: str, one: Tagged) -> str | None:
    """Return the path of a ModelVersion of this version, by the name that `pennant register` gives it; None: none."""
    model, versions = kept(one.model), {kept(one.version)}
    if tag_names.precedence(one.version) is not None:
        versions.add(semantic(kept(one.version)))
    names = {f"{model}-{each}{suffix}" for each in versions for suffix in _SUFFIXES}
    async for path, entry in repository.files(tree):
        if posixpath.basename(path) in names and _is_record(await repository.content(entry), path):
            return path
    return None


def _is_record(content: bytes, path: str) -> bool:
    try:
        value = parsed(content.decode("utf-8-sig"), posixpath.splitext(path)[1], path)
    except (RegisterError, UnicodeDecodeError):
        return False
    return isinstance(value, dict) and value.get("kind") == "ModelVersion"
