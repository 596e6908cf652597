"""Spans of time in which no operator could look: between the last renewal of one leader and the first of the next.

What happened to pods in such a span was seen by nobody, so it must not count against a version.

Rule: R22.
"""

from datetime import datetime

from pennant.core.facts.observation import Key, Span

MOST = 16


class Absences:
    """The newest spans, and which ModelDeployments were told of them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._spans: tuple[Span, ...] = ()
        self._told: dict[Key, Span] = {}
        """The newest span that each ModelDeployment was told of."""

    def note(self, begin: datetime, end: datetime) -> None:
        """Take note of a span; every ModelDeployment is to be told of it."""
        self._spans = (*self._spans, Span(begin, end))[-MOST:]

    def untold(self, key: Key) -> tuple[Span, ...]:
        """Return the spans that a ModelDeployment was not told of yet, the oldest first."""
        last = self._told.get(key)
        if last is None or last not in self._spans:
            return self._spans
        return self._spans[self._spans.index(last) + 1 :]

    def told(self, key: Key) -> None:
        """Take note that the status of a ModelDeployment accounts for all spans so far."""
        if self._spans:
            self._told[key] = self._spans[-1]

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone."""
        self._told.pop(key, None)
