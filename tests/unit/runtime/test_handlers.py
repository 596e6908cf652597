"""What is known of the watches, in virtual time."""

import asyncio

import pytest

from pennant.kube.resources import Kind
from pennant.runtime.handlers import Ears

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_the_ears_are_open_when_everything_that_is_known_was_told_of() -> None:
    """Rule: However many versions come, no promotion waits for them."""
    ears, known = Ears(), 2
    ears.heard(Kind.MODEL_DEPLOYMENT)
    ears.heard(Kind.MODEL_VERSION)
    waiting = asyncio.create_task(ears.open(Kind.MODEL_VERSION, lambda: known, 30))
    await asyncio.sleep(1)
    assert not waiting.done()
    known = 3
    ears.heard(Kind.MODEL_VERSION)
    await asyncio.sleep(1)
    assert not waiting.done()
    ears.heard(Kind.MODEL_VERSION)
    await asyncio.sleep(1)
    assert waiting.done()
    assert ears.count == 4


async def test_what_is_never_told_of_is_not_waited_for_without_end() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await Ears().open(Kind.MODEL_VERSION, lambda: 1, 30)
    assert loop.time() - begun == pytest.approx(30, abs=0.1)


async def test_where_nothing_is_known_nothing_is_waited_for() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await Ears().open(Kind.MODEL_VERSION, lambda: 0, 30)
    assert loop.time() == begun
