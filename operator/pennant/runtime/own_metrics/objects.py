"""The metrics of all ModelDeployments.

The series of an object exist from its first pass until it is deleted. Only the leader has them: the others run no pass.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pennant.api.deployment_status import MetricStatus
from pennant.api.history import Trigger
from pennant.core.facts.decision import Decision
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.observation import Key, Observation
from pennant.runtime.own_metrics.definition import Definition
from pennant.runtime.own_metrics.object_counts import Counts
from pennant.runtime.own_metrics.object_definitions import DEFINITIONS, SUSPECTED
from pennant.runtime.own_metrics.object_state import Value, blocking_sources, gauges
from pennant.runtime.own_metrics.process_definitions import ROLLBACK_DURATION, ROLLOUT_DURATION


@dataclass(frozen=True, slots=True)
class ObjectSeries:
    """What one ModelDeployment exports. It is replaced as a whole, so a scrape never sees half of a change."""

    values: Mapping[Definition, tuple[Value, ...]]
    suspected: frozenset[str]
    """The suspect metric sources because of which it is not rolled back."""


class ObjectMetrics(Collector):
    """Keeps the series of each ModelDeployment, and makes samples of them when they are scraped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register on this registry, with the histograms over all ModelDeployments."""
        self._series: dict[Key, ObjectSeries] = {}
        self._counts: dict[Key, Counts] = {}
        # Over all of them: buckets for each ModelDeployment would be too many series.
        self._rollout = ROLLOUT_DURATION.histogram(registry)
        self._rollback = ROLLBACK_DURATION.histogram(registry)
        registry.register(self)

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Record a pass; without an observation the ModelDeployment was deleted, and its series are removed."""
        if seen is None or decision is None:
            self._series.pop(key, None)
            self._counts.pop(key, None)
            return
        counts = self._counts.setdefault(key, Counts())
        counts.count(seen, decision)
        self._observe_durations(seen, decision)
        values = _by_definition(chain(gauges(seen, decision), _counted(counts)))
        self._series[key] = ObjectSeries(values, blocking_sources(seen, decision))

    def checked(self, key: Key, measurements: Measurements, metrics: Sequence[MetricStatus]) -> None:
        """Record checks that needed no pass."""
        series, counts = self._series[key], self._counts[key]
        counts.count_checks(measurements, metrics)
        self._series[key] = replace(series, values={**series.values, **_by_definition(_counted(counts))})

    def describe(self) -> Iterator[Family]:
        """Yield all metrics without samples: their names are checked when they are registered."""
        yield from (each.family() for each in (*DEFINITIONS, SUSPECTED))

    def collect(self) -> Iterator[Family]:
        """Yield all metrics. It runs in a thread while passes replace the series of objects."""
        objects = tuple(self._series.copy().items())
        for definition in DEFINITIONS:
            family, names = definition.family(), tuple(definition.labels)
            for key, series in objects:
                for _, labels, value in series.values.get(definition, ()):
                    family.add_sample(
                        definition.name, dict(zip(names, (key.namespace, key.name, *labels), strict=True)), value
                    )
            yield family
        family = SUSPECTED.family()
        for source, count in Tally(source for _, series in objects for source in series.suspected).items():
            family.add_sample(SUSPECTED.name, {"source": source}, count)
        yield family

    def _observe_durations(self, seen: Observation, decision: Decision) -> None:
        """Record the durations of the rollouts, and of those that are rollbacks, that this pass completes."""
        before = {each.revision: each for each in seen.snapshot.status.history}
        failed_at = {each.revision: each.since for each in decision.status.quarantine}
        for entry in decision.status.history:
            old = before.get(entry.revision)
            if old is None or old.rolled_out_at is not None or entry.rolled_out_at is None:
                continue
            self._rollout.observe((entry.rolled_out_at - entry.started_at).total_seconds())
            since = failed_at.get(entry.revision - 1)
            if entry.trigger is Trigger.AUTOMATIC_ROLLBACK and since is not None:
                self._rollback.observe((entry.rolled_out_at - since).total_seconds())


def _counted(counts: Counts) -> Iterator[Value]:
    """Yield the counters of an object."""
    for (definition, labels), value in counts.values.items():
        yield definition, labels, value


def _by_definition(values: Iterable[Value]) -> dict[Definition, tuple[Value, ...]]:
    found: dict[Definition, list[Value]] = {}
    for each in values:
        found.setdefault(each[0], []).append(each)
    return {definition: tuple(each) for definition, each in found.items()}
