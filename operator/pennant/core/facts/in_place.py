"""What serves, and what is being rolled out to replace it, from the history: the one place that says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennant.api.history import HistoryEntry


@dataclass(frozen=True, slots=True)
class InPlace:
    """The revision that serves, and the candidate that is being rolled out to replace it."""

    serving: HistoryEntry | None
    """The newest revision that was rolled out; None: none was rolled out yet."""
    candidate: HistoryEntry | None
    """The current revision while it is not rolled out; None: `serving` is the current revision."""

    @property
    def current(self) -> HistoryEntry | None:
        """The newest revision, which the Deployment is or becomes; None: there is no revision yet."""
        return self.candidate or self.serving


def in_place(history: Sequence[HistoryEntry]) -> InPlace:
    """Return the serving revision and the candidate, from the entries of `status.history`, oldest first."""
    serving = next((each for each in reversed(history) if each.rolled_out_at is not None), None)
    candidate = history[-1] if history and history[-1].rolled_out_at is None else None
    return InPlace(serving, candidate)


def current(history: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the current revision, the newest one; None: there is no revision yet."""
    return in_place(history).current
