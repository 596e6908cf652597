"""The state of the watches, in virtual time."""

import asyncio

import pytest

from pennant.kube.http.resources import Kind
from pennant.runtime.kopf_session import WATCHED
from pennant.runtime.kopf_settings import NoMemories
from pennant.runtime.watches import WATCH_START_SECONDS, WatchState

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_the_watches_have_started_when_all_kinds_are_watched() -> None:
    """Rule: R92."""
    state = WatchState()
    waiting = asyncio.create_task(state.wait_started())
    for kind in WATCHED:
        await asyncio.sleep(1)
        assert not waiting.done()
        state.started(kind)
    await asyncio.sleep(1)
    assert waiting.done()


async def test_the_wait_for_the_watches_has_a_timeout() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await WatchState().wait_started()
    assert loop.time() - begun == pytest.approx(WATCH_START_SECONDS, abs=0.1)


async def test_a_watch_that_starts_again_asks_for_a_list() -> None:
    """What changed meanwhile is read by a list."""
    state, restarts = WatchState(), list[int]()
    state.on_restart(lambda: restarts.append(1))
    for kind in WATCHED:
        state.started(kind)
    assert restarts == []
    state.started(Kind.MODEL_VERSION)
    assert restarts == [1]


async def test_kopf_remembers_no_object() -> None:
    memories = NoMemories()
    for number in range(3):
        await memories.recall({"metadata": {"uid": f"uid-{number}"}}, noticed_by_listing=False)
    assert list(memories.iter_all_memories()) == []
