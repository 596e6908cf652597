"""The progress deadline of the current revision: whether its pods become available in time, and why not.

A rollout has failed when the number of available pods of its template has not reached a new maximum for
`progressDeadlineSeconds`, and the revision itself is at fault. The condition `Progressing` of the Deployment is not
used: at first it is about the previous template, and it counts a pod that is ready only for a moment.

Rule: R19.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.delivery import DeliveryMode
from pennant.api.deployment_status import PodProgress
from pennant.api.history import HistoryEntry
from pennant.api.meta import clip
from pennant.api.model_deployment import ModelDeploymentSpec, OnUnavailable
from pennant.api.reasons import Reason
from pennant.api.rollout import OnUnschedulable
from pennant.core.analysis.schedule import needs_pod_template_hash
from pennant.core.facts import pods
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Observation, Snapshot, Span, Workload
from pennant.core.facts.pods import Cause, PodFault, Pods

LOOK_AFTER = timedelta(seconds=30)
"""Time without a new available pod after which the pods are read, so that the status can say what they wait for."""
LOOK_AT_FETCH_AFTER = timedelta(seconds=5)
"""The same, and the interval, while a new revision fetches its artefacts: a wrong digest fails it at once."""
LOOK_AGAIN_AFTER = timedelta(seconds=30)
"""Interval at which pods are read while the cluster stops the rollout."""
OWN_FAULTS = frozenset({Reason.PODS_UNAVAILABLE, *pods.UNSERVABLE.values()})
"""Reasons for missing pods by the fault of the revision."""
STANDSTILLS = frozenset({Reason.PAUSED, Reason.SCALED_TO_ZERO})
"""Reasons for missing pods that a user chose."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The pods of the revision are not available in time, and the revision is at fault."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The current revision, and everything that its progress deadline depends on."""

    observation: Observation
    spec: ModelDeploymentSpec
    active: HistoryEntry
    was_verified: bool
    """Whether its content was verified with its pod template before; then it has no progress deadline."""

    @property
    def now(self) -> datetime:
        """The time of the observation."""
        return self.observation.now

    @property
    def workload(self) -> Workload | None:
        """The Deployment, if it is stored as this revision requires; None: its counts are not about this revision.

        Rule: R27.
        """
        workload, applied = self.observation.snapshot.workload, self.observation.snapshot.status.applied
        if workload is None or workload.deleting or self.observation.altered:
            return None
        if applied is None or applied.revision != self.active.revision:
            return None
        return workload if workload.template_hash == self.active.template_hash else None

    @property
    def looked_at(self) -> Pods | None:
        """The pods of this revision; None: they were not read for this pass."""
        found = self.observation.pods
        return found if found is not None and found.template_hash == self.active.template_hash else None

    @property
    def fetches(self) -> bool:
        """Whether it is a new revision whose pods fetch their artefacts."""
        is_new = self.active.rolled_out_at is None and not self.was_verified
        return is_new and self.spec.delivery.mode is DeliveryMode.FETCH

    @property
    def deadline(self) -> timedelta:
        """Time within which a further pod must become available."""
        return timedelta(seconds=self.spec.progress_deadline_seconds)

    @property
    def spent(self) -> timedelta:
        """Time without an available pod in earlier outages of this revision; 0 if it was verified before."""
        return timedelta(seconds=0 if self.was_verified else self.active.unavailable_seconds or 0)

    @property
    def before(self) -> PodProgress | None:
        """The stored progress of this revision; None: it has none, or the stored one is of another revision."""
        progress = self.observation.snapshot.status.progress
        return progress if progress is not None and progress.revision == self.active.revision else None


def advanced(attempt: Attempt) -> PodProgress | None:
    """Return the progress of the pods at this time; None while enough of them are available.

    `since` of the result is when the number of available pods last reached a new maximum.
    """
    before, workload, now = attempt.before, attempt.workload, attempt.now
    # Until the Deployment's controller has observed the newest generation, its counts are about an older one.
    if workload is None or (attempt.active.rolled_out_at is not None and not workload.settled):
        return before
    if is_enough(attempt.active, workload):
        return None
    available = available_pods(workload, attempt.looked_at, now)
    is_out = attempt.active.rolled_out_at is not None and available == 0
    fresh = PodProgress(
        revision=attempt.active.revision,
        available=available,
        since=now - attempt.spent if is_out else now,
        scaled_to_zero=before is not None and before.scaled_to_zero and available == 0,
    )
    if before is None:
        before = fresh
    standstill = _standstill(attempt.spec, workload)
    if standstill is not None:
        is_zero = before.scaled_to_zero or standstill is Reason.SCALED_TO_ZERO
        update = {"stopped": True, "reason": standstill, "message": "", "scaled_to_zero": is_zero}
        return before.model_copy(update=update)
    lost = is_out and before.available > 0 and not before.stopped
    if available > before.available or lost or before.reason in STANDSTILLS:
        return fresh
    since = watched(before.since, attempt.observation.unwatched, now)
    return before if since == before.since else before.model_copy(update={"since": since})


def accounted(attempt: Attempt, progress: PodProgress | None) -> HistoryEntry:
    """Return the entry with the seconds of an outage that is over now added up in `unavailable_seconds`.

    Outages add up, so pods that are available for a moment do not extend the deadline. A revision that was verified
    before has no such sum.

    Rule: R50.
    """
    before, active = attempt.before, attempt.active
    if before is None or attempt.was_verified or active.rolled_out_at is None:
        return active
    was_out = before.available == 0 and not before.stopped and (before.reason is None or before.reason in OWN_FAULTS)
    if not was_out or (progress is not None and progress.available == 0):
        return active
    out = attempt.now - watched(before.since, attempt.observation.unwatched, attempt.now)
    return active.model_copy(update={"unavailable_seconds": int(out.total_seconds())})


def measured_since(attempt: Attempt, progress: PodProgress | None) -> datetime | None:
    """Return since when metrics count after `replicas: 0`: since the first available pod. None: it was never 0.

    Rule: R48.
    """
    before = attempt.before
    is_over = before is not None and before.scaled_to_zero and not (progress and progress.scaled_to_zero)
    return attempt.now if is_over else attempt.observation.snapshot.status.measured_since


def is_enough(active: HistoryEntry, workload: Workload) -> bool:
    """Return whether the revision was rolled out, and the minimum of pods, and at least one, is available."""
    return active.rolled_out_at is not None and workload.available > 0 and workload.minimum_available


def available_pods(workload: Workload, looked_at: Pods | None, now: datetime) -> int:
    """Return the number of available pods of the current template.

    It is exact if the pods were read (`looked_at`). Otherwise it is a lower bound from the counts of the Deployment:
    all available pods without the pods of older templates.
    """
    if looked_at is not None:
        return looked_at.available(workload.min_ready_seconds, now)
    return max(workload.available - (workload.total - workload.updated), 0) if workload.settled else 0


def watched(since: datetime, unwatched: tuple[Span, ...], now: datetime) -> datetime:
    """Return `since`, later by the time after it in which no operator was running; at most `now`.

    Rule: R22.
    """
    for each in unwatched:
        since += max(each.end - max(each.begin, since), timedelta(0))
    return min(since, now)


def _standstill(spec: ModelDeploymentSpec, workload: Workload) -> Reason | None:
    """Return why a user wants no further pod to become available: scaled to zero or paused; None: neither.

    Rule: R48.
    """
    if workload.replicas == 0:
        return Reason.SCALED_TO_ZERO
    return Reason.PAUSED if spec.paused or workload.paused else None


def is_overdue(attempt: Attempt, progress: PodProgress) -> bool:
    """Return whether no further pod became available within the deadline."""
    return not progress.stopped and attempt.now - progress.since >= attempt.deadline


def needs_a_look(attempt: Attempt) -> bool:
    """Return whether the pods must be read: the deadline is over, or the status should say what they wait for."""
    progress = advanced(attempt)
    if progress is None or attempt.workload is None or progress.reason in STANDSTILLS:
        return False
    waits = attempt.now - progress.since
    if attempt.fetches and waits >= LOOK_AT_FETCH_AFTER:
        return True
    return progress.stopped or waits >= attempt.deadline or (progress.reason is None and waits >= LOOK_AFTER)


def revision_to_look_at(snapshot: Snapshot, unwatched: tuple[Span, ...], now: datetime) -> HistoryEntry | None:
    """Return the current revision, if its pods must be read for this pass; None: they need not.

    They are also read once for a metric that needs the `pod-template-hash` of Kubernetes.
    """
    active, spec = current(snapshot.status.history), snapshot.spec
    if isinstance(spec, Invalid) or snapshot.deleting or active is None:
        return None
    attempt = Attempt(Observation(now, snapshot, unwatched=unwatched), spec, active, was_verified=False)
    nameless = active.available_at is not None and active.pod_template_hash is None
    is_needed = nameless and attempt.workload is not None and needs_pod_template_hash(spec)
    return active if is_needed or needs_a_look(attempt) else None


def next_look_at(attempt: Attempt, progress: PodProgress | None) -> datetime | None:
    """Return when the pods must be read next if no object changes; None: never."""
    if progress is None or attempt.workload is None or progress.reason in STANDSTILLS:
        return None
    if progress.stopped or is_overdue(attempt, progress):
        return attempt.now + LOOK_AGAIN_AFTER
    if attempt.fetches:
        return min(attempt.now + LOOK_AT_FETCH_AFTER, progress.since + attempt.deadline)
    first, deadline = progress.since + LOOK_AFTER, progress.since + attempt.deadline
    return min(first, deadline) if progress.reason is None else deadline


def judged(attempt: Attempt, progress: PodProgress | None) -> tuple[PodProgress | None, Failure | None]:
    """Return the progress with the cause that the pods show, and the failure of the revision; None: it has not failed.

    Artefacts that must never be served fail a new revision at once.

    Rule: R20.
    Rule: R162.
    """
    looked_at, workload = attempt.looked_at, attempt.workload
    if progress is None or looked_at is None or workload is None or progress.reason in STANDSTILLS:
        return progress, None
    found = pods.cause(looked_at, workload.min_ready_seconds, attempt.now)
    if found is not None and found.reason in pods.UNSERVABLE.values() and attempt.fetches:
        return progress, Failure(found.reason, found.message)
    if progress.stopped:
        return _still_stopped(attempt, progress, found), None
    if not is_overdue(attempt, progress):
        return _told(progress, found), None
    found = found or pods.away(
        "all created pods are available, but the Deployment does not report the rollout as complete"
    )
    reason = _failure(attempt, workload, found)
    if reason is None:
        return _told(progress, found).model_copy(update={"stopped": True}), None
    return progress, Failure(reason, f"{_shortfall(attempt, progress, workload)}: {found.message}")


def _still_stopped(attempt: Attempt, progress: PodProgress, found: Cause | None) -> PodProgress:
    """Return the progress of a rollout that the cluster stopped; when it can continue, the deadline begins again."""
    if attempt.was_verified or (found is not None and found.fault is PodFault.CLUSTER):
        return progress if found is None else _told(progress, found)
    fresh = {"since": attempt.now, "stopped": False, "reason": None, "message": ""}
    return _told(progress.model_copy(update=fresh), found)


def _told(progress: PodProgress, found: Cause | None) -> PodProgress:
    """Return the progress with the cause; the message stays while the reason is the same."""
    if found is None or progress.reason is found.reason:
        return progress
    return progress.model_copy(update={"reason": found.reason, "message": clip(found.message)})


def _failure(attempt: Attempt, workload: Workload, found: Cause) -> Reason | None:
    """Return the reason with which the revision fails; None: it does not, for example if the cluster is at fault.

    Rule: R23.
    Rule: R50.
    """
    if found.fault is PodFault.CLUSTER:
        holds = attempt.spec.rollout.on_unschedulable is OnUnschedulable.HOLD or found.reason is Reason.CONTROLLERS_AWAY
        if holds or attempt.was_verified or attempt.active.rolled_out_at is not None:
            return None
        return Reason.PROGRESS_DEADLINE_EXCEEDED
    if attempt.active.rolled_out_at is None and not attempt.was_verified:
        return Reason.PROGRESS_DEADLINE_EXCEEDED
    reports = attempt.was_verified and attempt.spec.rollback.on_unavailable is OnUnavailable.REPORT
    return None if workload.available or reports else Reason.PODS_UNAVAILABLE


def _shortfall(attempt: Attempt, progress: PodProgress, workload: Workload) -> str:
    """Return the start of the message: how many pods became available, in how many seconds."""
    seconds = attempt.spec.progress_deadline_seconds
    if attempt.active.rolled_out_at is not None:
        return f"no pod has been available for {seconds} s{' in total' if attempt.spent else ''}"
    further = "no further one" if progress.available else "none"
    return f"{progress.available} of {workload.replicas} pods became available, and {further} within {seconds} s"
