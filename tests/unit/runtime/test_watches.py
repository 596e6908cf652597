"""The state of the watches, in virtual time."""

import asyncio

import pytest

from pennant.kube.http.resources import Kind
from pennant.runtime.kopf_session import WATCHED
from pennant.runtime.watches import WATCH_START_SECONDS, WatchState

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_the_ears_are_open_when_all_kinds_are_listened_to() -> None:
    """Rule: R92."""
    state = WatchState()
    waiting = asyncio.create_task(state.wait_started())
    for kind in WATCHED:
        await asyncio.sleep(1)
        assert not waiting.done()
        state.started(kind)
    await asyncio.sleep(1)
    assert waiting.done()


async def test_what_is_never_told_of_is_not_waited_for_without_end() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await WatchState().wait_started()
    assert loop.time() - begun == pytest.approx(WATCH_START_SECONDS, abs=0.1)


async def test_a_watch_that_begins_anew_is_told_of() -> None:
    """What changed meanwhile is read by a list."""
    state, restarts = WatchState(), list[int]()
    state.on_restart(lambda: restarts.append(1))
    for kind in WATCHED:
        state.started(kind)
    assert restarts == []
    state.started(Kind.MODEL_VERSION)
    assert restarts == [1]
