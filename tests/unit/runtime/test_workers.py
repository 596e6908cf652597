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


class Setup:
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
    setup = Setup()
    setup.reconciler.trouble = trouble
    setup.queue.add(BAD)
    for _ in range(100):
        setup.queue.add(GOOD)
        await asyncio.sleep(1)
    assert setup.reconciler.passes[GOOD] == 100
    assert 5 <= setup.reconciler.passes[BAD] <= 20
    assert setup.notes.failures[kind] == setup.reconciler.passes[BAD]
    await setup.close()


async def test_a_conflict_is_looked_at_again_in_a_moment_however_many_there_were() -> None:
    """Rule: R90."""
    setup = Setup()
    setup.reconciler.trouble = Conflict("moved on")
    setup.queue.add(BAD)
    await asyncio.sleep(60)
    before = setup.reconciler.passes[BAD]
    await asyncio.sleep(1)
    assert 7 <= setup.reconciler.passes[BAD] - before <= 13
    setup.reconciler.trouble = None
    await asyncio.sleep(0.3)
    settled = setup.reconciler.passes[BAD]
    await asyncio.sleep(60)
    assert setup.reconciler.passes[BAD] == settled
    await setup.close()


async def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    setup = Setup()
    setup.reconciler.trouble = KeyError("the mistake")
    setup.queue.add(BAD)
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(0.01)
    assert "the mistake" in caplog.text
    assert "Traceback" in caplog.text
    await setup.close()


async def test_a_pass_that_hangs_is_ended_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    setup = Setup()
    setup.reconciler.hangs = True
    setup.queue.add(BAD)
    await asyncio.sleep(PASS_TIMEOUT_SECONDS - 1)
    assert setup.workers.longest_pass_seconds == pytest.approx(PASS_TIMEOUT_SECONDS - 1)
    setup.reconciler.hangs = False
    await asyncio.sleep(5)
    assert setup.notes.failures["timeout"] == 1
    assert setup.reconciler.passes[BAD] == 2
    assert setup.workers.longest_pass_seconds == 0
    await setup.close()


async def test_a_pass_that_hangs_delays_no_other_key() -> None:
    setup = Setup()
    setup.reconciler.hangs = True
    setup.queue.add(BAD)
    for _ in range(100):
        setup.queue.add(GOOD)
        await asyncio.sleep(1)
    assert setup.reconciler.passes[GOOD] == 100
    await setup.close()


async def test_passes_that_hang_again_and_again_leave_workers_for_other_keys() -> None:
    setup = Setup()
    setup.reconciler.hangs = True
    for key in (BAD, WORSE):
        setup.queue.add(key)
    await asyncio.sleep(PASS_TIMEOUT_SECONDS + 1)
    for _ in range(300):
        setup.queue.add(GOOD)
        await asyncio.sleep(1)
    assert setup.reconciler.passes[GOOD] == 300
    assert min(setup.reconciler.passes[key] for key in (BAD, WORSE)) >= 4, "they are tried again, in turn"
    setup.reconciler.hangs = False
    await asyncio.sleep(2 * PASS_TIMEOUT_SECONDS + 120)
    assert setup.workers.longest_pass_seconds == 0
    assert setup.queue.depth == 0
    await setup.close()


async def test_what_was_refused_waits_for_a_minute_or_for_a_change() -> None:
    setup = Setup()
    setup.reconciler.trouble = Refused("no")
    setup.queue.add(BAD)
    await asyncio.sleep(45)
    assert setup.reconciler.passes[BAD] == 1
    setup.queue.add(BAD)
    await asyncio.sleep(1)
    assert setup.reconciler.passes[BAD] == 2
    await asyncio.sleep(600)
    assert 8 <= setup.reconciler.passes[BAD] <= 16
    assert setup.notes.failures["refused"] == setup.reconciler.passes[BAD]
    await setup.close()


async def test_a_key_is_looked_at_again_when_the_reconciler_says() -> None:
    setup = Setup()
    setup.reconciler.again_after = 10
    setup.queue.add(GOOD)
    await asyncio.sleep(35)
    assert setup.reconciler.passes[GOOD] == 4
    await setup.close()


async def test_keys_are_dropped_while_the_process_may_not_work() -> None:
    setup = Setup(may_work=False)
    setup.queue.add(GOOD)
    await asyncio.sleep(1)
    assert setup.reconciler.passes[GOOD] == 0
    assert setup.queue.depth == 0
    await setup.close()


async def test_passes_without_io_let_other_tasks_run_in_between() -> None:
    """Rule: R92."""
    setup = Setup()
    most_at_once = before = 0
    for number in range(1000):
        setup.queue.add(Key("default", f"version-{number}"))
    while setup.queue.depth:
        await asyncio.sleep(0)
        most_at_once, before = (
            max(most_at_once, setup.reconciler.passes.total() - before),
            setup.reconciler.passes.total(),
        )
    assert most_at_once == 2, "one for each worker, and then it is the turn of others"
    await setup.close()


async def test_keys_of_low_priority_wait_for_the_other_queue_with_a_timeout() -> None:
    """Rule: R92."""
    others, reconciler = WorkQueue(), Reconciler()
    yielding = LowPriority(reconciler, others, LoopClock(), lambda _: ())
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


async def test_a_version_waits_until_the_deployments_of_its_model_have_answered() -> None:
    """Rule: R229."""
    others, reconciler = WorkQueue(), Reconciler()
    queue, loop = WorkQueue(), asyncio.get_running_loop()
    yielding = LowPriority(reconciler, others, LoopClock(), lambda _: [BAD])
    workers = Workers(Kind.MODEL_VERSION, queue, yielding, LoopClock(), Notes())
    task = asyncio.create_task(workers.run(1, lambda: True))
    others.add(BAD)
    assert await others.get() == BAD
    queue.add(GOOD)
    await asyncio.sleep(3)
    assert reconciler.passes[GOOD] == 0, "its follower is processed"
    others.done(BAD)
    await asyncio.sleep(0.5)
    assert reconciler.passes[GOOD] == 1, "its follower has answered"

    others.add(BAD)
    queue.add(GOOD)
    begun = loop.time()
    while reconciler.passes[GOOD] == 1 and loop.time() < begun + 60:
        await asyncio.sleep(0.1)
    assert 9 < loop.time() - begun < 12, "a follower without an answer delays it for a time, and not for ever"
    queue.shut_down()
    await task


@pytest.mark.parametrize("hangs", [False, True], ids=["a pass that ends", "a pass that hangs"])
async def test_events_that_are_not_accepted_make_no_pass_a_stall(hangs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
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
    setup = Setup()
    busy = Unavailable("too many requests")
    busy.retry_after_seconds = 5.0
    setup.reconciler.trouble = busy
    setup.queue.add(BAD)
    await asyncio.sleep(4.9)
    assert setup.reconciler.passes[BAD] == 1
    await asyncio.sleep(1.2)
    assert setup.reconciler.passes[BAD] == 2
    setup.queue.add(BAD)
    await asyncio.sleep(0.1)
    assert setup.reconciler.passes[BAD] == 3, "a change of the object does not wait"
    busy.retry_after_seconds = 1e6
    await asyncio.sleep(120)
    assert setup.reconciler.passes[BAD] >= 5, "nor does anything wait longer than the longest back-off"
    await setup.close()


async def test_a_write_keeps_the_delay_that_the_server_asks_for() -> None:
    busy = Unavailable("too many requests")
    busy.retry_after_seconds = 5.0
    assert WriteFailed(None, busy).retry_after_seconds == 5
