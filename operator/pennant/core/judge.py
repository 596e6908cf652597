"""What becomes of the revision in place: it makes progress, is found bad, or becomes known good."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.meta import clip
from pennant.api.model_deployment import Analysis, HistoryEntry, MetricStatus, ModelDeploymentSpec, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.core import history
from pennant.core.analysis import Verdict, assess
from pennant.core.brakes import Brake
from pennant.core.checks import is_watched
from pennant.core.decision import Event, EventType
from pennant.core.history import Quarantine, condemnation
from pennant.core.measurement import Measurement
from pennant.core.observation import Workload
from pennant.core.rollback import quarantined


@dataclass(frozen=True, slots=True)
class Withheld:
    """A revision breaches, and for the time being nothing follows from that."""

    brake: Brake
    message: str
    """How it breaches, with the numbers."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The revision in place and what is known of it."""

    active: HistoryEntry | None
    verdict: Verdict
    quarantine: Quarantine
    condemned: QuarantineEntry | None
    """Says that the revision in place was found bad, now or before."""
    withheld: Withheld | None = None
    """What would condemn it now, if nothing forbade that."""
    events: tuple[Event, ...] = ()


def judge(
    spec: ModelDeploymentSpec,
    active: HistoryEntry | None,
    workload: Workload | None,
    measurements: Mapping[str, Measurement],
    before: tuple[MetricStatus, ...],
    quarantine: Quarantine,
    now: datetime,
    brake: Brake | None,
    distrusted: Mapping[str, str],
) -> Judgement:
    """Return the judgement on the revision in place; while there is a brake, none is condemned."""
    if active is None:
        return Judgement(None, Verdict(), quarantine, None)
    active = history.progressed(active, workload, now)
    verdict = _verdict(spec.analysis, active, measurements, before, now)
    seen = Judgement(active, verdict, quarantine, condemnation(active, quarantine))
    if seen.condemned is not None:
        return seen
    fault = _fault(spec, active, workload, verdict)
    if fault is not None:
        reason, message = fault
        held = brake or _mass_breach(spec.analysis, verdict.breached, distrusted)
        return replace(seen, withheld=Withheld(held, message)) if held else _condemn(seen, active, reason, message, now)
    if _is_good(spec.analysis, active, workload, verdict, now):
        return _verify(seen, active, now)
    return replace(seen, withheld=_still_withheld(spec.analysis, verdict, brake, distrusted))


def _still_withheld(
    analysis: Analysis, verdict: Verdict, brake: Brake | None, distrusted: Mapping[str, str]
) -> Withheld | None:
    """Return what was withheld and is neither confirmed nor over: the next measurement is on its way."""
    held = brake or _mass_breach(analysis, verdict.breaching, distrusted)
    if held is None or not verdict.breaching:
        return None
    return Withheld(held, "; ".join(each.message for each in verdict.breaching))


def _fault(
    spec: ModelDeploymentSpec, active: HistoryEntry, workload: Workload | None, verdict: Verdict
) -> tuple[Reason, str] | None:
    """Return what condemns the revision, and how; None: nothing does."""
    if verdict.breached:
        return Reason.METRIC_BREACH, "; ".join(each.message for each in verdict.breached)
    if _failed(active, workload):
        message = f"{_shortfall(workload)} within {spec.rollout.progress_deadline_seconds} s"
        return Reason.PROGRESS_DEADLINE_EXCEEDED, message
    return None


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


def _mass_breach(analysis: Analysis, breaching: Iterable[MetricStatus], distrusted: Mapping[str, str]) -> Brake | None:
    """Return why a breach is not believed: all that breaches was read from sources that are not."""
    breached = {each.name for each in breaching}
    sources = {each.prometheus.source for each in analysis.metrics if each.name in breached}
    if not sources or not sources <= distrusted.keys():
        return None
    return Brake(Reason.MASS_BREACH_SUSPECTED, "; ".join(distrusted[each] for each in sorted(sources)))


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
        # What is known good is no longer bad; another template of it that a person undid stays so.
        quarantine=tuple(
            each
            for each in seen.quarantine
            if each.digest != active.digest or each.template_hash not in (None, active.template_hash)
        ),
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
