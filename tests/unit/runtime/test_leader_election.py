"""Leader election against a Lease that lives in memory, in virtual time."""

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pennant.kube.leases import Lease
from pennant.ports import Conflict, Unavailable
from pennant.runtime.leader_election import EPOCH, AlwaysLeader, LeaderElector, LeaseLost, Timing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
TIMING = Timing(duration_seconds=15, renew_deadline_seconds=10, retry_period_seconds=2)


class LoopClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())


class Lock:
    """The Lease as the API server keeps it."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.version = 0
        self.states: list[Lease | None] = [None]
        """The state at each resourceVersion."""
        self.changed = asyncio.Condition()

    def write(self, lease: Lease) -> Lease:
        written = replace(lease, resource_version=str(self.version + 1))
        self.set(written)
        return written

    def set(self, lease: Lease | None) -> None:
        self.version += 1
        self.lease = lease
        self.states.append(lease)
        asyncio.get_running_loop().create_task(self.notify())

    async def reaches(self, version: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.version >= version)

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class Leases:
    """One process's way to the Lease; it can be cut."""

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.cut = False
        self.hangs = False
        self.answer_lost = False
        self.answers_late = False
        self.overtaken = False
        self.read_only = False
        self.reads = 0
        self.watch = "works"
        self.watched_from: list[float] = []

    async def reach(self) -> None:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.cut:
            raise Unavailable("cut off")

    async def get(self) -> Lease | None:
        self.reads += 1
        await self.reach()
        found = self.lock.lease
        if self.overtaken and found is not None:
            # A write of our own that was on its way arrives after this look.
            self.overtaken = False
            self.lock.write(found)
        return found

    async def changes(self, after: str) -> AsyncGenerator[Lease | None]:
        self.watched_from.append(asyncio.get_running_loop().time())
        await self.reach()
        if self.watch == "fails":
            raise Unavailable("watch is forbidden")
        if self.watch == "ends":
            return
        if self.watch == "says it is free":
            yield None
        for version in itertools.count(int(after) + 1):
            await self.lock.reaches(version)
            if self.watch == "is silent":
                await asyncio.Event().wait()
            yield self.lock.states[version]

    async def create(self, lease: Lease) -> Lease:
        await self.reach()
        if self.lock.lease is not None:
            raise Conflict("exists")
        written = self.lock.write(lease)
        await self.come_back()
        return written

    async def update(self, lease: Lease) -> Lease:
        await self.reach()
        if self.read_only:
            raise Unavailable("no write succeeds")
        if self.lock.lease is None or self.lock.lease.resource_version != lease.resource_version:
            raise Conflict("changed")
        written = self.lock.write(lease)
        if self.answer_lost:
            self.answer_lost = False
            raise Unavailable("the answer was lost")
        await self.come_back()
        return written

    async def come_back(self) -> None:
        """Delay the answer to a write for longer than anything waits."""
        if self.answers_late:
            self.answers_late = False
            await asyncio.sleep(3600)


class Replica:
    """A process that competes."""

    def __init__(self, lock: Lock, name: str) -> None:
        self.leases = Leases(lock)
        self.gaps: list[tuple[datetime, datetime]] = []
        self.elector = LeaderElector(self.leases, name, LoopClock(), TIMING, random.Random(name), self._on_gap)
        self.led = asyncio.Event()
        self.task = asyncio.create_task(self.elector.run(self.led.set))

    def _on_gap(self, begin: datetime, end: datetime) -> None:
        self.gaps.append((begin, end))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def lock() -> Lock:
    return Lock()


async def test_one_of_two_leads(lock: Lock) -> None:
    a, b = Replica(lock, "a"), Replica(lock, "b")
    await asyncio.sleep(100)
    assert [a.elector.is_leading, b.elector.is_leading].count(True) == 1
    await a.stop()
    await b.stop()


async def test_a_leader_that_ends_lets_the_lease_go_and_the_other_takes_it_at_once(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    await asyncio.sleep(5)
    await a.stop()
    await asyncio.wait_for(b.led.wait(), 0.01)
    *_, released, acquired = lock.states
    assert released is not None
    assert released.holder == ""
    assert acquired is not None
    assert acquired.transitions == 1
    await b.stop()


async def test_a_standby_follows_the_lease_by_one_watch(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    await asyncio.sleep(600)
    assert len(b.leases.watched_from) == 1
    assert not b.led.is_set()
    lock.set(None)
    await asyncio.wait_for(b.led.wait(), 0.01)
    await asyncio.gather(a.stop(), b.stop())


@pytest.mark.parametrize(("watch", "seconds"), [("fails", 2.3), ("ends", 2.3), ("is silent", 4.1)])
async def test_a_standby_whose_watch_shows_nothing_reads_the_lease(lock: Lock, watch: str, seconds: float) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    b.leases.watch = watch
    await asyncio.sleep(60)
    assert not b.led.is_set()
    assert len(b.leases.watched_from) < 60
    await a.stop()
    await asyncio.wait_for(b.led.wait(), seconds)
    await b.stop()


async def test_a_standby_does_not_trust_a_watch_that_a_read_contradicts(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    b.leases.watch = "says it is free"
    await asyncio.sleep(20)
    assert not b.led.is_set()
    assert 8 <= b.leases.reads <= 22
    await asyncio.gather(a.stop(), b.stop())


async def test_a_standby_that_cannot_write_does_not_ask_again_at_once(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    b.leases.read_only = True
    await asyncio.sleep(5)
    await a.stop()
    reads = b.leases.reads
    await asyncio.sleep(20)
    assert 8 <= b.leases.reads - reads <= 12
    b.leases.read_only = False
    await asyncio.wait_for(b.led.wait(), 2.3)
    await b.stop()


async def test_a_new_leader_reports_the_gap_before_it(lock: Lock) -> None:
    """Rule: R22."""
    a = Replica(lock, "a")
    await a.led.wait()
    assert a.gaps[0][0] == EPOCH, "the time before the first Lease is unknown"
    await asyncio.sleep(5)
    await a.stop()
    assert lock.lease is not None
    released = lock.lease.renewed_at
    await asyncio.sleep(300)
    b = Replica(lock, "b")
    await b.led.wait()
    ((begin, end),) = b.gaps
    assert begin == released
    assert 300 <= (end - begin).total_seconds() < 310
    await b.stop()


@pytest.mark.parametrize("begun", [0.5, 3], ids=["its first write", "a renewal"])
async def test_a_leader_that_ends_before_it_hears_of_its_own_write_lets_the_lease_go(lock: Lock, begun: float) -> None:
    a = Replica(lock, "a")
    if begun > TIMING.retry_period_seconds:
        await a.led.wait()
    a.leases.answers_late = True
    await asyncio.sleep(begun)
    assert not a.leases.answers_late, "it waits for the answer"
    await a.stop()
    assert lock.lease is not None
    assert lock.lease.holder == ""


async def test_a_leader_that_ends_while_its_renewal_is_on_its_way_lets_the_lease_go(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    a.leases.overtaken = True
    await a.stop()
    assert not a.leases.overtaken
    assert lock.lease is not None
    assert lock.lease.holder == ""


async def test_a_leader_that_vanishes_is_followed_after_the_duration(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    await asyncio.sleep(5)
    a.leases.cut = True
    a.task.cancel()
    begun = asyncio.get_running_loop().time()
    await asyncio.wait_for(b.led.wait(), 30)
    waited = asyncio.get_running_loop().time() - begun
    assert 12 <= waited <= 15
    await asyncio.gather(a.task, return_exceptions=True)
    await b.stop()


@pytest.mark.parametrize("way", ["cut", "hangs"])
async def test_a_leader_cut_off_stops_before_another_can_begin(lock: Lock, way: str) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    b = Replica(lock, "b")
    await asyncio.sleep(5)
    setattr(a.leases, way, True)
    while not b.led.is_set():
        assert not (a.elector.is_leading and b.elector.is_leading)
        stopped_at = asyncio.get_running_loop().time() if a.elector.is_leading else None
        await asyncio.sleep(0.1)
    assert stopped_at is None, "the first one had stopped well before"
    with pytest.raises(LeaseLost):
        await a.task
    await b.stop()


async def test_a_renewal_whose_answer_was_lost_is_recognised_as_our_own(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    a.leases.answer_lost = True
    await asyncio.sleep(60)
    assert a.elector.is_leading
    await a.stop()


async def test_a_lease_taken_by_another_ends_the_leader(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    assert lock.lease is not None
    lock.write(replace(lock.lease, holder="somebody"))
    with pytest.raises(LeaseLost, match="somebody"):
        await asyncio.wait_for(a.task, 10)
    assert not a.elector.is_leading


async def test_a_lease_that_was_deleted_ends_the_leader(lock: Lock) -> None:
    a = Replica(lock, "a")
    await a.led.wait()
    lock.set(None)
    with pytest.raises(LeaseLost, match="deleted"):
        await asyncio.wait_for(a.task, 10)


async def test_an_attempt_counts_whether_it_succeeds_or_not(lock: Lock) -> None:
    a = Replica(lock, "a")
    await asyncio.wait_for(a.elector.attempted.wait(), 1)
    assert a.led.is_set()
    b = Replica(lock, "b")
    await asyncio.wait_for(b.elector.attempted.wait(), 1)
    assert not b.led.is_set()
    await a.stop()
    await b.stop()


async def test_a_process_without_leader_election_leads_at_once() -> None:
    gaps: list[tuple[datetime, datetime]] = []
    alone, led = AlwaysLeader(LoopClock(), lambda begin, end: gaps.append((begin, end))), asyncio.Event()
    task = asyncio.create_task(alone.run(led.set))
    await asyncio.wait_for(led.wait(), 1)
    assert alone.is_leading
    assert alone.attempted.is_set()
    assert [begin for begin, _ in gaps] == [EPOCH], "it is unknown when a process led before"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
