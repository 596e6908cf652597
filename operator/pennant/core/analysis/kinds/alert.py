"""The kind `alert`: alerts that a Prometheus-compatible server evaluates, and that fire because of a revision.

Requests: one `AlertQuery`, at each check and at each hint that alerts have changed. Answers: `Alerts`. An alert says
itself when it fires, so one that fires is a breach at once.

Rule: R42.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pennant.api.analysis import Analysis, Metric
from pennant.api.deployment_status import MetricState
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.prometheus import AlertSelector, LabelOperator
from pennant.api.reasons import Reason
from pennant.core.analysis import query_template
from pennant.core.analysis.grid import grid
from pennant.core.analysis.kind import Answered, MetricKind, Reading, WatchedRevision
from pennant.core.facts.digest import short_hash
from pennant.core.facts.measurement import MAX_INTERVALS, Answer, Role

ALERT_NAME = "alertname"


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """What an alert must have in one label; a label that is not there is empty."""

    label: str
    values: tuple[str, ...]
    negated: bool = False
    """Whether it must have none of the values, instead of one of them."""

    def is_met(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels is meant."""
        return (labels.get(self.label, "") in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts fire that meet all these demands; the answer must not be older than `at`."""

    source: str
    at: datetime
    demands: tuple[LabelMatcher, ...]
    interval_seconds: int = 60
    """Seconds between two checks."""
    revision: int = 0
    asker: tuple[str, str] = ("", "")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the alerts that are meant."""
        named = [each.values for each in self.demands if each.label == ALERT_NAME and not each.negated]
        return tuple(sorted(set[str].intersection(*map(set, named)))) if named else ()

    @property
    def times(self) -> tuple[datetime, datetime]:
        """The time of the check."""
        return self.at, self.at

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked, without the time."""
        return (self.source, self.demands, self.interval_seconds, self.revision)

    @property
    def patience(self) -> timedelta:
        """The time within which an answer is expected."""
        return timedelta(seconds=self.interval_seconds * MAX_INTERVALS)

    @property
    def text(self) -> str:
        """The demands."""
        return str(self.demands)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires."""

    labels: Mapping[str, str]
    since: datetime
    """When its expression became true, in whole seconds, rounded down; it fires since then or later."""


@dataclass(frozen=True, slots=True)
class Alerts(Answer):
    """The alerts of some names that fire at one time."""

    firing: tuple[Alert, ...]
    undefined: frozenset[str] = frozenset()
    """Names for which the source has no rule; empty where it does not list its rules."""
    unanswered: Mapping[str, str] = field(default_factory=dict)
    """Names for which it is not known whether they fire, and why."""

    def matching(self, demands: tuple[LabelMatcher, ...]) -> "Alerts":
        """Return them with only those firing ones that meet all these demands."""
        return replace(self, firing=tuple(each for each in self.firing if all(d.is_met(each.labels) for d in demands)))


class AlertKind(MetricKind[AlertSelector, AlertQuery, Alerts]):
    """Alerts that fire because of a revision."""

    request_type = AlertQuery
    answer_type = Alerts

    def texts(self, metric: Metric, query: AlertSelector) -> Iterator[str]:
        """Yield the values of labels."""
        yield from query.match_labels.values()
        for each in query.match_expressions:
            yield from each.values

    def requests(
        self, metric: Metric, query: AlertSelector, watched: WatchedRevision
    ) -> Iterator[tuple[Role, AlertQuery]]:
        """Yield the request for the alerts at the newest check or hint."""
        at = _newest_at(watched)
        if at is None:
            return
        yield (
            Role.VALUE,
            AlertQuery(
                source=query.source,
                at=at,
                demands=tuple(_demands(query, watched.values())),
                interval_seconds=watched.spec.analysis.interval_seconds,
                revision=watched.entry.revision,
                asker=watched.asker,
            ),
        )

    def interpret(
        self,
        metric: Metric,
        query: AlertSelector,
        answers: Mapping[Role, Answered[AlertQuery, Alerts]],
        entry: HistoryEntry,
        stable: HistoryEntry | None,
    ) -> Reading:
        """Return what alerts say of a revision. One that began before it is about the previous one, and hides its own.

        Pods of a revision are scraped before they are seen to be available, so an alert that is selected by their
        version may begin that early and still be theirs. A record that lies in the future is from before the clock was
        set back: the revision began no later than its first pod was available. Prometheus reports beginnings in whole
        seconds, rounded down, so an alert may seem to have begun in the second in which the revision did.

        Rule: R42.
        """
        name, asked, alerts = metric.name, answers[Role.VALUE].request, answers[Role.VALUE].answer
        title = " or ".join(asked.names)
        beginning, began = entry.available_at, "was available"
        if query.names_the_revision:
            begun_at = min(entry.started_at, entry.available_at or entry.started_at)
            beginning, began = begun_at.replace(microsecond=0), "began"
        fresh = [each for each in alerts.firing if beginning is not None and each.since >= beginning]
        if fresh:
            return _firing(name, title, asked, fresh)
        if undefined := [each for each in asked.names if each in alerts.undefined]:
            return _undefined(name, undefined, asked)
        if alerts.firing:
            since = min(each.since for each in alerts.firing)
            message = (
                f"{name}: alert {title} fires since {since:%Y-%m-%dT%H:%M:%SZ}, before this revision {began}, "
                "so it is not known whether this revision is the cause"
            )
            return Reading(MetricState.UNKNOWN, Reason.ALERT_FIRING_BEFORE, message, blocks=True, broken_at=asked.at)
        return Reading(MetricState.PASSING, Reason.NO_ALERT_FIRING, f"{name}: alert {title} does not fire")


def alert_names(analysis: Analysis) -> frozenset[str]:
    """Return the names of the alerts that its metrics select; they may have placeholders."""
    return frozenset(name for each in analysis.metrics if each.alert is not None for name in each.alert.alert_names)


def reads_alerts(selected: frozenset[str], names: frozenset[str]) -> bool:
    """Return whether one of the selected alerts is one of these; a name with a placeholder may be any of them."""
    return any(each in names or "${" in each for each in selected)


def _newest_at(watched: WatchedRevision) -> datetime | None:
    """Return the newest time at which alerts were to be read; None: there was none yet."""
    analysis, available_at = watched.spec.analysis, watched.entry.available_at
    passed = grid(analysis, available_at, watched.now)
    times = [] if passed is None else [passed.newest]
    watched_from = None if available_at is None else available_at + timedelta(seconds=analysis.initial_delay_seconds)
    if watched.hinted_at is not None and watched_from is not None and watched.hinted_at >= watched_from:
        times.append(watched.hinted_at)
    return max(times, default=None)


def _demands(query: AlertSelector, values: Mapping[str, str]) -> Iterator[LabelMatcher]:
    """Yield what an alert must have in its labels. A label exists where it is not empty."""
    for name, value in sorted(query.match_labels.items()):
        yield LabelMatcher(name, (query_template.filled(value, values),))
    for each in query.match_expressions:
        wanted = tuple(query_template.filled(value, values) for value in each.values) or ("",)
        yield LabelMatcher(each.key, wanted, each.operator in (LabelOperator.NOT_IN, LabelOperator.EXISTS))


def _firing(name: str, title: str, request: AlertQuery, fresh: list[Alert]) -> Reading:
    since = min(each.since for each in fresh)
    evidence = Evidence(
        metric=name,
        value=f"{len(fresh)} firing",
        threshold="no alert",
        breaches=f"since {since:%Y-%m-%dT%H:%M:%SZ}",
        query_hash=short_hash([[each.label, each.negated, *each.values] for each in request.demands]),
        at=request.at,
    )
    message = f"{name}: alert {title} fires since {since:%Y-%m-%dT%H:%M:%SZ}"
    return Reading(MetricState.BREACHING, Reason.ALERT_FIRING, message, evidence, True, request.at, True)


def _undefined(name: str, undefined: list[str], request: AlertQuery) -> Reading:
    """Return the reading of alerts for which the source has no rule.

    Rule: R43.
    """
    message = f"{name}: metric source {request.source} has no alerting rule {' or '.join(undefined)}"
    return Reading(MetricState.UNKNOWN, Reason.ALERT_UNKNOWN, message, blocks=True, broken_at=request.at)
