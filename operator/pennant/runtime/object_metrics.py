"""Metrics of ModelDeployments: what each asks for and serves, its conditions, rollouts, rollbacks and checks.

All series of an object begin at its first pass and go when it goes. Only the leader decides, so only it has them.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pennant.api.deployment_status import HistoryEntry, MetricState, Outcome, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.decision import Decision
from pennant.core.measurement import Awaited, Measurement, Question, Request, Series
from pennant.core.observation import Invalid, Key, Observation

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
MINUTES = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class ObjectMetrics:
    """The instruments of ModelDeployments."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make the instruments on this registry."""
        prefix = "pennant_modeldeployment"
        self._labels: dict[Gauge | Counter, tuple[str, ...]] = {}

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            made = Gauge(name, text, (*OBJECT, *labels), registry=registry)
            self._labels[made] = (*OBJECT, *labels)
            return made

        def counter(name: str, text: str, *labels: str) -> Counter:
            made = Counter(name, text, (*OBJECT, *labels), registry=registry)
            self._labels[made] = (*OBJECT, *labels)
            return made

        self._info = gauge(
            f"{prefix}_info",
            "What a ModelDeployment follows and serves; always 1.",
            *("model", "tag", "desired_version", "serving_version"),
        )
        self._condition = gauge(
            f"{prefix}_status_condition", "Whether a condition has this status: 1 or 0.", "condition", "status"
        )
        self._generation = gauge(f"{prefix}_metadata_generation", "The generation of the spec.")
        self._observed = gauge(f"{prefix}_status_observed_generation", "The generation that the status is about.")
        self._replicas = gauge(f"{prefix}_replicas", "Pods that exist.")
        self._ready_replicas = gauge(f"{prefix}_ready_replicas", "Pods that are ready.")
        self._holders = gauge("pennant_tag_holders", "Versions that carry the tag that is followed.")
        self._rollouts = counter("pennant_rollouts_total", "Rollouts that came to this result.", "result")
        self._rollbacks = counter("pennant_rollbacks_total", "Automatic rollbacks, by reason.", "reason")
        self._checks = counter("pennant_metric_checks_total", "Checks of a metric, by result.", "metric", "result")
        self._value = gauge("pennant_metric_check_value", "The value of the last check that gave one.", "metric")
        self._threshold = gauge("pennant_metric_check_threshold", "The threshold that a metric must keep.", "metric")
        self._rollout_seconds = Histogram(
            "pennant_rollout_duration_seconds",
            "Time from the record of a revision until all pods are of it.",
            buckets=MINUTES,
            registry=registry,
        )
        self._rollback_seconds = Histogram(
            "pennant_rollback_duration_seconds",
            "Time from finding a version bad until all pods are of a version known good.",
            buckets=(0.5, 1, 2, 5, 10, 15, 30, 60),
            registry=registry,
        )
        self._checked: dict[Key, dict[str, Request]] = {}
        self._infos: dict[Key, tuple[str, ...]] = {}

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Take note of a pass; without an observation the ModelDeployment is gone."""
        if seen is None or decision is None:
            self._forget(key)
            return
        where = (key.namespace, key.name)
        if key not in self._checked:
            self._begin(key, where)
        self._note_state(key, seen, decision)
        self._note_history(where, seen, decision)
        if not isinstance(seen.snapshot.spec, Invalid):
            self._note_checks(key, seen, seen.snapshot.spec, decision)

    def _begin(self, key: Key, where: tuple[str, str]) -> None:
        """Start the counters at 0: an increment of a counter that was not there before is not seen."""
        self._checked[key] = {}
        for result in ROLLOUT_RESULTS.values():
            self._rollouts.labels(*where, result)
        for reason in ROLLBACK_REASONS:
            self._rollbacks.labels(*where, reason.value)

    def _note_state(self, key: Key, seen: Observation, decision: Decision) -> None:
        snapshot, status = seen.snapshot, decision.status
        where = (key.namespace, key.name)
        model, tag = "", ""
        if not isinstance(snapshot.spec, Invalid):
            model, tag = snapshot.spec.model, snapshot.spec.tag
            held = sum(tag in each.tags and not each.deleting for each in snapshot.versions)
            self._holders.labels(*where).set(held)
        desired = status.desired.version if status.desired else ""
        serving = status.serving.version if status.serving else ""
        labels = (*where, model, tag, desired, serving)
        if self._infos.get(key) != labels:
            if old := self._infos.get(key):
                self._info.remove(*old)
            self._info.labels(*labels).set(1)
            self._infos[key] = labels
        for condition in status.conditions:
            for each in STATUSES:
                held_status = float(condition.status.value.lower() == each)
                self._condition.labels(*where, condition.type, each).set(held_status)
        self._generation.labels(*where).set(snapshot.generation)
        self._observed.labels(*where).set(status.observed_generation)
        self._replicas.labels(*where).set(status.replicas)
        self._ready_replicas.labels(*where).set(status.ready_replicas)

    def _note_history(self, where: tuple[str, str], seen: Observation, decision: Decision) -> None:
        """Count what the status says for the first time in this pass."""
        before = {each.revision: each for each in seen.snapshot.status.history}
        for entry in decision.status.history:
            old = before.get(entry.revision)
            if old is None and entry.trigger is Trigger.AUTOMATIC_ROLLBACK and before:
                self._rollbacks.labels(*where, self._why(decision, entry)).inc()
            if old is not None and old.outcome is not entry.outcome and entry.outcome in ROLLOUT_RESULTS:
                self._rollouts.labels(*where, ROLLOUT_RESULTS[entry.outcome]).inc()
            if old is not None and old.rolled_out_at is None and entry.rolled_out_at is not None:
                self._rollout_seconds.observe((entry.rolled_out_at - entry.started_at).total_seconds())
                self._note_rollback_time(decision, entry)

    def _why(self, decision: Decision, entry: HistoryEntry) -> str:
        reasons = {each.revision: each.reason.value for each in decision.status.quarantine}
        return reasons.get(entry.revision - 1, Reason.METRIC_BREACH.value)

    def _note_rollback_time(self, decision: Decision, entry: HistoryEntry) -> None:
        found = {each.revision: each.since for each in decision.status.quarantine}.get(entry.revision - 1)
        if entry.trigger is Trigger.AUTOMATIC_ROLLBACK and found is not None and entry.rolled_out_at is not None:
            self._rollback_seconds.observe((entry.rolled_out_at - found).total_seconds())

    def _note_checks(self, key: Key, seen: Observation, spec: ModelDeploymentSpec, decision: Decision) -> None:
        where = (key.namespace, key.name)
        states = {each.name: each for each in decision.status.analysis}
        known = self._checked[key]
        for metric in spec.analysis.metrics:
            if metric.threshold is not None:
                threshold = metric.threshold.max or metric.threshold.min or "0"
                self._threshold.labels(*where, metric.name).set(float(threshold))
            for result in CHECK_RESULTS:
                self._checks.labels(*where, metric.name, result)
            measurement = seen.measurements.get(Question(metric.name))
            if measurement is None or isinstance(measurement.answer, Awaited) or metric.name not in states:
                continue
            if known.get(metric.name) == measurement.request:
                continue
            known[metric.name] = measurement.request
            state = states[metric.name]
            self._checks.labels(*where, metric.name, _result(state.state, state.reason)).inc()
            if (value := _last_value(measurement)) is not None:
                self._value.labels(*where, metric.name).set(value)
        for name in known.keys() - {metric.name for metric in spec.analysis.metrics}:
            del known[name]
            self._remove((self._checks, self._value, self._threshold), (*where, name))

    def _forget(self, key: Key) -> None:
        if self._checked.pop(key, None) is None:
            return
        self._infos.pop(key, None)
        self._remove(tuple(self._labels), (key.namespace, key.name))

    def _remove(self, instruments: Iterable[Gauge | Counter], prefix: tuple[str, ...]) -> None:
        """Remove all series whose labels begin like this."""
        for instrument in instruments:
            names = self._labels[instrument]
            samples = [sample for metric in instrument.collect() for sample in metric.samples]
            found = {tuple(sample.labels[name] for name in names) for sample in samples}
            for labels in found:
                if labels[: len(prefix)] == prefix:
                    instrument.remove(*labels)


def _result(state: MetricState, reason: Reason) -> str:
    if state is MetricState.PASSING:
        return "ok"
    if reason in ERRORS:
        return "error"
    return "breach" if state is MetricState.BREACHING else "no_data"


def _last_value(measurement: Measurement) -> float | None:
    if not isinstance(measurement.answer, Series) or len(measurement.answer.series) != 1:
        return None
    series = measurement.answer.series[0]
    return series[max(series)] if series else None
