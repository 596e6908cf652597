"""From measurements to verdict: whether the revision in place passes, breaches, or cannot be told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.analysis import AlertSelector, Analysis, Metric, MetricMode, OnUnknown
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.meta import clip
from pennant.api.reasons import Reason
from pennant.core.analysis import reading
from pennant.core.analysis.evaluation import Answers, Kind, checks
from pennant.core.analysis.reading import Reading
from pennant.core.facts.digest import short_hash
from pennant.core.facts.measurement import (
    Alert,
    AlertQuery,
    Alerts,
    Awaited,
    Measurement,
    Measurements,
    Question,
    Unanswered,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all metrics of a revision say together."""

    metrics: tuple[MetricStatus, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """Of the enforced metrics that are breached by what was measured now; empty where none is."""
    clean_since: datetime | None = None
    """Since when nothing speaks against the revision; None: something does, or was not measured now."""
    resumes_at: datetime | None = None
    """When the check follows the newest one that did not pass: a bake time counts anew from there. None: all passed."""
    observed: frozenset[str] = frozenset()
    """Names of the metrics from which nothing follows."""

    @property
    def enforced(self) -> tuple[MetricStatus, ...]:
        """The metrics from which something follows."""
        return tuple(each for each in self.metrics if each.name not in self.observed)

    @property
    def breached(self) -> tuple[MetricStatus, ...]:
        """The enforced metrics that are breached by what was measured now."""
        names = {each.metric for each in self.evidence}
        return tuple(each for each in self.metrics if each.name in names)

    @property
    def breaching(self) -> tuple[MetricStatus, ...]:
        """The enforced metrics that are breached by what was measured now or last."""
        return tuple(each for each in self.enforced if each.state is MetricState.BREACHING)


def assess(
    analysis: Analysis,
    entry: HistoryEntry,
    stable: HistoryEntry | None,
    measurements: Measurements,
    before: tuple[MetricStatus, ...],
    now: datetime,
) -> Verdict:
    """Return the verdict on a revision; a metric's status moves only where its state or reason does.

    `stable` is the revision that it is compared with; None where there is nothing to compare.

    Rule: R45.
    """
    previous = {each.name: each for each in before if each.revision == entry.revision}
    statuses: list[MetricStatus] = []
    evidence: list[Evidence] = []
    clean_since: datetime | None = entry.rolled_out_at
    broken: list[datetime] = []
    for metric in analysis.metrics:
        old = previous.get(metric.name)
        read = _read(metric, analysis, entry, stable, measurements, old, now)
        status = _status(metric, entry.revision, read, old, now)
        statuses.append(status)
        if metric.mode is MetricMode.OBSERVE:
            continue
        if read.evidence is not None:
            evidence.append(read.evidence)
        if read.broken_at is not None:
            broken.append(read.broken_at)
        if read.blocks:
            clean_since = None
        elif clean_since is not None and status.state is MetricState.PASSING:
            clean_since = max(clean_since, status.since)
    observed = frozenset(each.name for each in analysis.metrics if each.mode is MetricMode.OBSERVE)
    resumes_at = max(broken) + timedelta(seconds=analysis.interval_seconds) if broken else None
    return Verdict(tuple(statuses), tuple(evidence), clean_since, resumes_at, observed)


def suspicions(
    analysis: Analysis, entry: HistoryEntry, stable: HistoryEntry | None, measurements: Measurements
) -> dict[str, bool]:
    """Return for each source that was read whether the newest check of any of its enforced metrics is a breach."""
    found: dict[str, bool] = {}
    for metric in (each for each in analysis.metrics if each.mode is not MetricMode.OBSERVE):
        suspicious = _is_suspicious(metric, entry, stable, measurements)
        if suspicious is not None:
            found[metric.source] = found.get(metric.source, False) or suspicious
    return found


def _is_suspicious(
    metric: Metric, entry: HistoryEntry, stable: HistoryEntry | None, measurements: Measurements
) -> bool | None:
    match measurements.get(Question(metric.name)):
        case None | Measurement(_, Awaited()):
            return None
        case Measurement(_, Unanswered()):
            return True if metric.on_error is OnUnknown.BREACH else None
        case Measurement(AlertQuery() as request, Alerts() as alerts) if metric.alert is not None:
            return _alerted(metric.name, metric.alert, entry, request, alerts).state is MetricState.BREACHING
        case _:
            match reading.answers(metric, measurements, stable):
                case Answers() as found:
                    return checks(metric, found, stable)[-1].kind is Kind.BREACH
                case _:
                    return None


def _read(
    metric: Metric,
    analysis: Analysis,
    entry: HistoryEntry,
    stable: HistoryEntry | None,
    measurements: Measurements,
    old: MetricStatus | None,
    now: datetime,
) -> Reading:
    patience = timedelta(seconds=metric.breaches.count * analysis.interval_seconds)
    if metric.alert is None:
        return reading.read(metric, patience, measurements, stable, old, now)
    match measurements.get(Question(metric.name)):
        case None:
            return reading.unchecked(metric)
        case Measurement(_, Awaited()):
            return reading.awaited(metric, old)
        case Measurement(AlertQuery() as request, Unanswered() as silence):
            return reading.unanswered(metric, silence, str(request.demands), patience, old, now)
        case Measurement(AlertQuery() as request, Alerts() as alerts) as measured:
            told = _alerted(metric.name, metric.alert, entry, request, alerts)
            return reading.timely(metric, told, measured, str(request.demands), patience, old, now)
        case other:
            raise ValueError(f"{metric.name} was asked for alerts, and {other} are none")


def _alerted(name: str, alert: AlertSelector, entry: HistoryEntry, request: AlertQuery, alerts: Alerts) -> Reading:
    """Return what alerts say of a revision: one that began before it is about the one before, and hides its own.

    Pods of a revision are scraped before they are seen to be available, so an alert that is asked for by their version
    may begin that early and still be theirs. A record that lies in the future is from before the clock was set back:
    the revision began no later than its first pod was available. Prometheus tells beginnings in whole seconds, rounded
    down: so it may also seem to have begun in the second in which the revision did.

    Rule: R42.
    """
    title = " or ".join(request.names)
    beginning, began = entry.available_at, "was available"
    if alert.names_the_revision:
        begun_at = min(entry.started_at, entry.available_at or entry.started_at)
        beginning, began = begun_at.replace(microsecond=0), "began"
    fresh = [each for each in alerts.firing if beginning is not None and each.since >= beginning]
    if fresh:
        return _firing(name, title, request, fresh)
    if undefined := [each for each in request.names if each in alerts.undefined]:
        return _undefined(name, undefined, request)
    if alerts.firing:
        since = min(each.since for each in alerts.firing)
        message = (
            f"{name}: the alert {title} fires since {since:%Y-%m-%dT%H:%M:%SZ}, from before this revision {began}, "
            "so nobody knows whether it would fire because of it"
        )
        return Reading(MetricState.UNKNOWN, Reason.ALERT_FIRING_BEFORE, message, blocks=True, broken_at=request.at)
    return Reading(MetricState.PASSING, Reason.NO_ALERT_FIRING, f"{name}: no alert {title} fires")


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
    message = f"{name}: the alert {title} fires since {since:%Y-%m-%dT%H:%M:%SZ}"
    return Reading(MetricState.BREACHING, Reason.ALERT_FIRING, message, evidence, blocks=True, broken_at=request.at)


def _undefined(name: str, undefined: list[str], request: AlertQuery) -> Reading:
    """Rule: R43."""
    message = f"{name}: the metric source {request.source} has no alerting rule {' or '.join(undefined)}"
    return Reading(MetricState.UNKNOWN, Reason.ALERT_UNKNOWN, message, blocks=True, broken_at=request.at)


def _status(metric: Metric, revision: int, read: Reading, old: MetricStatus | None, now: datetime) -> MetricStatus:
    if old is not None and (old.state, old.reason) == (read.state, read.reason):
        # Why a query gives nothing is known a moment after it gave nothing.
        adds = reading.is_unexplained(old) and reading.EXPLAINED in read.message
        return old.model_copy(update={"message": clip(read.message)}) if adds else old
    is_aside = metric.mode is MetricMode.OBSERVE and read.state is MetricState.BREACHING
    message = f"{read.message}; mode is Observe, so nothing follows from it" if is_aside else read.message
    return MetricStatus(
        name=metric.name,
        revision=revision,
        state=read.state,
        reason=read.reason,
        message=clip(message),
        # One reason to pass may follow another, and what passes is not interrupted by that.
        since=old.since if old is not None and old.state is read.state is MetricState.PASSING else now,
    )
