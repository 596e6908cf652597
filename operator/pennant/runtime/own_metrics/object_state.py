"""The gauges of a ModelDeployment, as a function of one pass."""

from collections.abc import Iterator

from pennant.api.analysis import Metric, MetricMode
from pennant.api.conditions import find
from pennant.api.deployment_status import MetricState, ModelDeploymentStatus
from pennant.api.reasons import ConditionType, Reason
from pennant.core.facts.decision import Decision
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Observation, Snapshot
from pennant.runtime.own_metrics import object_definitions as metrics
from pennant.runtime.own_metrics.definition import Definition

Value = tuple[Definition, tuple[str, ...], float]
"""A definition, the values of its labels after `namespace` and `name`, and a number."""

CONDITIONS = frozenset(each.value for each in ConditionType)
REASONS = frozenset(each.value for each in Reason)
OTHER = "Other"
"""The reason of a condition that another release or client wrote: labels have values of closed sets."""


def gauges(seen: Observation, decision: Decision) -> Iterator[Value]:
    """Yield the gauges of the state after a pass, and the thresholds of the metrics in the spec."""
    snapshot, status = seen.snapshot, decision.status
    yield _info(snapshot, status)
    for condition in status.conditions:
        if condition.type in CONDITIONS:
            reason = condition.reason if condition.reason in REASONS else OTHER
            yield metrics.CONDITION, (condition.type, condition.status.value.lower(), reason), 1
    yield metrics.GENERATION, (), snapshot.generation
    yield metrics.OBSERVED_GENERATION, (), status.observed_generation
    yield metrics.REPLICAS, (), status.replicas
    yield metrics.READY_REPLICAS, (), status.ready_replicas
    if (active := current(status.history)) is not None:
        yield metrics.REVISION_START, (), active.started_at.timestamp()
    if isinstance(snapshot.spec, Invalid):
        return
    if snapshot.spec.version is None:
        tag = snapshot.spec.tag
        yield metrics.TAG_HOLDERS, (), sum(tag in each.tags and not each.deleting for each in snapshot.versions)
    for metric in snapshot.spec.analysis.metrics:
        yield from _threshold(metric)


def blocking_sources(seen: Observation, decision: Decision) -> frozenset[str]:
    """Return the suspect metric sources because of which the ModelDeployment is not rolled back."""
    stalled = find(decision.status.conditions, ConditionType.STALLED)
    spec = seen.snapshot.spec
    if isinstance(spec, Invalid) or stalled is None or stalled.reason != Reason.MASS_BREACH_SUSPECTED:
        return frozenset()
    breaching = {each.name for each in decision.status.analysis if each.state is MetricState.BREACHING}
    return frozenset(
        each.source
        for each in spec.analysis.metrics
        if each.name in breaching and each.mode is not MetricMode.OBSERVE and each.source in seen.distrusted
    )


def _info(snapshot: Snapshot, status: ModelDeploymentStatus) -> Value:
    model, tag = "", ""
    if not isinstance(snapshot.spec, Invalid):
        model, tag = snapshot.spec.model, "" if snapshot.spec.version is not None else snapshot.spec.tag
    desired = status.desired.version if status.desired else ""
    serving = status.serving.version if status.serving else ""
    return metrics.INFO, (model, tag, desired, serving), 1


def _threshold(metric: Metric) -> Iterator[Value]:
    if metric.threshold is None:
        return
    for bound, limit in (("min", metric.threshold.min), ("max", metric.threshold.max)):
        if limit is not None:
            yield metrics.CHECK_THRESHOLD, (metric.name, bound), float(limit)
