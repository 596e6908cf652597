"""When a revision's metrics are read, and by which questions.

Each metric is read at whole multiples of `intervalSeconds` since the Unix epoch, the last `breaches.of` of them in one
query. So the number of breaches comes from the source each time, and neither a restart nor a change of leader loses it;
and a front end that rounds times to whole steps changes nothing.

Rule: Breaches are counted by the metric source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pennant.api.analysis import AfterPromotion, AlertSelector, Analysis, Metric, PrometheusQuery
from pennant.api.deployment_status import HistoryEntry, ModelDeploymentStatus
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core import query
from pennant.core.measurement import AlertQuery, Question, RangeQuery, Request, Role
from pennant.core.observation import Key

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_watched(analysis: Analysis, entry: HistoryEntry) -> bool:
    """Return whether a revision's metrics are read: from its first available pod on.

    Rule: A revision is watched from its first available pod on.
    Rule: What is known good is watched for as long as it serves.
    """
    if entry.available_at is None or entry.ended_at is not None:
        return False
    return entry.verified_at is None or analysis.after_promotion is AfterPromotion.WATCH


def first_check_at(analysis: Analysis, entry: HistoryEntry) -> datetime | None:
    """Return when the first check of a revision is due; its window lies wholly within the revision's life."""
    if entry.available_at is None:
        return None
    delay = analysis.initial_delay_seconds + analysis.interval_seconds
    return _grid_point_from(entry.available_at + timedelta(seconds=delay), analysis.interval_seconds)


def checks_done(analysis: Analysis, entry: HistoryEntry, now: datetime) -> int:
    """Return how many grid points of a revision have passed."""
    first = first_check_at(analysis, entry)
    if first is None or now < first:
        return 0
    return (now - first) // timedelta(seconds=analysis.interval_seconds) + 1


def next_check_at(analysis: Analysis, entry: HistoryEntry, now: datetime) -> datetime | None:
    """Return the next grid point of a revision."""
    first = first_check_at(analysis, entry)
    if first is None:
        return None
    done = checks_done(analysis, entry, now)
    return first + timedelta(seconds=done * analysis.interval_seconds)


def _grid_point_from(moment: datetime, interval_seconds: int) -> datetime:
    """Return the first grid point that is not before this moment."""
    passed = _grid_point_until(moment, interval_seconds)
    return passed if passed == moment else passed + timedelta(seconds=interval_seconds)


def _grid_point_until(moment: datetime, interval_seconds: int) -> datetime:
    """Return the last grid point that is not after this moment."""
    interval = timedelta(seconds=interval_seconds)
    return EPOCH + (moment - EPOCH) // interval * interval


def compared_with(status: ModelDeploymentStatus, entry: HistoryEntry) -> HistoryEntry | None:
    """Return the revision that a revision is compared with; None where it serves what is known good itself."""
    stable = status.stable
    if stable is None:
        return None
    found = next((each for each in status.history if each.revision == stable.revision), None)
    return None if found is None or found.template_hash == entry.template_hash else found


def heeds(analysis: Analysis, names: frozenset[str]) -> bool:
    """Return whether one of these alerts may speak against a version; a name with a placeholder may be any."""
    heeded = (each.alert.match_labels["alertname"] for each in analysis.metrics if each.alert is not None)
    return any(each in names or "${" in each for each in heeded)


def due_measurements(
    key: Key,
    spec: ModelDeploymentSpec,
    status: ModelDeploymentStatus,
    now: datetime,
    hinted_at: datetime | None = None,
) -> dict[Question, Request]:
    """Return the questions for the newest grid points; none before the first one.

    `hinted_at` is when somebody said that alerts have changed: they are asked for once more, whatever the grid.
    """
    entry = status.history[-1] if status.history else None
    if entry is None or not is_watched(spec.analysis, entry):
        return {}
    asking = _Asking(key, spec, status, entry, checks_done(spec.analysis, entry, now), hinted_at)
    return {question: each for metric in spec.analysis.metrics for question, each in asking.of(metric)}


@dataclass(frozen=True, slots=True)
class _Asking:
    """One revision at one time: what its metrics ask for."""

    key: Key
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus
    entry: HistoryEntry
    done: int
    """Grid points that have passed."""
    hinted_at: datetime | None

    def of(self, metric: Metric) -> Iterator[tuple[Question, Request]]:
        """Yield what one metric asks for now."""
        if metric.alert is not None and (at := self._alerts_at()) is not None:
            yield Question(metric.name), self._alerts(metric.alert, at)
        if metric.prometheus is None or not self.done:
            return
        yield Question(metric.name), self._checked(metric, metric.prometheus, metric.prometheus.query, self._values())
        if metric.minimum_samples is not None:
            counted = self._checked(metric, metric.prometheus, metric.minimum_samples.query, self._values())
            yield Question(metric.name, Role.SAMPLES), counted
        stable = compared_with(self.status, self.entry)
        if metric.compare_to is not None and stable is not None:
            yield Question(metric.name, Role.BASELINE), self._baseline(metric, metric.prometheus, stable)

    def _values(self) -> Mapping[str, str]:
        return query.values(self.key, self.spec, self.status, self.entry)

    def _at(self, number: int) -> datetime:
        """Return a grid point; the first one is number 0."""
        analysis = self.spec.analysis
        first = first_check_at(analysis, self.entry)
        assert first is not None, "what has no first check is not watched"
        return first + timedelta(seconds=number * analysis.interval_seconds)

    def _checked(self, metric: Metric, by: PrometheusQuery, text: str, values: Mapping[str, str]) -> RangeQuery:
        interval = self.spec.analysis.interval_seconds
        oldest = max(self.done - metric.breaches.of, 0)
        return RangeQuery(
            source=by.source,
            query=query.substituted(text, values),
            start=self._at(oldest),
            end=self._at(self.done - 1),
            step_seconds=interval,
            # No sample from before the revision, and none older than two intervals.
            lookback_seconds=interval * min(oldest + 1, 2),
            revision=self.entry.revision,
            asker=(self.key.namespace, self.key.name),
        )

    def _baseline(self, metric: Metric, by: PrometheusQuery, stable: HistoryEntry) -> RangeQuery:
        """Return the question for the last checks of the stable revision before this one began."""
        interval = self.spec.analysis.interval_seconds
        values = query.values(self.key, self.spec, self.status, stable)
        end = _grid_point_until(self.entry.started_at, interval)
        return RangeQuery(
            source=by.source,
            query=query.substituted(by.query, values),
            start=end - timedelta(seconds=interval * (metric.breaches.of - 1)),
            end=end,
            step_seconds=interval,
            lookback_seconds=interval * 2,
            revision=self.entry.revision,
            asker=(self.key.namespace, self.key.name),
        )

    def _alerts(self, alert: AlertSelector, at: datetime) -> AlertQuery:
        values = self._values()
        labels = {name: query.filled(each, values) for name, each in alert.match_labels.items()}
        return AlertQuery(
            source=alert.source,
            at=at,
            labels=tuple(sorted(labels.items())),
            interval_seconds=self.spec.analysis.interval_seconds,
            revision=self.entry.revision,
        )

    def _alerts_at(self) -> datetime | None:
        """Return the newest time at which alerts were to be looked at; None: there was none yet."""
        analysis, available_at = self.spec.analysis, self.entry.available_at
        times = [self._at(self.done - 1)] if self.done else []
        watched_from = (
            None if available_at is None else available_at + timedelta(seconds=analysis.initial_delay_seconds)
        )
        if self.hinted_at is not None and watched_from is not None and self.hinted_at >= watched_from:
            times.append(self.hinted_at)
        return max(times, default=None)
