"""What the last checks of one metric say, whatever its kind.

In: a metric, and what came back to its requests. Out: its `Reading`. Its kind reads the answers; a missing answer, a
late one, and a source that gave none are handled here. Not knowing is neither success nor failure.

Rule: R35.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from pennant.api.analysis import Metric, OnUnknown
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.reasons import Reason
from pennant.core.analysis.kind import Answered, MetricKind, Reading
from pennant.core.analysis.kinds import KINDS
from pennant.core.facts.digest import short_hash
from pennant.core.facts.measurement import (
    ABOUT_NOW,
    Awaited,
    Fault,
    Measurement,
    Measurements,
    Question,
    Request,
    Role,
    Unanswered,
)

FAULT_REASONS = {
    Fault.UNAVAILABLE: Reason.SOURCE_UNAVAILABLE,
    Fault.REFUSED: Reason.QUERY_REFUSED,
    Fault.UNKNOWN_SOURCE: Reason.SOURCE_UNKNOWN,
    Fault.NOT_PERMITTED: Reason.SOURCE_NOT_PERMITTED,
    Fault.SLOW: Reason.SOURCE_SLOW,
    Fault.PARTIAL: Reason.SOURCE_PARTIAL,
}


@dataclass(frozen=True, slots=True)
class Complete:
    """All answers about a metric that a reading needs."""

    answers: Mapping[Role, Answered[Any, Any]]
    slowest: Measurement
    """Of the answers about now, the one that took longest."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A request that was not answered."""

    role: Role
    request: Request
    why: Unanswered


def gathered(metric: Metric, measurements: Measurements) -> Complete | Silence | Awaited | None:
    """Return the answers about a metric; None where nothing is due. Raises `ValueError` on those of another kind."""
    found: dict[Role, Measurement] = {}
    for role in Role:
        measured = measurements.get(Question(metric.name, role))
        match measured:
            case None if role is Role.VALUE:
                return None
            case None:
                # Not requested, such as the baseline where the stable revision was never checked.
                continue
            case Measurement(_, Awaited() | Unanswered()) if role is Role.EXPLANATION:
                continue
            case Measurement(_, Awaited() as awaited):
                return awaited
            case Measurement(request, Unanswered() as why):
                return Silence(role, request, why)
            case _:
                found[role] = measured
    now = [each for role, each in found.items() if role in ABOUT_NOW]
    if len({each.request.times for each in now}) > 1:
        # The first answers about these times wait for the last one.
        return Awaited()
    kind = KINDS[metric.kind]
    answers = {role: _typed(metric, kind, each) for role, each in found.items()}
    return Complete(answers, max(now, key=lambda each: each.took))


def _typed(metric: Metric, kind: MetricKind[Any, Any, Any], measured: Measurement) -> Answered[Any, Any]:
    if not isinstance(measured.request, kind.request_type) or not isinstance(measured.answer, kind.answer_type):
        raise ValueError(f"{metric.name} is a metric of the kind {metric.kind}, and {measured} is of another one")
    return Answered(measured.request, measured.answer)


def interpreted(metric: Metric, found: Complete, entry: HistoryEntry, stable: HistoryEntry | None) -> Reading:
    """Return what the answers say by themselves, however late they are."""
    return KINDS[metric.kind].interpret(metric, metric.query, found.answers, entry, stable)


def reading_of(
    metric: Metric,
    patience: timedelta,
    measurements: Measurements,
    entry: HistoryEntry,
    stable: HistoryEntry | None,
    old: MetricStatus | None,
    now: datetime,
) -> Reading:
    """Return the reading of a metric; `old` is what the status says of it.

    A source that gives no answer for as long as `patience` is a breach where `onError` says so.
    """
    match gathered(metric, measurements):
        case None:
            return _unchecked(metric)
        case Awaited():
            # What was said before stands, but proves nothing now.
            return _unchecked(metric) if old is None else Reading(old.state, old.reason, old.message, blocks=True)
        case Silence(_, request, why):
            return _unanswered(metric, why, request, patience, old, now)
        case Complete() as found:
            request = found.answers[Role.VALUE].request
            reading = replace(interpreted(metric, found, entry, stable), checked_at=max(request.times))
            if found.slowest.late and reading.state is not MetricState.BREACHING:
                return _unanswered(metric, _slow(found.slowest), request, patience, old, now)
            # An older answer proves nothing while the newest one is expected soon.
            return replace(reading, blocks=True) if found.slowest.waits else reading
        case _ as never:
            assert_never(never)


def _unchecked(metric: Metric) -> Reading:
    """Return the reading before the first check is due."""
    caution = KINDS[metric.kind].caution(metric, metric.query)
    message = f"{metric.name} has not been checked yet{f'; {caution}' if caution else ''}"
    return Reading(MetricState.UNKNOWN, Reason.AWAITING_FIRST_CHECK, message, blocks=True)


def _slow(late: Measurement) -> Unanswered:
    """Return that a late answer counts as none: it proves a breach, and nothing else.

    Rule: R34.
    """
    seconds, limit = late.took.total_seconds(), late.request.patience.total_seconds()
    return Unanswered(Fault.SLOW, f"the last answer took {seconds:.1f} s, more than two intervals ({limit:g} s)")


def _unanswered(
    metric: Metric, silence: Unanswered, request: Request, patience: timedelta, old: MetricStatus | None, now: datetime
) -> Reading:
    """Return what a missing answer means; as a breach it counts once it has lasted for `patience`."""
    reason = FAULT_REASONS[silence.fault]
    message = f"{metric.name} cannot be read from metric source {metric.source}: {silence.detail}"
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
            query_hash=short_hash(request.text),
            at=now,
        )
        return Reading(MetricState.BREACHING, reason, message, evidence, blocks=True, broken_at=now)
    blocks = metric.on_error is not OnUnknown.IGNORE
    return Reading(MetricState.UNKNOWN, reason, message, blocks=blocks, broken_at=now if blocks else None)
