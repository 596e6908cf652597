"""Which file or directory of a commit is the model, and what its digest is.

A user may name it. Otherwise it is the only file whose name ends as that of a model (or, if there is none, that Git LFS
keeps), or the directory that has all of them.
"""

import hashlib
import posixpath
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.record.artifacts import FORMATS
from pennant.record.errors import RegisterError
from pennant.record.hashing import of_list
from pennant.registries.git import lfs
from pennant.registries.git.lfs import Pointer
from pennant.registries.git.objects import Entry
from pennant.registries.git.repository import Repository
from pennant.registries.notes import Notes
from pennant.registries.protocol import File, NotThere, RegistryError

NAME = "model"
"""Name of the only artefact of a version."""
DIRECTORIES = ("{model}", "models/{model}")
"""Where the files of one of several models are looked for first."""
SMALL = 1024 * 1024
"""Bytes of a file that is read for the digest of its directory."""
MOST_NAMED = 4
FIX = "name it after the address, as in --from 'REPOSITORY#models/{model}/model.onnx'"


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a directory of a commit."""

    path: str
    """Empty: the whole repository."""
    entry: Entry


async def place(repository: Repository, tree: str, model: str, part: str | None) -> Place:
    """Return where the model is; raises `NotThere` where nothing is there, or several things could be it."""
    if part is not None:
        path = posixpath.normpath(part.replace("{model}", model)).lstrip("/")
        path = "" if path == "." else path
        if (entry := await repository.entry(tree, path)) is None or not (entry.is_directory or entry.is_file):
            raise NotThere(f"the commit has no file and no directory {path}")
        return Place(path, entry)
    under = ""
    for each in (form.format(model=model) for form in DIRECTORIES):
        if (entry := await repository.entry(tree, each)) is not None and entry.is_directory:
            under, tree = f"{each}/", entry.object
            break
    files = [each async for each in repository.files(tree, under) if not _is_hidden(each[0])]
    found = [each for each in files if posixpath.splitext(each[0])[1].lower() in FORMATS]
    found = found or [each async for each in _in_lfs(repository, files)]
    return await _only(repository, tree, under, found)


async def _only(repository: Repository, tree: str, under: str, found: Sequence[tuple[str, Entry]]) -> Place:
    if not found:
        raise NotThere(f"no file of the commit looks like a model, and none is in Git LFS; {FIX}")
    if len(found) == 1:
        return Place(*found[0])
    directory = posixpath.commonpath([posixpath.dirname(path) for path, _ in found])
    inner = directory.removeprefix(under.rstrip("/")).strip("/")
    entry = await repository.entry(tree, inner) if directory else None
    if entry is None:
        names = ", ".join(path for path, _ in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise NotThere(f"the commit has several files that may be the model ({names}{more}); {FIX}")
    return Place(directory, entry)


def _is_hidden(path: str) -> bool:
    return any(each.startswith(".") for each in path.split("/"))


async def _in_lfs(repository: Repository, files: Sequence[tuple[str, Entry]]) -> AsyncIterator[tuple[str, Entry]]:
    """Yield the files that stand for one in Git LFS."""
    for path, entry in files:
        if await pointer(repository, entry) is not None:
            yield path, entry


async def pointer(repository: Repository, entry: Entry) -> Pointer | None:
    """Return the pointer of Git LFS that a file is; None: it is a file of its own."""
    size = await repository.size(entry)
    if size is None or not 0 < size <= lfs.LARGEST_POINTER:
        return None
    return lfs.pointer(await repository.content(entry))


async def files(repository: Repository, one: Place) -> AsyncIterator[File]:
    """Yield the files of an artefact."""
    listed = repository.files(one.entry.object) if one.entry.is_directory else _alone(one.entry)
    async for path, entry in listed:
        if (known := await pointer(repository, entry)) is not None:
            yield File(path, known.size, digest=f"sha256:{known.sha256}")
        else:
            yield File(path, await repository.size(entry))


async def _alone(entry: Entry) -> AsyncIterator[tuple[str, Entry]]:
    yield "", entry


async def content(repository: Repository, one: Place, path: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a file of an artefact; an empty path is the artefact itself."""
    entry = await repository.entry(one.entry.object, path) if path else one.entry
    assert entry is not None
    known = await pointer(repository, entry)
    shown = posixpath.join(one.path, path) if path else one.path
    async for part in repository.chunks(entry) if known is None else lfs.chunks(repository, known, shown):
        yield part


async def fields(repository: Repository, one: Place, uri: str, notes: Notes) -> dict[str, Any]:
    """Return the artefact of the record, with the digest that the repository has of it."""
    found: dict[str, Any] = {"name": NAME, "uri": uri}
    if one.entry.is_directory:
        return {**found, **await _of_directory(repository, one, notes)}
    if format_ := FORMATS.get(posixpath.splitext(one.path)[1].lower()):
        found["format"] = {"name": format_}
    if (known := await pointer(repository, one.entry)) is not None:
        return {**found, "digest": f"sha256:{known.sha256}", "sizeBytes": known.size}
    size = await repository.size(one.entry)
    return {**found, **_of_git(one.entry), **({"sizeBytes": size} if size is not None else {})}


def _of_git(entry: Entry) -> dict[str, Any]:
    """Return git's own digest of a file or a directory; a repository of sha256 has one that no record can have."""
    return {"digest": f"gitSha1:{entry.object}"} if len(entry.object) == 40 else {}


async def _of_directory(repository: Repository, one: Place, notes: Notes) -> dict[str, Any]:
    """Return size and digest of a directory: of the list of its files if each is in LFS or small, or else git's own."""
    digests, total = dict[str, str](), 0
    async for path, entry in repository.files(one.entry.object):
        known, size = await pointer(repository, entry), await repository.size(entry)
        if known is None and (size is None or size > SMALL):
            return _of_git(one.entry)
        if known is None:
            content = await repository.content(entry)
            digests[path], total = hashlib.sha256(content).hexdigest(), total + len(content)
        else:
            digests[path], total = known.sha256, total + known.size
    if not digests:
        raise RegistryError(f"the directory {one.path} has no files")
    try:
        return {"sizeBytes": total, "manifestDigest": of_list(digests)}
    except RegisterError as error:
        notes.add(f"{error}, so only git's own digest is known")
        return _of_git(one.entry)
