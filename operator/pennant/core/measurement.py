"""Questions to a metric source, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What an answer is needed for."""

    VALUE = "value"
    """The metric itself."""
    SAMPLES = "samples"
    """How much its checks rest on."""
    BASELINE = "baseline"
    """What it is compared with."""


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

    @property
    def points(self) -> int:
        """Number of grid points."""
        return int((self.end - self.start).total_seconds() // self.step_seconds) + 1


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts fire that have all these labels; the answer must not be older than `at`."""

    source: str
    at: datetime
    labels: tuple[tuple[str, str], ...]


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


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A query that gave no answer; `detail` is ours, never the body of the source's answer."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A question as it was sent, and its answer."""

    request: Request
    answer: Series | Alerts | Unanswered


Measurements = Mapping[Question, Measurement]
