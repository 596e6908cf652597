"""`reconcile(key)` of ModelVersions: look, judge, and write the status where it says something else.

Rule: A version's record is judged by itself, and its status is written once.
"""

from pennant.api.reasons import Reason
from pennant.core.observation import Key
from pennant.core.version_status import VersionSeen, judged, unsaid
from pennant.ports import Clock, Refused, Versions


class VersionReconciler:
    """Brings the statuses of ModelVersions to what they should say, one key at a time."""

    def __init__(self, versions: Versions, clock: Clock) -> None:
        """Read and write by `versions`."""
        self._versions = versions
        self._clock = clock
        self._told: dict[Key, tuple[str, int, Reason | None]] = {}
        """Uid, generation and reason of which an Event was sent, because no status could say it."""

    async def reconcile(self, key: Key) -> None:
        """Write the status if it is to be another one; only a change can make it so, never time.

        Raises `Conflict`, `Unavailable` and `Refused` as the port does: the key is to be tried again after a while.
        """
        seen = await self._versions.version(key)
        if seen is None:
            self._told.pop(key, None)
            return
        if seen.unreadable and not seen.deleting:
            await self._tell(seen)
        status = judged(seen, self._clock.now())
        if seen.deleting or status == seen.status:
            return
        try:
            await self._versions.write_status(seen, status)
        except Refused:
            await self._tell(seen)
            raise

    async def _tell(self, seen: VersionSeen) -> None:
        """Say once by an Event what no status can.

        Rule: What the API server refuses is said, and tried again after a minute.
        """
        event = unsaid(seen)
        told = (seen.uid, seen.generation, event.reason if event is not None else None)
        if event is not None and self._told.get(seen.key) != told:
            self._told[seen.key] = told
            await self._versions.record_event(seen, event)
