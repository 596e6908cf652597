"""Brings histories into the archive, beside the passes: a store that is slow or down delays no promotion.

In: the stored status of each pass. Out: up to where it is in the archive, for `status.archived`. What is not archived
yet stays in the status and in ControllerRevisions, so a restart loses nothing. While the archive fails, one
ModelDeployment at a time tries it; of the others only their keys are kept.

Rule: R195.
Rule: R197.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pennant.api.deployment_status import Archived
from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout import archiving, history, integrity
from pennant.ports import Archive, Clock, PortError, Refused

CONCURRENT = 4
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 60.0
_log = logging.getLogger(__name__)


class ArchiveTelemetry(Protocol):
    """Metrics of the archive."""

    def archived(self, result: str, count: int = 1) -> None:
        """Count writes: `success`, `unavailable` or `refused`; `lost`: revisions that can no longer be archived."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    since: datetime
    revisions: int


class Archiver:
    """Archives the revisions of all ModelDeployments."""

    def __init__(
        self, archive: Archive, clock: Clock, wake: Callable[[Key], None], telemetry: ArchiveTelemetry
    ) -> None:
        """Call `wake` with a key whose history was archived, or that may be tried again."""
        self._archive, self._clock, self._wake, self._telemetry = archive, clock, wake, telemetry
        self._confirmed: dict[Key, tuple[str, Archived]] = {}
        """The uid of each ModelDeployment, and what the archive has confirmed since this process started."""
        self._waiting: dict[Key, _Waiting] = {}
        self._lost: dict[Key, int] = {}
        self._busy: set[Key] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._retry_seconds = 0.0
        """The delay between two attempts; 0: the last attempt succeeded."""
        self._timer: asyncio.TimerHandle | None = None
        self._trying: Key | None = None
        """The one ModelDeployment that may try a failing archive."""

    @property
    def pending(self) -> int:
        """Number of revisions that are not in the archive yet."""
        return sum(each.revisions for each in self._waiting.values())

    @property
    def oldest_seconds(self) -> float:
        """Seconds for which the oldest of them has waited; 0 where there is none."""
        since = min((each.since for each in self._waiting.values()), default=None)
        return 0.0 if since is None else (self._clock.now() - since).total_seconds()

    def take(self, snapshot: Snapshot) -> Archived:
        """Return up to where the archive has the history of a ModelDeployment, and write what it lacks."""
        key, status = snapshot.key, snapshot.status
        uid, confirmed = self._confirmed.get(key, (snapshot.uid, Archived()))
        known = archiving.joined(status.archived, confirmed if uid == snapshot.uid else Archived())
        due = archiving.due(status.model_copy(update={"archived": known}))
        if not due or snapshot.unreadable is not None:
            self._waiting.pop(key, None)
            return known
        before = self._waiting.get(key)
        self._waiting[key] = _Waiting(before.since if before else self._clock.now(), len(due))
        if key not in self._busy and (not self._retry_seconds or key == self._trying):
            self._note_lost(snapshot)
            self._busy.add(key)
            self._run(self._bring(key, snapshot, due, known))
        return known

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that was deleted."""
        self._confirmed.pop(key, None)
        self._waiting.pop(key, None)
        self._lost.pop(key, None)

    async def aclose(self) -> None:
        """Stop; what is not archived yet is found again at the next start."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._archive.close()

    async def write(self, owner: Snapshot, entry: HistoryEntry, deleted_at: datetime | None = None) -> bool:
        """Write one revision, and return whether the archive has it."""
        try:
            async with self._slots:
                await self._archive.add_revision(owner, entry, deleted_at)
        except PortError as error:
            # A refusal is retried too: permissions of a bucket are corrected outside of the cluster.
            self._telemetry.archived(result_of(error))
            self._failed(owner.key, error)
            return False
        self._telemetry.archived("success")
        self._succeeded()
        return True

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note_lost(self, snapshot: Snapshot) -> None:
        lost, before = archiving.lost(snapshot.status), self._lost.get(snapshot.key, 0)
        self._lost[snapshot.key] = lost
        if lost > before:
            self._telemetry.archived("lost", lost - before)
            extra = {"key": snapshot.key, "revisions": lost}
            _log.error("Revisions left the history before they were archived", extra=extra)

    async def _bring(self, key: Key, snapshot: Snapshot, due: tuple[HistoryEntry, ...], known: Archived) -> None:
        """Write the revisions that are due in their order, up to the first that fails."""
        has_written = False
        try:
            for owner, entry in as_recorded(snapshot, due, self._clock.now()):
                if not await self.write(owner, entry):
                    break
                known, has_written = archiving.advanced(known, entry), True
                self._confirmed[key] = snapshot.uid, known
        except Exception:
            # Without this the key would stay busy; a bug must not stop the archive of the others.
            _log.exception("Archiving failed by a bug of the operator", extra={"key": key})
        finally:
            self._busy.discard(key)
        if has_written:
            self._wake(key)

    def _failed(self, key: Key, error: PortError) -> None:
        if self._timer is not None and key == self._trying:
            self._timer.cancel()
            self._timer = None
        self._trying = None
        if self._timer is None:
            self._retry_seconds = min(max(self._retry_seconds * 2, FIRST_RETRY_SECONDS), LAST_RETRY_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(self._retry_seconds, self._try_one)
        extra = {"key": key, "error": str(error), "seconds": self._retry_seconds, "pending": self.pending}
        _log.warning("The archive cannot be written", extra=extra)

    def _try_one(self) -> None:
        """Let the next ModelDeployment try the archive."""
        self._timer = None
        if not self._waiting:
            self._retry_seconds = 0.0
            return
        self._trying = key = next(iter(self._waiting))
        self._waiting[key] = self._waiting.pop(key)
        # A key that does not come, because it was deleted or nothing is due any more, must not stop the others.
        self._timer = asyncio.get_running_loop().call_later(LAST_RETRY_SECONDS, self._try_one)
        self._wake(key)

    def _succeeded(self) -> None:
        self._trying = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._retry_seconds:
            self._retry_seconds = 0.0
            for key in tuple(self._waiting):
                self._wake(key)


def result_of(error: PortError) -> str:
    """Return what `ArchiveTelemetry` counts for a write that failed."""
    return "refused" if isinstance(error, Refused) else "unavailable"


def as_recorded(
    snapshot: Snapshot, due: tuple[HistoryEntry, ...], now: datetime
) -> list[tuple[Snapshot, HistoryEntry]]:
    """Return the entries that are due as their ControllerRevisions have them, each with what belongs to it."""
    sound, status, numbers = integrity.examined(snapshot), snapshot.status, {each.revision for each in due}
    read = history.adopted(status.history, sound.revisions, status.quarantine, now)
    return [(sound, each) for each in read if each.revision in numbers]
