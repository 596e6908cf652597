"""What each check of a metric counts as: a pass, a breach, or neither, by the numbers that came for its time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import assert_never

from pennant.api.analysis import Metric, OnNoData
from pennant.api.history import HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.analysis.baseline import AcceptableRange, acceptable_range
from pennant.core.facts.measurement import Measurement, RangeQuery, Series

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that is needed to tell what a metric's checks say."""

    request: RangeQuery
    value: Series
    samples: Series | None
    baseline: Series
    slowest: Measurement
    """Of the answers to questions about now, the one that took longest."""


class Kind(Enum):
    """What one check counts as."""

    PASS = auto()
    BREACH = auto()
    UNKNOWN = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its time, what it counts as, and why."""

    at: datetime
    kind: Kind
    reason: Reason
    says: str
    """What to say of the metric, such as `is 0.7, below 0.9`."""
    value: str = "none"
    bound: str = ""
    """What the value broke."""


def checks(metric: Metric, found: Answers, stable: HistoryEntry | None) -> list[Check]:
    """Return the checks that the answers hold, the oldest first; there is at least one."""
    request, held_to = found.request, acceptable_range(metric, found.baseline, stable)
    values = _on_grid(found.value, request)
    counted = None if found.samples is None else _on_grid(found.samples, request)
    made = []
    # An answer to a question from before a change of the spec may hold more of them.
    for number in range(max(request.points - metric.breaches.of, 0), request.points):
        at = request.start + timedelta(seconds=number * request.step_seconds)
        too_few = _too_few(metric, counted[number], at) if counted is not None else None
        made.append(too_few or _check(metric, values[number], held_to, at))
    return made


def _on_grid(answer: Series, request: RangeQuery) -> list[list[float]]:
    """Return for each grid point the values of all series; a point of a series counts for the nearest one.

    A server may answer other points than it was asked for, such as whole multiples of the step. What is a step or more
    away from all that was asked for counts for nothing.

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


def _too_few(metric: Metric, values: Sequence[float], at: datetime) -> Check | None:
    """Return the check as one without data where it does not rest on enough samples.

    Rule: R40.
    """
    asked = metric.minimum_samples
    if asked is None:
        return None
    if len(values) > 1:
        says = "has a minimumSamples.query that gave more than one series; aggregate in the query"
        return Check(at, _no_data(metric), Reason.MULTIPLE_SERIES, says)
    # No series, or NaN: nothing was counted.
    number = values[0] if values and not math.isnan(values[0]) else 0.0
    if number >= asked.count:
        return None
    says = f"rests on {number:.6g} samples, fewer than {asked.count}"
    return Check(at, _no_data(metric, may_pass=True), Reason.TOO_FEW_SAMPLES, says)


def _check(metric: Metric, values: Sequence[float], held_to: AcceptableRange, at: datetime) -> Check:
    match values:
        case []:
            return Check(at, _no_data(metric, may_pass=True), Reason.NO_DATA, "gave no sample")
        case [value]:
            shown = f"{value:.6g}"
            if not math.isfinite(value):
                kind = _no_data(metric, may_pass=math.isnan(value))
                return Check(at, kind, Reason.NOT_A_NUMBER, f"is {shown}, not a number", shown)
            if (broken := held_to.broken_by(value)) is not None:
                return Check(at, Kind.BREACH, broken.reason, f"is {shown}, {broken.says}", shown, broken.bound)
            if held_to.missing:
                return Check(at, _no_data(metric), Reason.NO_BASELINE, held_to.missing, shown)
            return Check(at, Kind.PASS, held_to.passing, held_to.kept, shown)
        case _:
            says = "gave more than one series; aggregate in the query"
            return Check(at, _no_data(metric), Reason.MULTIPLE_SERIES, says)


def _no_data(metric: Metric, may_pass: bool = False) -> Kind:
    """Return what a check without a number counts as; some of them may count as passing."""
    match metric.on_no_data:
        case OnNoData.HOLD:
            return Kind.UNKNOWN
        case OnNoData.IGNORE:
            return Kind.IGNORED
        case OnNoData.BREACH:
            return Kind.BREACH
        case OnNoData.PASS:
            return Kind.PASS if may_pass else Kind.UNKNOWN
        case _ as never:
            assert_never(never)
