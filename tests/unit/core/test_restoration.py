"""The quarantine entries that the history alone restores.

Rule: R65.
"""

from typing import Any

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry, Outcome, QuarantineEntry, Trigger
from pennant.api.reasons import Reason
from pennant.api.version_status import QuarantinedBy
from pennant.core.rollout.restoration import restored
from pennant.core.rollout.revision import chained
from unit.core.builders import NOON, a_snapshot, a_version, an_entry

EVIDENCE = (
    Evidence(metric="accuracy", value="0.2", threshold="min 0.9", breaches="3 of 3", query_hash="q", at=NOON),
    Evidence(metric="latency", value="9", threshold="max 1", breaches="2 of 3", query_hash="q", at=NOON),
)
GOOD = {"verified_at": NOON, "outcome": Outcome.SUPERSEDED}
BAD: dict[str, Any] = {"outcome": Outcome.ROLLED_BACK, "evidence": EVIDENCE}
RELEASED = {**BAD, "released_at": NOON}


def a_history(*entries: tuple[str, Trigger, dict[str, Any]]) -> tuple[HistoryEntry, ...]:
    made: list[HistoryEntry] = []
    for number, (version, trigger, fields) in enumerate(entries, 1):
        made.append(chained(an_entry(number, version, trigger=trigger, **fields), made[-1] if made else None))
    return tuple(made)


TAG, SPEC, BACK = Trigger.TAG_MOVED, Trigger.SPEC_CHANGED, Trigger.AUTOMATIC_ROLLBACK
FIRST, SECOND = ("1.0.0", TAG, GOOD), ("1.1.0", TAG, BAD)
UNDO = ("1.0.0", Trigger.UNDO, {"actor": "ada", "reason": "back from 1.1.0 to 1.0.0 of revision 1: too slow"})


def restored_from(past: tuple[HistoryEntry, ...], *marks: QuarantinedBy) -> tuple[QuarantineEntry, ...]:
    snapshot = a_snapshot("fraud", a_version("1.1.0", quarantined_by=marks))
    return restored(ModelDeploymentStatus(), snapshot, past)


def told(*entries: tuple[str, Trigger, dict[str, Any]]) -> list[tuple[str, int, Reason]]:
    return [(each.version, each.revision, each.reason) for each in restored_from(a_history(*entries))]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD)), [("1.1.0", 2, Reason.METRIC_BREACH)]),
        ((FIRST, SECOND), [("1.1.0", 2, Reason.METRIC_BREACH)]),
        (
            (FIRST, ("1.1.0", TAG, {"outcome": Outcome.FAILED}), ("1.0.0", BACK, GOOD)),
            [("1.1.0", 2, Reason.PROGRESS_DEADLINE_EXCEEDED)],
        ),
        ((FIRST, ("1.1.0", TAG, RELEASED), ("1.0.0", BACK, GOOD), ("1.2.0", TAG, {})), []),
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD), ("1.0.0", SPEC, {"actor": "pennant"})), [SECOND]),
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD), ("1.0.0", Trigger.RESTART, {})), [SECOND]),
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD), ("1.1.0", Trigger.RETRY, {})), []),
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD), ("1.1.0", TAG, GOOD)), []),
        ((FIRST, SECOND, ("1.0.0", BACK, GOOD), ("1.1.0", Trigger.RETRY, BAD), ("1.0.0", BACK, {})), [SECOND, 4]),
        ((FIRST, ("1.1.0", TAG, GOOD), UNDO), [("1.1.0", 2, Reason.UNDONE)]),
        ((FIRST, ("1.1.0", TAG, {"outcome": Outcome.ROLLED_BACK}), UNDO), [("1.1.0", 2, Reason.UNDONE)]),
        ((FIRST, SECOND, UNDO), [("1.1.0", 2, Reason.METRIC_BREACH)]),
        ((FIRST, ("1.1.0", TAG, {**GOOD, "released_at": NOON}), UNDO, ("1.2.0", TAG, {})), []),
        ((FIRST, ("1.0.0", SPEC, {**GOOD, "template_hash": "other"}), UNDO), [("1.0.0", 2, Reason.UNDONE)]),
        ((FIRST, ("1.0.0", TAG, {"outcome": Outcome("Aborted")})), []),
        ((), []),
    ],
    ids=[
        "rolled back",
        "bad, and the rollback is not on record",
        "never ready",
        "released by the tag",
        "created again by the operator",
        "restarted",
        "tried again",
        "verified since",
        "tried again and bad again",
        "undone",
        "undone, as its record says",
        "bad and undone",
        "undone, and the tag moved",
        "a template undone",
        "a word of a newer release",
        "nothing",
    ],
)
def test_entries_of_what_failed_or_was_undone_since_the_tag_moved(entries: Any, wanted: Any) -> None:
    known = {"1.1.0": ("1.1.0", 2, Reason.METRIC_BREACH)}
    if wanted == [SECOND]:
        wanted = [known["1.1.0"]]
    if wanted == [SECOND, 4]:
        wanted = [("1.1.0", 4, Reason.METRIC_BREACH)]
    assert told(*entries) == wanted


def test_the_numbers_and_the_words_of_people_are_told() -> None:
    (bad,) = restored_from(a_history(FIRST, SECOND, ("1.0.0", BACK, GOOD)))
    assert bad.message == "accuracy was 0.2, min 0.9, in 3 of 3 checks; latency was 9, max 1, in 2 of 3 checks"
    (undone,) = restored_from(a_history(FIRST, ("1.1.0", TAG, GOOD), UNDO))
    assert (undone.message, undone.inputs_hash) == ("undone by ada: too slow", None)
    (template,) = restored_from(a_history(FIRST, ("1.0.0", SPEC, {**GOOD, "template_hash": "other"}), UNDO))
    assert template.inputs_hash == "other"


@pytest.mark.parametrize(("past", "wanted"), [((), [2]), (a_history(FIRST, ("1.1.0", TAG, RELEASED), SECOND), [3])])
def test_a_mark_on_a_version_tells_what_was_not_released(past: tuple[HistoryEntry, ...], wanted: list[int]) -> None:
    """Rule: R65."""
    digest = an_entry(1, "1.1.0").digest
    mark = QuarantinedBy(deployment="fraud", digest=digest, reason=Reason.UNDONE, message="m", since=NOON, revision=2)
    assert [each.revision for each in restored_from(past, mark)] == wanted
    assert restored_from(past, mark.model_copy(update={"deployment": "other"})) == restored_from(past)
