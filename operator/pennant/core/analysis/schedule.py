"""Which requests are due for the metrics of a ModelDeployment.

In: its spec and status, and the time. Out: requests by `Question`. What a kind of metric asks, and when, is its own
business (`pennant.core.analysis.kinds`); whether a revision is watched at all is decided here.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pennant.api.analysis import AfterPromotion, Analysis, Metric
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core.analysis import query_template
from pennant.core.analysis.grid import checks_done, first_check_at
from pennant.core.analysis.kind import WatchedRevision
from pennant.core.analysis.kinds import KINDS
from pennant.core.facts.measurement import Question, Request
from pennant.core.facts.observation import Key


def is_watched(analysis: Analysis, entry: HistoryEntry) -> bool:
    """Return whether a revision's metrics are read: from its first available pod on.

    Rule: R29.
    Rule: R52.
    """
    if entry.available_at is None or entry.ended_at is not None:
        return False
    return entry.verified_at is None or analysis.after_promotion is AfterPromotion.WATCH


def as_measured(entry: HistoryEntry, since: datetime | None) -> HistoryEntry:
    """Return the entry as its metrics see it: the time before `since`, when it had no pod, does not count.

    Rule: R48.
    """
    if since is None:
        return entry
    marks = {name: getattr(entry, name) for name in ("available_at", "rolled_out_at")}
    later = {name: since for name, mark in marks.items() if mark is not None and mark < since}
    return entry.model_copy(update=later) if later else entry


def next_check_at(analysis: Analysis, entry: HistoryEntry, now: datetime) -> datetime | None:
    """Return the next grid point of a revision, whether or not all of its metrics are checked there."""
    first = first_check_at(analysis, entry.available_at)
    if first is None:
        return None
    done = checks_done(analysis, entry.available_at, now)
    return first + timedelta(seconds=done * analysis.interval_seconds)


def compared_with(status: ModelDeploymentStatus, entry: HistoryEntry) -> HistoryEntry | None:
    """Return the revision that a revision is compared with; None where its own template is the verified one."""
    stable = status.stable
    if stable is None:
        return None
    found = next((each for each in status.history if each.revision == stable.revision), None)
    return None if found is None or found.template_hash == entry.template_hash else found


def needs_pod_template_hash(spec: ModelDeploymentSpec) -> bool:
    """Return whether a metric cannot be read before the `pod-template-hash` of the revision's pods is known.

    Rule: R39.
    """
    return any(query_template.POD_TEMPLATE_HASH in _needed(metric) for metric in spec.analysis.metrics)


def due_measurements(
    key: Key,
    spec: ModelDeploymentSpec,
    status: ModelDeploymentStatus,
    now: datetime,
    hinted_at: datetime | None = None,
) -> dict[Question, Request]:
    """Return the requests for the newest grid points; none before the first one.

    `hinted_at` is when somebody said that alerts have changed: they are requested once more, whatever the grid.
    """
    entry = status.history[-1] if status.history else None
    if entry is None or not is_watched(spec.analysis, entry):
        return {}
    if spec.replicas == 0 or (status.progress is not None and status.progress.scaled_to_zero):
        return {}
    stable = compared_with(status, entry)
    watched = WatchedRevision(key, spec, status, as_measured(entry, status.measured_since), stable, now, hinted_at)
    return {question: each for metric in spec.analysis.metrics for question, each in _requests(metric, watched)}


def _requests(metric: Metric, watched: WatchedRevision) -> Iterator[tuple[Question, Request]]:
    """Yield the requests of one metric; none while a placeholder has no value."""
    if watched.values().keys() >= _needed(metric):
        for role, request in KINDS[metric.kind].requests(metric, metric.query, watched):
            yield Question(metric.name, role), request


def _needed(metric: Metric) -> frozenset[str]:
    """Return the names of the placeholders in the texts of a metric."""
    texts = KINDS[metric.kind].texts(metric, metric.query)
    return frozenset[str]().union(*map(query_template.needed, texts))
