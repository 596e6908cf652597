"""The short history of a status: the newest entries, and number, version and hash of the older revisions.

The API server has the short status. A snapshot has the whole history: the entries of older revisions come from their
ControllerRevisions, so that nothing else in the core has to know which ones are short.

Rule: R227.
"""

from collections.abc import Iterable
from dataclasses import replace

from pennant.api.deployment_status import ModelDeploymentStatus, OlderRevision
from pennant.api.history import HistoryEntry
from pennant.api.model_deployment import SHORT_HISTORY
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Invalid, Revision, Snapshot
from pennant.core.rollout.archiving import MOST
from pennant.core.rollout.history import History, beyond, thinned


def with_revisions(found: Snapshot, revisions: tuple[Revision, ...]) -> Snapshot:
    """Return a snapshot with its ControllerRevisions, and with the whole history that they give."""
    return replace(found, status=whole(found.status, revisions), revisions=revisions)


def to_store(owner: Snapshot, status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    """Return the short status to store for a status of `owner` with the whole history."""
    limit = SHORT_HISTORY if isinstance(owner.spec, Invalid) else owner.spec.status_history_limit
    return shortened(status, owner.revisions, limit)


def whole(status: ModelDeploymentStatus, revisions: Iterable[Revision]) -> ModelDeploymentStatus:
    """Return a stored status with the entries of its older revisions, as far as ControllerRevisions have their hashes.

    `olderRevisions` stays as it is stored, so that a missing ControllerRevision is known to be missing.
    """
    if not status.older_revisions:
        return status
    recorded = {each.entry.revision: each for each in revisions}
    entries = {each.revision: each for each in status.history}
    for older in status.older_revisions:
        record = recorded.get(older.revision)
        if record is not None and record.intact and older.names(record.entry):
            entries.setdefault(older.revision, record.latest)
    return status.model_copy(update={"history": thinned(tuple(each for _, each in sorted(entries.items())))})


def shortened(status: ModelDeploymentStatus, revisions: Iterable[Revision], limit: int) -> ModelDeploymentStatus:
    """Return the status to store: the newest `limit` entries of its history, and the others as older revisions.

    An entry is only left out if its ControllerRevision has all of it. Revisions that serve, that are the rollback
    target or the last one that was applied, or that are not in the archive yet, keep their entries.
    """
    recorded = {each.entry.revision: each for each in revisions}
    kept, history = _in_use(status, limit), status.history
    left_out = {
        each.revision
        for each in history
        if each.revision not in kept and _is_recorded(each, recorded.get(each.revision))
    }
    older = {each.revision: each for each in missing(status)}
    older |= {each.revision: OlderRevision.of(each) for each in history if each.revision in left_out}
    return status.model_copy(
        update={
            "history": tuple(each for each in history if each.revision not in left_out),
            "older_revisions": tuple(each for _, each in sorted(older.items())),
        }
    )


def missing(
    status: ModelDeploymentStatus, limit: int = MOST, kept: frozenset[int] = frozenset()
) -> tuple[OlderRevision, ...]:
    """Return the older revisions of a whole status whose ControllerRevisions do not give their entries.

    Without those that a history of at most `limit` revisions removes: the oldest, except for the ones in `kept`.
    """
    others = {each.revision for each in status.history} | beyond(status.revisions, limit, kept)
    return tuple(each for each in status.older_revisions if each.revision not in others)


def confirmed(
    older: Iterable[OlderRevision], history: History, missing: Iterable[OlderRevision]
) -> tuple[OlderRevision, ...]:
    """Return the older revisions that a history confirms, and those without an entry."""
    entries, lost = {each.revision: each for each in history}, {each.revision for each in missing}
    return tuple(
        each
        for each in older
        if each.revision in lost or (each.revision in entries and each.names(entries[each.revision]))
    )


def _in_use(status: ModelDeploymentStatus, limit: int) -> set[int]:
    history, serving = status.history, in_place(status.history).serving
    used = (status.stable, status.serving, status.applied, serving, *history[-limit:])
    archived = status.archived
    waiting = () if archived is None else (each for each in history if each.revision > archived.ended)
    return {each.revision for each in (*used, *waiting) if each is not None}


def _is_recorded(entry: HistoryEntry, record: Revision | None) -> bool:
    """Return whether a ControllerRevision has the whole entry, with the same or more evidence."""
    if record is None or not record.intact:
        return False
    found = record.latest
    if found == entry:
        return True
    return found.model_copy(update={"evidence": found.evidence[: len(entry.evidence)]}) == entry
