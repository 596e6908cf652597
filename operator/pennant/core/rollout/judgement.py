"""What becomes of the revision in place: it makes progress, is found bad, or becomes known good."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.analysis import Analysis
from pennant.api.deployment_status import MetricStatus, PodProgress
from pennant.api.history import HistoryEntry, QuarantineEntry, Trigger
from pennant.api.meta import SENTENCE, clip
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.analysis.assessment import Verdict, assess
from pennant.core.analysis.schedule import as_measured, compared_with, is_watched
from pennant.core.facts.current_revision import current
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.observation import Observation
from pennant.core.rollout import history, rollback_limits
from pennant.core.rollout.history import History, Quarantine, quarantine_entry_of
from pennant.core.rollout.pass_state import RollbackBlocked
from pennant.core.rollout.progress import Attempt, Failure, accounted, advanced, judged, measured_since
from pennant.core.rollout.revision import pair
from pennant.core.rollout.rollback import never_verified, quarantined, verified_pairs
from pennant.core.rollout.rollback_limits import RollbackLimit


@dataclass(frozen=True, slots=True)
class Judgement:
    """The revision in place and what is known of it."""

    active: HistoryEntry | None
    verdict: Verdict
    quarantine: Quarantine
    failed_as: QuarantineEntry | None
    """Says that the revision in place was found bad, now or before."""
    rollback_blocked: RollbackBlocked | None = None
    """What would condemn it now, if nothing forbade that."""
    was_verified: bool = False
    """Whether its content was known good with its pod template before."""
    progress: PodProgress | None = None
    """How far its pods have come; None while enough of them are available."""
    measured_since: datetime | None = None
    """Since when its metrics count, where it was scaled to zero."""
    events: tuple[Event, ...] = ()


def judge(
    observation: Observation,
    spec: ModelDeploymentSpec,
    past: History,
    quarantine: Quarantine,
    target: str | None,
) -> Judgement:
    """Return the judgement on the newest revision of the history, the one in place.

    `target` is the digest of the content that the tag targets, or targeted when that was last clear.
    """
    newest = current(past)
    if newest is None:
        return Judgement(None, Verdict(), quarantine, None)
    attempt = Attempt(observation, spec, newest, was_verified=pair(newest) in verified_pairs(past, quarantine))
    active = history.progressed(newest, attempt.workload, attempt.looked_at, observation.now)
    attempt = replace(attempt, active=active)
    progress, failure = judged(attempt, advanced(attempt))
    since = measured_since(attempt, progress)
    verdict = _verdict(observation, spec.analysis, active, since)
    active = history.baking(accounted(attempt, progress), attempt.workload, progress, verdict, observation.now)
    found = Judgement(
        active,
        verdict,
        quarantine,
        quarantine_entry_of(active, quarantine),
        was_verified=attempt.was_verified,
        progress=progress,
        measured_since=since,
    )
    if found.failed_as is not None:
        return _reinstated(found, spec, active, verdict, observation.now)
    fault = _fault(verdict, failure)
    if fault is not None:
        reason, message = fault
        held = _rollback_limit(observation, spec, past, verdict.breached)
        if held is not None:
            return replace(found, rollback_blocked=RollbackBlocked(held, message))
        failed_as = QuarantineEntry(
            digest=active.digest,
            version=active.version,
            inputs_hash=_scope(active, reason, past),
            reason=reason,
            message=clip(message, SENTENCE),
            since=observation.now,
            revision=active.revision,
            tag=spec.tag if spec.version is None else None,
            tagged=_tagged(active, past, target),
        )
        return _fail(found, active, failed_as, message)
    # A pass that releases a content does not praise the revision that the status says was found bad.
    had_failed = quarantine_entry_of(active, observation.snapshot.status.quarantine) is not None
    if not had_failed and _has_passed_bake_time(spec.analysis, active, verdict, observation.now):
        return _verify(found, active, observation.now)
    rollback_blocked = _still_rollback_blocked(verdict, _rollback_limit(observation, spec, past, verdict.breaching))
    return _overdue(replace(found, rollback_blocked=rollback_blocked), spec.analysis, active, observation.now)


def _tagged(active: HistoryEntry, past: History, target: str | None) -> str | None:
    """Return the digest of the content that had the tag, where the revision is there for another reason than the tag.

    `target` is what the tag targets. A revision that the tag brought is the one that the tag left, wherever it is now.
    """
    origin = next((each for each in reversed(past) if each.trigger is not Trigger.RESTART), active)
    brought_by_others = origin.trigger in (Trigger.AUTOMATIC_ROLLBACK, Trigger.UNDO)
    return target if brought_by_others and target != active.digest else None


def _reinstated(
    found: Judgement, spec: ModelDeploymentSpec, active: HistoryEntry, verdict: Verdict, now: datetime
) -> Judgement:
    """Return the judgement on a revision that was condemned; where the facts refute that, it is known good after all.

    That is where its rollout failed, nothing took its place, and now its pods are available and it has passed its bake
    time.

    Rule: R24.
    """
    failed_as = found.failed_as
    if failed_as is None or failed_as.reason not in history.FAILED_STARTS:
        return found
    if not _has_passed_bake_time(spec.analysis, active, verdict, now):
        return found
    good = _verify(found, active, now)
    message = f"{active.version} (revision {active.revision}) became available and passed its bake time"
    event = Event(EventType.NORMAL, Reason.REINSTATED, f"{message}; it had failed: {failed_as.message}")
    return replace(good, failed_as=None, events=(event, *good.events))


def _rollback_limit(
    observation: Observation, spec: ModelDeploymentSpec, past: History, breaching: tuple[MetricStatus, ...]
) -> RollbackLimit | None:
    """Return why nothing follows from a breach of these metrics, or from a failed rollout; None: something does."""
    return (
        rollback_limits.unwanted(spec)
        or _mass_breach(spec.analysis, breaching, observation.distrusted)
        or rollback_limits.unhelpful(spec, past, [each.name for each in breaching])
        or rollback_limits.too_soon(spec, past, observation.now)
    )


def _scope(active: HistoryEntry, reason: Reason, past: History) -> str | None:
    """Return the pod template that is failed_as with the content; None: the content with every template.

    What was measured is a content with a pod template. Only a breach of a content that was never known good with any
    template is held against the content itself.

    Rule: R54.
    """
    return None if reason is Reason.METRIC_BREACH and never_verified(active, past) else pair(active)[1]


def _still_rollback_blocked(verdict: Verdict, held: RollbackLimit | None) -> RollbackBlocked | None:
    """Return what was rollback_blocked and is neither confirmed nor over: the next measurement is on its way."""
    if held is None or not verdict.breaching:
        return None
    return RollbackBlocked(held, "; ".join(each.message for each in verdict.breaching))


def _fault(verdict: Verdict, failure: Failure | None) -> tuple[Reason, str] | None:
    """Return what condemns the revision, and how; None: nothing does."""
    if verdict.breached:
        return Reason.METRIC_BREACH, "; ".join(each.message for each in verdict.breached)
    return (failure.reason, failure.message) if failure is not None else None


def verification_due_at(analysis: Analysis, active: HistoryEntry | None, verdict: Verdict) -> datetime | None:
    """Return when the revision becomes known good if nothing changes; None where it is, or something must change.

    Rule: R46.
    """
    if active is None or active.verified_at is not None or active.clean_since is None or verdict.clean_since is None:
        return None
    return max(verdict.clean_since, active.clean_since) + timedelta(seconds=analysis.bake_seconds)


def overdue_at(analysis: Analysis, active: HistoryEntry | None) -> datetime | None:
    """Return when it is to be noticed that the revision does not become known good; None: it did, or it was noticed.

    That is after twice its bake time, and the time until its metrics can be read besides.
    """
    if active is None or active.rolled_out_at is None:
        return None
    if active.verified_at is not None or active.overdue_at is not None:
        return None
    reading = (analysis.initial_delay_seconds + 2 * analysis.interval_seconds) if analysis.metrics else 0
    return active.rolled_out_at + timedelta(seconds=2 * analysis.bake_seconds + reading)


def _overdue(found: Judgement, analysis: Analysis, active: HistoryEntry, now: datetime) -> Judgement:
    """Return the judgement with the note that the revision should be known good by now, where it is not.

    Rule: R51.
    """
    due = overdue_at(analysis, active)
    if due is None or now < due:
        return found
    return replace(found, active=active.model_copy(update={"overdue_at": now}))


def _verdict(observation: Observation, analysis: Analysis, active: HistoryEntry, since: datetime | None) -> Verdict:
    before = observation.snapshot.status
    if active.verified_at is not None and not is_watched(analysis, active):
        return Verdict(tuple(each for each in before.analysis if each.revision == active.revision))
    stable = compared_with(before, active)
    measurements = _measured(observation, active)
    return assess(analysis, as_measured(active, since), stable, measurements, before.analysis, observation.now)


def _measured(observation: Observation, active: HistoryEntry) -> Measurements:
    """Return what was measured of the revision in place.

    Measured is the newest one of the status: where another one is on record already, the measurements condemn the one
    before it once more, and never the one that took its place.

    Rule: R57.
    """
    said = current(observation.snapshot.status.history)
    return observation.measurements if said is not None and said.revision == active.revision else {}


def _mass_breach(
    analysis: Analysis, breaching: Iterable[MetricStatus], distrusted: Mapping[str, str]
) -> RollbackLimit | None:
    """Return why a breach is not believed: all that breaches was read from sources that are not."""
    breached = {each.name for each in breaching}
    sources = {each.source for each in analysis.metrics if each.name in breached}
    if not sources or not sources <= distrusted.keys():
        return None
    return RollbackLimit(Reason.MASS_BREACH_SUSPECTED, "; ".join(distrusted[each] for each in sorted(sources)))


def _fail(judgement: Judgement, active: HistoryEntry, entry: QuarantineEntry, message: str) -> Judgement:
    what = f"{active.version} (revision {active.revision}) failed"
    if entry.inputs_hash is not None:
        what = f"{active.version} with the pod template of revision {active.revision} failed"
    event = Event(EventType.WARNING, Reason.of(entry.reason), f"{what}: {message}")
    return replace(
        judgement,
        active=active.model_copy(update={"evidence": judgement.verdict.evidence}),
        quarantine=quarantined(judgement.quarantine, entry),
        failed_as=entry,
        events=(event,),
    )


def _verify(judgement: Judgement, active: HistoryEntry, now: datetime) -> Judgement:
    event = Event(EventType.NORMAL, Reason.VERIFIED, f"{active.version} (revision {active.revision}) is verified")
    return replace(
        judgement,
        active=history.verified(active, now),
        # What is known good is no longer bad; another template of it that a person undid stays so.
        quarantine=tuple(
            each
            for each in judgement.quarantine
            if each.digest != active.digest or each.inputs_hash not in (None, active.inputs_hash)
        ),
        events=(event,),
    )


def _has_passed_bake_time(analysis: Analysis, active: HistoryEntry, verdict: Verdict, now: datetime) -> bool:
    """Return whether the revision has been available, and has passed, without a break for its bake time.

    Rule: R47.
    """
    due = verification_due_at(analysis, active, verdict)
    return due is not None and now >= due
