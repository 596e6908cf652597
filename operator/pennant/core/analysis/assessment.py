"""What all metrics say together of a revision.

In: the metrics, what came back to their requests, and what the status said before. Out: the `Verdict`: breached, or
clean since when; and which sources are suspect.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.analysis import Analysis, Metric, MetricMode, OnUnknown
from pennant.api.deployment_status import MetricState, MetricStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.meta import clip
from pennant.core.analysis.kind import EXPLAINED, Reading, is_unexplained
from pennant.core.analysis.reading import Complete, Silence, gathered, interpreted, reading_of
from pennant.core.facts.measurement import Measurements, Role


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all metrics of a revision say together."""

    metrics: tuple[MetricStatus, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """Of the enforced metrics that the newest answers show as breached; empty where there are none."""
    clean_since: datetime | None = None
    """Since when all enforced metrics pass; None: one does not, or has no new answer."""
    resumes_at: datetime | None = None
    """When the check after the newest failed one is due: the bake time starts again there. None: all passed."""
    observed: frozenset[str] = frozenset()
    """Names of the metrics with `mode: Observe`."""

    @property
    def enforced(self) -> tuple[MetricStatus, ...]:
        """The metrics with `mode: Enforce`."""
        return tuple(each for each in self.metrics if each.name not in self.observed)

    @property
    def breached(self) -> tuple[MetricStatus, ...]:
        """The enforced metrics that the newest answers show as breached."""
        names = {each.metric for each in self.evidence}
        return tuple(each for each in self.metrics if each.name in names)

    @property
    def breaching(self) -> tuple[MetricStatus, ...]:
        """The enforced metrics that are breached by the newest answers or, until those come, by the last ones."""
        return tuple(each for each in self.enforced if each.state is MetricState.BREACHING)


def assess(
    analysis: Analysis,
    entry: HistoryEntry,
    stable: HistoryEntry | None,
    measurements: Measurements,
    before: tuple[MetricStatus, ...],
    now: datetime,
) -> Verdict:
    """Return the verdict on a revision. A metric keeps its status from `before` until its state or reason changes.

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
        patience = timedelta(seconds=metric.breaches.count * analysis.interval_seconds)
        reading = reading_of(metric, patience, measurements, entry, stable, old, now)
        status = _status(metric, entry.revision, reading, old, now)
        statuses.append(status)
        if metric.mode is MetricMode.OBSERVE:
            continue
        if reading.evidence is not None:
            evidence.append(reading.evidence)
        if reading.broken_at is not None:
            broken.append(reading.broken_at)
        if reading.blocks:
            clean_since = None
        elif clean_since is not None and status.state is MetricState.PASSING:
            clean_since = max(clean_since, status.since)
    observed = frozenset(each.name for each in analysis.metrics if each.mode is MetricMode.OBSERVE)
    resumes_at = max(broken) + timedelta(seconds=analysis.interval_seconds) if broken else None
    return Verdict(tuple(statuses), tuple(evidence), clean_since, resumes_at, observed)


def with_stored_values(metrics: Iterable[MetricStatus], before: Iterable[MetricStatus]) -> tuple[MetricStatus, ...]:
    """Return the metrics with the value and the time of the last check that `before` has of each.

    Rule: R103.
    """
    stored = {each.name: {"value": each.value, "checked_at": each.checked_at} for each in before}
    return tuple(each.model_copy(update=stored.get(each.name)) for each in metrics)


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
    """Return whether the newest check of a metric is a breach; None where it was not answered."""
    match gathered(metric, measurements):
        case Silence(Role.VALUE):
            return True if metric.on_error is OnUnknown.BREACH else None
        case Complete() as found:
            return interpreted(metric, found, entry, stable).newest_breaches
        case _:
            return None


def _status(metric: Metric, revision: int, reading: Reading, old: MetricStatus | None, now: datetime) -> MetricStatus:
    value, checked_at = reading.value, reading.checked_at
    if checked_at is None and old is not None:
        value, checked_at = old.value, old.checked_at
    if old is not None and (old.state, old.reason) == (reading.state, reading.reason):
        # Why a query gives nothing is known a moment after it gave nothing.
        adds = is_unexplained(old) and EXPLAINED in reading.message
        message = clip(reading.message) if adds else old.message
        return old.model_copy(update={"message": message, "value": value, "checked_at": checked_at})
    is_aside = metric.mode is MetricMode.OBSERVE and reading.state is MetricState.BREACHING
    message = f"{reading.message}; mode is Observe, so this has no effect" if is_aside else reading.message
    return MetricStatus(
        name=metric.name,
        revision=revision,
        state=reading.state,
        reason=reading.reason,
        message=clip(message),
        # One reason to pass may follow another, and what passes is not interrupted by that.
        since=old.since if old is not None and old.state is reading.state is MetricState.PASSING else now,
        value=value,
        checked_at=checked_at,
    )
