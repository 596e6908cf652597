"""Whether the checks of the metrics need a pass at all.

Most checks say of a verified revision what the ones before said: that all metrics pass. As long as they do, no object
changes and no other time has come, a pass would find nothing to write.

Rule: R226.
"""

from datetime import datetime

from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.core.analysis.assessment import assess
from pennant.core.analysis.schedule import as_measured, compared_with, is_watched
from pennant.core.facts.in_place import current
from pennant.core.facts.measurement import Awaited, Measurements, Role
from pennant.core.facts.observation import Invalid, Observation, Snapshot
from pennant.core.rollout import archiving
from pennant.core.rollout.pass_state import Pass


def is_steady(at: Pass) -> bool:
    """Return whether a pass depends on the metrics of a verified revision, all of which pass, and on nothing open."""
    active = at.active
    if active is None or active.verified_at is None or not is_watched(at.spec.analysis, active):
        return False
    open_points = (at.pending, at.actions, at.events, at.gate, at.refusal, at.rollback_blocked, at.dry_run)
    # A check without an answer keeps the state of the one before, and is not reported to the circuit breaker yet.
    is_answered = at.verdict.clean_since is not None and at.verdict.resumes_at is None
    is_complete = not any(
        question.role is not Role.EXPLANATION and (isinstance(each.answer, Awaited) or each.pending)
        for question, each in at.observation.measurements.items()
    )
    return (
        not any(open_points)
        and is_answered
        and is_complete
        and _is_undisturbed(at.observation)
        and _all_pass(at.verdict.metrics)
    )


def _is_undisturbed(seen: Observation) -> bool:
    """Return whether a pass used nothing but the objects and the metrics."""
    others = (seen.refusals, seen.failing, seen.distrusted, seen.unwatched, seen.pods)
    is_archived = seen.archived is None or not archiving.due(seen.snapshot.status)
    return is_archived and not any(others)


def confirmed(snapshot: Snapshot, measurements: Measurements, now: datetime) -> tuple[MetricStatus, ...] | None:
    """Return the metrics if the newest checks say of each what the status says, and all pass; None: a pass is needed.

    `snapshot` is that of the last pass, which was steady; it need not have the objects that belong to it.
    """
    spec, status = snapshot.spec, snapshot.status
    active = current(status.history)
    if isinstance(spec, Invalid) or active is None:
        return None
    entry, stable = as_measured(active, status.measured_since), compared_with(status, active)
    verdict = assess(spec.analysis, entry, stable, measurements, status.analysis, now)
    # A single failed check that breaches nothing yet is reported to the circuit breaker by a pass.
    if verdict.evidence or verdict.resumes_at is not None or not _all_pass(verdict.metrics):
        return None
    stored = {each.name: {"value": each.value, "checked_at": each.checked_at} for each in status.analysis}
    as_stored = tuple(each.model_copy(update=stored.get(each.name)) for each in verdict.metrics)
    return verdict.metrics if as_stored == tuple(status.analysis) else None


def _all_pass(metrics: tuple[MetricStatus, ...]) -> bool:
    return bool(metrics) and all(each.state is MetricState.PASSING for each in metrics)
