"""Where a rollback goes, and how long a content stays quarantined.

Rule: R55.
Rule: R102.
"""

from typing import Any

import pytest

from pennant.api.history import HistoryEntry, Outcome, QuarantineEntry
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.facts.observation import Revision
from pennant.core.rollout.rollback import MAX_MIRRORS, mirrors, newest_verified, released
from pennant.core.versions.selection import Selected, Unassigned
from unit.core.builders import NOON, a_snapshot, a_version, after, an_entry

RECORDED = range(1, 10)


def verified(revision: int, version: str, **fields: Any) -> HistoryEntry:
    return an_entry(revision, version, verified_at=NOON, outcome=Outcome.SUPERSEDED, **fields)


def bad(revision: int, version: str, outcome: Outcome = Outcome.ROLLED_BACK, **fields: Any) -> HistoryEntry:
    return an_entry(revision, version, outcome=outcome, **fields)


def quarantined(version: str, revision: int = 9) -> QuarantineEntry:
    return QuarantineEntry(
        digest=an_entry(1, version).digest,
        version=version,
        reason=Reason.METRIC_BREACH,
        message="bad",
        since=NOON,
        revision=revision,
    )


@pytest.mark.parametrize(
    ("history", "in_quarantine", "target"),
    [
        pytest.param([], [], None, id="nothing was ever deployed"),
        pytest.param([an_entry(1, "1.0.0")], [], None, id="nothing was ever verified"),
        pytest.param([verified(1, "1.0.0"), bad(2, "1.1.0")], [], 1, id="the one before the bad one"),
        pytest.param([verified(1, "1.0.0"), verified(2, "1.1.0")], [], 2, id="the newest of two"),
        pytest.param([verified(1, "1.0.0"), verified(2, "1.1.0")], ["1.1.0"], 1, id="never a quarantined content"),
        pytest.param([verified(1, "1.0.0"), an_entry(2, "1.1.0")], [], 1, id="never one that was not verified"),
        pytest.param([verified(1, "1.0.0"), bad(2, "1.0.0")], [], None, id="never one that failed since"),
        pytest.param([verified(1, "1.0.0"), bad(2, "1.0.0", Outcome.FAILED)], [], None, id="nor one that failed since"),
        pytest.param([bad(1, "1.0.0"), verified(2, "1.0.0")], [], 2, id="one that was verified after it was bad"),
        pytest.param(
            [verified(1, "1.0.0"), bad(2, "1.1.0", verified_at=NOON)], [], 1, id="a verified one that went bad"
        ),
    ],
)
def test_newest_verified(history: list[HistoryEntry], in_quarantine: list[str], target: int | None) -> None:
    revisions = [Revision(each, {}, {}) for each in history]
    found = newest_verified(tuple(history), tuple(quarantined(each) for each in in_quarantine), revisions)
    assert (found.revision if found else None) == target


def test_a_revision_whose_record_is_gone_is_no_target() -> None:
    first, second = verified(1, "1.0.0"), verified(2, "1.1.0")
    found = newest_verified((first, second), (), [Revision(first, {}, {})])
    assert found == first


def digest(version: str) -> str:
    return an_entry(1, version).digest


@pytest.mark.parametrize(
    ("tag", "tagged", "current", "still"),
    [
        pytest.param("production", "1.1.0", "0.9.0", ["1.0.0", "1.1.0"], id="the tag stays: nothing is released"),
        pytest.param("production", None, "0.9.0", ["1.0.0", "1.1.0"], id="the tag is being moved"),
        pytest.param("production", "1.2.0", "0.9.0", [], id="the tag moves on: all is released"),
        pytest.param("production", "1.0.0", "0.9.0", ["1.0.0"], id="the tag moves to a bad one: that one stays"),
        pytest.param("production", "1.2.0", "1.1.0", ["1.1.0"], id="the current revision stays until it is replaced"),
        pytest.param("staging", "1.2.0", "0.9.0", ["1.0.0", "1.1.0"], id="another tag releases nothing"),
        pytest.param(None, "1.2.0", "0.9.0", ["1.0.0", "1.1.0"], id="a pin releases nothing"),
    ],
)
def test_release(tag: str | None, tagged: str | None, current: str, still: list[str]) -> None:
    """1.1.0 had the tag and failed; 1.0.0 was gone back to, and failed while 1.1.0 still had it."""
    bad = quarantined("1.1.0").model_copy(update={"tag": "production"})
    worse = quarantined("1.0.0").model_copy(update={"tag": "production", "tagged": digest("1.1.0")})
    held = Selected(a_version(tagged)) if tagged is not None else Unassigned()
    left = released((worse, bad), tag, held, an_entry(9, current))
    assert [each.version for each in left] == still


def test_a_content_with_another_template_is_another_attempt() -> None:
    """Rule: R54."""
    old, new = verified(1, "1.0.0", inputs_hash="a"), bad(2, "1.0.0", Outcome.FAILED, inputs_hash="b")
    of_new = quarantined("1.0.0").model_copy(update={"inputs_hash": "b"})
    revisions = [Revision(each, {}, {}) for each in (old, new)]
    assert newest_verified((old, new), (of_new,), revisions, new.digest) == old
    newer = verified(3, "1.1.0", inputs_hash="a")
    past = (old, newer, new.model_copy(update={"revision": 4}))
    revisions = [Revision(each, {}, {}) for each in past]
    assert newest_verified(past, (of_new,), revisions, new.digest) == old, "the same content before any other"
    assert newest_verified(past, (), revisions) == newer


def test_times_do_not_matter() -> None:
    early, late = verified(1, "1.0.0", started_at=after(100)), verified(2, "1.1.0", started_at=after(1))
    assert newest_verified((early, late), (), [Revision(each, {}, {}) for each in (early, late)]) == late


@pytest.mark.parametrize("number", [2, 150])
def test_several_deployments_that_mark_one_version_come_to_rest(number: int) -> None:
    names = [f"fraud-{each:03}" for each in range(number)]
    marks: tuple[QuarantinedBy, ...] = ()

    def marked_by(name: str) -> bool:
        nonlocal marks
        writes = mirrors(a_snapshot(name, a_version("1.1.0", quarantined_by=marks)), (quarantined("1.1.0"),))
        for write in writes:
            marks = write.quarantined_by
        return bool(writes)

    assert [name for name in reversed(names) if marked_by(name)]
    assert [name for name in names if marked_by(name)] == [], "the second round has nothing left to write"
    assert [each.deployment for each in marks] == names[:MAX_MIRRORS]
