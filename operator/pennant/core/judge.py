"""What becomes of the revision in place: it makes progress, is found bad, or becomes known good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.meta import clip
from pennant.api.model_deployment import Analysis, HistoryEntry, MetricStatus, ModelDeploymentSpec, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.core import history
from pennant.core.analysis import Verdict, assess
from pennant.core.checks import is_watched
from pennant.core.decision import Event, EventType
from pennant.core.measurement import Measurement
from pennant.core.observation import Workload
from pennant.core.rollback import Quarantine, condemnation, quarantined


@dataclass(frozen=True, slots=True)
class Judgement:
    """The revision in place and what is known of it."""

    active: HistoryEntry | None
    verdict: Verdict
    quarantine: Quarantine
    condemned: QuarantineEntry | None
    """Says that the revision in place was found bad, now or before."""
    events: tuple[Event, ...] = ()


def judge(
    spec: ModelDeploymentSpec,
    active: HistoryEntry | None,
    workload: Workload | None,
    measurements: Mapping[str, Measurement],
    before: tuple[MetricStatus, ...],
    quarantine: Quarantine,
    now: datetime,
) -> Judgement:
    """Return the judgement on the revision in place."""
    if active is None:
        return Judgement(None, Verdict(), quarantine, None)
    active = history.progressed(active, workload, now)
    verdict = _verdict(spec.analysis, active, measurements, before, now)
    seen = Judgement(active, verdict, quarantine, condemnation(active, quarantine))
    if seen.condemned is not None:
        return seen
    if verdict.breached:
        message = "; ".join(each.message for each in verdict.breached)
        return _condemn(seen, active, Reason.METRIC_BREACH, message, now)
    if _failed(active, workload):
        message = f"{_shortfall(workload)} within {spec.rollout.progress_deadline_seconds} s"
        return _condemn(seen, active, Reason.PROGRESS_DEADLINE_EXCEEDED, message, now)
    if _is_good(spec.analysis, active, workload, verdict, now):
        return _verify(seen, active, now)
    return seen


def good_at(analysis: Analysis, active: HistoryEntry | None, verdict: Verdict) -> datetime | None:
    """Return when the revision becomes known good if nothing changes; None where it is, or something must change."""
    if active is None or active.verified_at is not None or verdict.clean_since is None:
        return None
    return verdict.clean_since + timedelta(seconds=analysis.bake_seconds)


def _verdict(
    analysis: Analysis,
    active: HistoryEntry,
    measurements: Mapping[str, Measurement],
    before: tuple[MetricStatus, ...],
    now: datetime,
) -> Verdict:
    if active.verified_at is not None and not is_watched(analysis, active):
        return Verdict(tuple(each for each in before if each.revision == active.revision))
    return assess(analysis, active, measurements, before, now)


def _condemn(seen: Judgement, active: HistoryEntry, reason: Reason, message: str, now: datetime) -> Judgement:
    entry = QuarantineEntry(
        digest=active.digest,
        version=active.version,
        reason=reason,
        message=clip(message, 512),
        since=now,
        revision=active.revision,
    )
    event = Event(EventType.WARNING, reason, f"{active.version} (revision {active.revision}) was found bad: {message}")
    return replace(
        seen,
        active=active.model_copy(update={"evidence": seen.verdict.evidence}),
        quarantine=quarantined(seen.quarantine, entry),
        condemned=entry,
        events=(event,),
    )


def _verify(seen: Judgement, active: HistoryEntry, now: datetime) -> Judgement:
    event = Event(EventType.NORMAL, Reason.VERIFIED, f"{active.version} (revision {active.revision}) is known good")
    return replace(
        seen,
        active=history.verified(active, now),
        quarantine=tuple(each for each in seen.quarantine if each.digest != active.digest),
        events=(event,),
    )


def _failed(active: HistoryEntry, workload: Workload | None) -> bool:
    if workload is None or workload.template_hash != active.template_hash or active.rolled_out_at is not None:
        return False
    return workload.settled and workload.deadline_exceeded


def _shortfall(workload: Workload | None) -> str:
    if workload is None:
        return "nothing became available"
    fresh = max(workload.available - (workload.total - workload.updated), 0)
    return f"{fresh} of {workload.replicas} pods became available, and the rollout made no progress"


def _is_good(
    analysis: Analysis, active: HistoryEntry, workload: Workload | None, verdict: Verdict, now: datetime
) -> bool:
    at = good_at(analysis, active, verdict)
    return at is not None and now >= at and workload is not None and workload.minimum_available
