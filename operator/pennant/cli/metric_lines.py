"""The metrics of the current revision: last value, limit, state, since when."""

import re
from collections.abc import Sequence
from datetime import datetime

from pennant.api.analysis import Metric, MetricMode
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.cli import output, spans
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Snapshot

HEADER = ("METRIC", "STATUS", "VALUE", "LIMIT", "SINCE", "MESSAGE")
SIGNS = {MetricState.PASSING: "✔", MetricState.BREACHING: "✖", MetricState.UNKNOWN: "?"}
_VALUE = re.compile(r" is (-?[0-9][0-9.e+-]*|nan|-?inf), ")
"""How `core.analysis.evaluation` says a value that is no pass: the status has no number of a metric that passes."""


def rows(snapshot: Snapshot, now: datetime) -> list[Sequence[str]]:
    """Return a row for each metric of the spec, and for each that only the status has."""
    if isinstance(snapshot.spec, Invalid):
        return []
    told = {each.name: each for each in snapshot.status.analysis}
    metrics = {each.name: each for each in snapshot.spec.analysis.metrics}
    return [_row(snapshot, each, told.get(each.name), now) for each in metrics.values()]


def _row(snapshot: Snapshot, metric: Metric, told: MetricStatus | None, now: datetime) -> Sequence[str]:
    name = metric.name if metric.mode is MetricMode.ENFORCE else f"{metric.name} (observed)"
    if told is None:
        return (name, "? Unknown", "-", limit(metric), output.NONE, "the operator has not read it yet")
    state = f"{SIGNS.get(told.state, '?')} {told.state}"
    return (name, state, value(snapshot, told), limit(metric), spans.since(told.since, now), told.message)


def value(snapshot: Snapshot, told: MetricStatus) -> str:
    """Return the last value that the status has of a metric; `-`: it has none."""
    active = current(snapshot.status.history)
    for each in active.evidence if active is not None else ():
        if each.metric == told.name:
            return each.value
    found = _VALUE.search(told.message)
    return found.group(1) if found is not None else "-"


def limit(metric: Metric) -> str:
    """Return what a metric is held against, such as `min 0.9`."""
    if metric.alert is not None:
        return f"no alert {' or '.join(metric.alert.alert_names)}"
    limits = []
    if metric.threshold is not None:
        word, number = (
            ("max", metric.threshold.max) if metric.threshold.max is not None else ("min", metric.threshold.min)
        )
        limits.append(f"{word} {number}")
    if metric.max_increase_percent is not None:
        limits.append(f"at most {metric.max_increase_percent} % above stable")
    if metric.max_decrease_percent is not None:
        limits.append(f"at most {metric.max_decrease_percent} % below stable")
    return ", ".join(limits)
