"""`status`: what it says and how it exits in each state."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pennant.cli import status
from pennant.cli.errors import CliError
from pennant.cli.rollout import Goal, Phase, progress
from pennant.core.facts.observation import Key, Snapshot
from unit.cli.blocked_states import BLOCKED, baking, later_than
from unit.cli.conftest import Run
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden
from unit.cli.states import STATES, after_a_rollback, tag_has_just_moved, verified
from unit.core.builders import after
from unit.kube.raw import raw_deployment

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
    snapshot = await STATES[state]()
    found = progress(snapshot, later_than(snapshot))
    assert found.phase is PHASES[state]
    assert_golden(f"status/{state}.txt", found.line)


async def test_a_version_that_serves_and_is_not_verified_says_when_its_bake_time_ends() -> None:
    snapshot, now = await baking()
    found = progress(snapshot, now)
    assert found.phase is Phase.DONE
    assert_golden("status/baking.txt", found.line)
    waits = progress(snapshot, now, goal=Goal.VERIFIED)
    assert waits.phase is Phase.WAITING
    assert_golden("status/baking_for_verified.txt", waits.line)
    assert progress(snapshot, now.replace(second=now.second + 1), goal=Goal.VERIFIED) == waits, (
        "no new line each second"
    )
    done = progress(await verified(), after(600), goal=Goal.VERIFIED)
    assert done.phase is Phase.DONE


async def test_an_undone_version_says_so() -> None:
    snapshot, now = await BLOCKED["undone"]()
    found = progress(snapshot, now)
    assert found.phase is Phase.FAILED
    assert_golden("status/undone.txt", found.line)


async def test_a_spec_that_the_operator_has_not_seen_is_waited_for() -> None:
    snapshot = replace(await verified(), generation=99)
    found = progress(snapshot, after(0))
    assert found.line == 'Waiting for modeldeployment "fraud" spec update to be observed...'


async def test_another_revision_than_the_wanted_one_fails() -> None:
    found = progress(await verified(), after(0), revision=1)
    assert found.phase is Phase.FAILED
    assert found.line == "desired revision (1) is different from the running revision (2)"


@pytest.fixture
async def served(api: FakeApi) -> Callable[[str, Snapshot], None]:
    """Serve ModelDeployments in a state."""

    def add(name: str, snapshot: Snapshot) -> None:
        api.add("modeldeployments", raw_deployment(name, status=snapshot.status.to_json()))

    return add


@pytest.fixture
async def good() -> Snapshot:
    return await verified()


@pytest.fixture
async def bad() -> Snapshot:
    return await after_a_rollback()


def test_the_status_as_data_is_the_end_alone(
    pennant: Run, served: Callable[[str, Snapshot], None], good: Snapshot, bad: Snapshot
) -> None:
    served("good", good)
    served("bad", bad)
    code, out, err = pennant("status", "good", "-o", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["kind"], found["phase"]) == ("ModelDeploymentRollout", "Done")
    assert found["message"] == 'modeldeployment "good" successfully rolled out: 1.1.0 serves'
    assert found["serving"]["version"] == "1.1.0"
    code, out, err = pennant("status", "bad", "-o", "yaml")
    assert code == 1
    assert "phase: Failed" in out
    assert err.startswith('error: modeldeployment "bad" was rolled back from 1.1.0 to 1.0.0: ')
    assert pennant("status", "good", "-o", "name", "--for", "condition=Verified") == (
        0,
        "modeldeployment.pennant.dev/good\n",
        "",
    )


def test_those_of_all_namespaces_are_waited_for(
    pennant: Run, api: FakeApi, served: Callable[[str, Snapshot], None], good: Snapshot
) -> None:
    served("good", good)
    api.add("modeldeployments", raw_deployment("best", namespace="shop", status=good.status.to_json()))
    code, out, err = pennant("status", "-A", "-o", "name")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["modeldeployment.pennant.dev/good", "modeldeployment.pennant.dev/best"]
    assert pennant("status", "good", "-A")[0] == 1
    assert pennant("undo", "-A")[2].startswith("error: No such option '-A'")


def test_each_of_several_is_waited_for(
    pennant: Run, served: Callable[[str, Snapshot], None], good: Snapshot, bad: Snapshot
) -> None:
    served("good", good)
    served("bad", bad)
    code, out, err = pennant("status", "bad", "none", "good")
    assert code == 1
    assert out == 'modeldeployment "good" successfully rolled out: 1.1.0 serves\n'
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "error"]
    assert '"bad" was rolled back' in err
    assert '"none" not found' in err


async def test_an_operator_that_does_not_react_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = await tag_has_just_moved()
    monkeypatch.setattr(status, "REACTION_SECONDS", 0.0)

    class Reads:
        async def snapshot(self, _: Key) -> Snapshot:
            return snapshot

    session: Any = SimpleNamespace(inspector=Reads())
    with pytest.raises(CliError, match="timed out"):
        await status.wait(session, snapshot.key, status.Wait(timeout=0.001))
    err = capsys.readouterr().err
    assert err.startswith("Warning: The operator has not reacted to the current state yet. It is to create the Contr")
    assert err.count("Warning") == 1
