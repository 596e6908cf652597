"""The whole history of a name: the cluster and the archive read as one.

A *life* is the time of one ModelDeployment of that name, from its first revision to its deletion. Revision numbers
begin again with each life.

Rule: R199.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pennant.cli.auditing.archived import Found
from pennant.cli.auditing.timeline import NOT_RECORDED, Segment, Served, served_at, timeline
from pennant.core.rollout.history import History


@dataclass(frozen=True, slots=True)
class Life:
    """The revisions of one ModelDeployment, oldest first."""

    history: History
    deleted_at: datetime | None = None
    """When the operator found it deleted; None: it exists, or its deletion was not archived."""
    known_until: Mapping[str, datetime] = field(default_factory=dict)
    """By their hashes, the revisions of which later progress is not recorded, and since when."""

    def served_at(self, moment: datetime) -> Served:
        """Return what served at a time in this life, and whether that is known."""
        if self.deleted_at is not None and self.deleted_at <= moment:
            return Served((), None, older=False, deleted_at=self.deleted_at)
        served = served_at(self.history, moment)
        since = [begin for begin, end in self.unknown() if begin <= moment and (end is None or moment < end)]
        return replace(served, known_until=min(since)) if since and served.recorded else served

    def unknown(self) -> Iterator[tuple[datetime, datetime | None]]:
        """Yield the spans in which a revision may have served, and nothing is recorded of it.

        A span ends when a later revision is rolled out: then no pod of an older one is left.
        """
        for number, entry in enumerate(self.history):
            if (begin := self.known_until.get(entry.hash)) is not None:
                later = (each.rolled_out_at for each in self.history[number + 1 :] if each.rolled_out_at is not None)
                yield max(begin, entry.started_at), next(later, None)


def joined(live: History, archived: Sequence[Found]) -> tuple[Life, ...]:
    """Return the lives of a name, oldest first; of a revision that is in both, the state in the cluster counts."""
    by_hash = {each.entry.hash: each for each in archived} | {each.hash: Found(each, None) for each in live}
    # By time, and for equal times by number: the first revision of a life has no `previousHash`.
    ordered = sorted(by_hash.values(), key=lambda each: (each.entry.started_at, each.entry.revision))
    lives: list[list[Found]] = []
    for each in ordered:
        if not lives or not each.entry.previous_hash or each.entry.revision <= lives[-1][-1].entry.revision:
            lives.append([])
        lives[-1].append(each)
    return tuple(_life(each) for each in lives)


def _life(found: Sequence[Found]) -> Life:
    deleted_at = found[-1].deleted_at
    last = found[-1].entry
    known_until = {each.entry.hash: each.known_until for each in found if each.known_until is not None}
    if deleted_at is None and last.ended_at is not None:
        # What replaced it is not recorded.
        known_until[last.hash] = last.ended_at
    if deleted_at is not None and last.ended_at is None:
        last = last.model_copy(update={"ended_at": deleted_at})
    return Life((*(each.entry for each in found[:-1]), last), deleted_at, known_until)


def at(lives: Sequence[Life], moment: datetime) -> tuple[Served, History]:
    """Return what served at a time, and the history that it is from."""
    begun = [each for each in lives if each.history[0].started_at <= moment]
    if not begun:
        return NOT_RECORDED, lives[0].history if lives else ()
    return begun[-1].served_at(moment), begun[-1].history


def segments(lives: Sequence[Life]) -> tuple[Segment, ...]:
    """Return the whole history as segments, oldest first."""
    found: list[Segment] = []
    for number, life in enumerate(lives):
        following = lives[number + 1].history[0].started_at if number + 1 < len(lives) else None
        end = life.deleted_at or following
        further = (each for span in life.unknown() for each in span if each is not None)
        own = [each for each in timeline(life.history, life.served_at, *further) if end is None or each.begin < end]
        if own:
            own[-1] = replace(own[-1], end=end)
        found += own
        if life.deleted_at is not None and (following is None or life.deleted_at < following):
            found.append(Segment(life.deleted_at, following, life.served_at(life.deleted_at)))
    return tuple(found)
