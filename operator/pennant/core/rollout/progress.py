"""The clock of one attempt: whether the pods of the current revision become available, and why not.

A rollout has failed when the number of available pods of its template has not reached a new maximum for
`progressDeadlineSeconds`, and the revision itself is to blame. The Deployment's own condition `Progressing` is no
measure of that: it keeps what it said of the template before, and counts pods that are ready only for a moment.

Rule: R19.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.deployment_status import PodProgress
from pennant.api.history import HistoryEntry
from pennant.api.meta import clip
from pennant.api.model_deployment import ModelDeploymentSpec, OnUnavailable, OnUnschedulable
from pennant.api.reasons import Reason
from pennant.core.analysis.schedule import needs_pod_template_hash
from pennant.core.facts import pods
from pennant.core.facts.current_revision import current
from pennant.core.facts.observation import Invalid, Observation, Snapshot, Span, Workload
from pennant.core.facts.pods import Cause, PodFault, Pods

LOOK_AFTER = timedelta(seconds=30)
"""After so long without a new pod the pods are looked at, so that the status can say what they wait for."""
LOOK_AGAIN_AFTER = timedelta(seconds=30)
"""While a rollout cannot go on, its pods are looked at this often."""
STANDSTILLS = frozenset({Reason.PAUSED, Reason.SCALED_TO_ZERO})
"""Reasons that are somebody's wish, so that nothing is wrong with the pods."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The pods of the revision are not available in time, and the revision is to blame."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the clock of the current revision depends on."""

    observation: Observation
    spec: ModelDeploymentSpec
    active: HistoryEntry
    was_verified: bool
    """Whether its content was known good with its pod template before."""

    @property
    def now(self) -> datetime:
        """The time of the observation."""
        return self.observation.now

    @property
    def workload(self) -> Workload | None:
        """The Deployment, if it is known to be what this revision asked for; None: it says nothing about it.

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
        """The pods of this revision, where they were read for this pass."""
        found = self.observation.pods
        return found if found is not None and found.template_hash == self.active.template_hash else None

    @property
    def deadline(self) -> timedelta:
        """How long no further pod may become available."""
        return timedelta(seconds=self.spec.progress_deadline_seconds)

    @property
    def spent(self) -> timedelta:
        """How long no pod was available in earlier outages; nothing of what is known good."""
        return timedelta(seconds=0 if self.was_verified else self.active.unavailable_seconds or 0)

    @property
    def before(self) -> PodProgress | None:
        """What the status says of this revision's progress."""
        progress = self.observation.snapshot.status.progress
        return progress if progress is not None and progress.revision == self.active.revision else None


def advanced(attempt: Attempt) -> PodProgress | None:
    """Return how far the pods have come by now; None while enough of them are available."""
    before, workload, now = attempt.before, attempt.workload, attempt.now
    # What the Deployment counts is about an older spec until its controller has seen the newest one.
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
    """Return the entry of the revision with the outage that is over now; the next one goes on where it ended.

    So pods that come for a moment and go again do not put off the end of the deadline for ever.

    Rule: R50.
    """
    before, active = attempt.before, attempt.active
    if before is None or attempt.was_verified or active.rolled_out_at is None:
        return active
    was_out = before.available == 0 and not before.stopped and before.reason in (None, Reason.PODS_UNAVAILABLE)
    if not was_out or (progress is not None and progress.available == 0):
        return active
    out = attempt.now - watched(before.since, attempt.observation.unwatched, attempt.now)
    return active.model_copy(update={"unavailable_seconds": int(out.total_seconds())})


def measured_since(attempt: Attempt, progress: PodProgress | None) -> datetime | None:
    """Return since when metrics count, where the revision was scaled to zero: its first available pod after that.

    Rule: R48.
    """
    before = attempt.before
    is_over = before is not None and before.scaled_to_zero and not (progress and progress.scaled_to_zero)
    return attempt.now if is_over else attempt.observation.snapshot.status.measured_since


def is_enough(active: HistoryEntry, workload: Workload) -> bool:
    """Return whether the revision was rolled out, and its minimum of pods is available and at least one."""
    return active.rolled_out_at is not None and workload.available > 0 and workload.minimum_available


def available_pods(workload: Workload, looked_at: Pods | None, now: datetime) -> int:
    """Return how many pods of the template are available: certainly so many by the Deployment's own counts.

    More pods are available than there are pods of older templates. Where the pods were read, they tell it exactly.
    """
    if looked_at is not None:
        return looked_at.available(workload.min_ready_seconds, now)
    return max(workload.available - (workload.total - workload.updated), 0) if workload.settled else 0


def watched(since: datetime, unwatched: tuple[Span, ...], now: datetime) -> datetime:
    """Return a moment put off by the time after it in which nobody could look; never one in the future.

    Rule: R22.
    """
    for each in unwatched:
        since += max(each.end - max(each.begin, since), timedelta(0))
    return min(since, now)


def _standstill(spec: ModelDeploymentSpec, workload: Workload) -> Reason | None:
    """Return by whose wish no pod is to become available; None: by nobody's.

    Rule: R48.
    """
    if workload.replicas == 0:
        return Reason.SCALED_TO_ZERO
    return Reason.PAUSED if spec.paused or workload.paused else None


def is_overdue(attempt: Attempt, progress: PodProgress) -> bool:
    """Return whether no further pod became available in time."""
    return not progress.stopped and attempt.now - progress.since >= attempt.deadline


def needs_a_look(attempt: Attempt) -> bool:
    """Return whether the pods are to be read: a verdict or a message depends on them."""
    progress = advanced(attempt)
    if progress is None or attempt.workload is None or progress.reason in STANDSTILLS:
        return False
    waits = attempt.now - progress.since
    return progress.stopped or waits >= attempt.deadline or (progress.reason is None and waits >= LOOK_AFTER)


def revision_to_look_at(snapshot: Snapshot, unwatched: tuple[Span, ...], now: datetime) -> HistoryEntry | None:
    """Return the current revision, if its pods are to be read for this pass; None: they are not.

    A verdict or a message may depend on them, or a query that names pods by the hash that Kubernetes gave them.
    """
    active, spec = current(snapshot.status.history), snapshot.spec
    if isinstance(spec, Invalid) or snapshot.deleting or active is None:
        return None
    attempt = Attempt(Observation(now, snapshot, unwatched=unwatched), spec, active, was_verified=False)
    nameless = active.available_at is not None and active.pod_template_hash is None
    is_needed = nameless and attempt.workload is not None and needs_pod_template_hash(spec)
    return active if is_needed or needs_a_look(attempt) else None


def next_look_at(attempt: Attempt, progress: PodProgress | None) -> datetime | None:
    """Return when time alone makes the pods worth a look; None: it does not."""
    if progress is None or attempt.workload is None or progress.reason in STANDSTILLS:
        return None
    if progress.stopped or is_overdue(attempt, progress):
        return attempt.now + LOOK_AGAIN_AFTER
    first, deadline = progress.since + LOOK_AFTER, progress.since + attempt.deadline
    return min(first, deadline) if progress.reason is None else deadline


def judged(attempt: Attempt, progress: PodProgress | None) -> tuple[PodProgress | None, Failure | None]:
    """Return the progress with what a look at the pods has shown, and the failure of the revision if it is one.

    Rule: R20.
    """
    looked_at, workload = attempt.looked_at, attempt.workload
    if progress is None or looked_at is None or workload is None or progress.reason in STANDSTILLS:
        return progress, None
    found = pods.cause(looked_at, workload.min_ready_seconds, attempt.now)
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
    """Return the progress of a rollout that waits; where the cluster lets it go on, it has its whole time again."""
    if attempt.was_verified or (found is not None and found.fault is PodFault.CLUSTER):
        return progress if found is None else _told(progress, found)
    fresh = {"since": attempt.now, "stopped": False, "reason": None, "message": ""}
    return _told(progress.model_copy(update=fresh), found)


def _told(progress: PodProgress, found: Cause | None) -> PodProgress:
    """Return the progress with the cause; while its reason stays the same, so does the sentence."""
    if found is None or progress.reason is found.reason:
        return progress
    return progress.model_copy(update={"reason": found.reason, "message": clip(found.message)})


def _failure(attempt: Attempt, workload: Workload, found: Cause) -> Reason | None:
    """Return why the revision has failed; None: it has not, or nothing follows from that.

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
    """Return how far the pods came, in numbers."""
    seconds = attempt.spec.progress_deadline_seconds
    if attempt.active.rolled_out_at is not None:
        return f"no pod has been available for {seconds} s{' in total' if attempt.spent else ''}"
    further = "no further one" if progress.available else "none"
    return f"{progress.available} of {workload.replicas} pods became available, and {further} within {seconds} s"
