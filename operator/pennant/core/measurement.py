"""Questions to a metric source, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MOST_INTERVALS = 2
"""An answer that takes longer than so many intervals is late, and what no answer has come to for so long is unknown."""


class Role(StrEnum):
    """What an answer is needed for."""

    VALUE = "value"
    """The metric itself."""
    SAMPLES = "samples"
    """How much its checks rest on."""
    BASELINE = "baseline"
    """What it is compared with."""
    SELECTED = "selected"
    """What its selectors select, where it gave nothing; asked once an hour at most, and only to explain."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a metric source is asked for the sake of one metric."""

    metric: str
    role: Role = Role.VALUE


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """One query over a grid of times: `start`, `start + step`, ... `end`, both ends included."""

    source: str
    query: str
    start: datetime
    end: datetime
    step_seconds: int
    lookback_seconds: int
    """Samples older than this at a grid point do not count for it."""
    revision: int = 0
    """The revision that it is asked for."""
    asker: tuple[str, str] = ("", "")
    """Namespace and name of the ModelDeployment that it is asked for."""

    @property
    def points(self) -> int:
        """Number of grid points."""
        return int((self.end - self.start).total_seconds() // self.step_seconds) + 1

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked, whatever the time: an answer to the same subject is an older answer, not a wrong one."""
        return (self.source, self.query, self.step_seconds, self.revision)

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        return timedelta(seconds=self.step_seconds * MOST_INTERVALS)


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts fire that have all these labels; the answer must not be older than `at`."""

    source: str
    at: datetime
    labels: tuple[tuple[str, str], ...]
    interval_seconds: int = 60
    """Seconds between two checks."""
    revision: int = 0
    """The revision that it is asked for."""

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked, whatever the time: an answer to the same subject is an older answer, not a wrong one."""
        return (self.source, self.labels, self.interval_seconds, self.revision)

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        return timedelta(seconds=self.interval_seconds * MOST_INTERVALS)


Request = RangeQuery | AlertQuery


@dataclass(frozen=True, slots=True)
class Series:
    """The answer to a query: for each series, its values by Unix time in milliseconds.

    A value may be NaN or infinite; a grid point without a sample is not there.
    """

    series: tuple[Mapping[int, float], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires."""

    labels: Mapping[str, str]
    since: datetime
    """When its expression became true, in whole seconds, rounded down; it fires since then or later."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts that fire at one time."""

    firing: tuple[Alert, ...]

    def matching(self, labels: tuple[tuple[str, str], ...]) -> "Alerts":
        """Return those that have all these labels."""
        return Alerts(tuple(each for each in self.firing if all(each.labels.get(name) == is_ for name, is_ in labels)))


class Fault(StrEnum):
    """Why a source gave no answer."""

    UNAVAILABLE = "Unavailable"
    REFUSED = "Refused"
    UNKNOWN_SOURCE = "UnknownSource"
    SLOW = "Slow"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A query that gave no answer; `detail` is ours, never the body of the source's answer."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """The first answer to a question is on its way, and not overdue."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A question as it was sent, and the newest answer to it."""

    request: Request
    answer: Series | Alerts | Unanswered | Awaited
    took: timedelta = timedelta(0)
    """From when the question was sent until the answer came."""
    pending: bool = False
    """Whether the same question about a later time is due, and its answer has not come yet."""

    @property
    def late(self) -> bool:
        """Whether the answer took so long that it proves a breach, and nothing else."""
        return self.took > self.request.patience

    @property
    def waits(self) -> bool:
        """Whether a newer answer is about to come; of a source that takes more than an interval, one always is."""
        return self.pending and self.took <= self.request.patience / MOST_INTERVALS


Measurements = Mapping[Question, Measurement]
