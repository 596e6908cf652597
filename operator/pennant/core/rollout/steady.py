"""Whether the checks of the metrics need a pass at all.

Most checks say of a verified revision what the ones before said: that all metrics pass. As long as they do, no object
changes and no other time has come, a pass would find nothing to write.

Rule: R226.
"""

from dataclasses import replace
from datetime import datetime

from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import HistoryEntry
from pennant.core.analysis.assessment import Verdict, assess, with_stored_values
from pennant.core.analysis.schedule import as_measured, compared_with, is_watched
from pennant.core.facts.in_place import current
from pennant.core.facts.measurement import Awaited, Measurements, of_checks
from pennant.core.facts.observation import Invalid, Observation, Snapshot
from pennant.core.rollout import archiving
from pennant.core.rollout.history import History
from pennant.core.rollout.pass_state import Pass


def is_steady(at: Pass) -> bool:
    """Return whether a pass depends on the metrics of a verified revision, all of which pass, and on nothing open."""
    active = at.active
    if active is None or active.verified_at is None or not is_watched(at.spec.analysis, active):
        return False
    if any((at.pending, at.actions, at.events, at.gate, at.refusal, at.rollback_blocked, at.dry_run)):
        return False
    return _is_answered(at.observation.measurements) and _is_undisturbed(at.observation) and _all_pass(at.verdict)


def remembered(snapshot: Snapshot) -> Snapshot:
    """Return what the checks of a verified revision need of a snapshot: little enough to keep it for many of them.

    That is the spec without the pod template, and of the status no conditions, and of its history the current revision,
    the rollback target, and what `due_measurements` looks at before each of them.
    """
    spec, status = snapshot.spec, snapshot.status
    active, target = current(status.history), status.stable
    measured = {each.revision for each in (active, target) if each is not None}
    needed = measured.union(*(_before(each, status.history) for each in status.history if each.revision in measured))
    entries = tuple(each for each in status.history if each.revision in needed)
    return replace(
        snapshot,
        spec=spec if isinstance(spec, Invalid) else spec.model_copy(update={"template": {}}),
        status=status.model_copy(update={"history": entries, "older_revisions": (), "conditions": ()}),
        versions=(),
        revisions=(),
        workload=None,
        services=None,
    )


def _before(entry: HistoryEntry, history: History) -> set[int]:
    """Return the revisions that say when the metrics of a revision begin: the one before it, and earlier equal ones."""
    earlier = [each for each in history if each.revision < entry.revision]
    same_version = [each.revision for each in earlier if each.version == entry.version]
    same_template = [each.revision for each in earlier if each.template_hash == entry.template_hash]
    return {entry.revision - 1, *same_version[-1:], *same_template[-1:]}


def _is_answered(measurements: Measurements) -> bool:
    """Return whether each check has its answer; one without keeps its state, and the circuit breaker hears later."""
    return not any(isinstance(each.answer, Awaited) or each.pending for each in of_checks(measurements))


def _is_undisturbed(seen: Observation) -> bool:
    """Return whether a pass used nothing but the objects and the metrics."""
    others = (seen.refusals, seen.failing, seen.distrusted, seen.unwatched, seen.pods)
    is_archived = seen.archived is None or not archiving.due(seen.snapshot.status)
    return is_archived and not any(others)


def confirmed(snapshot: Snapshot, measurements: Measurements, now: datetime) -> tuple[MetricStatus, ...] | None:
    """Return the metrics if the newest checks say of each what the status says, and all pass; None: a pass is needed.

    `snapshot` is what `remembered` returned for the last pass, which was steady.
    """
    spec, status = snapshot.spec, snapshot.status
    active = current(status.history)
    if isinstance(spec, Invalid) or active is None:
        return None
    entry, stable = as_measured(active, status.measured_since), compared_with(status, active)
    verdict = assess(spec.analysis, entry, stable, measurements, status.analysis, now)
    if not _all_pass(verdict):
        return None
    is_as_stored = with_stored_values(verdict.metrics, status.analysis) == tuple(status.analysis)
    return verdict.metrics if is_as_stored else None


def _all_pass(verdict: Verdict) -> bool:
    """Return whether all metrics pass. A single failed check counts: a pass reports it to the circuit breaker."""
    is_clean = not verdict.evidence and verdict.resumes_at is None
    return is_clean and bool(verdict.metrics) and all(each.state is MetricState.PASSING for each in verdict.metrics)
