"""The kind `prometheus`: a number by a PromQL query, held against a threshold or the last verified version.

Requests: range queries over the last `breaches.of` checks for the value, the number of samples and the baseline, and a
probe where the query gave nothing. Answers: `Series`. The source counts the breaches anew each time, so neither a
restart nor a change of leader loses one.

Rule: R30.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pennant.api.analysis import Analysis, Metric, OnNoData
from pennant.api.deployment_status import MetricState
from pennant.api.history import BAD, HistoryEntry, Trigger
from pennant.api.prometheus import PrometheusQuery
from pennant.api.reasons import Reason
from pennant.core.analysis import number, query_template
from pennant.core.analysis.evaluation import Numbers, checks
from pennant.core.analysis.grid import Window, grid, point_until
from pennant.core.analysis.kind import EXPLAINED, Answered, MetricKind, Reading, WatchedRevision, is_unexplained
from pennant.core.analysis.promql import filters, lacking, probe, reach
from pennant.core.facts.measurement import RangeQuery, Role, Series

OF_A_REVISION = frozenset({"templateHash", "podTemplateHash", "version"})
"""Placeholders that stand for values of one revision."""
SELECTED_SECONDS = 300
"""How old the newest sample of a series may be for the probe to count the series as present."""


class PrometheusKind(MetricKind[PrometheusQuery, RangeQuery, Series]):
    """A number by a PromQL query."""

    request_type = RangeQuery
    answer_type = Series

    def texts(self, metric: Metric, query: PrometheusQuery) -> Iterator[str]:
        """Yield the query, and the one for the number of samples."""
        return _texts(metric, query)

    def requests(
        self, metric: Metric, query: PrometheusQuery, watched: WatchedRevision
    ) -> Iterator[tuple[Role, RangeQuery]]:
        """Yield the range queries that are due."""
        window = _window(metric, query, watched, watched.entry, watched.now)
        if window is None:
            return
        values = watched.values()
        yield Role.VALUE, _over(window, query_template.substituted(query.query, values), query, watched)
        yield from _explanation(metric, query, watched)
        if metric.minimum_samples is not None:
            text = query_template.substituted(metric.minimum_samples.query, values)
            yield Role.SAMPLES, _over(window, text, query, watched)
        if metric.compare_to is not None and watched.stable is not None:
            yield from _baseline(metric, query, watched, watched.stable)

    def interpret(
        self,
        metric: Metric,
        query: PrometheusQuery,
        answers: Mapping[Role, Answered[RangeQuery, Series]],
        entry: HistoryEntry,
        stable: HistoryEntry | None,
    ) -> Reading:
        """Return what the numbers say; where there are none, with the probable cause if the probe found one."""
        value = answers[Role.VALUE]
        found = Numbers(
            request=value.request,
            value=value.answer,
            samples=answers[Role.SAMPLES].answer if metric.minimum_samples is not None else None,
            baseline=answers[Role.BASELINE].answer if Role.BASELINE in answers else Series(()),
        )
        asked = value.request.query
        reading = number.count_breaches(metric, checks(metric, found, stable), asked, _remedy(metric, asked))
        why = answers.get(Role.EXPLANATION)
        return reading if why is None else _explained(reading, asked, why.answer)

    def caution(self, metric: Metric, query: PrometheusQuery) -> str:
        """Return what helps where a comparison drops the series while all is well."""
        comparison = filters(query.query) if metric.on_no_data is OnNoData.HOLD else ""
        return _gives_nothing(comparison) if comparison else ""


def _texts(metric: Metric, query: PrometheusQuery) -> Iterator[str]:
    yield query.query
    if metric.minimum_samples is not None:
        yield metric.minimum_samples.query


def begins_at(
    metric: Metric, query: PrometheusQuery, entry: HistoryEntry, history: Iterable[HistoryEntry]
) -> datetime | None:
    """Return when a metric begins to describe a revision; None: it does not yet.

    A query that names no revision is answered by the pods of the previous revision as well, until the rollout ends. The
    metric begins then where those pods are no ground to judge by: where the previous revision was not verified, or this
    one was made to leave it.

    Rule: R31.
    """
    before = next((each for each in history if each.revision == entry.revision - 1), None)
    is_left = entry.trigger in (Trigger.AUTOMATIC_ROLLBACK, Trigger.UNDO)
    if before is None or not (is_left or before.verified_at is None or before.outcome in BAD):
        return entry.available_at
    names_none = any(reach(each, 1, OF_A_REVISION) is not None for each in _texts(metric, query))
    return entry.rolled_out_at if names_none else entry.available_at


def settling_seconds(
    analysis: Analysis, metric: Metric, query: PrometheusQuery, entry: HistoryEntry, history: Iterable[HistoryEntry]
) -> int:
    """Return for how many seconds a metric may still show samples from before a revision.

    A series with a label of the revision begins with it, unless its template, or its version, served before.

    Rule: R31.
    """
    others = [each for each in history if each.revision < entry.revision]
    own = set[str]()
    if all(each.template_hash != entry.template_hash for each in others):
        own |= {"templateHash", "podTemplateHash"}
    if all(each.version != entry.version for each in others):
        own |= {"version"}
    reached = (reach(each, analysis.interval_seconds, frozenset(own)) for each in _texts(metric, query))
    found = max((each for each in reached if each is not None), default=None)
    if found is None:
        return 0
    return found if analysis.settle_seconds is None else analysis.settle_seconds


def _window(
    metric: Metric, query: PrometheusQuery, watched: WatchedRevision, entry: HistoryEntry, until: datetime
) -> Window | None:
    """Return the last checks of a revision that passed `until` then; None before the first one."""
    analysis, past = watched.spec.analysis, watched.status.history
    begins = begins_at(metric, query, entry, past)
    passed = grid(analysis, begins, until, settling_seconds(analysis, metric, query, entry, past))
    return None if passed is None else passed.last(metric.breaches.of)


def _over(window: Window, text: str, query: PrometheusQuery, watched: WatchedRevision) -> RangeQuery:
    return RangeQuery(
        source=query.source,
        query=text,
        start=window.start,
        end=window.end,
        step_seconds=watched.spec.analysis.interval_seconds,
        lookback_seconds=window.lookback_seconds,
        revision=watched.entry.revision,
        asker=watched.asker,
    )


def _baseline(
    metric: Metric, query: PrometheusQuery, watched: WatchedRevision, stable: HistoryEntry
) -> Iterator[tuple[Role, RangeQuery]]:
    """Yield the request for the last checks of the stable revision while it served.

    Another revision may have served since, so its own end counts, and not the beginning of this one.

    Rule: R41.
    """
    values = watched.values(stable)
    ended_at = min(stable.ended_at or watched.entry.started_at, watched.entry.started_at)
    window = _window(metric, query, watched, stable, ended_at)
    if window is not None and values.keys() >= query_template.needed(query.query):
        text = query_template.substituted(query.query, values)
        yield Role.BASELINE, _over(window, text, query, watched)


def _explanation(metric: Metric, query: PrometheusQuery, watched: WatchedRevision) -> Iterator[tuple[Role, RangeQuery]]:
    """Yield the probe of a query that gave nothing, until the status says why."""
    said = next((each for each in watched.status.analysis if each.name == metric.name), None)
    if said is None or said.revision != watched.entry.revision or not is_unexplained(said):
        return
    at = point_until(said.since, watched.spec.analysis.interval_seconds)
    if text := probe(query_template.substituted(query.query, watched.values())):
        yield Role.EXPLANATION, _over(Window(at, at, SELECTED_SECONDS), text, query, watched)


def _explained(reading: Reading, query: str, selected: Series) -> Reading:
    """Return the reading of a query that gave nothing with what its selectors lack."""
    if reading.reason is not Reason.NO_DATA or reading.state is MetricState.PASSING or len(selected.series) != 1:
        return reading
    values = selected.series[0].values()
    # A source may answer anything; the value of a probe is a sum of bits.
    if not values or not 0 <= min(values) < 1 << 53:
        return reading
    return replace(reading, message=f"{reading.message}{EXPLAINED}{lacking(query, min(values))}")


def _remedy(metric: Metric, query: str) -> str:
    """Return what helps where a query gave nothing though the source has the series.

    Rule: R38.
    """
    if metric.on_no_data is not OnNoData.HOLD:
        return ""
    if comparison := filters(query):
        return f"; {_gives_nothing(comparison)}"
    return ". If no series means that all is well, add `or vector(0)` to the query, or set onNoData: Pass"


def _gives_nothing(comparison: str) -> str:
    return (
        f"the query has no value while its comparison {comparison} is false: set threshold instead of the "
        f"comparison, or write `{comparison} bool`"
    )
