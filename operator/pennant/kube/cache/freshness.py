"""Which entries of the cache are fresh, and which are stale and need a quorum read before they are served.

An entry that becomes stale while it is being read stays stale: `mark_fresh` takes a mark from before the read.
"""

from collections.abc import Hashable


class Freshness:
    """The names of fresh entries; at first none is fresh."""

    def __init__(self) -> None:
        self._count = 0
        self._all_stale_at = 0
        self._stale_at: dict[Hashable, int] = {}
        self._fresh: set[Hashable] = set()

    def mark(self) -> int:
        """Return a mark of the present moment, to be taken before a read and passed to `mark_fresh` after it."""
        return self._count

    def __contains__(self, entry: Hashable) -> bool:
        """Return whether the entry is fresh."""
        return entry in self._fresh

    def is_stale(self, entry: Hashable) -> bool:
        """Return whether `mark_stale` was called for this very entry, and it was not read since."""
        return entry in self._stale_at

    def mark_fresh(self, entry: Hashable, mark: int) -> None:
        """Make an entry fresh, unless it became stale after the mark."""
        if max(self._stale_at.get(entry, 0), self._all_stale_at) <= mark:
            self._stale_at.pop(entry, None)
            self._fresh.add(entry)

    def mark_stale(self, entry: Hashable) -> None:
        """Make an entry stale."""
        self._count += 1
        self._stale_at[entry] = self._count
        self._fresh.discard(entry)

    def mark_all_stale(self) -> None:
        """Make all entries stale."""
        self._count += 1
        self._all_stale_at = self._count
        self._stale_at.clear()
        self._fresh.clear()
