"""Which ControllerRevisions may be used: those that hold what was recorded.

The hashes in a ControllerRevision show whether a part of it was changed. Whether it was replaced as a whole, with
matching hashes, is checked against the entry in the status and against `previousHash` of the next revision. If these
contradict it, it is not used, and the Deployment stays as it is.

The hashes have no key. A user who can write the status and all ControllerRevisions can forge both.

Rule: R77.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision, Snapshot, Untrusted
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, entry_hash

LOOK_AGAIN_AFTER = timedelta(seconds=60)
"""Time after which ControllerRevisions are read again while one is missing or must not be used: none is watched."""


def examined(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the ControllerRevisions that may be used.

    The others are in `untrusted`, by number and with the reason; their numbers are also in `taken`.
    """
    entries = {each.revision: each for each in snapshot.status.history}
    older = {each.revision: each.hash for each in snapshot.status.older_revisions}
    records = {each.entry.revision: each for each in snapshot.revisions}
    newest = max(entries, default=max(records, default=0))
    problems: dict[int, str] = {}
    sound: dict[int, Revision] = {}
    # Newest first: a record confirms the one before it, unless it must not be used itself.
    for number in sorted((each for each in records if each <= newest), reverse=True):
        _sort_out(records[number], _problem(records[number], entries, older, sound), snapshot, sound, problems)
    last = sound[newest].entry if newest in sound else entries.get(newest)
    for number in sorted(each for each in records if each > newest):
        _sort_out(records[number], _unproven(records[number], last), snapshot, sound, problems)
        last = sound[number].entry if number in sound else last
    if not problems:
        return snapshot
    return replace(
        snapshot,
        revisions=tuple(each for _, each in sorted(sound.items())),
        taken=snapshot.taken | problems.keys(),
        untrusted={number: Untrusted(says, records[number].orphaned) for number, says in problems.items()},
    )


def _sort_out(
    record: Revision, problem: str | None, snapshot: Snapshot, sound: dict[int, Revision], problems: dict[int, str]
) -> None:
    """Add a record to `sound`, or to `problems` if it has one or belongs to another ModelDeployment."""
    if problem is None:
        problem = _another(record, snapshot.key.name)
    if problem is None:
        sound[record.entry.revision] = record
    else:
        problems[record.entry.revision] = problem


def is_whole(snapshot: Snapshot) -> bool:
    """Return whether each revision of the status has its ControllerRevision, and every ControllerRevision may be used.

    False for a Deployment without an owner: a ControllerRevision that is restored later may show whose it was.
    """
    sound, workload = examined(snapshot), snapshot.workload
    if workload is not None and workload.orphaned:
        return False
    return not sound.untrusted and snapshot.status.revisions.keys() <= {each.entry.revision for each in sound.revisions}


def is_behind(snapshot: Snapshot) -> bool:
    """Return whether the Deployment shows a revision that is not known: another process has just created it.

    The Deployment is written before the status, and its event may be the first one of a revision. All that was read
    before it may be old. False for a Deployment of another owner.
    """
    workload = snapshot.workload
    if workload is None or not workload.owned:
        return False
    told = (each.revision for each in snapshot.status.history)
    known = (each.entry.revision for each in snapshot.revisions)
    return workload.revision > max((*told, *known), default=0)


def _problem(
    record: Revision,
    entries: Mapping[int, HistoryEntry],
    older: Mapping[int, str],
    sound: Mapping[int, Revision],
) -> str | None:
    """Return why a ControllerRevision must not be used; None: it may be.

    Empty: it is older than the history, and nothing confirms it. It is deleted without a report.
    """
    number, known = record.entry.revision, record.entry.hash
    if record.flaw:
        return _flawed(record)
    said, after = entries.get(number), sound.get(number + 1)
    if said is not None and said.hash == known and (after is None or after.entry.previous_hash == known):
        return None
    named = list(_named(record, entries, older, sound))
    if not named:
        # It is beyond historyLimit, and waits to be deleted.
        return "" if number < max(entries, default=0) else None
    if 2 * named.count(known) > len(named):
        return None
    return f"the ControllerRevision of revision {number} has another hash than the status and the next revision name"


def _unproven(record: Revision, last: HistoryEntry | None) -> str | None:
    """Return why a ControllerRevision that is newer than the history must not be used; None: it follows `last`."""
    if record.flaw:
        return _flawed(record)
    if last is not None and record.entry.previous_hash == last.hash:
        return None
    return f"the ControllerRevision of revision {record.entry.revision} does not have the hash of the previous revision"


def _flawed(record: Revision) -> str:
    return f"the ControllerRevision of revision {record.entry.revision} does not match its hash: {record.flaw}"


def _another(record: Revision, name: str) -> str | None:
    """Return why a record without an owner belongs to another ModelDeployment; None: it does not."""
    deployment = record.template["metadata"]["labels"].get(DEPLOYMENT_LABEL)
    if not record.orphaned or deployment == name:
        return None
    return f"the ControllerRevision of revision {record.entry.revision} belongs to ModelDeployment {deployment}"


def _named(
    record: Revision,
    entries: Mapping[int, HistoryEntry],
    older: Mapping[int, str],
    sound: Mapping[int, Revision],
) -> Iterator[str]:
    """Yield the hashes that the status and other records give for a revision, except for those that were changed."""
    number = record.entry.revision
    said, after, record_after = entries.get(number), entries.get(number + 1), sound.get(number + 1)
    if said is not None and (said.hash == record.entry.hash or entry_hash(said) == said.hash):
        yield said.hash
    elif said is None and number in older:
        yield older[number]
    if after is not None and entry_hash(after) == after.hash:
        yield after.previous_hash
    if record_after is not None:
        yield record_after.entry.previous_hash
