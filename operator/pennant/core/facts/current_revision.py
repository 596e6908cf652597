"""What serves, as the history of a ModelDeployment tells it: the one place that answers this."""

from collections.abc import Sequence
from dataclasses import dataclass

from pennant.api.history import HistoryEntry


@dataclass(frozen=True, slots=True)
class RolloutState:
    """The revision whose pods serve, and the one that is on its way to take its place."""

    serving: HistoryEntry | None
    """The newest revision that was rolled out; None: none was yet."""
    candidate: HistoryEntry | None
    """The current revision while it is not rolled out; None: `serving` is the current revision."""

    @property
    def current(self) -> HistoryEntry | None:
        """The revision that the Deployment is to run: the newest one; None: there is no revision yet."""
        return self.candidate or self.serving


def rollout_state(history: Sequence[HistoryEntry]) -> RolloutState:
    """Return what serves and what is rolled out, from the entries of `status.history`, oldest first."""
    serving = next((each for each in reversed(history) if each.rolled_out_at is not None), None)
    candidate = history[-1] if history and history[-1].rolled_out_at is None else None
    return RolloutState(serving, candidate)


def current(history: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the revision that the Deployment is to run; None: there is no revision yet."""
    return rollout_state(history).current
