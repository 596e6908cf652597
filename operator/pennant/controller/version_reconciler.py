"""`reconcile(key)` of ModelVersions: look, judge, and write the status where it says something else.

Rule: R79.
"""

from pennant.api.reasons import Reason
from pennant.controller.act import STATUS
from pennant.controller.write_failures import WriteFailures
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.observation import Key
from pennant.core.versions.status import VersionSeen, judged, unsaid
from pennant.ports import Clock, Refused, Unavailable, Versions


class VersionReconciler:
    """Brings the statuses of ModelVersions to what they should say, one key at a time."""

    def __init__(self, versions: Versions, clock: Clock) -> None:
        """Read and write by `versions`."""
        self._versions = versions
        self._clock = clock
        self._troubles: dict[Key, WriteFailures] = {}
        self._told: dict[Key, tuple[str, int, Reason | None]] = {}
        """Uid, generation and reason of which an Event was sent, because no status could say it."""

    @property
    def failing(self) -> int:
        """How many ModelVersions have a status that could not be written for a minute."""
        return sum(bool(each.lasting) for each in self._troubles.values())

    async def reconcile(self, key: Key) -> None:
        """Write the status if it is to be another one; only a change can make it so, never time.

        Raises `Conflict`, `Unavailable` and `Refused` as the port does: the key is to be tried again after a while.
        """
        seen = await self._versions.version(key)
        if seen is None:
            self._forget(key)
            return
        if seen.unreadable and not seen.deleting:
            await self._tell(seen)
        status = judged(seen, self._clock.now())
        if seen.deleting or status == seen.status:
            self._troubles.pop(key, None)
            return
        try:
            await self._versions.write_status(seen, status)
        except (Refused, Unavailable) as error:
            await self._tell(seen, error)
            raise
        self._troubles.pop(key, None)

    def _forget(self, key: Key) -> None:
        self._told.pop(key, None)
        self._troubles.pop(key, None)

    async def _tell(self, seen: VersionSeen, error: Refused | Unavailable | None = None) -> None:
        """Say once by an Event what no status can: what is wrong with the record, or that the status is not taken.

        Rule: R93.
        Rule: R94.
        """
        trouble = None
        if error is not None:
            trouble = self._troubles.setdefault(seen.key, WriteFailures()).again(STATUS, str(error), self._clock.now())
        event = None if isinstance(error, Unavailable) else unsaid(seen)
        if event is None and trouble is not None and trouble.lasts:
            event = Event(EventType.WARNING, Reason.WRITE_FAILING, str(trouble))
        told = (seen.uid, seen.generation, event.reason if event is not None else None)
        if event is not None and self._told.get(seen.key) != told:
            self._told[seen.key] = told
            await self._versions.record_event(seen, event)
