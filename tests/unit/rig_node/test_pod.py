import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rig.node import pod as pod_module
from rig.node.api import Object
from rig.node.host import Host
from rig.node.pod import PodRunner
from unit.rig_node.fake_api import FakeApi, a_pod, until

IGNORES = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_module, "RETRY_SECONDS", 0.02)


@asynccontextmanager
async def running(host: Host, pod: Object) -> AsyncIterator[tuple[PodRunner, asyncio.Task[None]]]:
    runner = PodRunner(host, pod, "127.64.1.2")
    task = asyncio.create_task(runner.run())
    yield runner, task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def log_of(host: Host, pod: Object) -> str:
    path = host.pod_directory(pod) / "c" / "log"
    return path.read_text() if path.exists() else ""


def is_running(api: FakeApi) -> bool:
    return "running" in api.container.get("state", {})


async def test_what_is_told_is_of_this_very_pod(host: Host, api: FakeApi) -> None:
    async with running(host, a_pod(uid="mine")):
        await until(lambda: is_running(api))
        assert {each["metadata"]["uid"] for each in api.told} == {"mine"}


async def test_nothing_is_told_while_nothing_changes(host: Host, api: FakeApi) -> None:
    async with running(host, a_pod()):
        await until(lambda: is_running(api))
        told = len(api.told)
        await asyncio.sleep(0.3)
        assert len(api.told) == told


async def test_what_happens_while_the_api_server_is_away_is_told_later(host: Host, api: FakeApi) -> None:
    pod = a_pod(readinessProbe={"exec": {"command": ["test", "-e", "ready"]}})
    async with running(host, pod):
        await until(lambda: is_running(api))
        api.is_away = True
        (host.pod_directory(pod) / "c" / "ready").touch()
        await asyncio.sleep(0.5)
        assert api.container["ready"] is False
        api.is_away = False
        await until(lambda: api.container["ready"])


@pytest.mark.parametrize(("asked", "ready"), [({}, True), ({"exec": {"command": ["false"]}}, False)])
async def test_one_that_begins_is_ready_unless_it_is_to_be_asked_first(
    host: Host, api: FakeApi, asked: dict[str, Any], ready: bool
) -> None:
    pod = a_pod(readinessProbe=asked) if asked else a_pod()
    async with running(host, pod):
        await until(lambda: is_running(api))
        containers = [each["status"]["containerStatuses"][0] for each in api.told]
        assert {each["ready"] for each in containers if "running" in each["state"]} == {ready}


async def test_a_deleted_pod_is_not_ready_while_it_ends_and_is_taken_off_at_its_end(host: Host, api: FakeApi) -> None:
    pod = a_pod(script=IGNORES)
    api.pods["u"] = pod
    async with running(host, pod) as (runner, task):
        await until(lambda: "ready" in log_of(host, pod) and api.container.get("ready"))
        process = api.process
        runner.delete(30, generation=2)
        await until(lambda: "asked" in log_of(host, pod) and not api.container["ready"])
        assert process.runs
        assert is_running(api)
        assert api.last["observedGeneration"] == 2
        assert api.deleted == []
        runner.delete(0)
        await asyncio.wait_for(task, 5)
    assert not process.runs
    assert api.container["state"]["terminated"]["exitCode"] == 137
    assert api.last["phase"] == "Failed"
    assert api.deleted == ["u"]


async def test_a_pod_that_is_deleted_before_it_begins_never_runs(host: Host, api: FakeApi) -> None:
    pod = a_pod(script="echo ran")
    runner = PodRunner(host, pod, "127.64.1.2")
    runner.delete(30)
    await asyncio.wait_for(runner.run(), 5)
    assert log_of(host, pod) == ""


async def test_a_pod_that_is_deleted_while_it_begins_ends(host: Host, api: FakeApi) -> None:
    async with running(host, a_pod()) as (runner, task):
        # So often that the process is being made, and nobody knows it yet.
        for _ in range(3):
            await asyncio.sleep(0)
        runner.delete(5)
        await asyncio.wait_for(task, 4)


async def test_taking_off_waits_for_the_api_server(host: Host, api: FakeApi) -> None:
    api.pods["u"] = a_pod()
    async with running(host, a_pod()) as (runner, task):
        await until(lambda: is_running(api))
        process = api.process
        api.is_away = True
        runner.delete(1)
        await until(lambda: not process.runs)
        await asyncio.sleep(0.1)
        assert not task.done()
        api.is_away = False
        await asyncio.wait_for(task, 5)
    assert api.deleted == ["u"]


async def test_a_forgotten_pod_ends_whether_or_not_the_api_server_answers(host: Host, api: FakeApi) -> None:
    pod = a_pod(script=IGNORES)
    async with running(host, pod) as (runner, task):
        await until(lambda: "ready" in log_of(host, pod) and is_running(api))
        process = api.process
        api.is_away = True
        runner.forget()
        await asyncio.wait_for(task, 5)
    assert not process.runs


async def test_a_container_that_must_not_run_twice_has_ended_with_its_node(host: Host, api: FakeApi) -> None:
    ran = {"name": "c", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    pod = a_pod(script="echo ran", status={"phase": "Running", "containerStatuses": [ran]})
    pod["spec"]["restartPolicy"] = "Never"
    async with running(host, pod):
        await until(lambda: api.last.get("phase") == "Failed")
    assert log_of(host, pod) == ""


async def test_an_image_that_cannot_be_pulled_and_one_that_stays_so(host: Host, api: FakeApi) -> None:
    async with running(host, a_pod(image="bad/server:1")):
        await until(lambda: api.container.get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff")
    reasons = [each["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] for each in api.told]
    assert reasons == ["ErrImagePull", "ImagePullBackOff"]


async def test_a_node_that_ends_takes_its_processes_along_and_leaves_the_pod(host: Host, api: FakeApi) -> None:
    api.pods["u"] = a_pod()
    async with running(host, a_pod(script=IGNORES)):
        await until(lambda: is_running(api))
        process = api.process
    assert not process.runs
    assert api.deleted == []


async def test_a_container_that_ends_is_not_hurried_because_it_stopped_answering(host: Host, api: FakeApi) -> None:
    alive = {"exec": {"command": ["test", "!", "-e", "broken"]}, "periodSeconds": 0.05, "failureThreshold": 1}
    pod = a_pod(script=IGNORES, livenessProbe=alive)
    pod["spec"]["terminationGracePeriodSeconds"] = 0.1
    async with running(host, pod) as (runner, _):
        await until(lambda: "ready" in log_of(host, pod) and is_running(api))
        runner.delete(30)
        (host.pod_directory(pod) / "c" / "broken").touch()
        await asyncio.sleep(0.5)
        assert api.process.runs
