"""The short history of a status: the newest entries, and number, version and hash of the older revisions.

The API server has the short status. A snapshot has the whole history: the entries of older revisions come from their
ControllerRevisions, so that nothing else in the core has to know which ones are short.

Rule: R227.
"""

from collections.abc import Iterable
from itertools import zip_longest

from pennant.api.deployment_status import ModelDeploymentStatus, OlderRevision
from pennant.api.history import HistoryEntry
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Revision
from pennant.core.rollout.history import History, succeeded, thinned


def whole(status: ModelDeploymentStatus, revisions: Iterable[Revision]) -> ModelDeploymentStatus:
    """Return a stored status with the entries of its older revisions, as far as ControllerRevisions have their hashes.

    `olderRevisions` stays as it is stored, so that a missing ControllerRevision is known to be missing.
    """
    if not status.older_revisions:
        return status
    recorded = {each.entry.revision: each for each in revisions}
    entries = {each.revision: each for each in status.history}
    found = list[HistoryEntry]()
    # Newest first: an entry may end with the start of the one that follows it.
    for number, known in sorted(status.revisions.items(), reverse=True):
        record = recorded.get(number)
        if number in entries:
            found.append(entries[number])
        elif record is not None and not record.flaw and record.entry.hash == known:
            found.append(_as_recorded(record, found[-1] if found else None))
    return status.model_copy(update={"history": thinned(tuple(reversed(found)))})


def shortened(status: ModelDeploymentStatus, revisions: Iterable[Revision], limit: int) -> ModelDeploymentStatus:
    """Return the status to store: the newest `limit` entries of its history, and the others as older revisions.

    An entry is only left out if its ControllerRevision has all of it. Revisions that serve, that are the rollback
    target or the last one that was applied, or that are not in the archive yet, keep their entries.
    """
    recorded = {each.entry.revision: each for each in revisions}
    kept, history = _in_use(status, limit), status.history
    left_out = {
        entry.revision
        for entry, successor in zip_longest(history, history[1:])
        if entry.revision not in kept and _is_recorded(entry, recorded.get(entry.revision), successor)
    }
    told = {each.revision for each in history}
    older = {each.revision: each for each in status.older_revisions if each.revision not in told}
    older |= {
        each.revision: OlderRevision(revision=each.revision, version=each.version, hash=each.hash)
        for each in history
        if each.revision in left_out
    }
    return status.model_copy(
        update={
            "history": tuple(each for each in history if each.revision not in left_out),
            "older_revisions": tuple(each for _, each in sorted(older.items())),
        }
    )


def trimmed(older: tuple[OlderRevision, ...], before: History, after: History, limit: int) -> tuple[OlderRevision, ...]:
    """Return the older revisions that remain when a history is trimmed from `before` to `after`, of at most `limit`.

    Those without an entry remain as long as an entry of their age would.
    """
    removed = {each.revision for each in before} - {each.revision for each in after}
    oldest = after[0].revision if len(after) >= limit else 0
    return tuple(each for each in older if each.revision not in removed and each.revision >= oldest)


def _in_use(status: ModelDeploymentStatus, limit: int) -> set[int]:
    history, serving = status.history, in_place(status.history).serving
    used = (status.stable, status.serving, status.applied, serving, *history[-limit:])
    archived = status.archived
    waiting = () if archived is None else (each for each in history if each.revision > archived.ended)
    return {each.revision for each in (*used, *waiting) if each is not None}


def _is_recorded(entry: HistoryEntry, record: Revision | None, successor: HistoryEntry | None) -> bool:
    """Return whether `whole` gets this entry back from its ControllerRevision, with the same or more evidence."""
    if record is None or record.flaw:
        return False
    found = _as_recorded(record, successor)
    return found.model_copy(update={"evidence": found.evidence[: len(entry.evidence)]}) == entry


def _as_recorded(record: Revision, successor: HistoryEntry | None) -> HistoryEntry:
    """Return the entry of a ControllerRevision; an end that is not in it is the start of the revision that follows."""
    entry = record.latest
    if entry.ended_at is None and successor is not None and successor.previous_hash == entry.hash:
        return succeeded(entry, successor, ())
    return entry
