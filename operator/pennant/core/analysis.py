"""From series to verdict: whether the revision in place passes, breaches, or cannot be told.

Not knowing is neither success nor failure: no data, NaN and an error are told apart from a breach and from a pass.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import assert_never

from pennant.api.meta import clip
from pennant.api.model_deployment import (
    Analysis,
    Evidence,
    HistoryEntry,
    Metric,
    MetricState,
    MetricStatus,
    OnUnknown,
    Threshold,
)
from pennant.api.reasons import Reason
from pennant.core.digest import short_hash
from pennant.core.measurement import Fault, Measurement, RangeQuery, Series, Unanswered

FAULT_REASONS = {
    Fault.UNAVAILABLE: Reason.SOURCE_UNAVAILABLE,
    Fault.REFUSED: Reason.QUERY_REFUSED,
    Fault.UNKNOWN_SOURCE: Reason.SOURCE_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all metrics of a revision say together."""

    metrics: tuple[MetricStatus, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """Of the metrics that are breached by what was measured now; empty where none is."""
    clean_since: datetime | None = None
    """Since when nothing speaks against the revision; None: something does, or was not measured now."""

    @property
    def breached(self) -> tuple[MetricStatus, ...]:
        """The metrics that are breached by what was measured now."""
        names = {each.metric for each in self.evidence}
        return tuple(each for each in self.metrics if each.name in names)

    @property
    def breaching(self) -> tuple[MetricStatus, ...]:
        """The metrics that are breached by what was measured now or last."""
        return tuple(each for each in self.metrics if each.state is MetricState.BREACHING)


class _Kind(Enum):
    PASS = auto()
    BREACH = auto()
    UNKNOWN = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class _Point:
    """One check: its time, what it counts as, and why."""

    at: datetime
    kind: _Kind
    reason: Reason
    value: float = math.nan


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the last checks of one metric amount to."""

    state: MetricState
    reason: Reason
    message: str
    evidence: Evidence | None = None
    blocks: bool = False
    """Whether it keeps the revision from being verified."""


def assess(
    analysis: Analysis,
    entry: HistoryEntry,
    measurements: Mapping[str, Measurement],
    before: tuple[MetricStatus, ...],
    now: datetime,
) -> Verdict:
    """Return the verdict on a revision; a metric's status moves only where its state or reason does."""
    previous = {each.name: each for each in before if each.revision == entry.revision}
    statuses: list[MetricStatus] = []
    evidence: list[Evidence] = []
    clean_since: datetime | None = entry.rolled_out_at
    for metric in analysis.metrics:
        old = previous.get(metric.name)
        reading = _read(metric, analysis, measurements.get(metric.name), old, now)
        status = _status(metric.name, entry.revision, reading, old, now)
        statuses.append(status)
        if reading.evidence is not None:
            evidence.append(reading.evidence)
        if reading.blocks:
            clean_since = None
        elif clean_since is not None and status.state is MetricState.PASSING:
            clean_since = max(clean_since, status.since)
    return Verdict(tuple(statuses), tuple(evidence), clean_since)


def _status(name: str, revision: int, reading: _Reading, old: MetricStatus | None, now: datetime) -> MetricStatus:
    if old is not None and (old.state, old.reason) == (reading.state, reading.reason):
        return old
    return MetricStatus(
        name=name,
        revision=revision,
        state=reading.state,
        reason=reading.reason,
        message=clip(reading.message),
        since=now,
    )


def _read(
    metric: Metric,
    analysis: Analysis,
    measurement: Measurement | None,
    old: MetricStatus | None,
    now: datetime,
) -> _Reading:
    if measurement is None and old is not None:
        # The answer is still on its way: what was said before stands, but proves nothing now.
        return _Reading(old.state, old.reason, old.message, blocks=True)
    if measurement is None:
        return _Reading(
            MetricState.UNKNOWN,
            Reason.AWAITING_FIRST_CHECK,
            f"{metric.name} has not been checked yet",
            blocks=True,
        )
    match measurement.answer:
        case Unanswered() as silence:
            return _unanswered(metric, analysis, silence, measurement.request, old, now)
        case Series() as answer:
            return _answered(metric, list(_points(metric, measurement.request, answer)), measurement)
        case _ as never:
            assert_never(never)


def _unanswered(
    metric: Metric,
    analysis: Analysis,
    silence: Unanswered,
    request: RangeQuery,
    old: MetricStatus | None,
    now: datetime,
) -> _Reading:
    """Return what no answer means; as a breach it counts once it has lasted for `breaches.count` intervals."""
    reason = FAULT_REASONS[silence.fault]
    message = f"{metric.name} cannot be read from source {request.source}: {silence.detail}"
    patience = timedelta(seconds=metric.breaches.count * analysis.interval_seconds)
    lasted = old is not None and old.reason is reason and now - old.since >= patience
    breached_before = old is not None and old.state is MetricState.BREACHING and old.reason is reason
    if metric.on_error is OnUnknown.BREACH and (lasted or breached_before):
        evidence = _evidence(metric, "none", f"for {metric.breaches.count} intervals", request)
        return _Reading(MetricState.BREACHING, reason, message, evidence, blocks=True)
    blocks = metric.on_error is not OnUnknown.IGNORE
    return _Reading(MetricState.UNKNOWN, reason, message, blocks=blocks)


def _points(metric: Metric, request: RangeQuery, answer: Series) -> Iterator[_Point]:
    for number in range(request.points):
        at = request.start + timedelta(seconds=number * request.step_seconds)
        values = [each[_millis(at)] for each in answer.series if _millis(at) in each]
        match values:
            case []:
                yield _Point(at, _no_data(metric), Reason.NO_DATA)
            case [value] if not math.isfinite(value):
                yield _Point(at, _no_data(metric), Reason.NOT_A_NUMBER, value)
            case [value] if _breaks(value, metric.threshold):
                yield _Point(at, _Kind.BREACH, Reason.THRESHOLD_BREACHED, value)
            case [value]:
                yield _Point(at, _Kind.PASS, Reason.WITHIN_THRESHOLD, value)
            case _:
                yield _Point(at, _no_data(metric), Reason.MULTIPLE_SERIES)


def _no_data(metric: Metric) -> _Kind:
    match metric.on_no_data:
        case OnUnknown.HOLD:
            return _Kind.UNKNOWN
        case OnUnknown.IGNORE:
            return _Kind.IGNORED
        case OnUnknown.BREACH:
            return _Kind.BREACH
        case _ as never:
            assert_never(never)


def _answered(metric: Metric, points: list[_Point], measurement: Measurement) -> _Reading:
    breaches = [each for each in points if each.kind is _Kind.BREACH]
    newest = points[-1]
    if len(breaches) >= metric.breaches.count:
        worst = breaches[-1]
        share = f"{len(breaches)} of {len(points)}"
        message = f"{metric.name} {_broken(metric, worst)}, in {share} checks"
        evidence = _evidence(metric, _shown(worst), share, measurement.request, worst.at)
        return _Reading(MetricState.BREACHING, worst.reason, message, evidence, blocks=True)
    if newest.kind in (_Kind.UNKNOWN, _Kind.IGNORED):
        message = f"{metric.name} {_unknown(newest)}"
        blocks = newest.kind is _Kind.UNKNOWN
        return _Reading(MetricState.UNKNOWN, newest.reason, message, blocks=blocks)
    message = f"{metric.name} is within {bound(metric.threshold)}"
    return _Reading(MetricState.PASSING, Reason.WITHIN_THRESHOLD, message, blocks=newest.kind is _Kind.BREACH)


def suspicions(analysis: Analysis, measurements: Mapping[str, Measurement]) -> dict[str, bool]:
    """Return for each source that was read whether any newest check of it is out of its threshold."""
    found: dict[str, bool] = {}
    for metric in analysis.metrics:
        measurement = measurements.get(metric.name)
        if measurement is None or not isinstance(measurement.answer, Series):
            continue
        *_, newest = _points(metric, measurement.request, measurement.answer)
        source = measurement.request.source
        found[source] = found.get(source, False) or newest.reason is Reason.THRESHOLD_BREACHED
    return found


def bound(threshold: Threshold) -> str:
    """Return the threshold in words, such as `min 0.9`."""
    return f"max {threshold.max}" if threshold.max is not None else f"min {threshold.min}"


def _breaks(value: float, threshold: Threshold) -> bool:
    if threshold.max is not None:
        return value > float(threshold.max)
    return threshold.min is not None and value < float(threshold.min)


def _broken(metric: Metric, point: _Point) -> str:
    if point.reason is not Reason.THRESHOLD_BREACHED:
        return _unknown(point)
    if metric.threshold.max is not None:
        return f"is {_shown(point)}, above {metric.threshold.max}"
    return f"is {_shown(point)}, below {metric.threshold.min}"


def _unknown(point: _Point) -> str:
    if point.reason is Reason.NOT_A_NUMBER:
        return f"is {_shown(point)}, not a number"
    if point.reason is Reason.MULTIPLE_SERIES:
        return "gave more than one series; aggregate in the query"
    return "gave no sample"


def _shown(point: _Point) -> str:
    return f"{point.value:.6g}" if point.reason is not Reason.NO_DATA else "none"


def _evidence(metric: Metric, value: str, breaches: str, request: RangeQuery, at: datetime | None = None) -> Evidence:
    return Evidence(
        metric=metric.name,
        value=value,
        threshold=bound(metric.threshold),
        breaches=breaches,
        query_hash=short_hash(request.query),
        at=at or request.end,
    )


def _millis(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
