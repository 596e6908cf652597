"""Which records may be served: what tells for and against each of them.

Rule: R77.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.rollout import integrity
from pennant.core.rollout.revision import chained, entry_hash
from unit.core.builders import a_revision, a_snapshot

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


def a_chain(*versions: str, before: tuple[Revision, ...] = ()) -> tuple[Revision, ...]:
    """Return revisions that follow each other, after those before them."""
    found = before
    for version in versions:
        previous = found[-1].entry if found else None
        found = (*found, a_revision(len(found) + 1, version, previous))
    return found


CHAIN = a_chain(*VERSIONS)
HISTORY = tuple(each.entry for each in CHAIN)


def seen(records: Iterable[Revision], history: Iterable[HistoryEntry] = HISTORY) -> Snapshot:
    status = ModelDeploymentStatus(history=tuple(history))
    return a_snapshot("fraud", status=status, revisions=tuple(records))


def untrusted(snapshot: Snapshot) -> dict[int, str]:
    found = integrity.examined(snapshot)
    usable = {each.entry.revision for each in found.revisions}
    assert usable.isdisjoint(found.untrusted)
    assert usable | found.untrusted.keys() == {each.entry.revision for each in snapshot.revisions}
    assert found.taken >= found.untrusted.keys(), "a number is given once"
    told = {each.revision for each in snapshot.status.history}
    assert integrity.is_whole(snapshot) == (not found.untrusted and told <= usable)
    return {number: each.says for number, each in found.untrusted.items()}


def with_record(number: int, record: Revision) -> tuple[Revision, ...]:
    return tuple(record if each.entry.revision == number else each for each in CHAIN)


def with_entry(number: int, **fields: object) -> tuple[HistoryEntry, ...]:
    return tuple(each.model_copy(update=fields) if each.revision == number else each for each in HISTORY)


def made_anew(number: int) -> Revision:
    """Return another content under this number, with hashes that fit, and that follows the one before."""
    return a_revision(number, "6.6.6", HISTORY[number - 2] if number > 1 else None)


def test_what_follows_each_other_and_is_told_is_used() -> None:
    assert untrusted(seen(CHAIN)) == {}


@pytest.mark.parametrize("number", [1, 2, 4])
def test_what_was_changed_in_a_part_is_doubted_and_nothing_else(number: int) -> None:
    flawed = replace(CHAIN[number - 1], flaw="its pod template was changed")
    says = f"the ControllerRevision of revision {number} does not match its hash: its pod template was changed"
    assert untrusted(seen(with_record(number, flawed))) == {number: says}


@pytest.mark.parametrize("number", [1, 2, 4])
def test_what_was_made_anew_as_a_whole_is_doubted_and_nothing_else(number: int) -> None:
    says = f"the ControllerRevision of revision {number} has another hash than the status and the next revision name"
    assert untrusted(seen(with_record(number, made_anew(number)))) == {number: says}


def test_all_that_was_made_anew_is_doubted_where_the_status_was_not() -> None:
    forged = a_chain("6.6.6", "1.2.0", "1.3.0", before=CHAIN[:1])
    assert untrusted(seen(forged)).keys() == {2, 3, 4}


def test_an_entry_that_was_changed_in_the_status_says_nothing_against_its_record() -> None:
    assert untrusted(seen(CHAIN, with_entry(2, version="6.6.6"))) == {}
    assert untrusted(seen(CHAIN, with_entry(4, hash="sha256:forged"))) == {}


def with_forged_entry(number: int) -> tuple[HistoryEntry, ...]:
    """Return a history in which one entry was changed together with its hash."""
    forged = HISTORY[number - 1].model_copy(update={"version": "6.6.6"})
    return with_entry(number, version="6.6.6", hash=entry_hash(forged))


def test_an_entry_that_was_changed_with_its_hash_is_outvoted() -> None:
    assert untrusted(seen(CHAIN, with_forged_entry(2))) == {}


def test_where_only_two_tell_and_contradict_each_other_the_record_is_not_used() -> None:
    assert untrusted(seen(CHAIN, with_forged_entry(4))).keys() == {4}


@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2), (3, 4), (1, 2, 3, 4)])
def test_what_the_status_has_lost_is_told_by_the_records(gone: tuple[int, ...]) -> None:
    assert untrusted(seen(CHAIN, [each for each in HISTORY if each.revision not in gone])) == {}


def test_a_record_that_the_status_does_not_tell_of_yet_has_to_follow_it() -> None:
    later = a_chain("1.4.0", before=CHAIN)
    assert untrusted(seen(later)) == {}
    strange = replace(later[-1], entry=chained(later[-1].entry, HISTORY[0]))
    says = "the ControllerRevision of revision 5 does not have the hash of the previous revision"
    assert untrusted(seen((*CHAIN, strange))) == {5: says}
    after = a_revision(6, "1.5.0", strange.entry)
    assert untrusted(seen((*CHAIN, strange, after))).keys() == {5, 6}, "what follows it is none of ours either"


def test_a_record_that_nothing_tells_of_is_not_told_as_wrong_but_not_used() -> None:
    assert untrusted(seen((CHAIN[0], *CHAIN[2:]), HISTORY[2:])) == {1: ""}


def test_without_a_status_the_revision_after_it_tells() -> None:
    assert untrusted(seen(CHAIN, ())) == {}
    assert untrusted(seen(with_record(2, made_anew(2)), ())).keys() == {2}


def test_a_record_that_is_gone_leaves_the_others_as_they_are() -> None:
    snapshot = seen((CHAIN[0], *CHAIN[2:]))
    assert untrusted(snapshot) == {}
    assert not integrity.is_whole(snapshot)


def test_what_must_not_be_used_tells_for_nothing_else() -> None:
    """Records of a backup that came after others were created again under their numbers."""
    late = a_chain("5.0.0", "5.1.0", "5.2.0")
    first, fourth = CHAIN[0], a_revision(4, "1.1.0", HISTORY[0])
    records = (first, *late[1:], fourth)
    says = "the ControllerRevision of revision 3 has another hash than the status and the next revision name"
    assert untrusted(seen(records, (first.entry, fourth.entry))) == {2: "", 3: says}
