"""Requests to a metric source, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
class Series:
    """The answer to a query: for each series, its values by Unix time in milliseconds.

    A value may be NaN or infinite; a grid point without a sample is not there.
    """

    series: tuple[Mapping[int, float], ...]


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
    """A query and its answer."""

    request: RangeQuery
    answer: Series | Unanswered
