"""Reads an archive, or documents of `export`, from a file, a directory or a bucket.

Each document is checked as one that is restored: its form, its hashes and its digest.

Rule: R199.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pennant.api.history import HistoryEntry
from pennant.archive.documents import lines
from pennant.archive.model import Export
from pennant.archive.place import Place, opened
from pennant.archive.writer import DEPLOYMENTS, VERSIONS, event_name
from pennant.cli.errors import CliError
from pennant.cli.exporting import check
from pennant.core.facts.observation import Key
from pennant.ports import PortError

READS = 16
"""Files that are read at the same time."""
SHOWN = 10
"""Objects that an error names."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What an archive has about one object."""

    exports: tuple[Export, ...]
    problems: tuple[str, ...]
    """Why documents cannot be used; each names its file."""

    @property
    def since(self) -> datetime | None:
        """When the oldest document was written; None: there is none."""
        return min((each.created_at for each in self.exports), default=None)


@dataclass(frozen=True, slots=True)
class Found:
    """A revision in an archive."""

    entry: HistoryEntry
    deleted_at: datetime | None
    known_until: datetime | None = None
    """When the document was written, if that was before the end of the revision. None: nothing came later."""


def deployment(where: str, key: Key, now: datetime) -> Archived:
    """Return the documents about a ModelDeployment."""
    found = _read(where, f"{key.namespace}/{DEPLOYMENTS}/{key.name}", now)
    exports = tuple(
        each
        for each in found.exports
        if each.deployment is not None and Key(each.source.namespace, each.deployment.name) == key
    )
    return replace(found, exports=exports)


def version(where: str, key: Key, now: datetime) -> Archived:
    """Return the documents about a ModelVersion."""
    found = _read(where, f"{key.namespace}/{VERSIONS}/{key.name}", now)
    exports = tuple(
        each
        for each in found.exports
        if each.source.namespace == key.namespace and key.name in {version.name for version in each.versions}
    )
    return replace(found, exports=exports)


def others(where: str, kind: str, now: datetime) -> str:
    """Return what an archive has, as the end of a sentence that says what it has not."""
    if _is_file(where):
        listed = {
            f"{export.source.namespace}/{each.name}"
            for export in _read(where, "", now).exports
            for each in (export.versions if kind == VERSIONS else filter(None, [export.deployment]))
        }
    else:
        try:
            split = [each.split("/") for each in asyncio.run(_names(where))]
        except PortError:
            # A bucket may let a user list one directory, and not all of them.
            return ""
        listed = {f"{each[-4]}/{each[-2]}" for each in split if len(each) > 3 and each[-3] == kind}
    found = sorted(listed)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    named = ", ".join(found[:SHOWN])
    return f"; it has {named}{more}: name one of them, and its namespace with -n" if found else f"; it has no {kind}"


def _is_file(where: str) -> bool:
    return not urlsplit(where).scheme and Path(where).is_file()


async def _names(where: str) -> list[str]:
    with _place(where) as place:
        return await _sorted(place.names(""))


@contextmanager
def _place(where: str) -> Iterator[Place]:
    """Open the directory or the bucket of an archive, and close it at the end."""
    place = opened(where if urlsplit(where).scheme else str(Path(where).resolve()))
    try:
        yield place
    finally:
        place.close()


def revisions(found: Archived) -> tuple[Found, ...]:
    """Return each revision once, with as much of its progress as a document has, oldest first.

    Of several documents about one revision, the one that was made after its end counts, then the newest one.
    """
    by_hash: dict[str, tuple[tuple[bool, datetime], Found]] = {}
    for export in found.exports:
        if (part := export.deployment) is None:
            continue
        for entry in part.history:
            rank = entry.ended_at is not None, export.created_at
            if entry.hash not in by_hash or rank > by_hash[entry.hash][0]:
                is_open = entry.ended_at is None and part.deleted_at is None
                by_hash[entry.hash] = rank, Found(entry, part.deleted_at, export.created_at if is_open else None)
    return tuple(sorted((each for _, each in by_hash.values()), key=lambda each: _order(each.entry)))


def _order(entry: HistoryEntry) -> tuple[datetime, int]:
    return entry.started_at, entry.revision


def _read(where: str, under: str, now: datetime) -> Archived:
    if _is_file(where):
        try:
            return checked_files([(where, Path(where).read_bytes())], now)
        except OSError as error:
            raise CliError(f"{where} cannot be read: {error.strerror}") from error
    if not urlsplit(where).scheme and not Path(where).is_dir():
        raise CliError(f"{where} is no file and no directory; name the archive, or a document of `export`")
    try:
        return checked_files(asyncio.run(_files(where, under)), now, named=True)
    except PortError as error:
        raise CliError(f"the archive {where} cannot be read: {error}") from error


async def _files(where: str, under: str) -> list[tuple[str, bytes]]:
    slots = asyncio.Semaphore(READS)

    async def content(place: Place, name: str) -> tuple[str, bytes]:
        async with slots:
            return name, await place.read(name)

    with _place(where) as place:
        names = await _sorted(place.names(under))
        return list(await asyncio.gather(*(content(place, each) for each in names)))


async def _sorted(names: AsyncIterator[str]) -> list[str]:
    return sorted([each async for each in names])


def _is_one_document(text: bytes) -> bool:
    """Return whether a text is one document, as `export` writes it over several lines."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # Lines of several documents, or a document that was cut off.
        return False
    return True


def checked_files(files: Iterable[tuple[str, bytes]], now: datetime, named: bool = False) -> Archived:
    """Return the documents in files, given the name and the content of each; `named`: the operator named the files."""
    exports, problems = list[Export](), list[str]()
    for name, text in files:
        parts = [text] if _is_one_document(text) else list(lines(text))
        found = len(exports)
        for number, part in enumerate(parts, 1):
            where = name if len(parts) == 1 else f"{name}, line {number}"
            try:
                exports.append(check.document(part, where, now).export)
            except CliError as error:
                problems.append(str(error).replace(". Nothing is restored; use another copy", ""))
        if named and len(parts) == 1 and len(exports) > found and (problem := _misnamed(name, exports[-1])):
            problems.append(problem)
    return Archived(tuple(exports), tuple(problems))


def _misnamed(name: str, export: Export) -> str:
    """Return why the name of a file of the archive does not follow from its content; empty: it does.

    That of a version has what its document has not. So has a document of `export`, which has a spec or a whole history.
    """
    if (part := export.deployment) is None:
        right = [f"{export.source.namespace}/{VERSIONS}/{each.name}/{Path(name).name}" for each in export.versions]
    elif part.spec is None and len(part.history) == 1:
        right = [event_name(Key(export.source.namespace, part.name), part.history[0], part.deleted_at is not None)]
    else:
        return ""
    return "" if any(name.endswith(each) for each in right) else f"{name} was renamed: by its content it is {right[0]}"
