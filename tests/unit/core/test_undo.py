"""Where an undo goes: to the last good revision, to a revision by its number, or to a version by its name."""

from datetime import timedelta

import pytest

from pennant.api.history import HistoryEntry, Outcome
from pennant.core.facts.observation import Revision
from pennant.core.rollout.undo import NoTarget, sentence, undo_target
from unit.core.builders import NOON, a_snapshot, an_entry


def entry(number: int, version: str, outcome: Outcome = Outcome.SUPERSEDED, *, verified: bool = False) -> HistoryEntry:
    at = NOON + timedelta(minutes=number)
    verified_at = at if verified else None
    return an_entry(number, version, outcome=outcome, verified_at=verified_at, started_at=at, available_at=at)


def recorded(*entries: HistoryEntry) -> tuple[Revision, ...]:
    return tuple(Revision(each, {}, {}) for each in entries)


HISTORY = (
    entry(1, "1.0.0", verified=True),
    entry(2, "1.1.0", Outcome.ROLLED_BACK),
    entry(3, "1.2.0"),
    entry(4, "1.3.0", Outcome.IN_PROGRESS),
)
SNAPSHOT = a_snapshot("fraud", revisions=recorded(*HISTORY))


@pytest.mark.parametrize(
    ("value", "revision"),
    [("", 1), ("0", 1), ("3", 3), ("2", 2), ("1.2.0", 3)],
    ids=["the last verified one", "as kubectl's 0", "by number", "a failed one by number", "by version"],
)
def test_an_undo_goes_to(value: str, revision: int) -> None:
    found = undo_target(HISTORY, (), SNAPSHOT, value)
    assert isinstance(found, HistoryEntry)
    assert found.revision == revision


@pytest.mark.parametrize(
    ("value", "problem", "already"),
    [
        ("9", "revision 9 does not exist. Revisions in the history: 1, 2, 3, 4", None),
        ("9.9.9", "no revision of version 9.9.9 exists. Versions in the history: 1.0.0, 1.1.0, 1.2.0, 1.3.0", None),
        ("4", "the current revision 4 already serves 1.3.0", 4),
    ],
)
def test_without_a_target_an_undo_says_why(value: str, problem: str, already: int | None) -> None:
    assert undo_target(HISTORY, (), SNAPSHOT, value) == NoTarget(problem, already)


def test_a_revision_without_a_controller_revision_is_no_target() -> None:
    snapshot = a_snapshot("fraud", revisions=recorded(*HISTORY[1:]))
    assert undo_target(HISTORY, (), snapshot, "1") == NoTarget(
        "the ControllerRevision of revision 1 is missing. Available: 2, 3, 4"
    )


def test_the_first_revision_has_no_earlier_one() -> None:
    first = entry(1, "1.0.0")
    snapshot = a_snapshot("fraud", revisions=recorded(first))
    assert undo_target((first,), (), snapshot, "") == NoTarget("there is no earlier revision to go back to")


def test_without_a_verified_revision_an_undo_goes_to_one_that_served() -> None:
    never, served = entry(2, "1.1.0").model_copy(update={"available_at": None}), entry(1, "1.0.0")
    history = (served, never, entry(3, "1.2.0", Outcome.IN_PROGRESS))
    assert undo_target(history, (), a_snapshot("fraud", revisions=recorded(*history)), "") == served


NUMBERED = (
    entry(1, "3", verified=True),
    entry(2, "1", verified=True),
    entry(3, "20261129", verified=True),
    entry(4, "4", Outcome.IN_PROGRESS),
)


@pytest.mark.parametrize(
    ("value", "revision"),
    [("version:3", 1), ("revision:3", 3), ("version:1", 2), ("2", 2), ("20261129", 3), ("version:20261129", 3)],
)
def test_a_version_may_be_a_number_as_well(value: str, revision: int) -> None:
    found = undo_target(NUMBERED, (), a_snapshot("fraud", revisions=recorded(*NUMBERED)), value)
    assert isinstance(found, HistoryEntry)
    assert found.revision == revision


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            "3",
            "3 is a revision, which served 20261129, and a version, which revision 1 served. "
            "Give revision:3 or version:3",
        ),
        ("version:2", "no revision of version 2 exists. Versions in the history: 3, 1, 20261129, 4"),
        ("revision:9", "revision 9 does not exist. Revisions in the history: 1, 2, 3, 4"),
        ("9", "revision 9 does not exist. Revisions in the history: 1, 2, 3, 4"),
        ("tag:1", "no revision of version tag:1 exists. Versions in the history: 3, 1, 20261129, 4"),
    ],
)
def test_a_number_that_is_both_or_none_is_refused(value: str, problem: str) -> None:
    found = undo_target(NUMBERED, (), a_snapshot("fraud", revisions=recorded(*NUMBERED)), value)
    assert found == NoTarget(problem)


def test_a_number_that_means_the_same_revision_in_both_ways_is_taken() -> None:
    history = (entry(1, "1", verified=True), entry(2, "2", Outcome.IN_PROGRESS))
    assert undo_target(history, (), a_snapshot("fraud", revisions=recorded(*history)), "1") == history[0]


def test_the_quarantine_names_the_authenticated_user_before_the_name_that_was_given() -> None:
    """Rule: R151."""
    made = an_entry(reason="rolled back from 1.1.0 to 1.0.0: wrong scores", actor="eve")
    assert sentence(made) == "undone by eve: wrong scores"
    assert sentence(made.model_copy(update={"user": "ada"})) == "undone by ada: wrong scores"
