"""When a revision's metrics are read, and by which queries.

Each metric is read at grid points `availableAt + initialDelaySeconds + k * intervalSeconds`, `k >= 1`, the last
`breaches.of` of them in one query. So the number of breaches comes from the source each time, and neither a restart
nor a change of leader loses it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from pennant.api.model_deployment import (
    AfterPromotion,
    Analysis,
    HistoryEntry,
    Metric,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
)
from pennant.core.measurement import RangeQuery
from pennant.core.observation import Key

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "'": r"\'", "\n": r"\n", "\r": r"\r"})


def is_watched(analysis: Analysis, entry: HistoryEntry) -> bool:
    """Return whether a revision's metrics are read: from its first available pod on."""
    if entry.available_at is None or entry.ended_at is not None:
        return False
    return entry.verified_at is None or analysis.after_promotion is AfterPromotion.WATCH


def first_check_at(analysis: Analysis, entry: HistoryEntry) -> datetime | None:
    """Return when the first check of a revision is due; its window lies wholly within the revision's life."""
    if entry.available_at is None:
        return None
    delay = analysis.initial_delay_seconds + analysis.interval_seconds
    return entry.available_at + timedelta(seconds=delay)


def checks_done(analysis: Analysis, entry: HistoryEntry, now: datetime) -> int:
    """Return how many grid points of a revision have passed."""
    first = first_check_at(analysis, entry)
    if first is None or now < first:
        return 0
    return int((now - first).total_seconds() // analysis.interval_seconds) + 1


def next_check_at(analysis: Analysis, entry: HistoryEntry, now: datetime) -> datetime | None:
    """Return the next grid point of a revision."""
    first = first_check_at(analysis, entry)
    if first is None:
        return None
    done = checks_done(analysis, entry, now)
    return first + timedelta(seconds=done * analysis.interval_seconds)


def due_measurements(
    key: Key, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, now: datetime
) -> dict[str, RangeQuery]:
    """Return the query of each metric for the newest grid points; none before the first one."""
    entry = status.history[-1] if status.history else None
    if entry is None or not is_watched(spec.analysis, entry):
        return {}
    done = checks_done(spec.analysis, entry, now)
    first = first_check_at(spec.analysis, entry)
    if not done or first is None:
        return {}
    interval = spec.analysis.interval_seconds
    values = _values(key, spec, status, entry)

    def request(metric: Metric) -> RangeQuery:
        oldest = max(done - metric.breaches.of, 0)
        return RangeQuery(
            source=metric.prometheus.source,
            query=substituted(metric.prometheus.query, values),
            start=first + timedelta(seconds=oldest * interval),
            end=first + timedelta(seconds=(done - 1) * interval),
            step_seconds=interval,
            # No sample from before the revision, and none older than two intervals.
            lookback_seconds=interval * min(oldest + 1, 2),
        )

    return {metric.name: request(metric) for metric in spec.analysis.metrics}


def _values(key: Key, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, entry: HistoryEntry) -> dict[str, str]:
    stable = status.stable
    stable_entry = next((each for each in status.history if stable and each.revision == stable.revision), None)
    return {
        "namespace": key.namespace,
        "name": key.name,
        "model": spec.model,
        "version": entry.version,
        "templateHash": entry.template_hash,
        "stableVersion": stable.version if stable else "",
        "stableTemplateHash": stable_entry.template_hash if stable_entry else "",
        "window": f"{spec.analysis.interval_seconds}s",
    }


def substituted(query: str, values: Mapping[str, str]) -> str:
    """Return the query with its placeholders filled; a value stays inside the string it stands in."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return values[name].translate(_ESCAPES) if name in values else match.group(0)

    return _PLACEHOLDER.sub(fill, query)
