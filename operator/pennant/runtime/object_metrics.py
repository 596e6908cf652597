"""Prometheus metrics of each ModelDeployment: its versions, conditions, rollouts, rollbacks and checks.

The series of an object exist from its first pass until it is deleted. Only the leader has them: the others run no pass.
"""

from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pennant.api.deployment_status import MetricState
from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.facts.decision import Decision
from pennant.core.facts.measurement import Answer, Awaited, Question, Request
from pennant.core.facts.observation import Invalid, Key, Observation

Instrument = TypeVar("Instrument", Gauge, Counter)
OBJECT = ("namespace", "name")
STATUSES = ("true", "false", "unknown")
ROLLOUT_RESULTS = {
    Outcome.SERVING: "completed",
    Outcome.FAILED: "failed",
    Outcome.ROLLED_BACK: "rolled_back",
    Outcome.SUPERSEDED: "superseded",
}
ROLLBACK_REASONS = (Reason.METRIC_BREACH, Reason.PROGRESS_DEADLINE_EXCEEDED, Reason.PODS_UNAVAILABLE)
CHECK_RESULTS = ("ok", "breach", "no_data", "error")
ERRORS = frozenset({Reason.SOURCE_UNAVAILABLE, Reason.SOURCE_SLOW, Reason.SOURCE_UNKNOWN, Reason.QUERY_REFUSED})
ROLLOUT_BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
ROLLBACK_BUCKETS = (0.5, 1, 2, 5, 10, 15, 30, 60)


class Durations:
    """Histograms over all ModelDeployments; buckets for each one would be too many series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Create the histograms on this registry."""
        self.rollout = Histogram(
            "pennant_rollout_duration_seconds",
            "Time from the creation of a revision until all pods are of that revision.",
            buckets=ROLLOUT_BUCKETS,
            registry=registry,
        )
        self.rollback = Histogram(
            "pennant_rollback_duration_seconds",
            "Time from the failed analysis or rollout until all pods are of the rollback target.",
            buckets=ROLLBACK_BUCKETS,
            registry=registry,
        )


class ObjectMetrics:
    """The metrics of all ModelDeployments."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Create the metrics on this registry."""
        prefix = "pennant_modeldeployment"
        self._series: dict[Key, set[tuple[Gauge | Counter, tuple[str, ...]]]] = {}
        """The series of each ModelDeployment, by metric and labels; a search through all series would take seconds."""

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, (*OBJECT, *labels), registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, (*OBJECT, *labels), registry=registry)

        self._info = gauge(
            f"{prefix}_info",
            "The tag, target version and serving version of a ModelDeployment; always 1.",
            *("model", "tag", "desired_version", "serving_version"),
        )
        self._condition = gauge(
            f"{prefix}_status_condition", "Whether a condition has this status: 1 or 0.", "condition", "status"
        )
        self._generation = gauge(f"{prefix}_metadata_generation", "The generation of the spec.")
        self._observed = gauge(f"{prefix}_status_observed_generation", "The generation that the status is of.")
        self._replicas = gauge(f"{prefix}_replicas", "Number of pods.")
        self._ready_replicas = gauge(f"{prefix}_ready_replicas", "Number of ready pods.")
        self._holders = gauge("pennant_tag_holders", "Number of ModelVersions with the tag.")
        self._rollouts = counter("pennant_rollouts_total", "Rollouts, by result.", "result")
        self._rollbacks = counter("pennant_rollbacks_total", "Automatic rollbacks, by reason.", "reason")
        self._checks = counter("pennant_metric_checks_total", "Checks of a metric, by result.", "metric", "result")
        self._value = gauge("pennant_metric_check_value", "The value of the last check with a value.", "metric")
        self._threshold = gauge("pennant_metric_check_threshold", "The threshold of a metric.", "metric")
        self._durations = Durations(registry)
        self._checked: dict[Key, dict[str, Request]] = {}
        self._infos: dict[Key, tuple[str, ...]] = {}

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Record a pass; without an observation the ModelDeployment was deleted, and its series are removed."""
        if seen is None or decision is None:
            self._forget(key)
            return
        if key not in self._checked:
            self._create_counters(key)
        self._set_state(key, seen, decision)
        self._count_history(key, seen, decision)
        if not isinstance(seen.snapshot.spec, Invalid):
            self._count_checks(key, seen, seen.snapshot.spec, decision)

    def _series_of(self, key: Key, instrument: Instrument, *labels: str) -> Instrument:
        """Return the series of a ModelDeployment with these labels in addition to its namespace and name."""
        values = (key.namespace, key.name, *labels)
        self._series.setdefault(key, set()).add((instrument, values))
        return instrument.labels(*values)

    def _create_counters(self, key: Key) -> None:
        """Create the counters at 0: `increase()` does not see the first value of a new series."""
        self._checked[key] = {}
        for result in ROLLOUT_RESULTS.values():
            self._series_of(key, self._rollouts, result)
        for reason in ROLLBACK_REASONS:
            self._series_of(key, self._rollbacks, reason.value)

    def _set_state(self, key: Key, seen: Observation, decision: Decision) -> None:
        snapshot, status = seen.snapshot, decision.status
        model, tag = "", ""
        if not isinstance(snapshot.spec, Invalid):
            model, tag = snapshot.spec.model, snapshot.spec.tag
            held = sum(tag in each.tags and not each.deleting for each in snapshot.versions)
            self._series_of(key, self._holders).set(held)
        desired = status.desired.version if status.desired else ""
        serving = status.serving.version if status.serving else ""
        labels = (model, tag, desired, serving)
        if self._infos.get(key) != labels:
            if key in self._infos:
                self._remove(key, self._info)
            self._series_of(key, self._info, *labels).set(1)
            self._infos[key] = labels
        for condition in status.conditions:
            for each in STATUSES:
                held_status = float(condition.status.value.lower() == each)
                self._series_of(key, self._condition, condition.type, each).set(held_status)
        self._series_of(key, self._generation).set(snapshot.generation)
        self._series_of(key, self._observed).set(status.observed_generation)
        self._series_of(key, self._replicas).set(status.replicas)
        self._series_of(key, self._ready_replicas).set(status.ready_replicas)

    def _count_history(self, key: Key, seen: Observation, decision: Decision) -> None:
        """Count the rollouts and rollbacks that this pass adds to the history."""
        before = {each.revision: each for each in seen.snapshot.status.history}
        for entry in decision.status.history:
            old = before.get(entry.revision)
            if old is None and entry.trigger is Trigger.AUTOMATIC_ROLLBACK and before:
                self._series_of(key, self._rollbacks, self._rollback_reason(decision, entry)).inc()
            if old is not None and old.outcome is not entry.outcome and entry.outcome in ROLLOUT_RESULTS:
                self._series_of(key, self._rollouts, ROLLOUT_RESULTS[entry.outcome]).inc()
            if old is not None and old.rolled_out_at is None and entry.rolled_out_at is not None:
                self._durations.rollout.observe((entry.rolled_out_at - entry.started_at).total_seconds())
                self._observe_rollback(decision, entry)

    def _rollback_reason(self, decision: Decision, entry: HistoryEntry) -> str:
        reasons = {each.revision: each.reason.value for each in decision.status.quarantine}
        return reasons.get(entry.revision - 1, Reason.METRIC_BREACH.value)

    def _observe_rollback(self, decision: Decision, entry: HistoryEntry) -> None:
        found = {each.revision: each.since for each in decision.status.quarantine}.get(entry.revision - 1)
        if entry.trigger is Trigger.AUTOMATIC_ROLLBACK and found is not None and entry.rolled_out_at is not None:
            self._durations.rollback.observe((entry.rolled_out_at - found).total_seconds())

    def _count_checks(self, key: Key, seen: Observation, spec: ModelDeploymentSpec, decision: Decision) -> None:
        states = {each.name: each for each in decision.status.analysis}
        known = self._checked[key]
        for metric in spec.analysis.metrics:
            if metric.threshold is not None:
                threshold = metric.threshold.max or metric.threshold.min or "0"
                self._series_of(key, self._threshold, metric.name).set(float(threshold))
            for result in CHECK_RESULTS:
                self._series_of(key, self._checks, metric.name, result)
            measurement = seen.measurements.get(Question(metric.name))
            if measurement is None or isinstance(measurement.answer, Awaited) or metric.name not in states:
                continue
            if known.get(metric.name) == measurement.request:
                continue
            known[metric.name] = measurement.request
            state = states[metric.name]
            self._series_of(key, self._checks, metric.name, _result(state.state, state.reason)).inc()
            if isinstance(measurement.answer, Answer) and (value := measurement.answer.number) is not None:
                self._series_of(key, self._value, metric.name).set(value)
        for name in known.keys() - {metric.name for metric in spec.analysis.metrics}:
            del known[name]
            for instrument in (self._checks, self._value, self._threshold):
                self._remove(key, instrument, name)

    def _forget(self, key: Key) -> None:
        if self._checked.pop(key, None) is None:
            return
        self._infos.pop(key, None)
        for instrument, labels in self._series.pop(key, ()):
            instrument.remove(*labels)

    def _remove(self, key: Key, instrument: Gauge | Counter, *first: str) -> None:
        """Remove the series of a ModelDeployment from one metric whose further labels start with `first`."""
        known, prefix = self._series[key], (key.namespace, key.name, *first)
        for each in [each for each in known if each[0] is instrument and each[1][: len(prefix)] == prefix]:
            instrument.remove(*each[1])
            known.remove(each)


def _result(state: MetricState, reason: Reason) -> str:
    if state is MetricState.PASSING:
        return "ok"
    if reason in ERRORS:
        return "error"
    return "breach" if state is MetricState.BREACHING else "no_data"
