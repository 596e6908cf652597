"""A metric source in memory that answers as Prometheus does; held to the same contract as the real one."""

import asyncio
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pennant.core.analysis.kinds.alert import Alert, Alerts
from pennant.core.facts.measurement import Fault, RangeQuery, Series
from pennant.ports import Partial, Refused, Unavailable

_QUERY = re.compile(
    r'(?P<average>avg_over_time\()?(?P<name>\w+)(?:\{(?P<label>\w+)="(?P<value>[^"]*)"\})?(?(average)\[(?P<range>\d+)s\]\))'
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series, so many seconds after the beginning."""

    name: str
    labels: Mapping[str, str]
    seconds: float
    value: float


class FakeMetricSource:
    """Understands a metric's name with at most one label, and its average over time, and nothing else of PromQL."""

    def __init__(self, begin: datetime, samples: Iterable[Sample]) -> None:
        self._begin = begin
        self.samples = list(samples)
        self.alerts: list[Alert] = []
        self.down = False
        self.faults: dict[str, Fault] = {}
        """Queries that alone are not answered, and why."""
        self.rules: frozenset[str] | None = None
        """Names of the defined alerts; None: it has no list."""
        self.partial = False
        """Whether it says that its answers are not the whole of it."""
        self.aligned = False
        """Whether it rounds start and end down to whole steps, as some front ends do."""
        self.empty = False
        """Whether it knows of no sample and of no alert, and gives that as its answer."""
        self.seconds_to_answer = 0.0
        """How long each answer takes from now on; infinite: none comes."""
        self.timeout_seconds = math.inf
        """How long a client waits for an answer."""

    @property
    def newest(self) -> float:
        """Seconds after the beginning at which the newest sample was taken that it knows of."""
        return math.inf

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def query_range(self, request: RangeQuery) -> Series:
        await self._take_time()
        fault = self.faults.get(request.query)
        if self.down or fault is Fault.UNAVAILABLE:
            raise Unavailable("connection refused")
        if self.partial:
            raise Partial("the answer is partial")
        match = _QUERY.fullmatch(request.query)
        if match is None or fault is Fault.REFUSED:
            raise Refused("the query is refused (bad_data)")
        name, label, value = match["name"], match["label"], match["value"]
        chosen = [
            each
            for each in self.samples
            if each.name == name and (label is None or each.labels.get(label) == value) and each.seconds <= self.newest
        ]
        if self.empty:
            return Series(())
        if self.aligned:
            request = _aligned(request)
        seconds = int(match["range"]) if match["range"] else None
        found = (self._series(request, chosen, labels, seconds) for labels in _distinct(chosen))
        return Series(tuple(each for each in found if each))

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        await self._take_time()
        if self.down:
            raise Unavailable("connection refused")
        if self.partial:
            raise Partial("the answer is partial")
        firing = () if self.empty else self.alerts
        return Alerts(tuple(each for each in firing if each.labels["alertname"] in names))

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        try:
            await self._take_time()
        except Unavailable:
            return None
        return None if self.down or self.partial or self.rules is None else names - self.rules

    async def aclose(self) -> None:
        """Close nothing: there are no connections."""

    async def _take_time(self) -> None:
        """Wait until the answer comes; raises `Unavailable` after the timeout of the client."""
        is_late = self.seconds_to_answer > self.timeout_seconds
        if seconds := min(self.seconds_to_answer, self.timeout_seconds):
            await self.wait(seconds)
        if is_late:
            raise Unavailable("no answer in time")

    def _series(
        self, request: RangeQuery, samples: list[Sample], labels: Mapping[str, str], average: int | None
    ) -> Mapping[int, float]:
        values = {}
        for number in range(request.points):
            at = request.start + timedelta(seconds=number * request.step_seconds)
            now = (at - self._begin).total_seconds()
            # Prometheus looks back over an interval that is open at its old end.
            oldest = now - (average or request.lookback_seconds)
            seen = [each for each in samples if each.labels == labels and oldest < each.seconds <= now]
            if seen and average:
                values[round(at.timestamp() * 1000)] = sum(each.value for each in seen) / len(seen)
            elif seen:
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
