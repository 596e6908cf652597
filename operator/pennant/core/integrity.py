"""Which ControllerRevisions may be served: those that hold what was recorded, by everything that tells of it.

The hashes in a ControllerRevision show whether a part of it was changed. Whether it was made anew as a whole, with
hashes that fit, is told by others: the entry in the status, and the revision after it, which names its hash. Where they
contradict it, it is not used: what is deployed stays deployed.

None of this has a key. Whoever may write the status and all ControllerRevisions can tell another story.

Rule: A record that was changed is never served.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from pennant.api.deployment_status import HistoryEntry
from pennant.core.observation import Revision, Snapshot
from pennant.core.revision import entry_hash

LOOK_AGAIN_AFTER = timedelta(seconds=60)
"""Nobody tells of a ControllerRevision that is put back or taken away, so they are read again where one is amiss."""


def examined(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the ControllerRevisions that may be used; of the others only the numbers are kept."""
    entries = {each.revision: each for each in snapshot.status.history}
    records = {each.entry.revision: each for each in snapshot.revisions}
    doubted: dict[int, str] = {}
    newest = max(entries, default=0)
    last = _hash_of(newest, entries, records)
    for number, record in sorted(records.items()):
        problem = _problem(record, entries, records)
        if problem is None and number > newest and last is not None:
            # Nothing else tells of it yet, so it has to follow what is known.
            if record.entry.previous_hash == last:
                last = record.entry.hash
            else:
                problem = f"the record of revision {number} does not follow that of the revision before it"
        if problem is not None:
            doubted[number] = problem
    if not doubted:
        return snapshot
    return replace(
        snapshot,
        revisions=tuple(each for each in snapshot.revisions if each.entry.revision not in doubted),
        taken=snapshot.taken | doubted.keys(),
        doubted=doubted,
    )


def is_whole(snapshot: Snapshot) -> bool:
    """Return whether each entry of the history has its ControllerRevision, and each of those may be used."""
    sound = examined(snapshot)
    return not sound.doubted and {each.revision for each in snapshot.status.history} <= {
        each.entry.revision for each in sound.revisions
    }


def _problem(record: Revision, entries: Mapping[int, HistoryEntry], records: Mapping[int, Revision]) -> str | None:
    """Return why a ControllerRevision must not be used; empty where it only is of no use, None where it may be."""
    number, known = record.entry.revision, record.entry.hash
    if record.flaw:
        return f"the record of revision {number} does not fit its hash: {record.flaw}"
    said, after = entries.get(number), _after(number, entries, records)
    if said is not None and said.hash == known and (after is None or after.entry.previous_hash == known):
        return None
    named = list(_named(record, entries, records))
    if not named:
        # Before the newest entry, nothing tells of it: it was let go, and waits to be deleted.
        return "" if number < max(entries, default=0) else None
    if 2 * named.count(known) > len(named):
        return None
    return f"the record of revision {number} is another one than the status and the revision after it name"


def _named(record: Revision, entries: Mapping[int, HistoryEntry], records: Mapping[int, Revision]) -> Iterator[str]:
    """Yield the hashes that others give for a revision, but those that were changed themselves."""
    number = record.entry.revision
    said, after, record_after = entries.get(number), entries.get(number + 1), _after(number, entries, records)
    if said is not None and (said.hash == record.entry.hash or entry_hash(said) == said.hash):
        yield said.hash
    if after is not None and entry_hash(after) == after.hash:
        yield after.previous_hash
    if record_after is not None and record_after.intact:
        yield record_after.entry.previous_hash


def _after(number: int, entries: Mapping[int, HistoryEntry], records: Mapping[int, Revision]) -> Revision | None:
    """Return the record of the revision after one, but one that the status does not tell of yet: it proves nothing."""
    return records.get(number + 1) if not entries or number < max(entries) else None


def _hash_of(number: int, entries: Mapping[int, HistoryEntry], records: Mapping[int, Revision]) -> str | None:
    """Return the hash that the revision after the newest entry has to name; None: there is no entry."""
    if number not in entries:
        return None
    record = records.get(number)
    usable = record is not None and _problem(record, entries, records) is None
    return record.entry.hash if record is not None and usable else entries[number].hash
