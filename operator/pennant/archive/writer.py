"""The port `Archive` on a place: one file with one line of JSON for each event of a revision, and for each version.

The name of a file follows from what it has, so writing it again changes nothing. A file that exists is read back: only
one that has the same revision, with a digest that matches, counts as written.

Rule: R194.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.archive.documents import is_sealed, line, of_revision, of_version, whole
from pennant.archive.place import Place
from pennant.core.facts.observation import Key, Snapshot
from pennant.ports import Clock, Refused, Unavailable

TIMEOUT_SECONDS = 30.0
DEPLOYMENTS, VERSIONS = "modeldeployments", "modelversions"
TRIAL = "pennant.txt"


class PlaceArchive:
    """Implements `ports.Archive`."""

    def __init__(self, place: Place, server: str, clock: Clock) -> None:
        """`server` is the address of the API server, for the documents."""
        self._place, self._server, self._clock = place, server, clock

    async def add_revision(self, owner: Snapshot, entry: HistoryEntry, deleted_at: datetime | None = None) -> None:
        """Write a revision as it is in the status, or as it was when the ModelDeployment was deleted."""
        part = of_revision(owner, entry, deleted_at)
        document = whole(self._server, owner.key.namespace, self._clock.now(), deployment=part, versions=[])
        await self._write(event_name(owner.key, entry, deleted_at is not None), document)

    async def add_version(self, raw: Json) -> None:
        """Write a ModelVersion as it is stored."""
        metadata = raw["metadata"]
        document = whole(self._server, metadata["namespace"], self._clock.now(), versions=[of_version(raw)])
        await self._write(version_name(raw), document)

    async def try_to_write(self) -> None:
        """Create a file that has no document, or find that it is there already."""
        async with _in_time():
            await self._place.create(
                TRIAL, b"pennant writes this file at its start, to see whether it can write here.\n"
            )

    async def _write(self, name: str, document: Json) -> None:
        async with _in_time():
            if not await self._place.create(name, line(document)) and not _is_same(
                await self._place.read(name), document
            ):
                raise Refused(f"{name} exists in the archive with another content; move it away")

    def close(self) -> None:
        """Close the place."""
        self._place.close()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    except TimeoutError as error:
        raise Unavailable(f"the archive did not answer within {TIMEOUT_SECONDS:g} s") from error


def event_name(key: Key, entry: HistoryEntry, deleted: bool) -> str:
    """Return the name of the file about an event of a revision."""
    event = "deleted" if deleted else "recorded" if entry.ended_at is None else "ended"
    short = entry.hash.removeprefix("sha256:")[:12]
    return f"{key.namespace}/{DEPLOYMENTS}/{key.name}/{entry.revision:09d}-{short}-{event}.jsonl"


def version_name(raw: Json) -> str:
    """Return the name of the file about a state of a ModelVersion."""
    metadata = raw["metadata"]
    state = f"{metadata['uid']}-{metadata['resourceVersion']}"
    return f"{metadata['namespace']}/{VERSIONS}/{metadata['name']}/{state}.jsonl"


def _is_same(stored: bytes, document: Json) -> bool:
    try:
        found = json.loads(stored)
        return is_sealed(found) and _covered(found) == _covered(document)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


def _covered(document: Json) -> Any:
    """Return what two documents about the same event have alike."""
    versions = [(each["name"], each["recordDigest"]) for each in document["versions"]]
    part = document.get("deployment")
    return versions if part is None else (part["name"], part["history"][0]["hash"], "deletedAt" in part)
