"""A metric source in memory that answers as Prometheus does; held to the same contract as the real one."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pennant.core.measurement import Alert, Alerts, Fault, RangeQuery, Series
from pennant.ports import Refused, Unavailable

_SELECTOR = re.compile(r'(\w+)(?:\{(\w+)="([^"]*)"\})?')


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series, so many seconds after the beginning."""

    name: str
    labels: Mapping[str, str]
    seconds: float
    value: float


class FakeMetricSource:
    """Understands a metric's name with at most one label, and nothing else of PromQL."""

    def __init__(self, begin: datetime, samples: Iterable[Sample]) -> None:
        self._begin = begin
        self.samples = list(samples)
        self.alerts: list[Alert] = []
        self.down = False
        self.faults: dict[str, Fault] = {}
        """Queries that alone are not answered, and why."""
        self.aligned = False
        """Whether it rounds start and end down to whole steps, as some front ends do."""

    @property
    def newest(self) -> float:
        """Seconds after the beginning at which the newest sample was taken that it knows of."""
        return math.inf

    async def query_range(self, request: RangeQuery) -> Series:
        fault = self.faults.get(request.query)
        if self.down or fault is Fault.UNAVAILABLE:
            raise Unavailable("connection refused")
        match = _SELECTOR.fullmatch(request.query)
        if match is None or fault is Fault.REFUSED:
            raise Refused("the query is refused (bad_data)")
        name, label, value = match.groups()
        chosen = [
            each
            for each in self.samples
            if each.name == name and (label is None or each.labels.get(label) == value) and each.seconds <= self.newest
        ]
        if self.aligned:
            request = _aligned(request)
        found = (self._series(request, chosen, labels) for labels in _distinct(chosen))
        return Series(tuple(each for each in found if each))

    async def firing_alerts(self) -> Alerts:
        if self.down:
            raise Unavailable("connection refused")
        return Alerts(tuple(self.alerts))

    def _series(self, request: RangeQuery, samples: list[Sample], labels: Mapping[str, str]) -> Mapping[int, float]:
        values = {}
        for number in range(request.points):
            at = request.start + timedelta(seconds=number * request.step_seconds)
            now = (at - self._begin).total_seconds()
            # Prometheus looks back over an interval that is open at its old end.
            oldest = now - request.lookback_seconds
            seen = [each for each in samples if each.labels == labels and oldest < each.seconds <= now]
            if seen:
                values[round(at.timestamp() * 1000)] = max(seen, key=lambda each: each.seconds).value
        return values


def _aligned(request: RangeQuery) -> RangeQuery:
    epoch, step = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=request.step_seconds)
    start, end = (epoch + (each - epoch) // step * step for each in (request.start, request.end))
    return replace(request, start=start, end=end)


def _distinct(samples: list[Sample]) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = []
    for each in samples:
        if each.labels not in found:
            found.append(each.labels)
    return found
