"""A circuit breaker for metric sources: when many contents breach at once, the source is more likely wrong than all.

Contents are counted and not ModelDeployments, because one content that breaches wherever it is served is evidence
against that content. A content counts with one breach in its newest check, and a rollback takes several checks, so the
breaker opens before the first rollback.

Rule: R61.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.core.facts.observation import Key

WARM_UP = timedelta(seconds=5)
"""Time after the first report in which a source is suspect until all ModelDeployments have reported."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What the newest checks of one ModelDeployment say of each metric source."""

    digest: str
    """Digest of the content that it serves."""
    was_verified: bool
    """Whether that content was verified before."""
    breaches: Mapping[str, bool]
    """By metric source of its enforced metrics: whether the newest check of any of them is a breach."""


class SourceBreaker:
    """Finds the metric sources that are suspect."""

    def __init__(self, count: int, percent: int, total: Callable[[], int]) -> None:
        """Suspect a source when `count` contents and `percent` of the ModelDeployments that use it breach; 0: never.

        `total` returns the number of ModelDeployments.
        """
        self._count, self._percent, self._total = count, percent, total
        self._reports: dict[Key, SourceReport] = {}
        self._started_at: datetime | None = None

    def note(self, key: Key, report: SourceReport, now: datetime) -> None:
        """Replace the report of a ModelDeployment."""
        if self._started_at is None:
            self._started_at = now
        if report.breaches:
            self._reports[key] = report
        else:
            self._reports.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that was deleted."""
        self._reports.pop(key, None)

    def suspect_sources(self, key: Key, now: datetime) -> Mapping[str, str]:
        """Return the sources that are suspect to a ModelDeployment, each with the reason in words."""
        if not self._count:
            return {}
        sources = {source for each in self._reports.values() for source in each.breaches}
        reasons = {source: self._reason(source, key.namespace, now) for source in sources}
        return {source: why for source, why in reasons.items() if why}

    def _reason(self, source: str, namespace: str, now: datetime) -> str:
        """Return why a source is suspect in a namespace; empty where it is not."""
        using = {key: each for key, each in self._reports.items() if source in each.breaches}
        breaching = {key: each for key, each in using.items() if each.breaches[source]}
        contents = {each.digest for each in breaching.values()}
        # Breaches in other namespaces do not excuse the only one that breaches in this namespace.
        here = (sum(key.namespace == namespace for key in keys) for keys in (breaching, using))
        if (
            len(contents) >= self._count
            and any(each.was_verified for each in breaching.values())
            and self._is_share(len(breaching), len(using))
            and self._is_share(*here)
        ):
            who = f"{len(breaching)} of {len(using)} deployments, with {len(contents)} different contents,"
            return f"{who} breach at the same time, so metric source {source} is suspect"
        is_warming_up = self._started_at is not None and timedelta(0) <= now - self._started_at < WARM_UP
        if is_warming_up and self._total() >= self._count and len(using) < self._total():
            began = f"the operator started less than {WARM_UP.seconds} s ago"
            return f"{began}, and has not read metric source {source} for all deployments"
        return ""

    def _is_share(self, breaching: int, using: int) -> bool:
        return breaching * 100 >= self._percent * using
