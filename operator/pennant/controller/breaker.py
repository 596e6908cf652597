"""Many deployments that breach at once against one metric source: more likely the source lies than all of them are bad.

Counted is who sees a breach in its newest check, not who has enough of them to be rolled back: so the alarm comes
before the first rollback does.

Rule: Where many breach at once the source is not believed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pennant.core.observation import Key

SETTLING = timedelta(seconds=5)


class Breaker:
    """Says which metric sources are not believed at the moment."""

    def __init__(self, count: int, percent: int, population: Callable[[], int]) -> None:
        """Doubt a source when this many deployments, and this share of those that use it, breach; 0: never.

        `population` tells how many deployments there are in all.
        """
        self._count, self._percent, self._population = count, percent, population
        self._seen: dict[Key, Mapping[str, bool]] = {}
        self._begun: datetime | None = None

    def note(self, key: Key, breaching: Mapping[str, bool], now: datetime) -> None:
        """Take note of which sources a deployment was measured against, and whether it breaches there."""
        if self._begun is None:
            self._begun = now
        if breaching:
            self._seen[key] = breaching
        else:
            self._seen.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop what is known of a deployment that is gone."""
        self._seen.pop(key, None)

    def distrusted(self, now: datetime) -> Mapping[str, str]:
        """Return the sources that are not believed, each with a sentence why."""
        if not self._count:
            return {}
        sources = {source for each in self._seen.values() for source in each}
        said = {source: self._verdict(source, now) for source in sources}
        return {source: why for source, why in said.items() if why}

    def _verdict(self, source: str, now: datetime) -> str:
        there = [each[source] for each in self._seen.values() if source in each]
        breaching = sum(there)
        if breaching >= self._count and breaching * 100 >= self._percent * len(there):
            return f"{breaching} of {len(there)} deployments breach at once against the metric source {source}"
        # A process that has just begun has not heard of the others yet.
        settling = self._begun is not None and now - self._begun < SETTLING
        if settling and self._population() >= self._count and len(there) < self._population():
            return f"the operator has just begun to look at the metric source {source}"
        return ""
