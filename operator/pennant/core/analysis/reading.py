"""What the last checks of one metric say: from series of numbers to a state with a reason.

Not knowing is neither success nor failure: no data, NaN and an error are told apart from a breach and from a pass.

Rule: R35.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from pennant.api.analysis import Metric, OnNoData, OnUnknown
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.analysis.evaluation import Answers, Check, Kind, checks
from pennant.core.analysis.promql import filters, lacking
from pennant.core.facts.digest import short_hash
from pennant.core.facts.measurement import (
    Awaited,
    Fault,
    Measurement,
    Measurements,
    Question,
    RangeQuery,
    Role,
    Series,
    Unanswered,
)

WITHOUT_NUMBER = frozenset({Reason.NO_DATA, Reason.TOO_FEW_SAMPLES, Reason.NOT_A_NUMBER})
EXPLAINED = "; probable cause: "
FAULT_REASONS = {
    Fault.UNAVAILABLE: Reason.SOURCE_UNAVAILABLE,
    Fault.REFUSED: Reason.QUERY_REFUSED,
    Fault.UNKNOWN_SOURCE: Reason.SOURCE_UNKNOWN,
    Fault.SLOW: Reason.SOURCE_SLOW,
    Fault.PARTIAL: Reason.SOURCE_PARTIAL,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last checks of one metric amount to."""

    state: MetricState
    reason: Reason
    message: str
    evidence: Evidence | None = None
    """The measurement that makes it a breach; None where it is none."""
    blocks: bool = False
    """Whether it keeps the revision from being verified."""
    broken_at: datetime | None = None
    """The time of the newest check that did not pass, also where it takes more for a breach; None: all passed."""


def unchecked(metric: Metric) -> Reading:
    """Return the reading before the first check is due."""
    message = f"{metric.name} has not been checked yet"
    if metric.prometheus is not None and metric.on_no_data is OnNoData.HOLD:
        comparison = filters(metric.prometheus.query)
        message += f"; {_says_nothing(comparison)}" if comparison else ""
    return Reading(MetricState.UNKNOWN, Reason.AWAITING_FIRST_CHECK, message, blocks=True)


def awaited(metric: Metric, old: MetricStatus | None) -> Reading:
    """Return the reading while the first answer is on its way: what was said before stands, but proves nothing now."""
    return unchecked(metric) if old is None else Reading(old.state, old.reason, old.message, blocks=True)


def timely(
    metric: Metric,
    told: Reading,
    measured: Measurement,
    query: str,
    patience: timedelta,
    old: MetricStatus | None,
    now: datetime,
) -> Reading:
    """Return what an answer says, by how long it took: one that is late proves a breach, and nothing else.

    Rule: R34.
    """
    if measured.late and told.state is not MetricState.BREACHING:
        seconds, limit = measured.took.total_seconds(), measured.request.patience.total_seconds()
        why = Unanswered(Fault.SLOW, f"an answer took {seconds:.1f} s, more than two intervals, which are {limit:g} s")
        return unanswered(metric, why, query, patience, old, now)
    # Nothing is proven by an older answer while the newest is about to come.
    return replace(told, blocks=True) if measured.waits else told


def unanswered(
    metric: Metric, silence: Unanswered, query: str, patience: timedelta, old: MetricStatus | None, now: datetime
) -> Reading:
    """Return what no answer means; as a breach it counts once it has lasted for `patience`."""
    reason = FAULT_REASONS[silence.fault]
    message = f"{metric.name} cannot be read from source {metric.source}: {silence.detail}"
    # One fault may follow another: an answer that is late, and then none.
    known = old is not None and old.reason in FAULT_REASONS.values()
    lasted = known and old is not None and now - old.since >= patience
    breached_before = known and old is not None and old.state is MetricState.BREACHING
    if metric.on_error is OnUnknown.BREACH and (lasted or breached_before):
        evidence = Evidence(
            metric=metric.name,
            value="none",
            threshold="an answer",
            breaches=f"for {metric.breaches.count} intervals",
            query_hash=short_hash(query),
            at=now,
        )
        return Reading(MetricState.BREACHING, reason, message, evidence, blocks=True, broken_at=now)
    blocks = metric.on_error is not OnUnknown.IGNORE
    return Reading(MetricState.UNKNOWN, reason, message, blocks=blocks, broken_at=now if blocks else None)


@dataclass(frozen=True, slots=True)
class Silence:
    """A question that was not answered."""

    query: str
    why: Unanswered


def answers(
    metric: Metric, measurements: Measurements, stable: HistoryEntry | None
) -> Answers | Silence | Awaited | None:
    """Return the answers about a metric that is a number; None where nothing is due."""
    found: dict[Role, Measurement] = {}
    for role in _needed(metric, stable):
        match measurements.get(Question(metric.name, role)):
            case None if role is Role.BASELINE:
                # The revision that it is compared with was never checked, or a placeholder has no value for it.
                continue
            case None:
                return None
            case Measurement(_, Awaited() as awaited):
                return awaited
            case Measurement(RangeQuery() as request, Unanswered() as why):
                return Silence(request.query, why)
            case Measurement(RangeQuery(), Series()) as measurement:
                found[role] = measurement
            case other:
                raise ValueError(f"{metric.name} was asked for series, and {other} are none")
    return _together(found)


def _together(found: Mapping[Role, Measurement]) -> Answers | Awaited:
    """Return the answers as one; of those that are about the same times the first waits for the last."""
    current = [each for role, each in found.items() if role is not Role.BASELINE]
    requests = [each.request for each in current if isinstance(each.request, RangeQuery)]
    if len({(each.start, each.end) for each in requests}) > 1:
        return Awaited()
    series = {role: each.answer for role, each in found.items() if isinstance(each.answer, Series)}
    return Answers(
        request=requests[0],
        value=series[Role.VALUE],
        samples=series.get(Role.SAMPLES),
        baseline=series.get(Role.BASELINE, Series(())),
        slowest=max(current, key=lambda each: each.took),
    )


def _needed(metric: Metric, stable: HistoryEntry | None) -> tuple[Role, ...]:
    samples = (Role.SAMPLES,) if metric.minimum_samples is not None else ()
    baseline = (Role.BASELINE,) if metric.compare_to is not None and stable is not None else ()
    return (Role.VALUE, *samples, *baseline)


def read(
    metric: Metric,
    patience: timedelta,
    measurements: Measurements,
    stable: HistoryEntry | None,
    old: MetricStatus | None,
    now: datetime,
) -> Reading:
    """Return the reading of a metric that is a number; `stable` is the revision that it is compared with."""
    match answers(metric, measurements, stable):
        case None:
            return unchecked(metric)
        case Awaited():
            return awaited(metric, old)
        case Silence(query, why):
            return unanswered(metric, why, query, patience, old, now)
        case Answers() as found:
            told = _explained(metric, _told(metric, found.request, checks(metric, found, stable)), measurements)
            return timely(metric, told, found.slowest, found.request.query, patience, old, now)
        case _ as never:
            assert_never(never)


def _explained(metric: Metric, told: Reading, measurements: Measurements) -> Reading:
    """Return the reading of a query that gave nothing with what its selectors lack, once that is known."""
    value, selected = (measurements.get(Question(metric.name, role)) for role in (Role.VALUE, Role.SELECTED))
    if told.reason is not Reason.NO_DATA or told.state is MetricState.PASSING or value is None or selected is None:
        return told
    match value.request, selected.answer:
        # A source may answer anything; a probe is a sum of bits.
        case RangeQuery(query=query), Series((values,)) if values and 0 <= min(values.values()) < 1 << 53:
            return replace(told, message=f"{told.message}{EXPLAINED}{lacking(query, min(values.values()))}")
        case _:
            return told


def is_unexplained(said: MetricStatus) -> bool:
    """Return whether it is said that a query gave nothing, and not yet why."""
    is_passing = said.state is MetricState.PASSING
    return said.reason is Reason.NO_DATA and not is_passing and EXPLAINED not in said.message


def _mend(metric: Metric, query: str) -> str:
    """Return what helps where a query gave nothing though the source has the series.

    Rule: R38.
    """
    if metric.on_no_data is not OnNoData.HOLD:
        return ""
    if comparison := filters(query):
        return f"; {_says_nothing(comparison)}"
    return "; if no series means that all is well, add `or vector(0)` to the query, or set onNoData: Pass"


def _says_nothing(comparison: str) -> str:
    return (
        f"while its comparison {comparison} does not hold, the query gives nothing: leave the comparison to the "
        f"threshold, or write `{comparison} bool`"
    )


def _told(metric: Metric, request: RangeQuery, made: list[Check]) -> Reading:
    breaches = [each for each in made if each.kind is Kind.BREACH]
    broken_at = max((each.at for each in made if each.kind in (Kind.BREACH, Kind.UNKNOWN)), default=None)
    newest = made[-1]
    if len(breaches) >= metric.breaches.count:
        last, share = breaches[-1], f"{len(breaches)} of {len(made)}"
        evidence = Evidence(
            metric=metric.name,
            value=last.value,
            threshold=last.bound or "a number",
            breaches=share,
            query_hash=short_hash(request.query),
            at=last.at,
        )
        message = f"{metric.name} {last.says}, in {share} checks"
        return Reading(MetricState.BREACHING, last.reason, message, evidence, blocks=True, broken_at=broken_at)
    if newest.kind in (Kind.UNKNOWN, Kind.IGNORED):
        blocks = newest.kind is Kind.UNKNOWN
        message = (
            f"{metric.name} {newest.says}{_mend(metric, request.query) if newest.reason is Reason.NO_DATA else ''}"
        )
        return Reading(MetricState.UNKNOWN, newest.reason, message, blocks=blocks, broken_at=broken_at)
    passing = next((each for each in reversed(made) if each.kind is Kind.PASS), None)
    reason = passing.reason if passing is not None else Reason.WITHIN_THRESHOLD
    kept = passing.says if passing is not None else "is not breached yet"
    if reason in WITHOUT_NUMBER:
        kept = f"{kept}, which passes by onNoData: Pass"
    blocks = newest.kind is Kind.BREACH
    return Reading(MetricState.PASSING, reason, f"{metric.name} {kept}", blocks=blocks, broken_at=broken_at)
