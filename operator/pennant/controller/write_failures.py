"""Writes that keep failing: since when, and with which answer.

Rule: R94.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.meta import clip, rfc3339

LASTING = timedelta(seconds=60)
"""A write that has failed for so long is reported."""
EXPIRY = timedelta(seconds=180)
"""A write that was not tried for so long is no longer needed."""


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """A write that has failed each time since `since`."""

    what: str
    """What is written, such as `the Deployment`."""
    answer: str
    """The newest error."""
    since: datetime
    last: datetime
    times: int = 1

    @property
    def is_lasting(self) -> bool:
        """Whether it has failed for `LASTING`."""
        return self.last - self.since >= LASTING

    def __str__(self) -> str:
        """Return the sentence for a status or an Event; it changes only when the error does."""
        return clip(f"{self.what} could not be written since {rfc3339(self.since)}: {self.answer}")


class WriteFailures:
    """The failing writes of one object, by what is written."""

    def __init__(self) -> None:
        """Start without failures."""
        self._known: dict[str, WriteFailure] = {}

    def __iter__(self) -> Iterator[WriteFailure]:
        return iter(self._known.values())

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def lasting(self) -> dict[str, WriteFailure]:
        """The writes that have failed for `LASTING`."""
        return {what: each for what, each in self._known.items() if each.is_lasting}

    def get(self, what: str) -> WriteFailure | None:
        """Return the failure of a write; None: it succeeded when it was last tried."""
        return self._known.get(what)

    def failed(self, what: str, answer: str, now: datetime) -> WriteFailure:
        """Record that a write failed, and return its failure with this attempt."""
        before = self._known.get(what)
        since, times = (min(before.since, now), before.times + 1) if before is not None else (now, 1)
        self._known[what] = WriteFailure(what, answer, since, now, times)
        return self._known[what]

    def succeeded(self, what: str) -> None:
        """Remove a write that succeeded."""
        self._known.pop(what, None)

    def expire(self, now: datetime) -> None:
        """Remove writes that were not tried for `EXPIRY`; times after `now` become `now`: the clock was set back."""
        recent = {what: each for what, each in self._known.items() if now < each.last + EXPIRY}
        self._known = {
            what: replace(each, since=min(each.since, now), last=min(each.last, now)) for what, each in recent.items()
        }
