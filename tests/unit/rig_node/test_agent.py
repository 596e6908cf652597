import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rig.node import agent as agent_module
from rig.node.agent import Agent
from rig.node.api import Expired, Object, Unavailable
from rig.node.host import Host
from unit.rig_node.fake_api import FakeApi, a_pod, leaving, until


@asynccontextmanager
async def running(host: Host) -> AsyncIterator[None]:
    task = asyncio.create_task(Agent(host).run())
    yield
    assert not task.done(), "a node never ends by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "RECONNECT_SECONDS", 0.02)


@pytest.fixture
async def agent(host: Host) -> AsyncIterator[None]:
    async with running(host):
        yield


def addresses(api: FakeApi) -> dict[str, str]:
    return {each["metadata"]["uid"]: each["status"]["podIP"] for each in api.told}


def had(address: str) -> Object:
    return {"phase": "Running", "podIP": address}


def runs(api: FakeApi, uid: str) -> bool:
    told = [each["status"] for each in api.told if each["metadata"]["uid"] == uid]
    return bool(told) and told[-1]["phase"] == "Running"


async def test_pods_keep_the_addresses_that_they_had_before_the_node_came_back(host: Host, api: FakeApi) -> None:
    api.pods = {"new": a_pod("new"), "old": a_pod("old", status=had("127.64.1.2"))}
    async with running(host):
        await until(lambda: len(addresses(api)) == 2)
        assert addresses(api)["old"] == "127.64.1.2"
        assert addresses(api)["new"] != "127.64.1.2"


async def test_a_pod_that_is_over_is_not_run_again(host: Host, api: FakeApi) -> None:
    api.pods = {"over": a_pod("over", status={"phase": "Succeeded"}), "new": a_pod("new")}
    async with running(host):
        await until(lambda: runs(api, "new"))
        assert "over" not in addresses(api)


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("error", [Expired(), Unavailable("away")], ids=["expired", "unavailable"])
async def test_what_a_broken_watch_missed_is_seen_in_a_new_list(api: FakeApi, error: Exception) -> None:
    await api.events.put(("ADDED", a_pod("early")))
    await until(lambda: runs(api, "early"))
    early = api.process
    api.pods = {"late": a_pod("late")}
    await api.events.put(error)
    await until(lambda: runs(api, "late") and not early.runs)
    # It was deleted by force meanwhile: there is nobody to be told of its end.
    assert runs(api, "early")
    assert api.deleted == []


@pytest.mark.usefixtures("agent")
async def test_older_news_of_a_pod_that_has_ended_do_not_start_it_again(api: FakeApi) -> None:
    pod = api.pods["u"] = a_pod(script="exec sleep 60")
    await api.events.put(("ADDED", pod))
    await until(lambda: runs(api, "u"))
    await api.events.put(("MODIFIED", leaving(pod, 5)))
    await until(lambda: api.deleted == ["u"])
    told = len(api.told)
    await api.events.put(("MODIFIED", leaving(pod, 5)))
    await api.events.put(("DELETED", leaving(pod, 0)))
    await api.events.put(("ADDED", a_pod("next")))
    await until(lambda: runs(api, "next"))
    assert [each for each in api.told[told:] if each["metadata"]["uid"] == "u"] == []


@pytest.mark.usefixtures("agent")
async def test_the_node_registers(api: FakeApi) -> None:
    await until(lambda: len(api.applied) == 3)
    assert api.applied[:2] == ["/api/v1/nodes/rig-node", "/api/v1/nodes/rig-node/status"]
    assert "leases/rig-node" in api.applied[2]


async def test_an_api_server_that_is_away_at_first_is_waited_for(host: Host, api: FakeApi) -> None:
    api.is_away = True
    async with running(host):
        await asyncio.sleep(0.1)
        api.is_away = False
        api.pods = {"u": a_pod()}
        await until(lambda: runs(api, "u") and api.applied)
