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
OF_DVC = "If DVC tracks it, use `pennant import dvc`"


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a directory of a commit."""

    path: str
    """Empty: the whole repository."""
    entry: Entry


async def place(
    repository: Repository, tree: str, model: str, part: str | None = None, *, is_shared: bool = False
) -> Place:
    """Return where the model is; raises `NotThere` where nothing is there, or several things could be it.

    `part` is its path, if a user names it; `is_shared` says that the repository has several models.
    """
    if part is not None:
        path = posixpath.normpath(part.replace("{model}", model)).lstrip("/")
        path = "" if path == "." else path
        if (entry := await repository.entry(tree, path)) is None or not (entry.is_directory or entry.is_file):
            raise NotThere(f"the commit has no file and no directory {path}")
        return Place(path, entry)
    own = [form.format(model=model) for form in DIRECTORIES]
    there = [each for each in own if (entry := await repository.entry(tree, each)) is not None and entry.is_directory]
    for directory in [*there, *(("",) if not (there and is_shared) else ())]:
        found = await _models(repository, tree, directory)
        named = [each for each in found if posixpath.splitext(posixpath.basename(each[0]))[0] == model]
        if found:
            return await _only(repository, tree, named if is_shared and len(named) == 1 else found)
    raise NotThere(f"no file of the commit looks like a model, and none is in Git LFS; {FIX}. {OF_DVC}")


async def _models(repository: Repository, tree: str, directory: str) -> list[tuple[str, Entry]]:
    """Return the files below a directory that look like models, or else those in Git LFS."""
    at = await repository.entry(tree, directory)
    assert at is not None
    listed = repository.files(at.object, f"{directory}/" if directory else "")
    files = [each async for each in listed if not any(part.startswith(".") for part in each[0].split("/"))]
    found = [each for each in files if posixpath.splitext(each[0])[1].lower() in FORMATS]
    return found or [each for each in files if await pointer(repository, each[1]) is not None]


async def _only(repository: Repository, tree: str, found: Sequence[tuple[str, Entry]]) -> Place:
    if len(found) == 1:
        return Place(*found[0])
    directory = posixpath.commonpath([posixpath.dirname(path) for path, _ in found])
    entry = await repository.entry(tree, directory) if directory else None
    if entry is None:
        names = ", ".join(path for path, _ in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise NotThere(f"the commit has several files that may be the model ({names}{more}); {FIX}")
    return Place(directory, entry)


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
            yield File(path, known.size, digest=f"sha256:{known.sha256}", remedy=lfs.REMEDY)
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
