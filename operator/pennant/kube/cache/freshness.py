"""What may be served from memory, and what must be read from a quorum first.

A doubt that arises while something is being read outlives that reading: hence the marks.
"""

from collections.abc import Hashable


class Freshness:
    """Knows which things were read from a quorum since they were last doubted; at first none was."""

    def __init__(self) -> None:
        self._doubts = 0
        self._all_doubted_at = 0
        self._doubted_at: dict[Hashable, int] = {}
        self._confirmed: set[Hashable] = set()

    def mark(self) -> int:
        """Return the moment, to be taken before reading and handed to `confirm` after it."""
        return self._doubts

    def __contains__(self, thing: Hashable) -> bool:
        """Whether the thing may be served from memory."""
        return thing in self._confirmed

    def is_stale(self, thing: Hashable) -> bool:
        """Whether the thing itself was doubted, and not read since."""
        return thing in self._doubted_at

    def mark_fresh(self, thing: Hashable, mark: int) -> None:
        """Freshness the thing, unless it was doubted after the mark."""
        if max(self._doubted_at.get(thing, 0), self._all_doubted_at) <= mark:
            self._doubted_at.pop(thing, None)
            self._confirmed.add(thing)

    def mark_stale(self, thing: Hashable) -> None:
        """Freshness the thing no longer."""
        self._doubts += 1
        self._doubted_at[thing] = self._doubts
        self._confirmed.discard(thing)

    def mark_all_stale(self) -> None:
        """Freshness nothing any longer."""
        self._doubts += 1
        self._all_doubted_at = self._doubts
        self._doubted_at.clear()
        self._confirmed.clear()
