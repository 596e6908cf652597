"""When a revision's metrics are read, and by which questions.

Each metric is read at whole multiples of `intervalSeconds` since the Unix epoch, the last `breaches.of` of them in one
query. So the number of breaches comes from the source each time, and neither a restart nor a change of leader loses it;
and a front end that rounds times to whole steps changes nothing.

Rule: R30.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pennant.api.analysis import AfterPromotion, AlertSelector, Analysis, LabelOperator, Metric, PrometheusQuery
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import BAD, HistoryEntry, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core.analysis import query_template
from pennant.core.analysis.promql import probe, reach
from pennant.core.analysis.reading import is_unexplained
from pennant.core.facts.measurement import AlertQuery, LabelMatcher, Question, RangeQuery, Request, Role
from pennant.core.facts.observation import Key

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OF_A_REVISION = frozenset({"templateHash", "podTemplateHash", "version"})
"""Placeholders that stand for values of one revision."""
SELECTED_SECONDS = 300
"""How old the newest sample of a series may be that counts as there."""


def is_watched(analysis: Analysis, entry: HistoryEntry) -> bool:
    """Return whether a revision's metrics are read: from its first available pod on.

    Rule: R29.
    Rule: R52.
    """
    if entry.available_at is None or entry.ended_at is not None:
        return False
    return entry.verified_at is None or analysis.after_promotion is AfterPromotion.WATCH


def as_measured(entry: HistoryEntry, since: datetime | None) -> HistoryEntry:
    """Return the entry as its metrics see it: what was before `since`, when it had no pod, does not count.

    Rule: R48.
    """
    if since is None:
        return entry
    marks = {name: getattr(entry, name) for name in ("available_at", "rolled_out_at")}
    later = {name: since for name, mark in marks.items() if mark is not None and mark < since}
    return entry.model_copy(update=later) if later else entry


def first_check_at(analysis: Analysis, begins_at: datetime | None, settling_seconds: int = 0) -> datetime | None:
    """Return when the first check of a revision is due; what it rests on lies wholly within the revision's life.

    `begins_at` is when its first pod became available, or see `begins_at`; None: it is not known yet.
    """
    if begins_at is None:
        return None
    delay = analysis.initial_delay_seconds + max(analysis.interval_seconds, settling_seconds)
    return _grid_point_from(begins_at + timedelta(seconds=delay), analysis.interval_seconds)


def begins_at(metric: Metric, entry: HistoryEntry, history: Iterable[HistoryEntry]) -> datetime | None:
    """Return when a metric begins to speak of a revision; None: it does not yet.

    A query that names no revision is answered by the pods before it as well, until its rollout ends. That is when it
    begins where these are no ground to judge by: the revision before was not known good, or this one was made to leave
    it.

    Rule: R31.
    """
    before = next((each for each in history if each.revision == entry.revision - 1), None)
    is_left = entry.trigger in (Trigger.AUTOMATIC_ROLLBACK, Trigger.UNDO)
    if before is None or not (is_left or before.verified_at is None or before.outcome in BAD):
        return entry.available_at
    names_none = any(reach(each, 1, OF_A_REVISION) is not None for each in query_template.texts(metric))
    return entry.rolled_out_at if names_none else entry.available_at


def settling_seconds(analysis: Analysis, metric: Metric, entry: HistoryEntry, history: Iterable[HistoryEntry]) -> int:
    """Return for how long a metric may still show what was there before a revision.

    A series with a label of the revision begins with it, unless its template, or its version, served before.

    Rule: R31.
    """
    others = [each for each in history if each.revision < entry.revision]
    own = set[str]()
    if all(each.template_hash != entry.template_hash for each in others):
        own |= {"templateHash", "podTemplateHash"}
    if all(each.version != entry.version for each in others):
        own |= {"version"}
    reached = (reach(each, analysis.interval_seconds, frozenset(own)) for each in query_template.texts(metric))
    found = max((each for each in reached if each is not None), default=None)
    if found is None:
        return 0
    return found if analysis.settle_seconds is None else analysis.settle_seconds


def checks_done(analysis: Analysis, begins_at: datetime | None, now: datetime, settling_seconds: int = 0) -> int:
    """Return how many grid points of a revision have passed."""
    first = first_check_at(analysis, begins_at, settling_seconds)
    if first is None or now < first:
        return 0
    return (now - first) // timedelta(seconds=analysis.interval_seconds) + 1


def next_check_at(analysis: Analysis, entry: HistoryEntry, now: datetime) -> datetime | None:
    """Return the next grid point of a revision, whether or not all of its metrics are checked there."""
    first = first_check_at(analysis, entry.available_at)
    if first is None:
        return None
    done = checks_done(analysis, entry.available_at, now)
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


def reads_alerts(analysis: Analysis, names: frozenset[str]) -> bool:
    """Return whether one of these alerts may speak against a version; a name with a placeholder may be any."""
    heeded = (name for each in analysis.metrics if each.alert is not None for name in each.alert.alert_names)
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
    if spec.replicas == 0 or (status.progress is not None and status.progress.scaled_to_zero):
        return {}
    entry = as_measured(entry, status.measured_since)
    asking = _Asking(key, spec, status, entry, now, hinted_at)
    return {question: each for metric in spec.analysis.metrics for question, each in asking.of(metric)}


@dataclass(frozen=True, slots=True)
class _Grid:
    """The times at which a metric of a revision is checked."""

    first: datetime
    done: int
    """How many of them have passed; at least one."""
    interval_seconds: int

    def __getitem__(self, number: int) -> datetime:
        """Return one of them; the first is number 0."""
        return self.first + timedelta(seconds=number * self.interval_seconds)

    @property
    def newest(self) -> datetime:
        """The last one that has passed."""
        return self[self.done - 1]


@dataclass(frozen=True, slots=True)
class _Asking:
    """One revision at one time: what its metrics ask for."""

    key: Key
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus
    entry: HistoryEntry
    now: datetime
    hinted_at: datetime | None

    def of(self, metric: Metric) -> Iterator[tuple[Question, Request]]:
        """Yield what one metric asks for now; nothing while a placeholder has no value."""
        needed = frozenset[str]().union(*map(query_template.needed, query_template.texts(metric)))
        if not self._values().keys() >= needed:
            return
        if metric.alert is not None and (at := self._alerts_at()) is not None:
            yield Question(metric.name), self._alerts(metric.alert, at)
        if metric.prometheus is None or (grid := self._grid(metric, self.entry, self.now)) is None:
            return
        by = metric.prometheus
        yield Question(metric.name), self._checked(metric, by, by.query, grid)
        yield from self._selected(metric, by)
        if metric.minimum_samples is not None:
            yield Question(metric.name, Role.SAMPLES), self._checked(metric, by, metric.minimum_samples.query, grid)
        stable = compared_with(self.status, self.entry)
        if metric.compare_to is not None and stable is not None:
            yield from self._baseline(metric, by, stable)

    def _values(self) -> Mapping[str, str]:
        return query_template.values(self.key, self.spec, self.status, self.entry)

    def _grid(self, metric: Metric, entry: HistoryEntry, until: datetime) -> _Grid | None:
        """Return when a metric is checked; None before the first time."""
        analysis, past = self.spec.analysis, self.status.history
        begins, settling = begins_at(metric, entry, past), settling_seconds(analysis, metric, entry, past)
        first, done = first_check_at(analysis, begins, settling), checks_done(analysis, begins, until, settling)
        return _Grid(first, done, analysis.interval_seconds) if first is not None and done else None

    def _checked(self, metric: Metric, by: PrometheusQuery, text: str, grid: _Grid) -> RangeQuery:
        return self._over(grid, metric, by, query_template.substituted(text, self._values()))

    def _over(self, grid: _Grid, metric: Metric, by: PrometheusQuery, text: str) -> RangeQuery:
        """Return the question for the last checks of a grid."""
        oldest = max(grid.done - metric.breaches.of, 0)
        return RangeQuery(
            source=by.source,
            query=text,
            start=grid[oldest],
            end=grid.newest,
            step_seconds=grid.interval_seconds,
            # No sample from before the revision, and none older than two intervals.
            lookback_seconds=grid.interval_seconds * min(oldest + 1, 2),
            revision=self.entry.revision,
            asker=(self.key.namespace, self.key.name),
        )

    def _baseline(
        self, metric: Metric, by: PrometheusQuery, stable: HistoryEntry
    ) -> Iterator[tuple[Question, RangeQuery]]:
        """Yield the question for the last checks of the stable revision while it served.

        Another revision may have served since, so its own end counts, and not the beginning of this one.

        Rule: R41.
        """
        values = query_template.values(self.key, self.spec, self.status, stable)
        ended_at = min(stable.ended_at or self.entry.started_at, self.entry.started_at)
        grid = self._grid(metric, stable, ended_at)
        if grid is None or not values.keys() >= query_template.needed(by.query):
            return
        query = query_template.substituted(by.query, values)
        yield Question(metric.name, Role.BASELINE), self._over(grid, metric, by, query)

    def _selected(self, metric: Metric, by: PrometheusQuery) -> Iterator[tuple[Question, RangeQuery]]:
        """Yield the question why the query gives nothing, as long as that is not told."""
        said = next((each for each in self.status.analysis if each.name == metric.name), None)
        if said is None or said.revision != self.entry.revision or not is_unexplained(said):
            return
        interval = self.spec.analysis.interval_seconds
        at = _grid_point_until(said.since, interval)
        if text := probe(query_template.substituted(by.query, self._values())):
            yield (
                Question(metric.name, Role.SELECTED),
                RangeQuery(
                    source=by.source,
                    query=text,
                    start=at,
                    end=at,
                    step_seconds=interval,
                    lookback_seconds=SELECTED_SECONDS,
                    revision=self.entry.revision,
                    asker=(self.key.namespace, self.key.name),
                ),
            )

    def _alerts(self, alert: AlertSelector, at: datetime) -> AlertQuery:
        return AlertQuery(
            source=alert.source,
            at=at,
            demands=tuple(_demands(alert, self._values())),
            interval_seconds=self.spec.analysis.interval_seconds,
            revision=self.entry.revision,
            asker=(self.key.namespace, self.key.name),
        )

    def _alerts_at(self) -> datetime | None:
        """Return the newest time at which alerts were to be looked at; None: there was none yet."""
        analysis, available_at = self.spec.analysis, self.entry.available_at
        first, done = first_check_at(analysis, available_at), checks_done(analysis, available_at, self.now)
        times = [_Grid(first, done, analysis.interval_seconds).newest] if first is not None and done else []
        watched_from = (
            None if available_at is None else available_at + timedelta(seconds=analysis.initial_delay_seconds)
        )
        if self.hinted_at is not None and watched_from is not None and self.hinted_at >= watched_from:
            times.append(self.hinted_at)
        return max(times, default=None)


def _demands(alert: AlertSelector, values: Mapping[str, str]) -> Iterator[LabelMatcher]:
    """Yield what an alert must have in its labels; what exists is what is not empty."""
    for name, value in sorted(alert.match_labels.items()):
        yield LabelMatcher(name, (query_template.filled(value, values),))
    for each in alert.match_expressions:
        wanted = tuple(query_template.filled(value, values) for value in each.values) or ("",)
        yield LabelMatcher(each.key, wanted, each.operator in (LabelOperator.NOT_IN, LabelOperator.EXISTS))
