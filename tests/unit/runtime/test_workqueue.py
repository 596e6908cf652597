"""The queue of keys, in virtual time."""

import asyncio
import random

import pytest

from pennant.core.facts.observation import Key
from pennant.runtime.ready_keys import MAX_DUE_SECONDS, Urgency
from pennant.runtime.workqueue import MAX_BACKOFF_SECONDS, WorkQueue

A, B = Key("default", "a"), Key("default", "b")
pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(random.Random(1))


async def taken(queue: WorkQueue, seconds: float) -> Key | None:
    """Return the key that comes within the time; None: none does."""
    try:
        async with asyncio.timeout(seconds):
            return await queue.get()
    except TimeoutError:
        return None


async def test_a_key_that_is_added_twice_is_there_once(queue: WorkQueue) -> None:
    queue.add(A)
    queue.add(A)
    assert await taken(queue, 1) == A
    queue.done(A)
    assert await taken(queue, 1) is None


async def test_keys_come_in_the_order_in_which_they_were_added(queue: WorkQueue) -> None:
    queue.add(B)
    queue.add(A)
    assert [await taken(queue, 1), await taken(queue, 1)] == [B, A]


async def test_a_key_that_is_worked_on_is_not_given_to_another_worker(queue: WorkQueue) -> None:
    queue.add(A)
    assert await taken(queue, 1) == A
    queue.add(A)
    assert await taken(queue, 1) is None
    queue.done(A)
    assert await taken(queue, 1) == A


async def test_a_key_for_later_comes_at_its_time(queue: WorkQueue) -> None:
    queue.add_after(A, 10)
    assert await taken(queue, 9.9) is None
    assert await taken(queue, 0.2) == A


async def test_the_sooner_of_two_times_holds(queue: WorkQueue) -> None:
    queue.add_after(A, 10)
    queue.add_after(A, 5)
    queue.add_after(A, 20)
    assert await taken(queue, 5.1) == A
    queue.done(A)
    assert await taken(queue, 60) is None


async def test_an_event_overrules_a_later_time(queue: WorkQueue) -> None:
    queue.add_after(A, 100)
    queue.add(A)
    assert await taken(queue, 0.1) == A
    queue.done(A)
    assert await taken(queue, 200) is None


async def test_a_key_that_fails_is_put_off_longer_each_time_up_to_a_bound(queue: WorkQueue) -> None:
    pauses = []
    for _ in range(20):
        pauses.append(queue.add_rate_limited(A))
        assert await taken(queue, MAX_BACKOFF_SECONDS * 2) == A
        queue.done(A)
    assert pauses[0] < 0.1
    assert pauses[5] > 10 * pauses[0]
    assert max(pauses) <= MAX_BACKOFF_SECONDS * 1.2


async def test_a_change_of_the_object_resets_the_back_off(queue: WorkQueue) -> None:
    """Rule: R90."""
    for _ in range(10):
        queue.add_rate_limited(A)
    queue.add_changed(A)
    assert await taken(queue, 0.01) == A, "nor does it wait for the time that it was put off to"
    queue.done(A)
    assert queue.add_rate_limited(A) < 0.1


async def test_a_conflict_has_a_short_delay_of_its_own(queue: WorkQueue) -> None:
    """Rule: R90."""
    for _ in range(20):
        assert queue.add_after_conflict(A) < 0.3
        assert await taken(queue, 0.3) == A
        queue.done(A)
    assert queue.add_rate_limited(A) < 0.1, "that was no failure"


async def test_success_forgets_the_failures(queue: WorkQueue) -> None:
    for _ in range(10):
        queue.add_rate_limited(A)
    queue.forget(A)
    assert queue.add_rate_limited(A) < 0.1


async def test_a_closed_queue_lets_all_workers_go_and_takes_nothing(queue: WorkQueue) -> None:
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(1)
    queue.shut_down()
    assert await asyncio.gather(*workers) == [None, None, None]
    queue.add(A)
    queue.add_after(B, 1)
    assert await queue.get() is None


async def test_a_worker_that_is_cancelled_takes_no_key_with_it(queue: WorkQueue) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    queue.add(A)
    first.cancel()
    assert await asyncio.wait_for(second, 1) == A


async def test_depth_and_age_tell_of_keys_that_wait(queue: WorkQueue) -> None:
    queue.add(A)
    queue.add(B)
    await asyncio.sleep(7)
    assert queue.depth == 2
    assert queue.oldest_seconds == pytest.approx(7)
    await queue.get()
    assert queue.depth == 1


async def in_order(queue: WorkQueue, count: int) -> list[Key | None]:
    """Take this many keys, one at a time."""
    found = []
    for _ in range(count):
        key = await taken(queue, 0.1)
        found.append(key)
        if key is not None:
            queue.done(key)
    return found


async def test_an_answer_of_a_metric_goes_before_a_change_and_a_change_before_what_is_due(queue: WorkQueue) -> None:
    """Rule: R230."""
    measured, changed, due = (Key("default", name) for name in ("measured", "changed", "due"))
    queue.add_after(due, 0)
    await asyncio.sleep(0.1)
    queue.add(changed)
    queue.add(measured, Urgency.MEASURED)
    assert await in_order(queue, 3) == [measured, changed, due]
    queue.add_after(due, 0)
    await asyncio.sleep(0.1)
    queue.add(changed)
    queue.add(due)
    queue.add(due, Urgency.MEASURED)
    assert await in_order(queue, 3) == [due, changed, None], "a key has the highest urgency that it was added with"


async def test_a_key_that_is_processed_comes_again_with_its_urgency(queue: WorkQueue) -> None:
    """Rule: R230."""
    queue.add(A)
    assert await taken(queue, 1) == A
    queue.add(A)
    queue.add(A, Urgency.MEASURED)
    queue.add(B)
    queue.done(A)
    assert await in_order(queue, 2) == [A, B]


async def test_what_is_due_waits_for_changes_two_seconds_and_then_takes_turns_with_them(queue: WorkQueue) -> None:
    """Rule: R230."""
    due, changed = [[Key("default", f"{word}-{n}") for n in range(3)] for word in ("due", "changed")]
    for number, key in enumerate(due):
        queue.add_after(key, number / 100)
    await asyncio.sleep(MAX_DUE_SECONDS + 0.1)
    for key in changed:
        queue.add(key)
    found = await in_order(queue, 6)
    assert found == [due[0], changed[0], due[1], changed[1], due[2], changed[2]]


async def test_namespaces_take_turns(queue: WorkQueue) -> None:
    """Rule: R231."""
    for name in "abc":
        queue.add(Key("crowded", name))
    queue.add(Key("quiet", "x"))
    namespaces = [key.namespace for key in await in_order(queue, 4) if key is not None]
    assert namespaces == ["crowded", "quiet", "crowded", "crowded"]


async def test_one_worker_is_always_left_for_a_namespace_that_has_none() -> None:
    """Rule: R231."""
    queue = WorkQueue(random.Random(1), workers=8)
    for namespace in ("slow", "slower", "slowest"):
        for number in range(20):
            queue.add(Key(namespace, str(number)))
    held = [key for _ in range(8) if (key := await taken(queue, 0.1)) is not None]
    assert [key.namespace for key in held] == ["slow", "slower", "slowest"] * 2
    quiet = Key("quiet", "x")
    queue.add(quiet)
    assert await taken(queue, 0.1) == quiet
    queue.done(quiet)
    queue.done(held[0])
    assert (await taken(queue, 0.1) or quiet).namespace == held[0].namespace, "its worker is free again"


async def test_a_single_namespace_has_half_of_the_workers() -> None:
    """Rule: R231."""
    queue = WorkQueue(random.Random(1), workers=8)
    for number in range(20):
        queue.add(Key("default", str(number)))
    held = [await taken(queue, 0.1) for _ in range(5)]
    assert held.count(None) == 1
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0.1)
    assert held[0] is not None
    queue.done(held[0])
    await asyncio.sleep(0.1)
    assert waiting.done(), "a worker that waits is woken for the next key"


async def test_a_retry_that_has_to_wait_gives_its_place_to_another_key() -> None:
    """Rule: R90."""
    queue = WorkQueue(random.Random(1), max_retries=1, workers=8)
    for key in (A, B):
        queue.add_rate_limited(key)
    await asyncio.sleep(1)
    queue.add(Key("default", "c"))
    assert {await taken(queue, 0.1), await taken(queue, 0.1)} == {Key("default", "c"), A}
    assert await taken(queue, 0.1) is None
    assert queue.depth == 1
    assert queue.oldest_seconds > 0.9
    queue.done(A)
    assert await taken(queue, 0.1) == B
