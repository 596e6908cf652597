"""When the process counts as alive and as ready, in virtual time."""

import asyncio
import random
from collections.abc import Iterable
from datetime import UTC, datetime

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from pennant.core.facts.observation import Key
from pennant.kube.http.resources import Kind
from pennant.kube.presence import Presence
from pennant.ports import Unavailable
from pennant.runtime.health import Health, LoopLag, alive, ready
from pennant.runtime.resync import Resync
from pennant.runtime.workers import PASS_TIMEOUT_SECONDS, Workers
from pennant.runtime.workqueue import WorkQueue

KEY = Key("default", "fraud")
pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


class Hanging:
    """Does not even end when it is told to."""

    async def reconcile(self, key: Key) -> datetime | None:
        for _ in range(2):
            try:
                await asyncio.sleep(300)
            except asyncio.CancelledError:
                continue
        return None


class Notes:
    def reconciled(self, kind: Kind, seconds: float) -> None:
        pass

    def failed(self, kind: str) -> None:
        pass

    def relisted(self, seconds: float, repaired: int) -> None:
        pass


class Process:
    """The parts that the probes look at."""

    def __init__(self) -> None:
        self.queue = WorkQueue()
        self.workers = Workers(Kind.MODEL_DEPLOYMENT, self.queue, Hanging(), Clock(), Notes())
        self.down = False
        self.news: list[Key] = []
        self.heard = 0
        self.lag, self.presence = LoopLag(), Presence()
        self.leads, self.lists = True, 0
        self.resync = Resync(
            self.relist,
            Notes(),
            30,
            random.Random(1),
            lambda: self.heard,
            self.presence.complete,
            lambda: 1 if self.leads else 3,
        )
        self.alive = alive(self.lag, (self.workers,), self.resync, 30, self.presence)
        self.ready = ready(self.resync, self.presence)

    async def relist(self) -> Iterable[Key]:
        if self.down:
            raise Unavailable("away")
        self.lists += 1
        return self.news

    def problems(self) -> set[str]:
        return {name for name, check in self.alive.items() if check()}


async def test_it_is_ready_when_the_caches_are_filled() -> None:
    process = Process()
    assert process.ready["caches"]()
    await process.resync.run_once()
    assert not process.ready["caches"]()
    assert process.problems() == set()


async def test_it_is_not_alive_when_no_list_comes_and_alive_again_when_one_does() -> None:
    process = Process()
    running = asyncio.create_task(process.resync.run())
    await asyncio.sleep(1)
    process.down = True
    await asyncio.sleep(100)
    assert process.problems() == set(), "an API server that restarts is no reason to restart as well"
    await asyncio.sleep(100)
    assert process.problems() == {"lists"}
    process.down = False
    await asyncio.sleep(15)
    assert process.problems() == set()
    running.cancel()


async def test_a_standby_lists_at_each_third_interval_and_lists_soon_when_it_becomes_the_leader() -> None:
    """Rule: R220."""
    process = Process()
    process.leads = False
    running = asyncio.create_task(process.resync.run())
    await asyncio.sleep(280)
    assert process.lists == 4
    process.down = True
    await asyncio.sleep(160)
    assert process.problems() == set(), "an API server that restarts is no reason to restart as well"
    process.down, process.leads = False, True
    await asyncio.sleep(45)
    assert process.lists >= 5
    running.cancel()


async def test_it_is_not_alive_when_a_pass_does_not_end() -> None:
    process = Process()
    running = asyncio.create_task(process.workers.run(1, lambda: True))
    process.queue.add(KEY)
    await asyncio.sleep(PASS_TIMEOUT_SECONDS + 5)
    assert process.problems() == set()
    await asyncio.sleep(10)
    assert process.problems() == {"passes"}
    process.queue.shut_down()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_is_not_alive_when_lists_have_news_that_no_watch_tells() -> None:
    process = Process()
    await process.resync.run_once()
    process.news = [KEY]
    for _ in range(2):
        await process.resync.run_once()
    assert process.problems() == set(), "an event may be on its way"
    await process.resync.run_once()
    assert process.problems() == {"watches"}
    process.heard += 1
    await process.resync.run_once()
    assert process.problems() == set()


async def test_it_is_not_alive_when_the_loop_is_late() -> None:
    process = Process()
    lag = asyncio.create_task(process.lag.run())
    await asyncio.sleep(10)
    assert process.lag.seconds < 1.1
    lag.cancel()
    await asyncio.sleep(7)
    assert process.problems() == {"loop"}


async def test_a_kind_that_is_not_served_is_waited_for_alive_and_not_ready() -> None:
    process = Process()
    await process.resync.run_once()
    process.presence.lost(Kind.MODEL_VERSION)
    assert process.ready["crds"]() == "modelversions.pennant.dev missing; apply crds/"
    await asyncio.sleep(1000)
    assert process.problems() == set()


@pytest.mark.looptime(False)
@pytest.mark.parametrize(
    ("accept", "kind", "line"),
    [
        ("*/*", "text/plain", "passes_total 1.0"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF"),
    ],
)
async def test_metrics_come_in_the_format_that_is_asked_for(accept: str, kind: str, line: str) -> None:
    registry = CollectorRegistry()
    passes = Counter("passes", "Passes.", registry=registry)
    health = Health({}, {}, registry, passes.inc)
    await health.start("127.0.0.1", 0)
    assert health.address is not None
    url = "http://{}:{}/metrics".format(*health.address)
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.content_type == kind
        assert response.headers["Content-Encoding"] == "gzip"
        assert line in (await response.text()).splitlines()
    await health.stop()


@pytest.mark.looptime(False)
async def test_a_probe_fails_where_one_check_does() -> None:
    problem = ""
    health = Health({"loop": lambda: problem, "lists": lambda: ""}, {}, CollectorRegistry(), lambda: None)
    await health.start("127.0.0.1", 0)
    assert health.address is not None
    url = "http://{}:{}/livez".format(*health.address)
    async with aiohttp.ClientSession() as session:
        for problem, status in (("", 200), ("late", 503)):
            async with session.get(url) as response:
                assert (response.status, await response.text()) == (status, f"loop: {problem or 'ok'}\nlists: ok\n")
    await health.stop()
