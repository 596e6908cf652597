"""`history`: every state as a table, and one revision whole."""

import json

import pytest

from pennant.cli.errors import CliError
from pennant.cli.history import one, rendered
from unit.cli.golden_files import assert_golden
from unit.cli.states import STATES, after_a_rollback


@pytest.mark.parametrize("state", STATES)
async def test_the_history_of_each_state(state: str) -> None:
    assert_golden(f"history/{state}.txt", rendered(await STATES[state](), None))


@pytest.mark.parametrize("form", ["wide", "name", "yaml"])
async def test_the_history_in_other_forms(form: str) -> None:
    assert_golden(f"history/after_a_rollback.{form}", rendered(await after_a_rollback(), form))


async def test_json_is_the_history_of_the_status() -> None:
    snapshot = await after_a_rollback()
    read = json.loads(rendered(snapshot, "json"))
    assert read["kind"] == "ModelDeploymentHistory"
    assert read["metadata"] == {"name": "fraud", "namespace": "default"}
    assert read["items"] == [each.to_json() for each in snapshot.status.history]


async def test_one_revision_is_shown_whole() -> None:
    assert_golden("history/revision_2.txt", one(await after_a_rollback(), 2, None))


async def test_a_revision_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(CliError, match="unable to find the specified revision 9 of fraud; there are: 1, 2, 3"):
        one(await after_a_rollback(), 9, None)
