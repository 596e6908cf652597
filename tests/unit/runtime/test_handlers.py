"""What is known of the watches, in virtual time."""

import asyncio

import pytest

from pennant.kube.resources import Kind
from pennant.runtime.handlers import OPEN_EARS_SECONDS, WATCHED, Ears

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_the_ears_are_open_when_all_kinds_are_listened_to() -> None:
    """Rule: However many versions come, no promotion waits for them."""
    ears = Ears()
    waiting = asyncio.create_task(ears.open())
    for kind in WATCHED:
        await asyncio.sleep(1)
        assert not waiting.done()
        ears.listening(kind)
    await asyncio.sleep(1)
    assert waiting.done()


async def test_what_is_never_told_of_is_not_waited_for_without_end() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await Ears().open()
    assert loop.time() - begun == pytest.approx(OPEN_EARS_SECONDS, abs=0.1)


async def test_a_watch_that_begins_anew_is_told_of() -> None:
    """What changed meanwhile is read by a list."""
    ears, renewed = Ears(), list[int]()
    ears.on_renewal(lambda: renewed.append(1))
    for kind in WATCHED:
        ears.listening(kind)
    assert renewed == []
    ears.listening(Kind.MODEL_VERSION)
    assert renewed == [1]
