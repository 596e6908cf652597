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


Reports = Mapping[Key, SourceReport]


class SourceBreaker:
    """Finds the metric sources that are suspect."""

    def __init__(self, count: int, percent: int, total: Callable[[], int]) -> None:
        """Suspect a source when `count` contents and `percent` of the ModelDeployments that use it breach; 0: never.

        `total` returns the number of ModelDeployments.
        """
        self._count, self._percent, self._total = count, percent, total
        self._using: dict[str, dict[Key, SourceReport]] = {}
        """The newest report of each ModelDeployment that uses a source, by source."""
        self._breaching: dict[str, dict[Key, SourceReport]] = {}
        """Those of them that breach. They are few, and a pass looks at no others."""
        self._started_at: datetime | None = None

    def note(self, key: Key, report: SourceReport, now: datetime) -> None:
        """Replace the report of a ModelDeployment."""
        if self._started_at is None:
            self._started_at = now
        for source in self._using.keys() - report.breaches.keys():
            self._drop(source, key)
        for source, breaches in report.breaches.items():
            self._using.setdefault(source, {})[key] = report
            if breaches:
                self._breaching.setdefault(source, {})[key] = report
            else:
                self._breaching.get(source, {}).pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that was deleted."""
        for source in list(self._using):
            self._drop(source, key)

    def suspect_sources(self, key: Key, now: datetime) -> Mapping[str, str]:
        """Return the sources that are suspect to a ModelDeployment, each with the reason in words."""
        if not self._count:
            return {}
        reasons = {source: self._reason(source, key.namespace, now) for source in self._using}
        return {source: why for source, why in reasons.items() if why}

    def _drop(self, source: str, key: Key) -> None:
        """Drop the report of a ModelDeployment that does not use a source any more."""
        self._breaching.get(source, {}).pop(key, None)
        using = self._using[source]
        using.pop(key, None)
        if not using:
            del self._using[source]
            self._breaching.pop(source, None)

    def _reason(self, source: str, namespace: str, now: datetime) -> str:
        """Return why a source is suspect in a namespace; empty where it is not."""
        using, breaching = self._using[source], self._breaching.get(source, {})
        if len(breaching) >= self._count and (contents := self._contents(using, breaching, namespace)):
            who = f"{len(breaching)} of {len(using)} deployments, with {contents} different contents,"
            return f"{who} breach at the same time, so metric source {source} is suspect"
        is_warming_up = self._started_at is not None and timedelta(0) <= now - self._started_at < WARM_UP
        if is_warming_up and self._total() >= self._count and len(using) < self._total():
            began = f"the operator started less than {WARM_UP.seconds} s ago"
            return f"{began}, and has not read metric source {source} for all deployments"
        return ""

    def _contents(self, using: Reports, breaching: Reports, namespace: str) -> int:
        """Return how many contents breach, if they are so many and so spread that the source is suspect; else 0."""
        contents = len({each.digest for each in breaching.values()})
        # Breaches in other namespaces do not excuse the only one that breaches in this namespace.
        here = (sum(key.namespace == namespace for key in keys) for keys in (breaching, using))
        is_suspect = (
            contents >= self._count
            and any(each.was_verified for each in breaching.values())
            and self._is_share(len(breaching), len(using))
            and self._is_share(*here)
        )
        return contents if is_suspect else 0

    def _is_share(self, breaching: int, using: int) -> bool:
        return breaching * 100 >= self._percent * using
