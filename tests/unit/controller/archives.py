"""An archive in memory and its controllers, for tests."""

from datetime import datetime

from pennant.archive.writer import PlaceArchive
from pennant.controller.archiver import Archiver
from pennant.core.facts.observation import Key
from unit.archive.places import MemoryPlace
from unit.core.builders import NOON


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Counted:
    """The metrics, as a test reads them."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def archived(self, result: str, count: int = 1) -> None:
        self.results += [result] * count


class Archiving:
    """An archiver on a place in memory."""

    def __init__(self) -> None:
        self.place, self.clock, self.counted = MemoryPlace(), Clock(), Counted()
        self.woken: list[Key] = []
        archive = PlaceArchive(self.place, "https://api.example", self.clock)
        self.archiver = Archiver(archive, self.clock, self.woken.append, self.counted)

    @property
    def events(self) -> list[str]:
        """The files by ModelDeployment, revision and event, such as `fraud 1 ended`."""
        found = []
        for path in sorted(self.place.files):
            name, file = path.removesuffix(".jsonl").split("/")[2:]
            number, _, event = file.split("-")
            found.append(f"{name} {int(number)} {event}")
        return found
