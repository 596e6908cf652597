"""The archive of the process: its place, the objects that write it, and how much waits for it."""

import logging
from collections.abc import Callable

from pennant.archive.place import opened
from pennant.archive.writer import PlaceArchive
from pennant.controller.archiver import Archiver
from pennant.controller.deletions import Deletions
from pennant.controller.version_exports import VersionExports
from pennant.core.facts.observation import Key
from pennant.ports import Archive, Clock, PortError, Refused
from pennant.runtime.preflight import CannotStart
from pennant.runtime.telemetry import Telemetry

_log = logging.getLogger(__name__)


class Archives:
    """The objects around one archive."""

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        wake: Callable[[Key], None],
        telemetry: Telemetry,
        is_leading: Callable[[], bool],
    ) -> None:
        """Build them; nothing is written yet."""
        self._archive, self._telemetry = archive, telemetry
        self.versions = VersionExports(archive, clock, telemetry)
        self.archiver = Archiver(archive, clock, wake, telemetry)
        self.deletions = Deletions(self.archiver, clock, is_leading)

    async def run(self) -> None:
        """Warn if the archive cannot be written; then archive deletions until cancelled.

        It may be back before it is needed, and delays nothing, so that is no reason to stop.
        """
        try:
            await self._archive.try_to_write()
        except PortError as error:
            self._telemetry.archived("refused" if isinstance(error, Refused) else "unavailable")
            _log.warning("The archive cannot be written; what is due stays in the cluster", extra={"error": str(error)})
        await self.deletions.run()

    def sample(self) -> None:
        """Set the metrics of what waits."""
        waiting = (self.archiver, self.deletions, self.versions)
        self._telemetry.archive_waits(
            sum(each.pending for each in waiting), max(each.oldest_seconds for each in waiting)
        )


def archive_at(where: str, server: str, clock: Clock) -> Archive | None:
    """Return the archive; None where there is none. Raises `CannotStart` where it cannot be used."""
    if not where:
        return None
    try:
        return PlaceArchive(opened(where), server, clock)
    except PortError as error:
        raise CannotStart(f"archive {where}: {error}") from error
