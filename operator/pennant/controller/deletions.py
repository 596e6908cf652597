"""Archives the last revision of each ModelDeployment that is deleted.

There are no finalizers, so this is done after the deletion, from the last state that was known. What a deletion can
lose is the end of the current revision and its last progress: that it was recorded is in the archive already.

Rule: R198.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.controller.archiver import LAST_RETRY_SECONDS, Archiver, as_recorded
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Snapshot
from pennant.core.rollout import archiving
from pennant.ports import Clock

MOST = 10_000
"""Deletions that wait for the archive; of more, the oldest are dropped."""
REMEMBERED = timedelta(minutes=5)
"""Time for which a replica that does not lead remembers a deletion, in case the leader stops before it is archived."""
PAUSE_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Deleted:
    snapshot: Snapshot
    at: datetime


class Deletions:
    """The ModelDeployments that were found deleted, until the archive has them."""

    def __init__(self, archiver: Archiver, clock: Clock, is_leading: Callable[[], bool]) -> None:
        """Write only while `is_leading`."""
        self._archiver, self._clock, self._is_leading = archiver, clock, is_leading
        self._found: deque[_Deleted] = deque()
        self._changed = asyncio.Event()

    def add(self, snapshot: Snapshot) -> None:
        """Note a deletion; `snapshot` is the last known state, with its ControllerRevisions if they were read."""
        self._archiver.forget(snapshot.key)
        if not snapshot.status.history:
            return
        if len(self._found) >= MOST:
            dropped = self._found.popleft()
            _log.error("A deletion is not archived: too many wait", extra={"key": dropped.snapshot.key})
        self._found.append(_Deleted(snapshot, self._clock.now()))
        self._changed.set()

    @property
    def pending(self) -> int:
        """Number of deletions that are not in the archive yet."""
        return len(self._found)

    @property
    def oldest_seconds(self) -> float:
        """Seconds for which the oldest of them has waited; 0 where there is none."""
        return (self._clock.now() - self._found[0].at).total_seconds() if self._found else 0.0

    async def run(self) -> None:
        """Archive deletions until cancelled."""
        seconds = PAUSE_SECONDS
        while True:
            await self._changed.wait()
            if not self._is_leading():
                self._forget_old()
                await asyncio.sleep(PAUSE_SECONDS)
            elif self._found and not await self._write(self._found[0]):
                await asyncio.sleep(seconds)
                seconds = min(seconds * 2, LAST_RETRY_SECONDS)
                continue
            elif self._found:
                self._found.popleft()
            seconds = PAUSE_SECONDS
            if not self._found:
                self._changed.clear()

    async def _write(self, deleted: _Deleted) -> bool:
        snapshot = deleted.snapshot
        last, due = current(snapshot.status.history), archiving.due(snapshot.status)
        ended = tuple(each for each in due if each.ended_at is not None)
        for owner, entry in as_recorded(snapshot, (*ended, *([last] if last else [])), deleted.at):
            deleted_at = deleted.at if last is not None and entry.revision == last.revision else None
            if not await self._archiver.write(owner, entry, deleted_at):
                return False
        return True

    def _forget_old(self) -> None:
        while self._found and self._clock.now() - self._found[0].at > REMEMBERED:
            self._found.popleft()
