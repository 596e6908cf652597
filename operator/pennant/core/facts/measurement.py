"""Requests to metric sources, and their answers.

Each kind of metric has its own type of `Request` and of `Answer`. `RangeQuery` and `Series`, numbers at the points of a
grid, are here, because several kinds may share them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

MAX_INTERVALS = 2
"""Intervals after which an answer is late; without an answer for that long, a metric is Unknown."""


class Role(StrEnum):
    """What an answer is needed for."""

    VALUE = "value"
    """The metric itself; each kind of metric requests it."""
    SAMPLES = "samples"
    """The number of samples behind each check (`minimumSamples`)."""
    BASELINE = "baseline"
    """The values of the stable revision (`compareTo`), usually at other times than the value."""
    EXPLANATION = "explanation"
    """Why the value is missing. No reading waits for it, and it is requested at most once an hour."""


ABOUT_NOW = frozenset({Role.VALUE, Role.SAMPLES})
"""The roles whose answers must be about the same times."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one request is for: a role of one metric."""

    metric: str
    role: Role = Role.VALUE


class Request(Protocol):
    """A request to a metric source. Requests are compared by value."""

    @property
    def source(self) -> str:
        """Name of the metric source."""
        ...

    @property
    def revision(self) -> int:
        """Number of the revision that is measured."""
        ...

    @property
    def asker(self) -> tuple[str, str]:
        """Namespace and name of the ModelDeployment that sends it."""
        ...

    @property
    def times(self) -> tuple[datetime, datetime]:
        """The first and the last time that it is about."""
        ...

    @property
    def subject(self) -> tuple[object, ...]:
        """The request without its time. An answer to an older request with the same subject can be used."""
        ...

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        ...

    @property
    def text(self) -> str:
        """The request as text. Its hash is stored in the evidence of a breach."""
        ...


class Answer:
    """What a metric source answered."""

    __slots__ = ()

    @property
    def number(self) -> float | None:
        """The newest number in it, for the metric `pennant_metric_check_value`; None: it has none, or several."""
        return None


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """One query over a grid of times: `start`, `start + step`, ... `end`, both ends included."""

    source: str
    query: str
    start: datetime
    end: datetime
    step_seconds: int
    lookback_seconds: int
    """A sample counts for a grid point if it is at most this old there."""
    revision: int = 0
    asker: tuple[str, str] = ("", "")

    @property
    def points(self) -> int:
        """Number of grid points."""
        return int((self.end - self.start).total_seconds() // self.step_seconds) + 1

    @property
    def times(self) -> tuple[datetime, datetime]:
        """The first and the last grid point."""
        return self.start, self.end

    @property
    def subject(self) -> tuple[object, ...]:
        """The request without its time."""
        return (self.source, self.query, self.step_seconds, self.revision)

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        return timedelta(seconds=self.step_seconds * MAX_INTERVALS)

    @property
    def text(self) -> str:
        """The query."""
        return self.query


@dataclass(frozen=True, slots=True)
class Series(Answer):
    """The answer to a range query: for each series, its values by Unix time in milliseconds.

    A value may be NaN or infinite. A grid point without a sample has no key.
    """

    series: tuple[Mapping[int, float], ...]

    @property
    def number(self) -> float | None:
        """The newest value of the only series."""
        if len(self.series) != 1 or not self.series[0]:
            return None
        return self.series[0][max(self.series[0])]


class Fault(StrEnum):
    """Why a source gave no answer."""

    UNAVAILABLE = "Unavailable"
    REFUSED = "Refused"
    UNKNOWN_SOURCE = "UnknownSource"
    NOT_PERMITTED = "NotPermitted"
    SLOW = "Slow"
    PARTIAL = "Partial"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that was not answered. `detail` is the operator's own text, never the body of a response."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """The first answer to a request has not arrived yet, and is not late."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A request as it was sent, and the newest answer to it."""

    request: Request
    answer: Answer | Unanswered | Awaited
    took: timedelta = timedelta(0)
    """Time from the request to the answer."""
    pending: bool = False
    """Whether the same request about a later time is due and not answered yet."""

    @property
    def late(self) -> bool:
        """Whether the answer took so long that it counts only if it shows a breach."""
        return self.took > self.request.patience

    @property
    def waits(self) -> bool:
        """Whether a newer answer is expected soon; False for a source that takes longer than an interval."""
        return self.pending and self.took <= self.request.patience / MAX_INTERVALS


Measurements = Mapping[Question, Measurement]


def of_checks(measurements: Measurements) -> Iterator[Measurement]:
    """Yield the measurements that a check needs: all but explanations."""
    return (each for question, each in measurements.items() if question.role is not Role.EXPLANATION)
