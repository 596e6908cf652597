"""A log of who wrote which object, and how old the view was on which the write rests.

An epoch is the number of writes that had been accepted. What a process hears or reads, it knows as of the present
epoch; what it decides in a pass rests on what it knew when the pass began. The log knows neither resourceVersions nor
preconditions, so it shows whether preconditions are sufficient.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


class OldView(AssertionError):
    """A write was accepted that rests on a view from before another one's write to the same object."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A write that was accepted."""

    by: "Views"
    thing: str
    seen: int
    """The epoch of the view on which it was decided."""


class WriteLog:
    """All writes that were accepted, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def epoch(self) -> int:
        return len(self.entries)

    def add(self, entry: Entry) -> None:
        """Add a write; raises `OldView` where it should not have been accepted."""
        for epoch in range(entry.seen, self.epoch):
            other = self.entries[epoch]
            if other.thing == entry.thing and other.by is not entry.by:
                raise OldView(f"{entry.thing}, seen in epoch {entry.seen}, was written by another one in epoch {epoch}")
        self.entries.append(entry)


class Views:
    """The epochs of what one process knows, by object and by kind."""

    def __init__(self, log: WriteLog) -> None:
        self._log = log
        self._known: dict[Hashable, int] = {}
        self._looked: Mapping[Hashable, int] = {}

    def heard(self, what: Hashable) -> None:
        """Take note that an object, or all of a kind, is known as it is at present."""
        self._known[what] = self._log.epoch

    def look(self) -> None:
        """Take note that a pass begins, and rests on what is known now."""
        self._looked = dict(self._known)

    def wrote(self, thing: str, among: Hashable) -> None:
        """Add an accepted write to an object that is also heard of as a part of `among`."""
        seen = max(self._looked.get(thing, 0), self._looked.get(among, 0))
        self._log.add(Entry(self, thing, seen))
        self.heard(thing)
