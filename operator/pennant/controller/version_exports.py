"""Writes the records of versions that retention deletes to the archive, and says how many wait for it.

Rule: R193.
"""

from datetime import datetime

from pennant.api.meta import Json
from pennant.controller.archiver import ArchiveTelemetry, result_of
from pennant.ports import Archive, Clock, PortError


class VersionExports:
    """The records of versions. Nothing is kept: the next run of retention tries again what failed."""

    def __init__(self, archive: Archive, clock: Clock, telemetry: ArchiveTelemetry) -> None:
        """Nothing waits yet."""
        self._archive, self._clock, self._telemetry = archive, clock, telemetry
        self._left = 0
        self._failing_since: datetime | None = None

    @property
    def pending(self) -> int:
        """Number of versions that stay because the archive fails."""
        return self._left if self._failing_since is not None else 0

    @property
    def oldest_seconds(self) -> float:
        """Seconds for which the archive has failed for them; 0 where it works."""
        return 0.0 if self._failing_since is None else (self._clock.now() - self._failing_since).total_seconds()

    def expect(self, versions: int) -> None:
        """Say how many versions a run of retention is about to delete."""
        self._left = versions
        if not versions:
            self._failing_since = None

    async def add_version(self, raw: Json) -> None:
        """Write a ModelVersion as it is stored; raises as `Archive`."""
        try:
            await self._archive.add_version(raw)
        except PortError as error:
            self._telemetry.archived(result_of(error))
            self._failing_since = self._failing_since or self._clock.now()
            raise
        self._telemetry.archived("success")
        self._failing_since, self._left = None, max(self._left - 1, 0)
