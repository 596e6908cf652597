"""Which ControllerRevisions may be served: those that hold what was recorded, by everything that tells of it.

The hashes in a ControllerRevision show whether a part of it was changed. Whether it was made anew as a whole, with
hashes that fit, is told by others: the entry in the status, and the revision after it, which names its hash. Where they
contradict it, it is not used: what is deployed stays deployed.

None of this has a key. Whoever may write the status and all ControllerRevisions can tell another story.

Rule: R77.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision, Snapshot, Untrusted
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, entry_hash

LOOK_AGAIN_AFTER = timedelta(seconds=60)
"""Nobody tells of a ControllerRevision that is put back or taken away, so they are read again where one is amiss."""


def examined(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the ControllerRevisions that may be used; of the others only the numbers are kept."""
    entries = {each.revision: each for each in snapshot.status.history}
    records = {each.entry.revision: each for each in snapshot.revisions}
    newest = max(entries, default=max(records, default=0))
    problems: dict[int, str] = {}
    sound: dict[int, Revision] = {}
    # A record tells of the one before it, so it comes first; but it tells nothing if it must not be used itself.
    for number in sorted((each for each in records if each <= newest), reverse=True):
        _sort_out(records[number], _problem(records[number], entries, sound), snapshot, sound, problems)
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
    """Put a record where it belongs: among those that may be used, or those that have a problem."""
    if problem is None:
        problem = _another(record, snapshot.key.name)
    if problem is None:
        sound[record.entry.revision] = record
    else:
        problems[record.entry.revision] = problem


def is_whole(snapshot: Snapshot) -> bool:
    """Return whether each entry of the history has its ControllerRevision, and all that is there may be used.

    A Deployment that belongs to nobody asks for records that tell whose it was.
    """
    sound, workload = examined(snapshot), snapshot.workload
    if workload is not None and workload.orphaned:
        return False
    return not sound.untrusted and {each.revision for each in snapshot.status.history} <= {
        each.entry.revision for each in sound.revisions
    }


def _problem(record: Revision, entries: Mapping[int, HistoryEntry], sound: Mapping[int, Revision]) -> str | None:
    """Return why a ControllerRevision must not be used; empty where it only is of no use, None where it may be."""
    number, known = record.entry.revision, record.entry.hash
    if record.flaw:
        return _flawed(record)
    said, after = entries.get(number), sound.get(number + 1)
    if said is not None and said.hash == known and (after is None or after.entry.previous_hash == known):
        return None
    named = list(_named(record, entries, sound))
    if not named:
        # Before the newest entry, nothing tells of it: it was let go, and waits to be deleted.
        return "" if number < max(entries, default=0) else None
    if 2 * named.count(known) > len(named):
        return None
    return (
        f"the ControllerRevision of revision {number} has another hash than status.history and the next revision name"
    )


def _unproven(record: Revision, last: HistoryEntry | None) -> str | None:
    """Return why a ControllerRevision that the history does not tell of yet is no part of it; None: it follows it."""
    if record.flaw:
        return _flawed(record)
    if last is not None and record.entry.previous_hash == last.hash:
        return None
    return f"the ControllerRevision of revision {record.entry.revision} does not have the hash of the previous revision"


def _flawed(record: Revision) -> str:
    return f"the ControllerRevision of revision {record.entry.revision} does not match its hash: {record.flaw}"


def _another(record: Revision, name: str) -> str | None:
    """Return why a record that belongs to nobody is none of this ModelDeployment; None: it is."""
    deployment = record.template["metadata"]["labels"].get(DEPLOYMENT_LABEL)
    if not record.orphaned or deployment == name:
        return None
    return f"the ControllerRevision of revision {record.entry.revision} belongs to ModelDeployment {deployment}"


def _named(record: Revision, entries: Mapping[int, HistoryEntry], sound: Mapping[int, Revision]) -> Iterator[str]:
    """Yield the hashes that others give for a revision, but those that were changed themselves."""
    number = record.entry.revision
    said, after, record_after = entries.get(number), entries.get(number + 1), sound.get(number + 1)
    if said is not None and (said.hash == record.entry.hash or entry_hash(said) == said.hash):
        yield said.hash
    if after is not None and entry_hash(after) == after.hash:
        yield after.previous_hash
    if record_after is not None:
        yield record_after.entry.previous_hash
