"""The times at which the metrics of a revision are checked.

In: the interval, and when the revision became available. Out: points of a grid. Its points are whole multiples of
`intervalSeconds` since the Unix epoch, so a front end that rounds times to whole steps changes nothing.

Rule: R30.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pennant.api.analysis import Analysis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The last checks of a metric, as one request covers them."""

    start: datetime
    end: datetime
    lookback_seconds: int
    """How old a sample may be at a check: two intervals, and no older than the revision."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The times at which a metric of a revision is checked, from the first one on."""

    first: datetime
    done: int
    """How many of them have passed; at least one."""
    interval_seconds: int

    def __getitem__(self, number: int) -> datetime:
        """Return one of them; the first is number 0."""
        return self.first + timedelta(seconds=number * self.interval_seconds)

    @property
    def newest(self) -> datetime:
        """The last one that has passed."""
        return self[self.done - 1]

    def last(self, count: int) -> Window:
        """Return the last `count` of those that have passed, or all where there are fewer."""
        oldest = max(self.done - count, 0)
        return Window(self[oldest], self.newest, self.interval_seconds * min(oldest + 1, 2))


def grid(analysis: Analysis, begins_at: datetime | None, until: datetime, settling_seconds: int = 0) -> Grid | None:
    """Return the grid of a metric with the checks that passed `until` then; None before the first one."""
    first = first_check_at(analysis, begins_at, settling_seconds)
    done = checks_done(analysis, begins_at, until, settling_seconds)
    return Grid(first, done, analysis.interval_seconds) if first is not None and done else None


def first_check_at(analysis: Analysis, begins_at: datetime | None, settling_seconds: int = 0) -> datetime | None:
    """Return when the first check of a revision is due; its samples lie wholly within the revision's life.

    `begins_at` is when the metric begins to describe the revision, such as when its first pod became available. None:
    that is not known yet.
    """
    if begins_at is None:
        return None
    delay = analysis.initial_delay_seconds + max(analysis.interval_seconds, settling_seconds)
    return _point_from(begins_at + timedelta(seconds=delay), analysis.interval_seconds)


def checks_done(analysis: Analysis, begins_at: datetime | None, now: datetime, settling_seconds: int = 0) -> int:
    """Return how many grid points of a revision have passed."""
    first = first_check_at(analysis, begins_at, settling_seconds)
    if first is None or now < first:
        return 0
    return (now - first) // timedelta(seconds=analysis.interval_seconds) + 1


def point_until(moment: datetime, interval_seconds: int) -> datetime:
    """Return the last grid point that is not after this moment."""
    interval = timedelta(seconds=interval_seconds)
    return EPOCH + (moment - EPOCH) // interval * interval


def _point_from(moment: datetime, interval_seconds: int) -> datetime:
    """Return the first grid point that is not before this moment."""
    passed = point_until(moment, interval_seconds)
    return passed if passed == moment else passed + timedelta(seconds=interval_seconds)
