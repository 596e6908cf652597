from dataclasses import replace
from typing import Any

import pytest

from rig.node.states import ContainerStatus, Role, Running, State, Terminated, Waiting, ended
from rig.node.status import Phase, Seen, phase, rendered

EARLIER, NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"
RUNS = Running(EARLIER)
INITIALISING = Waiting("PodInitializing")
CREATING, CRASHING = Waiting("ContainerCreating"), Waiting("CrashLoopBackOff", "back-off 1s")
DONE, BROKEN = ended(0, EARLIER, NOW), ended(3, EARLIER, NOW)


def a_container(
    state: State,
    last_end: Terminated | None = None,
    *,
    ready: bool = False,
    role: Role = Role.APP,
    started: bool | None = None,
) -> ContainerStatus:
    return ContainerStatus(
        "server",
        "image:1",
        state,
        last_end,
        ready,
        0 if last_end is None else 1,
        "process://7",
        role,
        isinstance(state, Running) if started is None else started,
    )


def an_init(state: State, last_end: Terminated | None = None) -> ContainerStatus:
    return replace(a_container(state, last_end, ready=state == DONE, role=Role.INIT), name="fetch")


def a_sidecar(state: State, last_end: Terminated | None = None, *, started: bool | None = None) -> ContainerStatus:
    ready = isinstance(state, Running) and started is not False
    return replace(a_container(state, last_end, ready=ready, role=Role.SIDECAR, started=started), name="proxy")


def a_pod(
    *containers: ContainerStatus,
    init: tuple[ContainerStatus, ...] = (),
    policy: str = "Always",
    deleted: bool = False,
) -> Seen:
    return Seen(init, containers, policy, deleted, 2, "127.64.1.2", "127.64.1.1", EARLIER, NOW)


def conditions(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in status["conditions"]}


@pytest.mark.parametrize(
    ("seen", "expected"),
    {
        "not begun": (a_pod(a_container(CREATING)), Phase.PENDING),
        "one of two not begun": (a_pod(a_container(RUNS), a_container(CREATING)), Phase.PENDING),
        "it runs": (a_pod(a_container(RUNS)), Phase.RUNNING),
        "one of two still runs": (a_pod(a_container(RUNS), a_container(BROKEN), policy="Never"), Phase.RUNNING),
        "ended, and to be restarted": (a_pod(a_container(DONE)), Phase.RUNNING),
        "in back-off": (a_pod(a_container(CRASHING, BROKEN)), Phase.RUNNING),
        "in back-off on failure": (a_pod(a_container(CRASHING, BROKEN), policy="OnFailure"), Phase.RUNNING),
        "done on failure": (a_pod(a_container(DONE), policy="OnFailure"), Phase.SUCCEEDED),
        "done": (a_pod(a_container(DONE), policy="Never"), Phase.SUCCEEDED),
        "failed": (a_pod(a_container(BROKEN), a_container(DONE), policy="Never"), Phase.FAILED),
        "deleted, and still ending": (a_pod(a_container(RUNS), deleted=True), Phase.RUNNING),
        "deleted, and ended well": (a_pod(a_container(DONE), deleted=True), Phase.SUCCEEDED),
        "an init container did not begin": (
            a_pod(a_container(INITIALISING), init=(an_init(INITIALISING),)),
            Phase.PENDING,
        ),
        "an init container runs": (a_pod(a_container(INITIALISING), init=(an_init(RUNS),)), Phase.PENDING),
        "an init container in back-off": (
            a_pod(a_container(INITIALISING), init=(an_init(CRASHING, BROKEN),)),
            Phase.PENDING,
        ),
        "an init container failed for good": (
            a_pod(a_container(INITIALISING), init=(an_init(BROKEN),), policy="Never"),
            Phase.FAILED,
        ),
        "initialised": (a_pod(a_container(RUNS), init=(an_init(DONE), a_sidecar(RUNS))), Phase.RUNNING),
        "a sidecar has not started": (
            a_pod(a_container(INITIALISING), init=(a_sidecar(RUNS, started=False),)),
            Phase.PENDING,
        ),
        "a sidecar starts again beside a container": (
            a_pod(a_container(RUNS), init=(a_sidecar(RUNS, BROKEN, started=False),)),
            Phase.RUNNING,
        ),
        "done, and a sidecar still runs": (
            a_pod(a_container(DONE), init=(a_sidecar(RUNS),), policy="Never"),
            Phase.RUNNING,
        ),
        "done, and so is the sidecar": (
            a_pod(a_container(DONE), init=(a_sidecar(ended(-15, EARLIER, NOW)),), policy="Never"),
            Phase.SUCCEEDED,
        ),
        "deleted, and killed": (a_pod(a_container(ended(-9, EARLIER, NOW)), deleted=True), Phase.FAILED),
    }.values(),
)
def test_the_phase(seen: Seen, expected: Phase) -> None:
    assert phase(seen) is expected


def test_a_pod_is_ready_when_all_its_containers_are() -> None:
    ready, unready = a_container(RUNS, ready=True), a_container(RUNS)
    assert conditions(rendered(a_pod(ready, ready), {}))["Ready"]["status"] == "True"
    half = conditions(rendered(a_pod(ready, unready), {}))
    assert (half["Ready"]["status"], half["ContainersReady"]["status"]) == ("False", "False")
    assert half["Ready"]["reason"] == "ContainersNotReady"
    assert "[server]" in half["Ready"]["message"]


def test_a_pod_says_which_init_containers_are_incomplete() -> None:
    init = (an_init(DONE), a_sidecar(RUNS, started=False), replace(an_init(INITIALISING), name="warm"))
    found = conditions(rendered(a_pod(a_container(INITIALISING), init=init), {}))
    assert (found["Initialized"]["status"], found["Initialized"]["reason"]) == ("False", "ContainersNotInitialized")
    assert found["Initialized"]["message"] == "containers with incomplete status: [proxy warm]"
    assert found["Ready"]["message"] == "containers with unready status: [proxy server]"


def test_a_pod_stays_initialised_while_a_sidecar_restarts_and_is_not_ready() -> None:
    seen = a_pod(a_container(RUNS, ready=True), init=(an_init(DONE), a_sidecar(CRASHING, BROKEN)))
    found = conditions(rendered(seen, {}))
    assert (found["Initialized"]["status"], found["Ready"]["status"]) == ("True", "False")


def test_init_containers_are_listed_apart_in_their_order() -> None:
    status = rendered(a_pod(a_container(RUNS), init=(an_init(DONE), a_sidecar(RUNS))), {})
    assert [each["name"] for each in status["initContainerStatuses"]] == ["fetch", "proxy"]
    assert [each["name"] for each in status["containerStatuses"]] == ["server"]
    assert "initContainerStatuses" not in rendered(a_pod(a_container(RUNS)), {})


def test_a_pod_that_is_deleted_is_not_ready() -> None:
    seen = a_pod(a_container(RUNS, ready=True), deleted=True)
    assert conditions(rendered(seen, {}))["Ready"]["status"] == "False"


@pytest.mark.parametrize(("end", "reason"), [(DONE, "PodCompleted"), (BROKEN, "PodFailed")])
def test_a_pod_that_is_over_says_why_it_is_not_ready(end: Terminated, reason: str) -> None:
    assert conditions(rendered(a_pod(a_container(end), policy="Never"), {}))["Ready"]["reason"] == reason


def test_a_condition_keeps_the_time_of_its_last_transition() -> None:
    first = rendered(a_pod(a_container(RUNS)), {})
    second = rendered(replace(a_pod(a_container(RUNS, ready=True)), now=LATER), first)
    assert conditions(first)["Initialized"]["lastTransitionTime"] == NOW
    assert conditions(second)["Initialized"]["lastTransitionTime"] == NOW
    assert conditions(second)["Ready"]["lastTransitionTime"] == LATER


def test_what_has_not_changed_is_rendered_alike() -> None:
    seen = a_pod(a_container(RUNS))
    first = rendered(seen, {})
    assert rendered(replace(seen, now=LATER), first) == first


def test_a_container_in_back_off() -> None:
    status = rendered(a_pod(a_container(CRASHING, BROKEN)), {})["containerStatuses"]
    assert status == [
        {
            "name": "server",
            "image": "image:1",
            "imageID": "image:1",
            "containerID": "process://7",
            "ready": False,
            "started": False,
            "restartCount": 1,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1s"}},
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": EARLIER, "finishedAt": NOW}},
        }
    ]


def test_a_running_container() -> None:
    (status,) = rendered(a_pod(a_container(RUNS, ready=True)), {})["containerStatuses"]
    assert status["state"] == {"running": {"startedAt": EARLIER}}
    assert (status["ready"], status["started"], status["lastState"]) == (True, True, {})


def test_the_pod_says_where_it_is() -> None:
    status = rendered(a_pod(a_container(RUNS)), {})
    assert (status["podIP"], status["podIPs"]) == ("127.64.1.2", [{"ip": "127.64.1.2"}])
    assert (status["hostIP"], status["hostIPs"]) == ("127.64.1.1", [{"ip": "127.64.1.1"}])
    assert (status["startTime"], status["observedGeneration"]) == (EARLIER, 2)
