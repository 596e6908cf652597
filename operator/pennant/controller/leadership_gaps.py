"""Times in which no replica led: between the last renewal of one leader and the first of the next.

No replica observed the pods in such a gap, so it does not count against a revision.

Rule: R22.
"""

from datetime import datetime

from pennant.core.facts.observation import Key, Span

MAX_GAPS = 16


class LeadershipGaps:
    """The newest `MAX_GAPS` gaps, and which of them the status of each ModelDeployment accounts for."""

    def __init__(self) -> None:
        """Start without gaps."""
        self._gaps: tuple[Span, ...] = ()
        self._accounted: dict[Key, Span] = {}
        """The newest gap that the status of each ModelDeployment accounts for."""

    def add(self, begin: datetime, end: datetime) -> None:
        """Add a gap, for every ModelDeployment."""
        self._gaps = (*self._gaps, Span(begin, end))[-MAX_GAPS:]

    def pending(self, key: Key) -> tuple[Span, ...]:
        """Return the gaps that the status of a ModelDeployment does not account for yet, oldest first."""
        last = self._accounted.get(key)
        if last is None or last not in self._gaps:
            return self._gaps
        return self._gaps[self._gaps.index(last) + 1 :]

    def mark_accounted(self, key: Key) -> None:
        """Note that the status of a ModelDeployment was written, or is correct, with all gaps so far."""
        if self._gaps:
            self._accounted[key] = self._gaps[-1]

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that was deleted."""
        self._accounted.pop(key, None)
