"""`history`: every state as a table, and one revision whole."""

import json

import pytest

from pennant.cli import output
from pennant.cli.errors import CliError
from pennant.cli.history import document, one, rendered
from pennant.cli.outcomes import outcome
from unit.cli.blocked_states import undone
from unit.cli.golden_files import assert_golden
from unit.cli.states import STATES, after_a_rollback


@pytest.mark.parametrize("state", STATES)
async def test_the_history_of_each_state(state: str) -> None:
    assert_golden(f"history/{state}.txt", rendered(await STATES[state](), None))


@pytest.mark.parametrize("form", ["wide", "name", "yaml"])
async def test_the_history_in_other_forms(form: str) -> None:
    snapshot = await after_a_rollback()
    text = output.document(document(snapshot), form) if form == "yaml" else rendered(snapshot, form)
    assert_golden(f"history/after_a_rollback.{form}", text)


@pytest.mark.parametrize("width", [80, 100, 160])
async def test_the_history_on_a_terminal_is_whole_and_fits(width: int) -> None:
    snapshot = await after_a_rollback()
    text = rendered(snapshot, None, width)
    assert_golden(f"history/after_a_rollback_{width}.txt", text)
    assert all(each in text for each in " ".join(e.reason for e in snapshot.status.history).split())


async def test_a_revision_that_a_user_undid_is_undone() -> None:
    snapshot, _ = await undone()
    assert_golden("history/undone.txt", rendered(snapshot, None))
    assert "Undone" in one(snapshot, 2)


async def test_an_automatic_rollback_is_no_undo() -> None:
    history = (await after_a_rollback()).status.history
    assert [outcome(each, history) for each in history] == ["Superseded", "RolledBack", "Verified"]


async def test_json_is_the_history_of_the_status() -> None:
    snapshot = await after_a_rollback()
    read = json.loads(output.document(document(snapshot), "json"))
    assert read["kind"] == "ModelDeploymentHistory"
    assert read["metadata"] == {"name": "fraud", "namespace": "default"}
    assert read["items"] == [each.to_json() for each in snapshot.status.history]


async def test_one_revision_is_shown_whole() -> None:
    assert_golden("history/revision_2.txt", one(await after_a_rollback(), 2))


async def test_a_revision_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(CliError, match="unable to find the specified revision 9 of fraud; there are: 1, 2, 3"):
        one(await after_a_rollback(), 9)
