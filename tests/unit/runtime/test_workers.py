"""Workers, in virtual time: one key's trouble is its own.

Rule: R88.
"""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pennant.controller.act import WriteFailed
from pennant.controller.reconciler import EVENTS_TIMEOUT_SECONDS, Unsettled
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.http.resources import Kind
from pennant.ports import Conflict, Ending, Refused, Unavailable
from pennant.runtime.workers import MAX_YIELD_SECONDS, PASS_TIMEOUT_SECONDS, LowPriority, Workers
from pennant.runtime.workqueue import WorkQueue
from simulation.support.story import Story
from simulation.support.world import KEY

GOOD, BAD, WORSE = Key("default", "good"), Key("default", "bad"), Key("default", "worse")
pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class LoopClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())


class Reconciler:
    """Does to each key what the test says."""

    def __init__(self) -> None:
        self.passes: Counter[Key] = Counter()
        self.trouble: Exception | None = None
        self.hangs = False
        self.again_after: float | None = None

    async def reconcile(self, key: Key) -> datetime | None:
        self.passes[key] += 1
        if key in (BAD, WORSE) and self.hangs:
            await asyncio.sleep(3600)
        if key == BAD and self.trouble is not None:
            raise self.trouble
        return LoopClock().now() + timedelta(seconds=self.again_after) if self.again_after else None


class Notes:
    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()

    def reconciled(self, kind: Kind, seconds: float) -> None:
        assert seconds >= 0

    def failed(self, kind: str) -> None:
        self.failures[kind] += 1


class Shop:
    def __init__(self, may_work: bool = True) -> None:
        self.queue, self.reconciler, self.notes = WorkQueue(max_retries=1), Reconciler(), Notes()
        self.workers = Workers(Kind.MODEL_DEPLOYMENT, self.queue, self.reconciler, LoopClock(), self.notes)
        self.task = asyncio.create_task(self.workers.run(2, lambda: may_work))

    async def close(self) -> None:
        self.queue.shut_down()
        await self.task


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Ending("goes, but when"), "conflict"),
        (Unavailable("away"), "unavailable"),
        (Unsettled("not settled"), "unsettled"),
        (KeyError("x"), "bug"),
        (RecursionError(), "bug"),
    ],
)
async def test_a_key_that_fails_is_tried_again_and_delays_no_other(trouble: Exception, kind: str) -> None:
    shop = Shop()
    shop.reconciler.trouble = trouble
    shop.queue.add(BAD)
    for _ in range(100):
        shop.queue.add(GOOD)
        await asyncio.sleep(1)
    assert shop.reconciler.passes[GOOD] == 100
    assert 5 <= shop.reconciler.passes[BAD] <= 20
    assert shop.notes.failures[kind] == shop.reconciler.passes[BAD]
    await shop.close()


async def test_a_conflict_is_looked_at_again_in_a_moment_however_many_there_were() -> None:
    """Rule: R90."""
    shop = Shop()
    shop.reconciler.trouble = Conflict("moved on")
    shop.queue.add(BAD)
    await asyncio.sleep(60)
    before = shop.reconciler.passes[BAD]
    await asyncio.sleep(1)
    assert 7 <= shop.reconciler.passes[BAD] - before <= 13
    shop.reconciler.trouble = None
    await asyncio.sleep(0.3)
    settled = shop.reconciler.passes[BAD]
    await asyncio.sleep(60)
    assert shop.reconciler.passes[BAD] == settled
    await shop.close()


async def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    shop.reconciler.trouble = KeyError("the mistake")
    shop.queue.add(BAD)
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.01)
    assert "the mistake" in caplog.text
    assert "Traceback" in caplog.text
    await shop.close()


async def test_a_pass_that_hangs_is_ended_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    shop.reconciler.hangs = True
    shop.queue.add(BAD)
    await asyncio.sleep(PASS_TIMEOUT_SECONDS - 1)
    assert shop.workers.longest_pass_seconds == pytest.approx(PASS_TIMEOUT_SECONDS - 1)
    shop.reconciler.hangs = False
    await asyncio.sleep(5)
    assert shop.notes.failures["timeout"] == 1
    assert shop.reconciler.passes[BAD] == 2
    assert shop.workers.longest_pass_seconds == 0
    await shop.close()


async def test_a_pass_that_hangs_delays_no_other_key() -> None:
    shop = Shop()
    shop.reconciler.hangs = True
    shop.queue.add(BAD)
    for _ in range(100):
        shop.queue.add(GOOD)
        await asyncio.sleep(1)
    assert shop.reconciler.passes[GOOD] == 100
    await shop.close()


async def test_passes_that_hang_again_and_again_leave_workers_for_other_keys() -> None:
    shop = Shop()
    shop.reconciler.hangs = True
    for key in (BAD, WORSE):
        shop.queue.add(key)
    await asyncio.sleep(PASS_TIMEOUT_SECONDS + 1)
    for _ in range(300):
        shop.queue.add(GOOD)
        await asyncio.sleep(1)
    assert shop.reconciler.passes[GOOD] == 300
    assert min(shop.reconciler.passes[key] for key in (BAD, WORSE)) >= 4, "they are tried again, in turn"
    shop.reconciler.hangs = False
    await asyncio.sleep(2 * PASS_TIMEOUT_SECONDS + 120)
    assert shop.workers.longest_pass_seconds == 0
    assert shop.queue.depth == 0
    await shop.close()


async def test_what_was_refused_waits_for_a_minute_or_for_a_change() -> None:
    shop = Shop()
    shop.reconciler.trouble = Refused("no")
    shop.queue.add(BAD)
    await asyncio.sleep(45)
    assert shop.reconciler.passes[BAD] == 1
    shop.queue.add(BAD)
    await asyncio.sleep(1)
    assert shop.reconciler.passes[BAD] == 2
    await asyncio.sleep(600)
    assert 8 <= shop.reconciler.passes[BAD] <= 16
    assert shop.notes.failures["refused"] == shop.reconciler.passes[BAD]
    await shop.close()


async def test_a_key_is_looked_at_again_when_the_reconciler_says() -> None:
    shop = Shop()
    shop.reconciler.again_after = 10
    shop.queue.add(GOOD)
    await asyncio.sleep(35)
    assert shop.reconciler.passes[GOOD] == 4
    await shop.close()


async def test_who_may_not_work_drops_the_keys() -> None:
    shop = Shop(may_work=False)
    shop.queue.add(GOOD)
    await asyncio.sleep(1)
    assert shop.reconciler.passes[GOOD] == 0
    assert shop.queue.depth == 0
    await shop.close()


async def test_passes_that_wait_for_nothing_hold_up_nobody() -> None:
    """Rule: R92."""
    shop = Shop()
    most_at_once = before = 0
    for number in range(1000):
        shop.queue.add(Key("default", f"version-{number}"))
    while shop.queue.depth:
        await asyncio.sleep(0)
        most_at_once, before = (
            max(most_at_once, shop.reconciler.passes.total() - before),
            shop.reconciler.passes.total(),
        )
    assert most_at_once == 2, "one for each worker, and then it is the turn of others"
    await shop.close()


async def test_keys_that_yield_wait_for_the_others_but_not_for_long() -> None:
    """Rule: R92."""
    others, reconciler = WorkQueue(), Reconciler()
    yielding = LowPriority(reconciler, others)
    loop = asyncio.get_running_loop()

    async def waited() -> float:
        begun = loop.time()
        await yielding.reconcile(GOOD)
        return loop.time() - begun

    assert await waited() == 0, "the others are at rest"
    others.add(BAD)
    assert await waited() == pytest.approx(MAX_YIELD_SECONDS), "one is ready"
    assert await others.get() == BAD
    assert await waited() == pytest.approx(MAX_YIELD_SECONDS), "one is worked on"
    loop.call_later(MAX_YIELD_SECONDS / 2, others.done, BAD)
    assert await waited() == pytest.approx(MAX_YIELD_SECONDS / 2), "it is done"
    assert reconciler.passes[GOOD] == 4


@pytest.mark.parametrize("hangs", [False, True], ids=["a pass that ends", "a pass that hangs"])
async def test_events_that_nobody_takes_make_no_pass_a_stall(hangs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: R88."""
    story, queue, notes = Story(), WorkQueue(), Notes()
    told, looks = list[Event](), 0
    look = story.cluster.snapshot

    async def never(_: Snapshot, event: Event) -> None:
        told.append(event)
        await asyncio.Event().wait()

    async def snapshot(key: Key) -> Snapshot | None:
        nonlocal looks
        looks += 1
        if hangs and looks == 3:
            await asyncio.Event().wait()
        return await look(key)

    monkeypatch.setattr(story.cluster, "record_event", never)
    monkeypatch.setattr(story.cluster, "snapshot", snapshot)
    story.version("1.0.0", "production")
    story.deployment()
    workers = Workers(Kind.MODEL_DEPLOYMENT, queue, story.operator.reconciler, story.world, notes)
    working = asyncio.create_task(workers.run(1, lambda: True))
    queue.add(KEY)
    longest = 0.0
    for _ in range(60):
        await asyncio.sleep(1)
        longest = max(longest, workers.longest_pass_seconds)
    assert told
    assert longest <= PASS_TIMEOUT_SECONDS * hangs + EVENTS_TIMEOUT_SECONDS, (
        "less than what the probe takes for a stall"
    )
    queue.shut_down()
    await working


async def test_a_server_that_asks_to_wait_is_not_asked_before() -> None:
    """A 429 of the API server has a `Retry-After`; no client may come back sooner."""
    shop = Shop()
    busy = Unavailable("too many requests")
    busy.retry_after_seconds = 5.0
    shop.reconciler.trouble = busy
    shop.queue.add(BAD)
    await asyncio.sleep(4.9)
    assert shop.reconciler.passes[BAD] == 1
    await asyncio.sleep(1.2)
    assert shop.reconciler.passes[BAD] == 2
    shop.queue.add(BAD)
    await asyncio.sleep(0.1)
    assert shop.reconciler.passes[BAD] == 3, "a change of the object does not wait"
    busy.retry_after_seconds = 1e6
    await asyncio.sleep(120)
    assert shop.reconciler.passes[BAD] >= 5, "nor does anything wait longer than the longest back-off"
    await shop.close()


async def test_a_write_keeps_the_delay_that_the_server_asks_for() -> None:
    busy = Unavailable("too many requests")
    busy.retry_after_seconds = 5.0
    assert WriteFailed(None, busy).retry_after_seconds == 5
