"""What becomes of the revision in place: it makes progress, is found bad, or becomes known good."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.analysis import Analysis
from pennant.api.deployment_status import HistoryEntry, MetricStatus, QuarantineEntry
from pennant.api.meta import SENTENCE, clip
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core import history
from pennant.core.analysis import Verdict, assess
from pennant.core.brakes import Brake
from pennant.core.checks import compared_with, is_watched
from pennant.core.decision import Event, EventType
from pennant.core.history import Quarantine, condemnation
from pennant.core.measurement import Measurements
from pennant.core.observation import Observation, Workload
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
    seen: Observation,
    spec: ModelDeploymentSpec,
    active: HistoryEntry | None,
    quarantine: Quarantine,
    brake: Brake | None,
) -> Judgement:
    """Return the judgement on the revision in place; while there is a brake, none is condemned."""
    if active is None:
        return Judgement(None, Verdict(), quarantine, None)
    workload = _serving(seen, active)
    active = history.progressed(active, workload, seen.now)
    verdict = _verdict(seen, spec.analysis, active)
    found = Judgement(active, verdict, quarantine, condemnation(active, quarantine))
    if found.condemned is not None:
        return found
    fault = _fault(spec, active, workload, verdict)
    if fault is not None:
        reason, message = fault
        held = brake or _mass_breach(spec.analysis, verdict.breached, seen.distrusted)
        if held is not None:
            return replace(found, withheld=Withheld(held, message))
        return _condemn(found, active, reason, message, seen.now)
    # A pass that releases a content does not praise the revision that the status says was found bad.
    was_bad = condemnation(active, seen.snapshot.status.quarantine) is not None
    if not was_bad and _is_good(spec.analysis, active, workload, verdict, seen.now):
        return _verify(found, active, seen.now)
    return replace(found, withheld=_still_withheld(spec.analysis, verdict, brake, seen.distrusted))


def _serving(seen: Observation, active: HistoryEntry) -> Workload | None:
    """Return the Deployment where it is known to be what the revision asked for; else it says nothing about it.

    Rule: What is written is what was asked for.
    """
    applied = seen.snapshot.status.applied
    if seen.altered or applied is None or applied.revision != active.revision:
        return None
    return seen.snapshot.workload


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
    """Return when the revision becomes known good if nothing changes; None where it is, or something must change.

    Rule: A revision becomes known good when all metrics have passed for `bakeSeconds`.
    """
    if active is None or active.verified_at is not None or verdict.clean_since is None:
        return None
    return verdict.clean_since + timedelta(seconds=analysis.bake_seconds)


def _verdict(seen: Observation, analysis: Analysis, active: HistoryEntry) -> Verdict:
    before = seen.snapshot.status
    if active.verified_at is not None and not is_watched(analysis, active):
        return Verdict(tuple(each for each in before.analysis if each.revision == active.revision))
    stable = compared_with(before, active)
    return assess(analysis, active, stable, _measured(seen, active), before.analysis, seen.now)


def _measured(seen: Observation, active: HistoryEntry) -> Measurements:
    """Return what was measured of the revision in place.

    Measured is the newest one of the status: where another one is on record already, the measurements condemn the one
    before it once more, and never the one that took its place.

    Rule: A verdict is about the revision that it measured.
    """
    said = seen.snapshot.status.history
    return seen.measurements if said and said[-1].revision == active.revision else {}


def _mass_breach(analysis: Analysis, breaching: Iterable[MetricStatus], distrusted: Mapping[str, str]) -> Brake | None:
    """Return why a breach is not believed: all that breaches was read from sources that are not."""
    breached = {each.name for each in breaching}
    sources = {each.source for each in analysis.metrics if each.name in breached}
    if not sources or not sources <= distrusted.keys():
        return None
    return Brake(Reason.MASS_BREACH_SUSPECTED, "; ".join(distrusted[each] for each in sorted(sources)))


def _condemn(seen: Judgement, active: HistoryEntry, reason: Reason, message: str, now: datetime) -> Judgement:
    entry = QuarantineEntry(
        digest=active.digest,
        version=active.version,
        reason=reason,
        message=clip(message, SENTENCE),
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
    """Rule: A rollout that makes no progress in time is found bad, as by a breach."""
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
