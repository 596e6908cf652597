"""What the pages are made from: reads of the API server, shared by all that look, and none while nobody looks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Generic, Protocol, TypeVar

from pennant.cli import clock
from pennant.cli.session import explained
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.http.errors import Forbidden, NotServed
from pennant.ports import PortError

ValueT = TypeVar("ValueT")
LEAST_SECONDS = 2.0
"""Between two reads of the same page's objects."""
MAX_PAGES = 100
"""Pages whose objects are remembered; the one that was looked at least recently is forgotten."""


class Reader(Protocol):
    """What reads ModelDeployments with the user's rights; raises `PortError`."""

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it; None where it does not exist."""

    async def snapshots(self, namespace: str) -> tuple[Snapshot, ...]:
        """Return the ModelDeployments of a namespace, or of all."""

    async def alone(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment without what belongs to it."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[ValueT]):
    """The newest answer of the API server."""

    value: ValueT | None
    """The newest value that was read; None: none was, or the object does not exist."""
    read_at: datetime | None = None
    """When the value was read; None: no read has succeeded."""
    error: str = ""
    """Why the last read failed, and what to do; empty: it did not."""
    missing: str = ""
    """Why only the ModelDeployment itself could be read; empty: all was read."""


class Feed:
    """Reads at most every two seconds, when a page is asked for; after a failure the last value stays."""

    def __init__(self, reader: Reader, namespace: str, server: str) -> None:
        """Read the ModelDeployments of a namespace; empty: of all. `server` is named in errors."""
        self.namespace = namespace
        self._reader, self._server = reader, server
        self._listed: _Shared[tuple[Snapshot, ...]] = _Shared(self._read_all, server)
        self._single: dict[Key, _Shared[Snapshot]] = {}

    async def listed(self) -> Seen[tuple[Snapshot, ...]]:
        """Return the ModelDeployments, without what belongs to them."""
        return await self._listed.get()

    async def single(self, key: Key) -> Seen[Snapshot]:
        """Return one ModelDeployment with all that belongs to it."""
        shared = self._single.pop(key, None) or _Shared(lambda: self._read(key), self._server)
        self._single[key] = shared
        if len(self._single) > MAX_PAGES:
            del self._single[next(iter(self._single))]
        return await shared.get()

    async def _read_all(self) -> tuple[tuple[Snapshot, ...], str]:
        return await self._reader.snapshots(self.namespace), ""

    async def _read(self, key: Key) -> tuple[Snapshot | None, str]:
        try:
            return await self._reader.snapshot(key), ""
        except NotServed:
            raise
        except Forbidden as error:
            # Not a reason to show nothing: a user who may read the ModelDeployment sees what it says.
            return await self._reader.alone(key), str(explained(error, self._server))


class _Shared(Generic[ValueT]):
    """One read for all that ask at the same time, kept for two seconds."""

    def __init__(self, read: Callable[[], Awaitable[tuple[ValueT | None, str]]], server: str) -> None:
        self._read, self._server = read, server
        self._lock = asyncio.Lock()
        self._fresh_until = 0.0
        self._seen: Seen[ValueT] = Seen(None)

    async def get(self) -> Seen[ValueT]:
        async with self._lock:
            if monotonic() >= self._fresh_until:
                try:
                    value, missing = await self._read()
                    self._seen = Seen(value, clock.now(), missing=missing)
                except PortError as error:
                    self._seen = replace(self._seen, error=str(explained(error, self._server)))
                self._fresh_until = monotonic() + LEAST_SECONDS
            return self._seen
