from typing import Any

import pytest

from rig.node.states import (
    Role,
    Terminated,
    end_known_from,
    ended,
    init_role,
    pause_seconds,
    restart_policy,
    runs_again,
)

NOW, BEFORE = "2026-01-01T00:01:00Z", "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("return_code", "end"),
    [
        (0, (0, "Completed", 0)),
        (3, (3, "Error", 0)),
        (-9, (137, "Error", 9)),
        (-15, (143, "Error", 15)),
    ],
)
def test_an_end_is_told_as_a_shell_tells_it(return_code: int, end: tuple[int, str, int]) -> None:
    seen = ended(return_code, BEFORE, NOW)
    assert (seen.exit_code, seen.reason, seen.signal) == end
    assert (seen.started_at, seen.finished_at) == (BEFORE, NOW)


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_the_restart_policy_decides(policy: str, code: int, again: bool) -> None:
    assert runs_again(policy, ended(code, BEFORE, NOW)) is again


@pytest.mark.parametrize(
    ("role", "of_pod", "policy"),
    [
        (Role.APP, "Never", "Never"),
        (Role.APP, "Always", "Always"),
        (Role.INIT, "Always", "OnFailure"),
        (Role.INIT, "OnFailure", "OnFailure"),
        (Role.INIT, "Never", "Never"),
        (Role.SIDECAR, "Never", "Always"),
    ],
)
def test_a_role_has_a_restart_policy_of_its_own(role: Role, of_pod: str, policy: str) -> None:
    assert restart_policy(role, of_pod) == policy


def test_an_init_container_that_always_restarts_is_a_sidecar() -> None:
    assert init_role({"restartPolicy": "Always"}) is Role.SIDECAR
    assert init_role({}) is Role.INIT


def test_the_first_restart_is_at_once_and_the_pauses_double_up_to_five_minutes() -> None:
    assert [pause_seconds(10, ends) for ends in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert pause_seconds(0.5, 5000) == 300


END = {"exitCode": 2, "reason": "Error", "startedAt": BEFORE, "finishedAt": BEFORE}


@pytest.mark.parametrize(
    ("status", "end"),
    {
        "a new container has not ended": ({}, None),
        "one that was never started has not ended": (
            {"state": {"waiting": {"reason": "ContainerCreating"}}, "lastState": {}},
            None,
        ),
        "one that ran was lost with its node": (
            {"state": {"running": {"startedAt": BEFORE}}, "lastState": {"terminated": END}},
            Terminated(137, "Error", BEFORE, NOW, signal=9, message="the test node ended"),
        ),
        "one that had ended has ended": ({"state": {"terminated": END}}, Terminated(2, "Error", BEFORE, BEFORE)),
        "one in back-off had ended": (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": END}},
            Terminated(2, "Error", BEFORE, BEFORE),
        ),
    }.values(),
)
def test_what_an_earlier_node_wrote(status: dict[str, Any], end: Terminated | None) -> None:
    assert end_known_from(status, NOW) == end
