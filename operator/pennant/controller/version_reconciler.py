"""`reconcile(key)` of ModelVersions: read, judge, and write the status where it differs.

Rule: R79.
Rule: R176.
"""

from datetime import datetime, timedelta

from pennant.api.reasons import Reason
from pennant.controller.act import STATUS
from pennant.controller.write_failures import WriteFailures
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.observation import Key
from pennant.core.status import urgency
from pennant.core.versions.status import VersionSeen, can_wait, judged, unsaid
from pennant.ports import Clock, Refused, Unavailable, Versions


class VersionReconciler:
    """Writes the statuses of ModelVersions, one key at a time."""

    def __init__(self, versions: Versions, clock: Clock, longest_wait: timedelta = urgency.LONGEST_WAIT) -> None:
        """Read and write through `versions`; what nobody waits for is written at most `longest_wait` later."""
        self._versions = versions
        self._clock = clock
        self._longest_wait = longest_wait
        self._waits_until: dict[Key, datetime] = {}
        self._failures: dict[Key, WriteFailures] = {}
        self._recorded: dict[Key, tuple[str, int, Reason | None]] = {}
        """Uid, generation and reason of the last Event of a ModelVersion whose status could not be written."""

    @property
    def failing(self) -> int:
        """Number of ModelVersions with a status that has failed to be written for a minute."""
        return sum(bool(each.lasting) for each in self._failures.values())

    async def reconcile(self, key: Key) -> datetime | None:
        """Write the status where it differs, and return when to reconcile again, None: when an object changes.

        Raises `Conflict`, `Unavailable` and `Refused` as the port does.
        """
        seen = await self._versions.version(key)
        if seen is None:
            self._forget(key)
            return None
        if seen.unreadable and not seen.deleting:
            await self._record_event(seen)
        now = self._clock.now()
        status = judged(seen, now)
        if seen.deleting or status == seen.status:
            self._settle(key)
            return None
        if can_wait(seen.status, status):
            # The clock may have been set back.
            latest = now + self._longest_wait
            until = self._waits_until[key] = min(self._waits_until.get(key, latest), latest)
            if now < until:
                return until
        try:
            await self._versions.write_status(seen, status)
        except (Refused, Unavailable) as error:
            await self._record_event(seen, error)
            raise
        self._settle(key)
        return None

    def _forget(self, key: Key) -> None:
        self._recorded.pop(key, None)
        self._settle(key)

    def _settle(self, key: Key) -> None:
        """Note that the status is as it should be."""
        self._failures.pop(key, None)
        self._waits_until.pop(key, None)

    async def _record_event(self, seen: VersionSeen, error: Refused | Unavailable | None = None) -> None:
        """Record what no status can say by one Event: an invalid record, or a status that is not written.

        Rule: R93.
        Rule: R94.
        """
        failure = None
        if error is not None:
            failures = self._failures.setdefault(seen.key, WriteFailures())
            failure = failures.failed(STATUS, str(error), self._clock.now())
        event = None if isinstance(error, Unavailable) else unsaid(seen)
        if event is None and failure is not None and failure.is_lasting:
            event = Event(EventType.WARNING, Reason.WRITE_FAILING, str(failure))
        recorded = (seen.uid, seen.generation, event.reason if event is not None else None)
        if event is not None and self._recorded.get(seen.key) != recorded:
            self._recorded[seen.key] = recorded
            await self._versions.record_event(seen, event)
