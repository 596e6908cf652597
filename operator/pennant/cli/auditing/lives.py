"""The whole history of a name: the cluster and the archive read as one.

A *life* is the time of one ModelDeployment of that name, from its first revision to its deletion. Revision numbers
begin again with each life.

Rule: R199.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pennant.api.history import HistoryEntry
from pennant.cli.auditing.archived import Found
from pennant.cli.auditing.chain import Chain, Link, State
from pennant.cli.auditing.timeline import NOT_RECORDED, Segment, Served, served_at, timeline
from pennant.core.rollout.history import History
from pennant.core.rollout.revision import FIXED, entry_hash

NOTHING = Served((), None, older=False)


@dataclass(frozen=True, slots=True)
class Life:
    """The revisions of one ModelDeployment, oldest first."""

    history: History
    deleted_at: datetime | None = None
    """When the operator found it deleted; None: it exists, or its deletion was not archived."""


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
    if deleted_at is not None and last.ended_at is None:
        last = last.model_copy(update={"ended_at": deleted_at})
    return Life((*(each.entry for each in found[:-1]), last), deleted_at)


def at(lives: Sequence[Life], moment: datetime) -> tuple[Served, History]:
    """Return what served at a time, and the history that it is from."""
    begun = [each for each in lives if each.history[0].started_at <= moment]
    if not begun:
        return NOT_RECORDED, lives[0].history if lives else ()
    life = begun[-1]
    if life.deleted_at is not None and life.deleted_at <= moment:
        return NOTHING, life.history
    return served_at(life.history, moment), life.history


def segments(lives: Sequence[Life]) -> tuple[Segment, ...]:
    """Return the whole history as segments, oldest first."""
    found: list[Segment] = []
    for number, life in enumerate(lives):
        following = lives[number + 1].history[0].started_at if number + 1 < len(lives) else None
        end = life.deleted_at or following
        own = [each for each in timeline(life.history) if end is None or each.begin < end]
        if own:
            own[-1] = replace(own[-1], end=end)
        found += own
        if life.deleted_at is not None and (following is None or life.deleted_at < following):
            found.append(Segment(life.deleted_at, following, NOTHING))
    return tuple(found)


def checked(live: Chain, history: History, archived: Sequence[Found], problems: Sequence[str]) -> Chain:
    """Return what is intact, missing and changed in the cluster and in the archive together."""
    lives = joined(history, archived)
    known = {each.entry.hash: each.entry for each in archived}
    in_cluster = {each.hash: each for each in live.links if each.hash}
    links = [link for number, life in enumerate(lives) for link in _links(lives, number, life, known, in_cluster)]
    # What the cluster has without a readable hash.
    links += [each for each in live.links if each.hash not in {link.hash for link in links}]
    links += [Link(0, "", "", State.CHANGED, (each,)) for each in problems]
    both = len(known.keys() & in_cluster.keys())
    notes = (
        f"{len(known)} revisions are in the archive, {len(in_cluster)} in the cluster, {both} in both.",
        *(each for each in live.notes if not known or "not recorded any more" not in each),
    )
    return Chain(tuple(links), notes)


def _links(
    lives: Sequence[Life], number: int, life: Life, known: dict[str, HistoryEntry], in_cluster: dict[str, Link]
) -> Iterator[Link]:
    before: HistoryEntry | None = None
    for entry in life.history:
        link = in_cluster.get(entry.hash)
        wrong = [*(link.problems if link is not None else ()), *_problems(entry, before, known.get(entry.hash))]
        if before is None and number and lives[number - 1].deleted_at is None:
            wrong.append(_unexplained(lives[number - 1].history[-1]))
        state = State.CHANGED if wrong else State.INTACT
        if link is None and (gone := _gone(entry, in_cluster)) and number == len(lives) - 1:
            state = State.MISSING
            wrong.append(gone)
        elif link is not None and link.state is State.MISSING:
            state = State.MISSING
        yield Link(entry.revision, entry.version, entry.hash, state, tuple(wrong))
        before = entry


def _gone(entry: HistoryEntry, in_cluster: dict[str, Link]) -> str:
    """Return what is wrong if a revision is in the archive alone; empty: the cluster has only newer ones."""
    numbers = [each.revision for each in in_cluster.values()]
    if not numbers or entry.revision < min(numbers):
        return ""
    later = "has later ones" if entry.revision < max(numbers) else "has no later revision"
    return f"it is in the archive, and not in the cluster, which {later}"


def _problems(entry: HistoryEntry, before: HistoryEntry | None, archived: HistoryEntry | None) -> Iterable[str]:
    """Yield what is wrong with a revision beside its neighbours and its copy in the archive."""
    if entry_hash(entry) != entry.hash:
        yield "its entry does not match its own hash"
    if archived is not None and any(getattr(entry, name) != getattr(archived, name) for name in FIXED):
        yield "its entry in the cluster differs from that in the archive"
    if before is not None and entry.previous_hash != before.hash:
        first, last = before.revision + 1, entry.revision - 1
        gap = f"revision {first} is" if first == last else f"revisions {first} to {last} are"
        yield f"{gap} neither in the archive nor here" if first <= last else f"it does not follow revision {last}"


def _unexplained(last: HistoryEntry) -> str:
    return (
        f"a new history begins after revision {last.revision} ({last.version}), and no deletion is in the archive: the "
        "ModelDeployment was deleted while no operator ran, or the history was replaced"
    )
