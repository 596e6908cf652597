"""The judgement of the current revision: it makes progress, its analysis or rollout fails, or it is verified.

In: the observation, the spec, the history and the quarantine. Out: a `Judgement`. Nothing is written here.
"""

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
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.in_place import current
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
    """The current revision, and the parts of the status that follow from its pods and metrics."""

    active: HistoryEntry | None
    """Its entry, with the progress of this pass; None: there is no revision."""
    verdict: Verdict
    """The result of its metrics."""
    quarantine: Quarantine
    """The quarantine after this judgement."""
    failed_as: QuarantineEntry | None
    """Its quarantine entry, from this judgement or an earlier one; None: it did not fail."""
    rollback_blocked: RollbackBlocked | None = None
    """The limit that blocks its quarantine, although its analysis or rollout failed."""
    was_verified: bool = False
    """Whether its content was verified with its pod template before."""
    progress: PodProgress | None = None
    """The progress of its pods; None while enough of them are available."""
    measured_since: datetime | None = None
    """When its first pod became available after `replicas: 0`: metrics count from then. None: it was never 0."""
    events: tuple[Event, ...] = ()


def judge(
    observation: Observation,
    spec: ModelDeploymentSpec,
    past: History,
    quarantine: Quarantine,
    target: str | None,
) -> Judgement:
    """Return the judgement of the newest revision of the history, the current one.

    `past` is the history, oldest first. `target` is the content digest of the target version; while no version or
    several have the tag, that of the previous one.
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
    # A revision that the stored status has in quarantine is not verified in the pass that releases its content.
    had_failed = quarantine_entry_of(active, observation.snapshot.status.quarantine) is not None
    if not had_failed and _has_passed_bake_time(spec.analysis, active, verdict, observation.now):
        return _verify(found, active, observation.now)
    rollback_blocked = _still_rollback_blocked(verdict, _rollback_limit(observation, spec, past, verdict.breaching))
    return _overdue(replace(found, rollback_blocked=rollback_blocked), spec.analysis, active, observation.now)


def _tagged(active: HistoryEntry, past: History, target: str | None) -> str | None:
    """Return the content digest of the tagged version, if a rollback or an undo created the failed revision.

    The quarantine entry then lasts until the tag leaves that content. None: the tag itself selected the failed content,
    or has it now.
    """
    origin = next((each for each in reversed(past) if each.trigger is not Trigger.RESTART), active)
    brought_by_others = origin.trigger in (Trigger.AUTOMATIC_ROLLBACK, Trigger.UNDO)
    return target if brought_by_others and target != active.digest else None


def _reinstated(
    found: Judgement, spec: ModelDeploymentSpec, active: HistoryEntry, verdict: Verdict, now: datetime
) -> Judgement:
    """Return the judgement of a revision that is in quarantine: verified, if its failed rollout succeeded after all.

    That needs a failure of its rollout or pods, not of its analysis, and available pods that passed the bake time.

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
    """Return the first limit that blocks a rollback for these metrics, or for a failed rollout; None: none does.

    `breaching` is empty for a failed rollout.
    """
    return (
        rollback_limits.unwanted(spec)
        or _mass_breach(spec.analysis, breaching, observation.distrusted)
        or rollback_limits.unhelpful(spec, past, [each.name for each in breaching])
        or rollback_limits.too_soon(spec, past, observation.now)
    )


def _scope(active: HistoryEntry, reason: Reason, past: History) -> str | None:
    """Return the inputsHash to quarantine with the content; None: with every template.

    A breach quarantines the content with every template only if it was never verified with any. A failed rollout
    quarantines the pair.

    Rule: R54.
    """
    return None if reason is Reason.METRIC_BREACH and never_verified(active, past) else pair(active)[1]


def _still_rollback_blocked(verdict: Verdict, held: RollbackLimit | None) -> RollbackBlocked | None:
    """Return the block of an earlier pass while the next answer is awaited; None: no metric breaches, or no limit."""
    if held is None or not verdict.breaching:
        return None
    return RollbackBlocked(held, "; ".join(each.message for each in verdict.breaching))


def _fault(verdict: Verdict, failure: Failure | None) -> tuple[Reason, str] | None:
    """Return the reason and the message with which the revision fails now; None: it does not."""
    if verdict.breached:
        return Reason.METRIC_BREACH, "; ".join(each.message for each in verdict.breached)
    return (failure.reason, failure.message) if failure is not None else None


def verification_due_at(analysis: Analysis, active: HistoryEntry | None, verdict: Verdict) -> datetime | None:
    """Return when the revision will be verified if nothing changes.

    None: it is verified, or a pod or a metric must change before the bake time counts.

    Rule: R46.
    """
    if active is None or active.verified_at is not None or active.clean_since is None or verdict.clean_since is None:
        return None
    return max(verdict.clean_since, active.clean_since) + timedelta(seconds=analysis.bake_seconds)


def overdue_at(analysis: Analysis, active: HistoryEntry | None) -> datetime | None:
    """Return when to report that the revision is not verified: twice the bake time after its rollout.

    With metrics, `initialDelaySeconds` and two intervals are added. None: it is not rolled out, is verified, or is
    reported already.
    """
    if active is None or active.rolled_out_at is None:
        return None
    if active.verified_at is not None or active.overdue_at is not None:
        return None
    reading = (analysis.initial_delay_seconds + 2 * analysis.interval_seconds) if analysis.metrics else 0
    return active.rolled_out_at + timedelta(seconds=2 * analysis.bake_seconds + reading)


def _overdue(found: Judgement, analysis: Analysis, active: HistoryEntry, now: datetime) -> Judgement:
    """Return the judgement with `overdue_at` of the entry set, if the revision should be verified by now.

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
    """Return the measurements of this revision; none, if the observation measured another one.

    Measurements are of the newest revision of the stored status. After a crash a newer ControllerRevision may exist,
    and the measurements of the revision before must not count for it.

    Rule: R57.
    """
    said = current(observation.snapshot.status.history)
    return observation.measurements if said is not None and said.revision == active.revision else {}


def _mass_breach(
    analysis: Analysis, breaching: Iterable[MetricStatus], distrusted: Mapping[str, str]
) -> RollbackLimit | None:
    """Return the limit of a suspect metric source; None: one of these metrics is read from another source."""
    breached = {each.name for each in breaching}
    sources = {each.source for each in analysis.metrics if each.name in breached}
    if not sources or not sources <= distrusted.keys():
        return None
    return RollbackLimit(Reason.MASS_BREACH_SUSPECTED, "; ".join(distrusted[each] for each in sorted(sources)))


def _fail(judgement: Judgement, active: HistoryEntry, entry: QuarantineEntry, message: str) -> Judgement:
    """Return the judgement with this quarantine entry, the evidence in the history, and the Event."""
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
    """Return the judgement with the revision verified, and its quarantine ended."""
    event = Event(EventType.NORMAL, Reason.VERIFIED, f"{active.version} (revision {active.revision}) is verified")
    return replace(
        judgement,
        active=history.verified(active, now),
        # An entry for another template of the same content stays.
        quarantine=tuple(
            each
            for each in judgement.quarantine
            if each.digest != active.digest or each.inputs_hash not in (None, active.inputs_hash)
        ),
        events=(event,),
    )


def _has_passed_bake_time(analysis: Analysis, active: HistoryEntry, verdict: Verdict, now: datetime) -> bool:
    """Return whether enough pods were available and all metrics passed for the bake time without interruption.

    Rule: R47.
    """
    due = verification_due_at(analysis, active, verdict)
    return due is not None and now >= due
