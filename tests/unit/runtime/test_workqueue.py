"""The queue of keys, in virtual time."""

import asyncio
import random

import pytest

from pennant.core.facts.observation import Key
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
