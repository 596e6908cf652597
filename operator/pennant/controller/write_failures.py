"""Which writes have not succeeded since when: what has failed for a minute is no passing trouble any more.

Rule: R94.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.meta import clip, rfc3339

LASTING = timedelta(seconds=60)
FORGOTTEN = timedelta(seconds=180)
"""What was not tried for so long is no longer wanted."""


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """A write that has not succeeded since it first failed."""

    what: str
    """What is not written, in words."""
    answer: str
    """What became of it the last time."""
    since: datetime
    last: datetime
    times: int = 1

    @property
    def lasts(self) -> bool:
        """Whether it has failed for a minute."""
        return self.last - self.since >= LASTING

    def __str__(self) -> str:
        """Return the sentence for people; it stays the same for as long as the answer does."""
        return clip(f"{self.what} could not be written since {rfc3339(self.since)}: {self.answer}")


class WriteFailures:
    """The writes of one object that have not succeeded when they were last tried, each known by its words."""

    def __init__(self) -> None:
        self._known: dict[str, WriteFailure] = {}

    def __iter__(self) -> Iterator[WriteFailure]:
        return iter(self._known.values())

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def lasting(self) -> dict[str, WriteFailure]:
        """Those that have failed for a minute."""
        return {what: each for what, each in self._known.items() if each.lasts}

    def get(self, what: str) -> WriteFailure | None:
        """Return what is known of a write; None: it has not failed."""
        return self._known.get(what)

    def again(self, what: str, answer: str, now: datetime) -> WriteFailure:
        """Take note of a failure, and return what is known of it now."""
        before = self._known.get(what)
        since, times = (min(before.since, now), before.times + 1) if before is not None else (now, 1)
        self._known[what] = WriteFailure(what, answer, since, now, times)
        return self._known[what]

    def over(self, what: str) -> None:
        """Take note of a success."""
        self._known.pop(what, None)

    def forget_before(self, now: datetime) -> None:
        """Forget what nobody has tried for so long that it is no longer wanted."""
        recent = {what: each for what, each in self._known.items() if now < each.last + FORGOTTEN}
        # What lies in the future counts as now: the clock was set back.
        self._known = {
            what: replace(each, since=min(each.since, now), last=min(each.last, now)) for what, each in recent.items()
        }
