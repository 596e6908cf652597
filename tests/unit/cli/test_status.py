"""`status`: what it says and how it exits in each state."""

from dataclasses import replace

import pytest

from pennant.cli.status import Phase, progress
from unit.cli.golden_files import assert_golden
from unit.cli.states import STATES, verified

PHASES = {
    "new": Phase.WAITING,
    "rolling_out": Phase.WAITING,
    "tag_has_just_moved": Phase.WAITING,
    "verified": Phase.DONE,
    "after_a_rollback": Phase.FAILED,
    "paused": Phase.WAITING,
}


@pytest.mark.parametrize("state", STATES)
async def test_each_state_has_a_line_and_a_phase(state: str) -> None:
    found = progress(await STATES[state]())
    assert found.phase is PHASES[state]
    assert_golden(f"status/{state}.txt", found.line)


async def test_a_spec_that_the_operator_has_not_seen_is_waited_for() -> None:
    snapshot = replace(await verified(), generation=99)
    assert progress(snapshot).line == 'Waiting for modeldeployment "fraud" spec update to be observed...'


async def test_another_revision_than_the_wanted_one_fails() -> None:
    found = progress(await verified(), revision=1)
    assert found.phase is Phase.FAILED
    assert found.line == "desired revision (1) is different from the running revision (2)"
