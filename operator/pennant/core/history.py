"""The history of revisions: entries are only ever appended, and only their progress is written on."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from pennant.api.model_deployment import HistoryEntry, Outcome, Trigger
from pennant.core.observation import Revision, Workload

History = tuple[HistoryEntry, ...]


def adopted(history: History, revisions: Iterable[Revision]) -> History:
    """Return the history with an entry for every recorded revision.

    A ControllerRevision is written before its entry: a crash between the two, or a lost status, leaves a record
    without an entry.
    """
    known = {each.revision for each in history}
    recorded = (each.entry for each in revisions if each.entry.revision not in known)
    entries = sorted((*history, *recorded), key=lambda each: each.revision)
    return tuple(
        _succeeded(entry, successor) if entry.ended_at is None else entry for entry, successor in pairwise(entries)
    ) + tuple(entries[-1:])


def _succeeded(entry: HistoryEntry, successor: HistoryEntry) -> HistoryEntry:
    rolled_back = successor.trigger is Trigger.AUTOMATIC_ROLLBACK
    return ended(entry, Outcome.ROLLED_BACK if rolled_back else Outcome.SUPERSEDED, successor.started_at)


def ended(entry: HistoryEntry, outcome: Outcome, at: datetime) -> HistoryEntry:
    """Return the entry of a revision whose place another one takes."""
    return entry.model_copy(update={"outcome": outcome, "ended_at": at})


def progressed(entry: HistoryEntry, workload: Workload | None, now: datetime) -> HistoryEntry:
    """Return the entry with what the Deployment shows of its rollout; a mark once made is kept."""
    if workload is None or workload.template_hash != entry.template_hash:
        return entry
    if entry.available_at is None and (workload.exposed or workload.rolled_out):
        entry = entry.model_copy(update={"available_at": now})
    if entry.rolled_out_at is None and workload.rolled_out:
        entry = entry.model_copy(update={"rolled_out_at": now, "outcome": Outcome.SERVING})
    return entry


def verified(entry: HistoryEntry, now: datetime) -> HistoryEntry:
    """Return the entry of a revision that has become known good."""
    return entry.model_copy(update={"verified_at": now, "outcome": Outcome.VERIFIED})


def with_entry(history: History, entry: HistoryEntry) -> History:
    """Return the history with this entry in the place of the one of the same number, or at the end."""
    others = (each for each in history if each.revision != entry.revision)
    return tuple(sorted((*others, entry), key=lambda each: each.revision))


def trimmed(history: History, limit: int, kept: frozenset[int]) -> History:
    """Return the newest `limit` entries; those in `kept` stay, and others make room for them."""
    surplus = len(history) - limit
    goes = [each.revision for each in history if each.revision not in kept][: max(surplus, 0)]
    return tuple(each for each in history if each.revision not in goes)
