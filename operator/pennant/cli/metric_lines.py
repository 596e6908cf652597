"""The metrics of the current revision: last value, limit, state, since when."""

from collections.abc import Sequence
from datetime import datetime

from pennant.api.analysis import Metric, MetricMode
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.cli import output, spans
from pennant.core.facts.observation import Invalid, Snapshot

HEADER = ("METRIC", "STATUS", "VALUE", "LIMIT", "CHECKED", "SINCE", "MESSAGE")
SIGNS = {MetricState.PASSING: "✔", MetricState.BREACHING: "✖", MetricState.UNKNOWN: "?"}
NO_VALUE = "-"


def rows(snapshot: Snapshot, now: datetime) -> list[Sequence[str]]:
    """Return a row for each metric of the spec."""
    if isinstance(snapshot.spec, Invalid):
        return []
    told = {each.name: each for each in snapshot.status.analysis}
    return [_row(each, told.get(each.name), now) for each in snapshot.spec.analysis.metrics]


def _row(metric: Metric, told: MetricStatus | None, now: datetime) -> Sequence[str]:
    name = metric.name if metric.mode is MetricMode.ENFORCE else f"{metric.name} (observed)"
    if told is None:
        unread = "the operator has not read it yet"
        return (name, "? Unknown", NO_VALUE, limit(metric), output.NONE, output.NONE, unread)
    state = f"{SIGNS.get(told.state, '?')} {told.state}"
    checked = checked_ago(told, now) or output.NONE
    return (name, state, told.value or NO_VALUE, limit(metric), checked, spans.since(told.since, now), told.message)


def checked_ago(told: MetricStatus, now: datetime) -> str:
    """Return how long ago the check was whose value the status has, such as `2m ago`; empty: there was none yet."""
    return f"{spans.since(told.checked_at, now)} ago" if told.checked_at is not None else ""


def sentences(snapshot: Snapshot, now: datetime) -> list[str]:
    """Return a sentence for each metric that the operator has read: `accuracy: Passing, 0.953 (min 0.9), 2m ago`."""
    if isinstance(snapshot.spec, Invalid):
        return []
    metrics = {each.name: each for each in snapshot.spec.analysis.metrics}
    return [_sentence(metrics[each.name], each, now) for each in snapshot.status.analysis if each.name in metrics]


def _sentence(metric: Metric, told: MetricStatus, now: datetime) -> str:
    value = f"{told.value} ({limit(metric)})" if told.value is not None else f"no value ({limit(metric)})"
    return ", ".join(filter(None, (f"{metric.name}: {told.state}", value, checked_ago(told, now))))


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
