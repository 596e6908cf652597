"""Many contents that breach at once against one metric source: more likely the source lies than all of them are bad.

One content that breaches wherever it is served is the best evidence against that content, so contents are counted and
not deployments. Counted is what breaches in its newest check, not what does so often enough to be rolled back: so the
alarm comes before the first rollback does.

Rule: R61.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.core.facts.observation import Key

SETTLING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What one deployment was measured at, and whether it breaches."""

    digest: str
    """Digest of the content that it serves."""
    was_good: bool
    """Whether it was known good before."""
    sources: Mapping[str, bool]
    """The metric sources of its enforced metrics, and whether the newest check of any of them is a breach."""


class SourceBreaker:
    """Says which metric sources are not believed at the moment."""

    def __init__(self, count: int, percent: int, population: Callable[[], int]) -> None:
        """Doubt a source when so many contents, and such a share of the deployments that use it, breach; 0: never.

        `population` tells how many deployments there are in all.
        """
        self._count, self._percent, self._population = count, percent, population
        self._seen: dict[Key, Suspicion] = {}
        self._begun: datetime | None = None

    def note(self, key: Key, suspicion: Suspicion, now: datetime) -> None:
        """Take note of which sources a deployment was measured against, and whether it breaches there."""
        if self._begun is None:
            self._begun = now
        if suspicion.sources:
            self._seen[key] = suspicion
        else:
            self._seen.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop what is known of a deployment that is gone."""
        self._seen.pop(key, None)

    def distrusted(self, key: Key, now: datetime) -> Mapping[str, str]:
        """Return the sources that are not believed for a deployment, each with a sentence why."""
        if not self._count:
            return {}
        sources = {source for each in self._seen.values() for source in each.sources}
        said = {source: self._verdict(source, key.namespace, now) for source in sources}
        return {source: why for source, why in said.items() if why}

    def _verdict(self, source: str, namespace: str, now: datetime) -> str:
        there = {key: each for key, each in self._seen.items() if source in each.sources}
        breaching = {key: each for key, each in there.items() if each.sources[source]}
        contents = {each.digest for each in breaching.values()}
        # What breaches in other namespaces is no excuse for a namespace in which all is well but one.
        here = (sum(key.namespace == namespace for key in keys) for keys in (breaching, there))
        if (
            len(contents) >= self._count
            and any(each.was_good for each in breaching.values())
            and self._is_share(len(breaching), len(there))
            and self._is_share(*here)
        ):
            who = f"{len(breaching)} of {len(there)} deployments, with {len(contents)} different contents,"
            return f"{who} breach at once against the metric source {source}"
        # A process that has just begun has not heard of the others yet.
        settling = self._begun is not None and timedelta(0) <= now - self._begun < SETTLING
        if settling and self._population() >= self._count and len(there) < self._population():
            return f"the operator has just begun to look at the metric source {source}"
        return ""

    def _is_share(self, breaching: int, there: int) -> bool:
        return breaching * 100 >= self._percent * there
