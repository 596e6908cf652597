"""A ledger of who wrote which object, and how old the view was on which that was decided.

An epoch is a place in the ledger: the number of writes that had been accepted. What a process hears or reads it knows
as of that epoch, and what it decides in a pass it decides on what it knew when the pass looked. The ledger compares no
resourceVersion and knows no precondition, so that it shows whether those do what they are for.
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


class Ledger:
    """All writes that were accepted, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def epoch(self) -> int:
        return len(self.entries)

    def enter(self, entry: Entry) -> None:
        """Enter a write; raises `OldView` where it should not have been accepted."""
        for epoch in range(entry.seen, self.epoch):
            other = self.entries[epoch]
            if other.thing == entry.thing and other.by is not entry.by:
                raise OldView(f"{entry.thing}, seen in epoch {entry.seen}, was written by another one in epoch {epoch}")
        self.entries.append(entry)


class Views:
    """How old that is what one process knows: by object, and by what is heard of at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[Hashable, int] = {}
        self._looked: Mapping[Hashable, int] = {}

    def heard(self, what: Hashable) -> None:
        """Take note that an object, or all of a kind, is known as it is at present."""
        self._known[what] = self._ledger.epoch

    def look(self) -> None:
        """Take note that a pass begins, and rests on what is known now."""
        self._looked = dict(self._known)

    def wrote(self, thing: str, among: Hashable) -> None:
        """Enter a write that was accepted, to an object that is also heard of among others."""
        seen = max(self._looked.get(thing, 0), self._looked.get(among, 0))
        self._ledger.enter(Entry(self, thing, seen))
        self.heard(thing)
