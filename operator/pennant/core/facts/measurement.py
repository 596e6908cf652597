"""Questions to a metric source, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

ALERT_NAME = "alertname"
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
class LabelMatcher:
    """What an alert must have in one label; a label that is not there is empty."""

    label: str
    values: tuple[str, ...]
    negated: bool = False
    """Whether it must have none of the values, instead of one of them."""

    def is_met(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels is meant."""
        return (labels.get(self.label, "") in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts fire that meet all these demands; the answer must not be older than `at`."""

    source: str
    at: datetime
    demands: tuple[LabelMatcher, ...]
    interval_seconds: int = 60
    """Seconds between two checks."""
    revision: int = 0
    """The revision that it is asked for."""
    asker: tuple[str, str] = ("", "")
    """Namespace and name of the ModelDeployment that it is asked for."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the alerts that are meant."""
        named = [each.values for each in self.demands if each.label == ALERT_NAME and not each.negated]
        return tuple(sorted(set[str].intersection(*map(set, named)))) if named else ()

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked, whatever the time: an answer to the same subject is an older answer, not a wrong one."""
        return (self.source, self.demands, self.interval_seconds, self.revision)

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
    """The alerts of some names that fire at one time."""

    firing: tuple[Alert, ...]
    undefined: frozenset[str] = frozenset()
    """Names of which the source knows no rule; empty where it does not tell."""
    unanswered: Mapping[str, str] = field(default_factory=dict)
    """Names of which alone nobody knows whether they fire, and why."""

    def matching(self, demands: tuple[LabelMatcher, ...]) -> "Alerts":
        """Return them with the firing ones alone that meet all these demands."""
        return replace(self, firing=tuple(each for each in self.firing if all(d.is_met(each.labels) for d in demands)))


class Fault(StrEnum):
    """Why a source gave no answer."""

    UNAVAILABLE = "Unavailable"
    REFUSED = "Refused"
    UNKNOWN_SOURCE = "UnknownSource"
    SLOW = "Slow"
    PARTIAL = "Partial"


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
