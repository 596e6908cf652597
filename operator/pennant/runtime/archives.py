"""The archive of the process: where it is, who writes it, and how much waits for it."""

from collections.abc import Callable

from pennant.archive.place import opened
from pennant.archive.writer import PlaceArchive
from pennant.controller.archiver import Archiver
from pennant.controller.deletions import Deletions
from pennant.core.facts.observation import Key
from pennant.ports import Archive, Clock, Refused
from pennant.runtime.preflight import CannotStart
from pennant.runtime.telemetry import Telemetry


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
        self.archive, self._telemetry = archive, telemetry
        self.archiver = Archiver(archive, clock, wake, telemetry)
        self.deletions = Deletions(self.archiver, clock, is_leading)

    def sample(self) -> None:
        """Set the metrics of what waits."""
        pending = self.archiver.pending + self.deletions.pending
        oldest = max(self.archiver.oldest_seconds, self.deletions.oldest_seconds)
        self._telemetry.archive_waits(pending, oldest)


def archive_at(where: str, server: str, clock: Clock) -> Archive | None:
    """Return the archive; None where there is none. Raises `CannotStart` where it cannot be used."""
    if not where:
        return None
    try:
        return PlaceArchive(opened(where), server, clock)
    except Refused as error:
        raise CannotStart(f"archive {where}: {error}") from error
