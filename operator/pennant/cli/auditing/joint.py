"""Whether the cluster and an archive together have the whole history, as it was recorded.

Rule: R199.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pennant.api import deployment_status
from pennant.api.history import HistoryEntry
from pennant.api.meta import LAST_REVISION
from pennant.cli.auditing.archived import Archived, Found, revisions
from pennant.cli.auditing.chain import Chain, Link, State
from pennant.cli.auditing.lives import Life, joined
from pennant.core.rollout.history import History
from pennant.core.rollout.revision import FIXED, entry_hash

ALONE = (
    "Without the cluster, nothing shows whether documents of later revisions, or of a deletion, are missing. Compare "
    "the newest hash with the one in the operator's log."
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the cluster has of a ModelDeployment."""

    chain: Chain
    history: History
    archived: deployment_status.Archived | None = None
    """Up to where the operator has archived it."""
    exists: bool = True
    is_asked: bool = True


UNASKED = Cluster(Chain((), ()), (), exists=False, is_asked=False)
GONE = Cluster(Chain((), ()), (), exists=False)


def checked(cluster: Cluster, found: Archived) -> Chain:
    """Return what is intact, missing and changed in the cluster and in the archive together."""
    live, archived = cluster.chain, {each.entry.hash: each for each in revisions(found)}
    lives = joined(cluster.history, tuple(archived.values()))
    in_cluster = {each.hash: each for each in live.links if each.hash}
    begun = frozenset(
        entry.hash
        for export in found.exports
        if export.deployment is not None
        for entry in export.deployment.history
        if entry.ended_at is None
    )
    links, notes = list[Link](), list[str]()
    for number, life in enumerate(lives):
        before_life = lives[number - 1] if number else None
        is_last = number == len(lives) - 1
        neighbours = zip((None, *life.history[:-1]), life.history, (*life.history[1:], None), strict=True)
        for before, entry, following in neighbours:
            link = in_cluster.get(entry.hash)
            wrong = [*(link.problems if link else ()), *_problems(entry, archived.get(entry.hash))]
            if before is None and before_life is not None and before_life.deleted_at is None:
                wrong.append(_unexplained(before_life.history[-1]))
            if gap := _gap(before, entry):
                (notes if _is_older(before, entry, found, begun) else wrong).append(gap)
            state = State.CHANGED if wrong else State.INTACT
            gone = _gone(entry, in_cluster) if link is None and is_last else ""
            if missing := [*_missing(entry, following, life, archived, cluster), *([gone] if gone else [])]:
                state, wrong = State.MISSING, [*wrong, *missing]
            elif link is not None and link.state is State.MISSING:
                state = State.MISSING
            links.append(Link(entry.revision, entry.version, entry.hash, state, tuple(wrong)))
    # What the cluster has without a readable hash.
    told = {link.hash for link in links}
    links += [each for each in live.links if each.hash not in told]
    both = len(archived.keys() & in_cluster.keys())
    count = f"{len(archived)} revisions are in the archive, {len(in_cluster)} in the cluster, {both} in both."
    alone = () if cluster.is_asked else (ALONE,)
    live_notes = (each for each in live.notes if each not in live.gaps)
    return Chain(tuple(links), (count, *notes, *live_notes, *alone), documents=found.problems)


def _missing(
    entry: HistoryEntry,
    following: HistoryEntry | None,
    life: Life,
    archived: Mapping[str, Found],
    cluster: Cluster,
) -> Iterator[str]:
    """Yield which documents about a revision the archive must have, and has not.

    The operator writes in order: the beginning of a revision follows the end of the one before.
    """
    found, known = archived.get(entry.hash), cluster.archived or deployment_status.Archived()
    is_live = any(each.hash == entry.hash for each in cluster.history)
    if found is None:
        if is_live and entry.revision <= max(known.recorded, known.ended):
            yield "it is not in the archive, and status.archived says that it was written"
    elif found.entry.ended_at is None and found.deleted_at is None:
        was_written = is_live and entry.ended_at is not None and entry.revision <= known.ended
        if was_written or (following is not None and following.hash in archived):
            yield "the archive has the document of its beginning, and none of its end that can be used"
    if following is None and entry.ended_at is not None and life.deleted_at is None:
        yield "it was replaced, and the revision that replaced it is missing"
    elif following is None and not cluster.exists and cluster.is_asked and life.deleted_at is None:
        yield (
            "the ModelDeployment is not in the cluster, and no deletion is in the archive: it was deleted while no "
            "operator ran, or documents are missing"
        )


def _is_older(before: HistoryEntry | None, entry: HistoryEntry, found: Archived, begun: frozenset[str]) -> bool:
    """Return whether revisions before this one may have been removed before the archive began.

    A history has at least two revisions. So where the archive has the beginning of a revision, it has an older one.
    """
    if before is None and entry.hash in begun:
        return False
    return found.since is None or entry.started_at < found.since


def _gap(before: HistoryEntry | None, entry: HistoryEntry) -> str:
    """Return which revisions are missing between two; empty: none is."""
    if before is None:
        earlier = "Revision 1 is" if entry.revision == 2 else f"Revisions before {entry.revision} are"
        return f"{earlier} neither in the archive nor in the cluster." if entry.previous_hash else ""
    if entry.previous_hash == before.hash:
        return ""
    begin, end = before.revision + 1, entry.revision - 1
    if begin > end:
        return f"Revision {entry.revision} does not follow revision {end}."
    gap = f"Revision {begin} is" if begin == end else f"Revisions {begin} to {end} are"
    return f"{gap} neither in the archive nor in the cluster."


def _gone(entry: HistoryEntry, in_cluster: dict[str, Link]) -> str:
    """Return what is wrong if a revision is in the archive alone; empty: the cluster has newer ones.

    `historyLimit` removes the oldest revisions, except for the rollback target.
    """
    if entry.revision < max((each.revision for each in in_cluster.values()), default=LAST_REVISION):
        return ""
    return "it is in the archive, and not in the cluster, which has no later revision"


def _problems(entry: HistoryEntry, archived: Found | None) -> Iterator[str]:
    """Yield what is wrong with a revision and with its copy in the archive."""
    if entry_hash(entry) != entry.hash:
        yield "its entry does not match its own hash"
    if archived is not None and any(getattr(entry, name) != getattr(archived.entry, name) for name in FIXED):
        yield "its entry in the cluster differs from that in the archive"


def _unexplained(last: HistoryEntry) -> str:
    return (
        f"a new history begins after revision {last.revision} ({last.version}), and no deletion is in the archive: the "
        "ModelDeployment was deleted while no operator ran, or the history was replaced"
    )
