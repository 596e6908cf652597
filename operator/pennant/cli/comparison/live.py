"""How ModelDeployments served two versions: when, with what outcome, and what was measured."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.version_status import ServedBy
from pennant.cli.outcomes import outcome
from pennant.core.versions.serving_periods import periods


@dataclass(frozen=True, slots=True)
class Served:
    """A revision that served one of the two versions."""

    version: str
    revision: int
    since: datetime
    """When its first pod became available."""
    until: datetime | None
    """When another revision replaced it; None: it is the current one."""
    verified_at: datetime | None
    outcome: str = ""
    """Empty where only the ModelVersion tells of it: the history does not have it any more."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was last measured of one metric while each version served; empty: nothing is recorded."""

    metric: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Live:
    """One ModelDeployment that served at least one of the two versions."""

    deployment: str
    served: tuple[Served, ...]
    """Oldest first."""
    measured: tuple[Measured, ...]
    """Metrics, where it served both versions."""


@dataclass(frozen=True, slots=True)
class Content:
    """A version, as histories know it."""

    version: str
    digest: str
    served_by: tuple[ServedBy, ...] = ()


def live(statuses: Iterable[tuple[str, ModelDeploymentStatus]], before: Content, after: Content) -> tuple[Live, ...]:
    """Return how ModelDeployments, given by name and status, served two versions, sorted by name."""
    known = dict(statuses)
    told = {each.deployment for content in (before, after) for each in content.served_by}
    found = (_of(name, known.get(name, ModelDeploymentStatus()), before, after) for name in sorted(known.keys() | told))
    return tuple(each for each in found if each.served)


def _of(name: str, status: ModelDeploymentStatus, before: Content, after: Content) -> Live:
    sides = (before, after)
    found = {(each.revision, each.since): each for side in sides for each in _served(name, status, side)}
    served = tuple(sorted(found.values(), key=lambda each: (each.since, each.revision)))
    both = {each.version for each in served} >= {before.version, after.version}
    return Live(name, served, tuple(_measured(status, before, after)) if both else ())


def _served(name: str, status: ModelDeploymentStatus, content: Content) -> Iterator[Served]:
    """Yield the revisions that served a content: those in the history, and older ones that the version remembers."""
    for each in content.served_by:
        if each.deployment == name:
            yield Served(content.version, each.revision, each.from_, each.until, each.verified_at)
    outcomes = {each.revision: outcome(each, status.history) for each in status.history}
    for period in periods(name, status.history):
        if (period.version, period.digest) == (content.version, content.digest):
            yield Served(
                content.version,
                period.revision,
                period.since,
                period.until,
                period.verified_at,
                outcomes[period.revision],
            )


def _measured(status: ModelDeploymentStatus, before: Content, after: Content) -> Iterator[Measured]:
    said = [_said(status, each) for each in (before, after)]
    for metric in sorted(said[0].keys() | said[1].keys()):
        yield Measured(metric, said[0].get(metric, ""), said[1].get(metric, ""))


def _said(status: ModelDeploymentStatus, content: Content) -> dict[str, str]:
    """Return what was last said of each metric while a content served: its state now, or why it failed."""
    own = [each for each in status.history if (each.version, each.digest) == (content.version, content.digest)]
    numbers = {each.revision for each in own}
    found = {each.metric: _evidence(each) for each in _newest(own)}
    for state in status.analysis:
        if state.revision in numbers:
            found[state.name] = f"{state.state}: {state.message}"
    return found


def _newest(entries: Sequence[HistoryEntry]) -> Iterable[Evidence]:
    return (each for entry in entries for each in entry.evidence)


def _evidence(each: Evidence) -> str:
    return f"failed: {each.value}, {each.threshold}, in {each.breaches} checks"
