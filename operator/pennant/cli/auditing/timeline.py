"""Which revisions may have received traffic at a time, as the marks of the history tell it.

A revision can receive traffic from its `availableAt` on. Pods of the revisions before it can receive traffic until a
later revision is completely rolled out (`rolledOutAt`): then no older pod is left. In between, both can. The operator
records when it saw these changes; it does not record that a revision lost its pods, or was scaled to zero.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from pennant.api.history import Evidence, HistoryEntry, Trigger


@dataclass(frozen=True, slots=True)
class Served:
    """What served at one time."""

    serving: tuple[HistoryEntry, ...]
    """Revisions whose pods could receive traffic, oldest first; of those with the same pods only the newest."""
    starting: HistoryEntry | None
    """The current revision, while it has no available pod."""
    older: bool
    """Whether revisions that are not recorded any more could receive traffic as well."""
    recorded: bool = True
    """Whether the history reaches back to that time."""
    known_until: datetime | None = None
    """Set: nothing is recorded after this time, and the revisions are only the last ones that are."""
    deleted_at: datetime | None = None
    """When the ModelDeployment was found deleted, if that was before."""

    @property
    def certain(self) -> bool:
        """Whether only one revision could receive traffic."""
        return self.recorded and self.known_until is None and len(self.serving) == 1 and not self.older

    @property
    def newest(self) -> HistoryEntry | None:
        """The revision that was current; None: the time is not recorded."""
        return self.starting or (self.serving[-1] if self.serving else None)


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of time in which the same revisions could receive traffic."""

    begin: datetime
    end: datetime | None
    """None: it goes on."""
    served: Served


NOT_RECORDED = Served((), None, False, recorded=False)


def served_at(history: Sequence[HistoryEntry], at: datetime) -> Served:
    """Return what served at a time, from entries in the order of their numbers."""
    begun = [each for each in history if each.started_at <= at]
    if not begun or (len(begun) < len(history) and _is_past(begun[-1].ended_at, at)):
        # Its successor had begun, and is not in the history any more.
        return NOT_RECORDED
    out = [number for number, each in enumerate(begun) if _is_past(each.rolled_out_at, at)]
    gaps = [0] if begun[0].previous_hash else []
    gaps += [number for number, (old, new) in enumerate(pairwise(begun), 1) if new.previous_hash != old.hash]
    first = max([*out[-1:], *gaps[-1:]], default=0)
    possible = [each for each in begun[first:] if _is_past(each.available_at, at) or _is_past(each.rolled_out_at, at)]
    by_pods = {each.template_hash: each for each in possible}
    serving = tuple(sorted(by_pods.values(), key=lambda each: each.revision))
    starting = None if begun[-1] in serving else begun[-1]
    return Served(serving, starting, older=first in gaps and first not in out)


def _is_past(mark: datetime | None, at: datetime) -> bool:
    return mark is not None and mark <= at


def timeline(
    history: Sequence[HistoryEntry], served_then: Callable[[datetime], Served] | None = None, *further: datetime
) -> tuple[Segment, ...]:
    """Return the whole history as segments, oldest first; `served_then` may change at `further` times as well."""
    marks = sorted({mark for each in history for mark in _marks(each)} | set(further))
    found: list[Segment] = []
    for mark in marks:
        served = served_at(history, mark) if served_then is None else served_then(mark)
        if found and found[-1].served == served:
            continue
        if found:
            found[-1] = replace(found[-1], end=mark)
        found.append(Segment(mark, None, served))
    return tuple(found)


def _marks(entry: HistoryEntry) -> Iterable[datetime]:
    return (mark for mark in (entry.started_at, entry.available_at, entry.rolled_out_at) if mark is not None)


def between(segments: Sequence[Segment], begin: datetime | None, end: datetime | None) -> tuple[Segment, ...]:
    """Return the segments within a span, cut to it; what is before the first one is a segment that is not recorded."""
    found = list(segments)
    if begin is not None and (not found or begin < found[0].begin):
        found.insert(0, Segment(begin, found[0].begin if found else None, NOT_RECORDED))
    kept = []
    for each in found:
        first = max(each.begin, begin) if begin is not None else each.begin
        last = each.end if end is None else min(each.end or end, end)
        if last is None or first < last:
            kept.append(Segment(first, last, each.served))
    return tuple(kept)


def cause(entry: HistoryEntry, history: Sequence[HistoryEntry]) -> tuple[Evidence, ...]:
    """Return the measurements for which a revision was created: those by which the one before failed."""
    if entry.trigger is not Trigger.AUTOMATIC_ROLLBACK:
        return ()
    before = (each for each in history if each.hash and each.hash == entry.previous_hash)
    return next((each.evidence for each in before), ())
