"""Whether the cluster and an archive together have the whole history, as it was recorded.

Rule: R199.
"""

from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What the cluster and the archive have."""

    cluster: Cluster
    found: Archived
    in_cluster: Mapping[str, Link]
    """By the hash of the revision."""
    archived: Mapping[str, Found]
    """By the hash of the revision."""
    begun: frozenset[str]
    """Hashes of the revisions of which the archive has the beginning."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A revision, and what is beside it."""

    entry: HistoryEntry
    life: Life
    before: HistoryEntry | None
    """The one before it in its life."""
    following: HistoryEntry | None
    """The next one in its life."""
    life_before: Life | None
    is_last_life: bool


def checked(cluster: Cluster, found: Archived) -> Chain:
    """Return what is intact, missing and changed in the cluster and in the archive together."""
    known, live = _known(cluster, found), cluster.chain
    links, notes = list[Link](), list[str]()
    for each in _placed(joined(cluster.history, tuple(known.archived.values()))):
        gap = _gap(each.before, each.entry)
        if gap and _is_older(each, known):
            notes.append(gap)
            gap = ""
        links.append(_link(each, known, gap))
    # What the cluster has without a readable hash.
    told = {link.hash for link in links}
    links += [each for each in live.links if each.hash not in told]
    both = len(known.archived.keys() & known.in_cluster.keys())
    stored, live_count = len(known.archived), len(known.in_cluster)
    count = f"{stored} revisions are in the archive, {live_count} in the cluster, {both} in both."
    alone = () if cluster.is_asked else (ALONE,)
    live_notes = (each for each in live.notes if each not in live.gaps)
    return Chain(tuple(links), (count, *notes, *live_notes, *alone), documents=found.problems)


def _known(cluster: Cluster, found: Archived) -> _Known:
    deployments = (each.deployment for each in found.exports if each.deployment is not None)
    begun = (entry.hash for each in deployments for entry in each.history if entry.ended_at is None)
    in_cluster = {each.hash: each for each in cluster.chain.links if each.hash}
    return _Known(cluster, found, in_cluster, {each.entry.hash: each for each in revisions(found)}, frozenset(begun))


def _placed(lives: Sequence[Life]) -> Iterator[_Placed]:
    for number, life in enumerate(lives):
        life_before, is_last = lives[number - 1] if number else None, number == len(lives) - 1
        neighbours = zip((None, *life.history[:-1]), life.history, (*life.history[1:], None), strict=True)
        for before, entry, following in neighbours:
            yield _Placed(entry, life, before, following, life_before, is_last)


def _link(placed: _Placed, known: _Known, gap: str) -> Link:
    """Return what is wrong with a revision, and which documents about it are missing."""
    entry = placed.entry
    link = known.in_cluster.get(entry.hash)
    wrong = [*(link.problems if link else ()), *_problems(entry, known.archived.get(entry.hash))]
    if placed.before is None and placed.life_before is not None and placed.life_before.deleted_at is None:
        wrong.append(_unexplained(placed.life_before.history[-1]))
    wrong += [gap] if gap else []
    missing = tuple(_missing(placed, known))
    if missing or (link is not None and link.state is State.MISSING):
        state = State.MISSING
    else:
        state = State.CHANGED if wrong else State.INTACT
    return Link(entry.revision, entry.version, entry.hash, state, (*wrong, *missing))


def _missing(placed: _Placed, known: _Known) -> Iterator[str]:
    """Yield which documents about a revision the archive or the cluster must have, and has not.

    The operator writes in order: the beginning of a revision follows the end of the one before.
    """
    entry, following, life, cluster = placed.entry, placed.following, placed.life, known.cluster
    found, noted = known.archived.get(entry.hash), cluster.archived or deployment_status.Archived()
    is_live = any(each.hash == entry.hash for each in cluster.history)
    if found is None:
        if is_live and entry.revision <= max(noted.recorded, noted.ended):
            yield "it is not in the archive, and status.archived says that it was written"
    elif found.entry.ended_at is None and found.deleted_at is None:
        was_written = is_live and entry.ended_at is not None and entry.revision <= noted.ended
        if was_written or (following is not None and following.hash in known.archived):
            yield "the archive has the document of its beginning, and none of its end that can be used"
    if following is None and entry.ended_at is not None and life.deleted_at is None:
        yield "it was replaced, and the revision that replaced it is missing"
    elif following is None and not cluster.exists and cluster.is_asked and life.deleted_at is None:
        yield (
            "the ModelDeployment is not in the cluster, and no deletion is in the archive: it was deleted while no "
            "operator ran, or documents are missing"
        )
    if placed.is_last_life and _is_gone(entry, known.in_cluster):
        yield "it is in the archive, and not in the cluster, which has no later revision"


def _is_older(placed: _Placed, known: _Known) -> bool:
    """Return whether revisions before this one may have been removed before the archive began.

    A history has at least two revisions. So where the archive has the beginning of a revision, it has an older one.
    """
    if placed.before is None and placed.entry.hash in known.begun:
        return False
    return known.found.since is None or placed.entry.started_at < known.found.since


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


def _is_gone(entry: HistoryEntry, in_cluster: Mapping[str, Link]) -> bool:
    """Return whether the cluster should have a revision, and has not.

    `historyLimit` removes the oldest revisions, except for the rollback target, so it may have newer ones.
    """
    newest = max((each.revision for each in in_cluster.values()), default=LAST_REVISION)
    return entry.hash not in in_cluster and entry.revision >= newest


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
