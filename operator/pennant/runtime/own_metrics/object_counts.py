"""The counters of a ModelDeployment, and what is remembered of its checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import HistoryEntry, Trigger
from pennant.api.reasons import Reason
from pennant.core.analysis.reading import FAULT_REASONS
from pennant.core.facts.decision import Decision
from pennant.core.facts.measurement import Answer, Awaited, Measurements, Question, Request
from pennant.core.facts.observation import Invalid, Observation
from pennant.runtime.own_metrics.definition import Definition
from pennant.runtime.own_metrics.object_definitions import (
    CHECK_RESULTS,
    CHECK_VALUE,
    CHECKS,
    ROLLBACK_REASONS,
    ROLLBACKS,
    ROLLOUT_RESULTS,
    ROLLOUTS,
)

ERRORS = frozenset(FAULT_REASONS.values())


_AT_FIRST: Mapping[tuple[Definition, tuple[str, ...]], float] = {
    **{(ROLLOUTS, (result,)): 0 for result in ROLLOUT_RESULTS.values()},
    **{(ROLLBACKS, (reason.value,)): 0 for reason in ROLLBACK_REASONS},
}
"""Counters that begin at 0: `increase()` does not see the first value of a new series."""


@dataclass(slots=True)
class Counts:
    """Counters and last values of one ModelDeployment since the process began to lead."""

    values: dict[tuple[Definition, tuple[str, ...]], float] = field(default_factory=lambda: dict(_AT_FIRST))
    """By definition and the values of the labels after `namespace` and `name`."""
    checked: dict[str, Request] = field(default_factory=dict)
    """The last request that was counted, by metric."""

    def count(self, seen: Observation, decision: Decision) -> None:
        """Add what a pass brings: rollouts, rollbacks and checks."""
        self._count_history(seen, decision)
        if not isinstance(seen.snapshot.spec, Invalid):
            names = {each.name for each in seen.snapshot.spec.analysis.metrics}
            self._forget_others(names)
            for name, result in product(sorted(names), CHECK_RESULTS):
                self.values.setdefault((CHECKS, (name, result)), 0)
            self.count_checks(seen.measurements, [each for each in decision.status.analysis if each.name in names])

    def _count_history(self, seen: Observation, decision: Decision) -> None:
        before = {each.revision: each for each in seen.snapshot.status.history}
        for entry in decision.status.history:
            old = before.get(entry.revision)
            if old is None and entry.trigger is Trigger.AUTOMATIC_ROLLBACK and before:
                self.values[ROLLBACKS, (_rollback_reason(decision, entry),)] += 1
            if old is not None and old.outcome is not entry.outcome and entry.outcome in ROLLOUT_RESULTS:
                self.values[ROLLOUTS, (ROLLOUT_RESULTS[entry.outcome],)] += 1

    def count_checks(self, measurements: Measurements, metrics: Iterable[MetricStatus]) -> None:
        """Add the checks that were answered since the last time, each with what it says of its metric."""
        for metric in metrics:
            measurement = measurements.get(Question(metric.name))
            if measurement is None or isinstance(measurement.answer, Awaited):
                continue
            if self.checked.get(metric.name) == measurement.request:
                continue
            self.checked[metric.name] = measurement.request
            self.values[CHECKS, (metric.name, _result(metric))] += 1
            if isinstance(measurement.answer, Answer) and (value := measurement.answer.number) is not None:
                self.values[CHECK_VALUE, (metric.name,)] = value

    def _forget_others(self, names: set[str]) -> None:
        """Drop what is about metrics that the spec does not have any more."""
        for each in [each for each in self.values if each[0] in (CHECKS, CHECK_VALUE) and each[1][0] not in names]:
            del self.values[each]
        for name in self.checked.keys() - names:
            del self.checked[name]


def _rollback_reason(decision: Decision, entry: HistoryEntry) -> str:
    reasons = {each.revision: each.reason.value for each in decision.status.quarantine}
    found = reasons.get(entry.revision - 1, "")
    return found if found in {each.value for each in ROLLBACK_REASONS} else Reason.METRIC_BREACH.value


def _result(status: MetricStatus) -> str:
    if status.state is MetricState.PASSING:
        return "ok"
    if status.reason in ERRORS:
        return "error"
    return "breach" if status.state is MetricState.BREACHING else "no_data"
