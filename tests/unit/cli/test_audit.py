"""`audit` answers what served at a time, as far as it is recorded, and says where the history was changed."""

import csv
import io
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import click
import pytest
from click.testing import CliRunner

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry, Outcome, Trigger
from pennant.cli import audit, clock
from pennant.cli.audit import answered
from pennant.cli.auditing.answers import verified
from pennant.cli.auditing.chain import checked
from pennant.cli.auditing.question import Question
from pennant.cli.auditing.timeline import served_at, timeline
from pennant.cli.auditing.words import timeline_table
from pennant.cli.commands.audit import command
from pennant.cli.errors import CliError
from pennant.cli.moment import Moment
from pennant.cli.options import ClusterOptions
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.rollout.revision import chained
from unit.cli import states
from unit.cli.golden_files import assert_golden
from unit.core.builders import NOON, a_revision, a_snapshot, after

NOW = after(7200)
MINUTE = 60


def evidence(at: datetime) -> Evidence:
    return Evidence(
        metric="accuracy", value="0.21", threshold="min 0.9", breaches="3 of 3", query_hash="0123456789ab", at=at
    )


def a_history() -> tuple[Revision, ...]:
    """Return what happened: 1.0.0, then 1.1.0 which failed half-way, back to 1.0.0, and 1.2.0 by a command."""

    def mark(minutes: float) -> datetime:
        return after(minutes * MINUTE)

    first = a_revision(1, "1.0.0", actor="argocd-controller", reason="the tag production moved to 1.0.0")
    second = a_revision(
        2,
        "1.1.0",
        first.entry,
        actor="argocd-controller",
        reason="the tag production moved from 1.0.0 to 1.1.0",
        started_at=mark(20),
    )
    third = a_revision(
        3,
        "1.0.0",
        second.entry,
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor="pennant",
        reason="1.1.0 (revision 2) failed analysis: accuracy 0.21, min 0.9, in 3 of 3 checks",
        started_at=mark(25),
    )
    fourth = a_revision(
        4,
        "1.2.0",
        third.entry,
        trigger=Trigger.RETRY,
        actor="=ada@example.com",
        command="retry 1.2.0",
        command_token="t1",
        reason="1.2.0 gets another chance: the data was repaired",
        started_at=mark(60),
    )
    marks: tuple[dict[str, Any], ...] = (
        {
            "available_at": mark(1),
            "rolled_out_at": mark(2),
            "verified_at": mark(7),
            "ended_at": mark(20),
            "outcome": Outcome.SUPERSEDED,
        },
        {
            "available_at": mark(21),
            "ended_at": mark(25),
            "outcome": Outcome.ROLLED_BACK,
            "evidence": (evidence(mark(24)),),
        },
        {
            "available_at": mark(25),
            "rolled_out_at": mark(26),
            "verified_at": mark(31),
            "ended_at": mark(60),
            "outcome": Outcome.SUPERSEDED,
        },
        {},
    )
    found = zip((first, second, third, fourth), marks, strict=True)
    return tuple(replace(each, mirrored=each.entry.model_copy(update=fields)) for each, fields in found)


REVISIONS = a_history()
HISTORY = tuple(each.latest for each in REVISIONS)


def snapshot(
    history: tuple[HistoryEntry, ...] = HISTORY, revisions: tuple[Revision, ...] = REVISIONS, **fields: Any
) -> Snapshot:
    return a_snapshot("fraud", status=ModelDeploymentStatus(history=history), revisions=revisions, **fields)


def at(minutes: float) -> datetime:
    return after(minutes * MINUTE)


def told(minutes: float, history: tuple[HistoryEntry, ...] = HISTORY) -> tuple[list[int], int | None, bool]:
    """Return the revisions that served, the one that was starting, and whether that is certain."""
    found = served_at(history, at(minutes))
    starting = found.starting.revision if found.starting else None
    return [each.revision for each in found.serving], starting, found.certain


@pytest.mark.parametrize(
    ("minutes", "serving", "starting", "certain"),
    [
        (-1, [], None, False),
        (0.5, [], 1, False),
        (1.5, [1], None, True),
        (10, [1], None, True),
        (20.5, [1], 2, True),
        (22, [1, 2], None, False),
        # The pods of revision 1 are those of revision 3 as soon as that has begun.
        (25.5, [2, 3], None, False),
        (30, [3], None, True),
        (70, [3], 4, True),
    ],
)
def test_what_served_at_a_time(minutes: float, serving: list[int], starting: int | None, certain: bool) -> None:
    assert told(minutes) == (serving, starting, certain)


def test_what_is_before_the_oldest_entry_is_not_recorded() -> None:
    assert not served_at(HISTORY, at(-1)).recorded
    assert not served_at((), at(0)).recorded


def test_a_revision_that_the_history_has_let_go_may_have_served_while_the_oldest_one_was_rolled_out() -> None:
    served = served_at(HISTORY[1:], at(22))
    assert (told(22, HISTORY[1:])[0], served.older, served.certain) == ([2], True, False)
    assert told(30, HISTORY[1:]) == ([3], None, True)


def test_a_gap_in_the_history_is_not_filled_with_a_guess() -> None:
    kept = (HISTORY[0], HISTORY[3])
    assert told(10, kept) == ([1], None, True)
    assert not served_at(kept, at(22)).recorded
    assert told(70, kept) == ([], 4, False)
    assert served_at(kept, at(70)).older


def test_the_timeline_is_whole_and_each_segment_says_what_its_middle_says() -> None:
    segments = timeline(HISTORY)
    assert segments[0].begin == NOON
    assert segments[-1].end is None
    for each, following in pairwise(segments):
        assert each.end == following.begin
        assert served_at(HISTORY, each.begin + (following.begin - each.begin) / 2) == each.served
        assert each.served != following.served


@pytest.mark.parametrize("form", [None, "json", "csv"])
@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("at-steady", Question(at=at(10))),
        ("at-rollout", Question(at=at(22))),
        ("at-rolled-back", Question(at=at(30))),
        ("at-before", Question(at=at(-60))),
        ("timeline", Question()),
        ("span", Question(begin=at(-60), end=at(24))),
    ],
)
def test_an_answer(name: str, question: Question, form: str | None) -> None:
    assert_golden(f"audit/{name}.{form or 'txt'}", answered(snapshot(), question, NOW, form))


def test_an_answer_without_history() -> None:
    empty = snapshot((), ())
    assert "not recorded; there is no history" in answered(empty, Question(at=at(0)), NOW, None)
    assert "Nothing is recorded in this time." in answered(empty, Question(), NOW, None)
    assert "no history is recorded" in verified(empty.key, checked(empty, NOW), None)


def test_a_changed_entry_is_answered_as_its_controller_revision_says() -> None:
    forged = (HISTORY[0].model_copy(update={"actor": "somebody-else"}), *HISTORY[1:])
    assert "argocd-controller" in answered(snapshot(forged), Question(at=at(10)), NOW, None)
    assert "actor differed from the ControllerRevision" in "; ".join(audit.problems(snapshot(forged), NOW))


def test_no_cell_of_the_csv_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(answered(snapshot(), Question(), NOW, "csv"))))
    assert rows[-1]["actor"] == "'=ada@example.com"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


# The chain.


def forged(number: int, **fields: Any) -> tuple[HistoryEntry, ...]:
    return tuple(each.model_copy(update=fields) if each.revision == number else each for each in HISTORY)


def replaced(number: int, revision: Revision) -> tuple[Revision, ...]:
    return tuple(revision if each.entry.revision == number else each for each in REVISIONS)


CHAINS = {
    "intact": snapshot(),
    "missing": snapshot(revisions=(*REVISIONS[:1], *REVISIONS[2:])),
    "changed-record": snapshot(revisions=replaced(2, replace(REVISIONS[1], flaw="its pod template was changed"))),
    "changed-status": snapshot(forged(2, outcome=Outcome.VERIFIED, verified_at=at(23))),
    "made-anew": snapshot(revisions=replaced(2, a_revision(2, "6.6.6", HISTORY[0]))),
    "unreadable": snapshot(revisions=REVISIONS[:3], taken=frozenset({4})),
    "trimmed": snapshot(HISTORY[2:], REVISIONS[2:]),
    "added": snapshot(revisions=(*REVISIONS, a_revision(5, "6.6.6", HISTORY[0]))),
    "status-lost": snapshot((), REVISIONS),
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain(name: str) -> None:
    result = checked(CHAINS[name], NOW)
    assert result.intact == (name in ("intact", "trimmed", "status-lost"))
    assert_golden(f"audit/verify-{name}.txt", verified(CHAINS[name].key, result, None))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_chain_for_programs(form: str) -> None:
    assert_golden(f"audit/verify.{form}", verified(CHAINS["missing"].key, checked(CHAINS["missing"], NOW), form))


def test_an_entry_without_a_controller_revision_is_checked_by_its_own_hash() -> None:
    changed = forged(1, actor="somebody-else")
    result = checked(snapshot(changed, REVISIONS[1:]), NOW)
    assert any("does not match its own hash" in each for each in result.links[0].problems)


def test_an_entry_that_does_not_follow_the_one_before_is_changed() -> None:
    other = chained(HISTORY[1].model_copy(update={"reason": "another story"}), None)
    history = (HISTORY[0], other, *HISTORY[2:])
    result = checked(snapshot(history, ()), NOW)
    assert "does not follow that of revision 1" in "; ".join(result.links[1].problems)


# Histories as the operator makes them.


@pytest.mark.parametrize("state", [states.verified, states.after_a_rollback, states.rolling_out])
async def test_the_history_that_the_operator_makes_is_intact(state: Callable[[], Awaitable[Snapshot]]) -> None:
    seen = await state()
    result = checked(seen, NOW)
    assert result.intact, result
    assert [each.revision for each in result.links] == [each.revision for each in seen.status.history]
    assert audit.problems(seen, NOW) == ()


async def test_a_rollback_is_told_with_what_was_measured() -> None:
    seen = await states.after_a_rollback()
    last = seen.status.history[-1]
    assert last.available_at is not None
    assert_golden("audit/story.txt", answered(seen, Question(), NOW, None))
    assert_golden("audit/story-at.txt", answered(seen, Question(at=last.verified_at), NOW, None))


# The command.


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def invoked(*arguments: str, seen: Snapshot = CHAINS["intact"]) -> tuple[int, str]:
        monkeypatch.setattr(audit, "read", lambda *_: seen)
        monkeypatch.setattr(clock, "now", lambda: NOW)
        done = CliRunner().invoke(command, arguments, standalone_mode=False)
        if done.exception is not None:
            return 1, str(done.exception)
        return int(done.return_value or 0), done.output

    return invoked


def test_the_exit_code_of_verify(run: Any) -> None:
    assert run("fraud", "--verify")[0] == 0
    assert run("fraud", "--verify", seen=CHAINS["missing"])[0] == 1


def test_an_answer_from_a_changed_history_warns(run: Any) -> None:
    code, text = run("fraud", "--at", "2026-01-01T12:10:00Z", seen=CHAINS["missing"])
    assert (code, "Warning: the ControllerRevision of revision 2 is missing" in text) == (0, True)


@pytest.mark.parametrize(
    ("time", "minutes"),
    [("2026-01-01T12:10:00Z", 10), ("2026-01-01T13:10:00+01:00", 10), ("1h50m", 10), ("110m", 10)],
)
def test_a_time_is_rfc_3339_or_so_long_ago(run: Any, time: str, minutes: float) -> None:
    found = json.loads(run("fraud", "--at", time, "-o", "json")[1])
    assert found["at"] == f"{at(minutes):%Y-%m-%dT%H:%M:%SZ}"
    assert found["certain"] is True


def test_days_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert Moment().convert("2d", None, None) == NOW - timedelta(days=2)
    assert Moment().convert("1d12h", None, None) == NOW - timedelta(days=1, hours=12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--at", "yesterday"), "write it as 2026-01-02T15:04:05Z, or as 2h"),
        (("--at", "2026-01-01T12:10:00"), "has no time zone"),
        (("--at", "99999999999d"), "is no time"),
        (("--at", "2027-01-01T00:00:00Z"), "is in the future"),
        (("--at", "1h", "--from", "2h"), "not both"),
        (("--verify", "--at", "1h"), "leave out --at"),
        (("--from", "1h", "--to", "2h"), "--from must be before --to"),
    ],
)
def test_a_question_without_sense_is_refused(run: Any, arguments: tuple[str, ...], says: str) -> None:
    code, text = run("fraud", *arguments)
    assert (code, says in text) == (1, True), text


@pytest.mark.parametrize("words", [(), ("a", "b"), ("svc/a",)])
def test_one_model_deployment_is_named(words: tuple[str, ...]) -> None:
    with pytest.raises((CliError, click.ClickException)):
        audit.read(ClusterOptions(None, None, None), words)


def test_a_span_within_one_second_is_left_out_unless_it_alone_has_its_revision() -> None:
    def entry(number: int, version: str, at: float, **fields: Any) -> HistoryEntry:
        return a_revision(number, version).entry.model_copy(update={"started_at": after(at), **fields})

    first = entry(1, "1.0.0", 0, available_at=after(0.2), rolled_out_at=after(0.4), ended_at=after(60))
    second = entry(2, "1.1.0", 60, available_at=None, rolled_out_at=None, ended_at=after(60.4))
    third = entry(3, "1.0.0", 60.4, available_at=after(60.6), rolled_out_at=after(61.2))
    chain = [first]
    for each in (second, third):
        chain.append(each.model_copy(update={"previous_hash": chain[-1].hash}))
    rows = [re.split(" {3,}", line)[2] for line in timeline_table("fraud", timeline(chain)).splitlines()[2:-3]]
    assert rows == ["1.0.0 (1)", "1.0.0 (1); 1.1.0 (2) starts", "1.0.0 (3)"]
