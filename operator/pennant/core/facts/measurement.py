"""Requests to metric sources, and what came back.

Each kind of metric has its own type of `Request` and of `Answer`. `RangeQuery` and `Series`, numbers at the points of a
grid, are here, because several kinds may share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

MOST_INTERVALS = 2
"""An answer that takes longer than so many intervals is late; without one for so long, a metric is Unknown."""


class Role(StrEnum):
    """What an answer is needed for."""

    VALUE = "value"
    """The metric itself; each kind of metric requests it."""
    SAMPLES = "samples"
    """How much its checks rest on."""
    BASELINE = "baseline"
    """What it is compared with. It may be about other times than the value."""
    EXPLANATION = "explanation"
    """Why the value is missing. No reading waits for it, and it is requested once an hour at most."""


ABOUT_NOW = frozenset({Role.VALUE, Role.SAMPLES})
"""What must be about the same times to be read together."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one request is for: a role of one metric."""

    metric: str
    role: Role = Role.VALUE


class Request(Protocol):
    """What is asked of a metric source. Requests are compared by value."""

    @property
    def source(self) -> str:
        """Name of the metric source."""
        ...

    @property
    def revision(self) -> int:
        """The revision that it is asked for."""
        ...

    @property
    def asker(self) -> tuple[str, str]:
        """Namespace and name of the ModelDeployment that it is asked for."""
        ...

    @property
    def times(self) -> tuple[datetime, datetime]:
        """The first and the last time that it is about."""
        ...

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked, without the time. An answer to the same subject is an older answer, not a wrong one."""
        ...

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        ...

    @property
    def text(self) -> str:
        """What is asked, as text. Its hash goes into the evidence of a breach."""
        ...


class Answer:
    """What a metric source answered."""

    __slots__ = ()

    @property
    def number(self) -> float | None:
        """The newest number in it, for the metric `pennant_metric_check_value`; None where there is not exactly one."""
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
    """Samples older than this at a grid point do not count for it."""
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
        """What is asked, without the time."""
        return (self.source, self.query, self.step_seconds, self.revision)

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        return timedelta(seconds=self.step_seconds * MOST_INTERVALS)

    @property
    def text(self) -> str:
        """The query."""
        return self.query


@dataclass(frozen=True, slots=True)
class Series(Answer):
    """The answer to a range query: for each series, its values by Unix time in milliseconds.

    A value may be NaN or infinite; a grid point without a sample is not there.
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
    SLOW = "Slow"
    PARTIAL = "Partial"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that got no answer. `detail` is the operator's own text, never the body of a response."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """The first answer to a request has not come yet, and is not overdue."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A request as it was sent, and the newest answer to it."""

    request: Request
    answer: Answer | Unanswered | Awaited
    took: timedelta = timedelta(0)
    """From when the request was sent until the answer came."""
    pending: bool = False
    """Whether the same request about a later time is due, and its answer has not come yet."""

    @property
    def late(self) -> bool:
        """Whether the answer took so long that it proves a breach, and nothing else."""
        return self.took > self.request.patience

    @property
    def waits(self) -> bool:
        """Whether a newer answer is expected soon. A source that takes longer than an interval always has one due."""
        return self.pending and self.took <= self.request.patience / MOST_INTERVALS


Measurements = Mapping[Question, Measurement]
