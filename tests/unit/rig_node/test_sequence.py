"""Init containers run in order, sidecars stay beside the containers and end after them, the last one first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rig.node.api import Object
from rig.node.host import Host
from rig.node.pod import PodRunner
from unit.rig_node.fake_api import FakeApi, a_pod, until

STAYS = "exec sleep 60"
TRAP = "trap 'echo {name} ends >> shared/order; exit 0' TERM; echo {name} >> shared/order; while :; do sleep 0.02; done"


def init(name: str, script: str, **fields: Any) -> Object:
    return a_container(name, script) | fields


def sidecar(name: str, script: str | None = None, **fields: Any) -> Object:
    return a_container(name, script or TRAP.format(name=name)) | {"restartPolicy": "Always"} | fields


def a_container(name: str, script: str) -> Object:
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    return {"name": name, "image": "any:1", "command": ["sh", "-c", script], "volumeMounts": mounts}


def pod_of(*init_containers: Object, script: str | None = None, policy: str = "Always", **status: Any) -> Object:
    """Return a pod with init containers and the container `c`; all share an emptyDir."""
    pod = a_pod(**a_container("c", script or TRAP.format(name="c")), status={"phase": "Pending"} | status)
    spec = {"initContainers": list(init_containers), "volumes": [{"name": "shared", "emptyDir": {}}]}
    return pod | {"spec": pod["spec"] | spec | {"restartPolicy": policy}}


@asynccontextmanager
async def running(host: Host, pod: Object) -> AsyncIterator[tuple[PodRunner, asyncio.Task[None]]]:
    runner = PodRunner(host, pod, "127.64.1.2")
    task = asyncio.create_task(runner.run())
    yield runner, task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def order(host: Host, pod: Object) -> list[str]:
    path = host.volume_directory(pod, "shared") / "order"
    return path.read_text().splitlines() if path.exists() else []


def status_of(told: Object, name: str) -> Object:
    status = told.get("status", told)
    statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return next((dict(each) for each in statuses if each["name"] == name), {"state": {}})


def reason(api: FakeApi, name: str) -> str:
    return str(status_of(api.last, name)["state"].get("waiting", {}).get("reason", ""))


def runs(api: FakeApi, name: str) -> bool:
    return "running" in status_of(api.last, name)["state"]


async def test_init_containers_run_one_after_the_other_before_the_containers(host: Host, api: FakeApi) -> None:
    slow = "sleep 0.1; echo {0} >> shared/order; sleep 0.1"
    pod = pod_of(init("one", slow.format("one")), init("two", slow.format("two")))
    async with running(host, pod):
        await until(lambda: runs(api, "c") and len(order(host, pod)) == 3)
    assert order(host, pod)[:3] == ["one", "two", "c"]
    for told in api.told:
        begun = [each for each in ("one", "two", "c") if "waiting" not in status_of(told, each)["state"]]
        assert begun == ["one", "two", "c"][: len(begun)]
        assert (told["status"]["phase"] == "Running") is ("c" in begun)
        waits = [status_of(told, each)["state"]["waiting"] for each in ("two", "c") if each not in begun]
        assert all(each == {"reason": "PodInitializing"} for each in waits)
    assert status_of(api.last, "one")["state"]["terminated"]["reason"] == "Completed"
    assert (status_of(api.last, "one")["ready"], status_of(api.last, "one")["started"]) == (True, False)


async def test_what_an_init_container_fetches_the_server_reads(host: Host, api: FakeApi) -> None:
    pod = pod_of(init("fetch", "echo weights > shared/model"), script="cat shared/model > read; exec sleep 60")
    read = host.pod_directory(pod) / "c" / "read"
    async with running(host, pod):
        await until(lambda: read.exists() and read.read_text() == "weights\n")


async def test_an_init_container_that_fails_is_restarted_with_back_off(host: Host, api: FakeApi) -> None:
    pod = pod_of(init("fetch", "test -e shared/go || exit 3"))
    async with running(host, pod):
        await until(lambda: reason(api, "fetch") == "CrashLoopBackOff")
        assert status_of(api.last, "fetch")["lastState"]["terminated"]["exitCode"] == 3
        assert (api.last["phase"], reason(api, "c")) == ("Pending", "PodInitializing")
        assert order(host, pod) == []
        (host.volume_directory(pod, "shared") / "go").touch()
        await until(lambda: runs(api, "c"))
    assert status_of(api.last, "fetch")["restartCount"] >= 1


async def test_an_init_container_that_must_not_run_twice_fails_the_pod(host: Host, api: FakeApi) -> None:
    pod = pod_of(sidecar("proxy"), init("fetch", "exit 3"), policy="Never")
    async with running(host, pod):
        await until(lambda: api.last.get("phase") == "Failed" and "proxy ends" in order(host, pod))
        await until(lambda: not runs(api, "proxy"))
    assert order(host, pod) == ["proxy", "proxy ends"]
    assert reason(api, "c") == "PodInitializing"


async def test_an_image_of_an_init_container_that_cannot_be_pulled(host: Host, api: FakeApi) -> None:
    pod = pod_of(sidecar("proxy"), init("fetch", "true", image="bad/fetch:1"))
    async with running(host, pod):
        await until(lambda: reason(api, "fetch") == "ImagePullBackOff" and runs(api, "proxy"))
        assert (api.last["phase"], order(host, pod)) == ("Pending", ["proxy"])


async def test_a_sidecar_without_a_startup_probe_has_started_when_it_runs(host: Host, api: FakeApi) -> None:
    pod = pod_of(sidecar("proxy"), init("fetch", "echo fetch >> shared/order"))
    async with running(host, pod):
        await until(lambda: runs(api, "c") and runs(api, "proxy"))
        assert status_of(api.last, "proxy")["started"] is True


async def test_a_sidecar_with_a_startup_probe_is_waited_for(host: Host, api: FakeApi) -> None:
    probe = {"exec": {"command": ["test", "-e", "up"]}, "periodSeconds": 0.05, "failureThreshold": 1000}
    pod = pod_of(sidecar("proxy", startupProbe=probe))
    async with running(host, pod):
        await until(lambda: runs(api, "proxy"))
        await asyncio.sleep(0.2)
        seen = status_of(api.last, "proxy")
        assert (seen["started"], seen["ready"], reason(api, "c")) == (False, False, "PodInitializing")
        assert api.last["phase"] == "Pending"
        (host.pod_directory(pod) / "proxy" / "up").touch()
        await until(lambda: runs(api, "c"))
    assert status_of(api.last, "proxy")["restartCount"] == 0


async def test_a_container_whose_startup_probe_fails_is_restarted(host: Host, api: FakeApi) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 0.05, "failureThreshold": 2}
    pod = pod_of(script=STAYS)
    pod["spec"]["containers"][0]["startupProbe"] = probe
    async with running(host, pod):
        await until(lambda: status_of(api.last, "c").get("restartCount", 0) >= 1)
    assert not any(status_of(told, "c")["started"] or status_of(told, "c")["ready"] for told in api.told)


async def test_a_pod_is_ready_only_with_its_sidecars(host: Host, api: FakeApi) -> None:
    probe = {"exec": {"command": ["test", "-e", "ready"]}, "periodSeconds": 0.05}
    pod = pod_of(sidecar("proxy", readinessProbe=probe))

    def conditions() -> dict[str, str]:
        return {each["type"]: each["status"] for each in api.last["conditions"]}

    async with running(host, pod):
        await until(lambda: runs(api, "c"))
        assert (conditions()["Initialized"], conditions()["Ready"]) == ("True", "False")
        (host.pod_directory(pod) / "proxy" / "ready").touch()
        await until(lambda: conditions()["Ready"] == "True")


async def test_a_sidecar_that_ends_is_restarted_and_the_pod_stays_initialised(host: Host, api: FakeApi) -> None:
    pod = pod_of(sidecar("proxy", "echo proxy >> shared/order; sleep 0.05; exit 0"))
    async with running(host, pod):
        await until(lambda: reason(api, "proxy") == "CrashLoopBackOff" and runs(api, "c"))
        await until(lambda: order(host, pod).count("proxy") >= 3)
    assert api.last["phase"] == "Running"
    assert order(host, pod).count("c") == 1


async def test_a_deleted_pod_ends_its_sidecars_last_and_in_reverse_order(host: Host, api: FakeApi) -> None:
    pod = pod_of(sidecar("one"), sidecar("two"))
    api.pods["u"] = pod
    async with running(host, pod) as (runner, task):
        await until(lambda: order(host, pod) == ["one", "two", "c"])
        runner.delete(30)
        await asyncio.wait_for(task, 5)
    assert order(host, pod) == ["one", "two", "c", "c ends", "two ends", "one ends"]
    assert api.deleted == ["u"]


async def test_sidecars_do_not_wait_beyond_the_grace(host: Host, api: FakeApi) -> None:
    ignores = "trap '' TERM; echo c >> shared/order; while :; do sleep 0.02; done"
    pod = pod_of(sidecar("one"), sidecar("two"), script=ignores)
    async with running(host, pod) as (runner, task):
        await until(lambda: len(order(host, pod)) == 3)
        runner.delete(30)
        await asyncio.sleep(0.1)
        assert len(order(host, pod)) == 3
        runner.delete(0.3)
        await asyncio.wait_for(task, 5)
    assert sorted(order(host, pod)[3:]) == ["one ends", "two ends"]
    assert status_of(api.last, "c")["state"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize("stage", ["fetch", "proxy"])
async def test_a_pod_that_is_deleted_while_it_initialises_ends(host: Host, api: FakeApi, stage: str) -> None:
    never = {"exec": {"command": ["false"]}, "periodSeconds": 0.05, "failureThreshold": 1000}
    first = init("fetch", STAYS) if stage == "fetch" else sidecar("proxy", startupProbe=never)
    pod = pod_of(first, sidecar("late"))
    async with running(host, pod) as (runner, task):
        await until(lambda: runs(api, stage))
        runner.delete(5)
        await asyncio.wait_for(task, 4)
    assert not {"late", "c"} & set(order(host, pod))


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
async def test_a_pod_that_is_done_ends_its_sidecars(host: Host, api: FakeApi, code: int, phase: str) -> None:
    pod = pod_of(sidecar("proxy"), script=f"exit {code}", policy="Never")
    async with running(host, pod):
        await until(lambda: api.last.get("phase") == phase)
    assert order(host, pod) == ["proxy", "proxy ends"]


DONE = {"exitCode": 0, "reason": "Completed", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:00Z"}
RAN = {"name": "c", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
FETCHED = {"name": "fetch", "restartCount": 0, "state": {"terminated": DONE}}


async def test_a_node_that_comes_back_initialises_its_pods_again(host: Host, api: FakeApi) -> None:
    fetch = init("fetch", "echo fetch >> shared/order")
    pod = pod_of(fetch, phase="Running", initContainerStatuses=[FETCHED], containerStatuses=[RAN])
    async with running(host, pod):
        await until(lambda: runs(api, "c"))
    assert order(host, pod)[:1] == ["fetch"]
    assert (status_of(api.last, "fetch")["restartCount"], status_of(api.last, "c")["restartCount"]) == (1, 1)


async def test_a_node_that_comes_back_does_not_initialise_a_pod_that_is_over(host: Host, api: FakeApi) -> None:
    fetch = init("fetch", "echo fetch >> shared/order")
    pod = pod_of(fetch, policy="Never", phase="Running", initContainerStatuses=[FETCHED], containerStatuses=[RAN])
    async with running(host, pod):
        await until(lambda: api.last.get("phase") == "Failed")
    assert order(host, pod) == []
