"""The checks of a metric that is a number: each a pass, a breach, or neither.

In: the series that answer for the metric, for the number of its samples and for its baseline. Out: one `Check` for each
grid point, with its reason and its words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol, assert_never

from pennant.api.analysis import Metric, OnNoData
from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.analysis.baseline import AcceptableRange, acceptable_range
from pennant.core.analysis.grid import EPOCH
from pennant.core.facts.measurement import Series

MILLISECOND = timedelta(milliseconds=1)


class OnGrid(Protocol):
    """A request for numbers at the points of a grid, such as a `RangeQuery`."""

    @property
    def start(self) -> datetime:
        """The first point."""
        ...

    @property
    def step_seconds(self) -> int:
        """Seconds between two points."""
        ...

    @property
    def points(self) -> int:
        """How many there are; at least one."""
        ...


@dataclass(frozen=True, slots=True)
class Numbers:
    """The answers that tell what the checks of a number say."""

    request: OnGrid
    value: Series
    samples: Series | None
    """How many samples each check rests on; None where `minimumSamples` is not set."""
    baseline: Series
    """The numbers of the stable revision; empty where there are none."""


class CheckResult(Enum):
    """What one check counts as."""

    PASS = auto()
    BREACH = auto()
    UNKNOWN = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its time, what it counts as, and why."""

    at: datetime
    result: CheckResult
    reason: Reason
    says: str
    """What to say of the metric, such as `is 0.7, below 0.9`."""
    value: str | None = None
    """None: the check has no single value."""
    bound: str = ""
    """What the value broke."""


def checks(metric: Metric, found: Numbers, stable: HistoryEntry | None) -> list[Check]:
    """Return the last `breaches.of` checks, the oldest first; at least one."""
    request, held_to = found.request, acceptable_range(metric, found.baseline, stable)
    values = _on_grid(found.value, request)
    counted = None if found.samples is None else _on_grid(found.samples, request)
    made = []
    # An answer to a request from before a change of the spec may cover more checks.
    for number in range(max(request.points - metric.breaches.of, 0), request.points):
        time = request.start + timedelta(seconds=number * request.step_seconds)
        too_few = _too_few(metric, counted[number], time) if counted is not None else None
        made.append(too_few or _check(metric, values[number], held_to, time))
    return made


def _on_grid(answer: Series, request: OnGrid) -> list[list[float]]:
    """Return the values of all series for each grid point. A point of a series counts for the nearest grid point.

    A server may answer other points than the requested ones, such as whole multiples of the step. A point that is a
    step or more away from each requested one is ignored.

    Rule: R32.
    """
    start, step = round((request.start - EPOCH) / MILLISECOND), request.step_seconds * 1000
    found: list[list[float]] = [[] for _ in range(request.points)]
    for series in answer.series:
        nearest: dict[int, tuple[int, float]] = {}
        for millis, value in series.items():
            number = min(max((millis - start + step // 2) // step, 0), request.points - 1)
            distance = abs(millis - start - number * step)
            if distance < step and (number not in nearest or distance < nearest[number][0]):
                nearest[number] = distance, value
        for number, (_, value) in nearest.items():
            found[number].append(value)
    return found


def _too_few(metric: Metric, values: Sequence[float], time: datetime) -> Check | None:
    """Return the check as one without data where it does not rest on enough samples.

    Rule: R40.
    """
    asked = metric.minimum_samples
    if asked is None:
        return None
    if len(values) > 1:
        says = (
            "cannot be checked: minimumSamples.query returned more than one series. Aggregate, for example with sum()"
        )
        return Check(time, _no_data(metric), Reason.MULTIPLE_SERIES, says)
    # No series, or NaN: nothing was counted.
    number = values[0] if values and not math.isnan(values[0]) else 0.0
    if number >= asked.count:
        return None
    says = f"has {number:.6g} samples, minimumSamples.count is {asked.count}"
    return Check(time, _no_data(metric, may_pass=True), Reason.TOO_FEW_SAMPLES, says)


def _check(metric: Metric, values: Sequence[float], held_to: AcceptableRange, time: datetime) -> Check:
    match values:
        case []:
            return Check(time, _no_data(metric, may_pass=True), Reason.NO_DATA, "returned no sample")
        case [value]:
            shown = f"{value:.6g}"
            if not math.isfinite(value):
                result = _no_data(metric, may_pass=math.isnan(value))
                return Check(time, result, Reason.NOT_A_NUMBER, f"is {shown}, not a number", shown)
            if (broken := held_to.broken_by(value)) is not None:
                return Check(time, CheckResult.BREACH, broken.reason, f"is {shown}, {broken.says}", shown, broken.bound)
            if held_to.missing:
                return Check(time, _no_data(metric), Reason.NO_BASELINE, held_to.missing, shown)
            return Check(time, CheckResult.PASS, held_to.passing, held_to.kept, shown)
        case _:
            says = "returned more than one series. Aggregate in the query, for example with sum()"
            return Check(time, _no_data(metric), Reason.MULTIPLE_SERIES, says)


def _no_data(metric: Metric, may_pass: bool = False) -> CheckResult:
    """Return what a check without a number counts as; some of them may count as passing."""
    match metric.on_no_data:
        case OnNoData.HOLD:
            return CheckResult.UNKNOWN
        case OnNoData.IGNORE:
            return CheckResult.IGNORED
        case OnNoData.BREACH:
            return CheckResult.BREACH
        case OnNoData.PASS:
            return CheckResult.PASS if may_pass else CheckResult.UNKNOWN
        case _ as never:
            assert_never(never)
