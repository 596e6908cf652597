"""The status that is stored has the newest entries; the ControllerRevisions give back the others.

Rule: R227.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from pennant.api.deployment_status import Applied, Archived, ModelDeploymentStatus, Stable
from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.core.facts.observation import Revision
from pennant.core.rollout import integrity
from pennant.core.rollout.history import adopted, broken, restored, succeeded
from pennant.core.rollout.short_history import missing, shortened, whole
from unit.core.builders import NOON, a_revision, a_snapshot

COUNT, LIMIT = 13, 10


def a_history() -> tuple[tuple[HistoryEntry, ...], tuple[Revision, ...]]:
    """Return entries that replaced each other, and their ControllerRevisions, which have their progress."""
    entries, records = list[HistoryEntry](), list[Revision]()
    for number in range(1, COUNT + 1):
        record = a_revision(number, f"1.{number}.0", records[-1].entry if records else None, started_at=at(number))
        progress = {"available_at": at(number), "rolled_out_at": at(number), "verified_at": at(number)}
        entry = record.entry.model_copy(update={**progress, "outcome": Outcome.VERIFIED})
        if entries:
            entries[-1] = succeeded(entries[-1], entry, ())
            records[-1] = replace(records[-1], mirrored=entries[-1])
        entries.append(entry)
        records.append(replace(record, mirrored=entry))
    return tuple(entries), tuple(records)


def at(number: int) -> object:
    return NOON + timedelta(minutes=number)


HISTORY, RECORDS = a_history()
STATUS = ModelDeploymentStatus(history=HISTORY)


def numbers(status: ModelDeploymentStatus) -> tuple[list[int], list[int]]:
    return [each.revision for each in status.older_revisions], [each.revision for each in status.history]


def without(number: int) -> tuple[Revision, ...]:
    return tuple(each for each in RECORDS if each.entry.revision != number)


def test_the_stored_status_has_the_newest_entries_and_is_read_whole_again() -> None:
    short = shortened(STATUS, RECORDS, LIMIT)
    assert numbers(short) == ([1, 2, 3], list(range(4, COUNT + 1)))
    assert [each.hash for each in short.older_revisions] == [each.hash for each in HISTORY[:3]]
    read = whole(short, RECORDS)
    assert read.history == HISTORY
    assert shortened(read, RECORDS, LIMIT) == short
    assert numbers(shortened(read, RECORDS, COUNT)) == ([], list(range(1, COUNT + 1))), "a larger limit takes them back"


def test_an_entry_whose_record_has_not_all_of_it_stays() -> None:
    for behind in (None, HISTORY[1].model_copy(update={"ended_at": None})):
        record = replace(RECORDS[1], mirrored=behind)
        assert numbers(shortened(STATUS, (*without(2), record), LIMIT))[0] == [1, 3]
    assert numbers(shortened(STATUS, without(2), LIMIT))[0] == [1, 3], "it is missing"
    flawed = replace(RECORDS[1], flaw="its pod template was changed")
    assert numbers(shortened(STATUS, (*without(2), flawed), LIMIT))[0] == [1, 3]


@pytest.mark.parametrize(
    "used",
    [
        {"stable": Stable(version="1.2.0", revision=2)},
        {"applied": Applied(manifest_hash="a", uid="u", revision=2, fields_hash="f", template_hash="t")},
    ],
    ids=lambda each: next(iter(each)),
)
def test_an_entry_in_use_stays(used: dict[str, object]) -> None:
    status = STATUS.model_copy(update=used)
    assert numbers(shortened(status, RECORDS, LIMIT))[0] == [1, 3]


def test_the_serving_revision_stays_however_many_candidates_failed_since() -> None:
    failed = tuple(each.model_copy(update={"rolled_out_at": None}) for each in HISTORY[2:])
    records = tuple(replace(each, mirrored=entry) for each, entry in zip(RECORDS[2:], failed, strict=True))
    status = ModelDeploymentStatus(history=(*HISTORY[:2], *failed))
    assert numbers(shortened(status, (*RECORDS[:2], *records), LIMIT))[0] == [1, 3]


def test_what_is_not_in_the_archive_stays() -> None:
    status = STATUS.model_copy(update={"archived": Archived(recorded=COUNT, ended=1)})
    assert numbers(shortened(status, RECORDS, LIMIT))[0] == [1]


def test_a_missing_record_of_an_older_revision_is_reported_and_not_forgotten() -> None:
    short = shortened(STATUS, RECORDS, LIMIT)
    read = whole(short, without(2))
    assert [each.revision for each in read.history] == [1, *range(3, COUNT + 1)]
    assert not integrity.is_whole(a_snapshot("fraud", status=read, revisions=without(2)))
    assert broken(read.revisions, without(2), {}) == ("the ControllerRevision of revision 2 is missing",)
    assert [each.revision for each in missing(read)] == [2]
    assert numbers(shortened(read, without(2), LIMIT))[0] == [1, 2, 3]


def test_a_record_with_another_hash_than_that_of_an_older_revision_is_not_used() -> None:
    forged = a_revision(1, "6.6.6")
    read = whole(shortened(STATUS, RECORDS, LIMIT), (forged, *without(1)))
    assert 1 not in [each.revision for each in read.history]
    found = integrity.examined(a_snapshot("fraud", status=read, revisions=(forged, *without(1))))
    assert found.untrusted.keys() == {1}
    oldest = integrity.examined(a_snapshot("fraud", status=read, revisions=(forged, *RECORDS[2:])))
    assert oldest.untrusted[1].says, "the status alone says so, where the next one is missing"


def test_a_record_that_was_changed_and_kept_its_hash_tells_nothing() -> None:
    entry = RECORDS[0].entry.model_copy(update={"version": "6.6.6"})
    forged = replace(RECORDS[0], entry=entry, mirrored=None, flaw="its entry was changed")
    read = whole(shortened(STATUS, RECORDS, LIMIT), (forged, *without(1)))
    assert 1 not in [each.revision for each in read.history]


def test_an_older_revision_that_was_changed_in_the_status_is_named_and_restored() -> None:
    short = shortened(STATUS, RECORDS, LIMIT)
    for change in ({"hash": f"sha256:{'0' * 64}"}, {"version": "6.6.6"}):
        older = (short.older_revisions[0].model_copy(update=change), *short.older_revisions[1:])
        read = whole(short.model_copy(update={"older_revisions": older}), RECORDS)
        said = restored(read, RECORDS, NOON)
        assert said == (
            "status.olderRevisions of revision 1: it differed from the ControllerRevision and was restored",
        )
        after = read.model_copy(update={"history": adopted(read.history, RECORDS, (), NOON)})
        assert shortened(after, RECORDS, LIMIT) == short


def test_without_the_revision_in_between_the_next_one_is_no_reason_for_an_outcome() -> None:
    """A rollback that follows later was not from this revision."""
    rollback = HISTORY[2].model_copy(update={"trigger": Trigger.AUTOMATIC_ROLLBACK})
    assert succeeded(HISTORY[0], rollback, ()).outcome is Outcome.SUPERSEDED


def test_a_missing_revision_leaves_before_a_newer_one_where_the_rollback_target_is_older() -> None:
    short = shortened(STATUS, RECORDS, LIMIT)
    read = whole(short, without(2))
    kept = frozenset({1, COUNT})
    assert [each.revision for each in missing(read, COUNT, kept)] == [2]
    assert missing(read, COUNT - 1, kept) == ()
