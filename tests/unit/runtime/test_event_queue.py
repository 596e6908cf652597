"""Events are written beside the passes, in virtual time."""

import asyncio
from datetime import datetime

import pytest

from pennant.api.reasons import Reason
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.observation import Key
from pennant.kube.events import EventRecorder, Regarding
from pennant.kube.http.resources import Kind
from pennant.runtime.event_queue import MOST_EVENTS, EventQueue
from unit.runtime.test_workers import LoopClock

ABOUT = Regarding(Kind.MODEL_DEPLOYMENT, Key("default", "fraud"), "uid", "1")
pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Recorder(EventRecorder):
    def __init__(self) -> None:
        self.written: list[tuple[str, datetime | None]] = []

    async def record(self, regarding: Regarding, event: Event, at: datetime | None = None) -> None:
        await asyncio.sleep(1)
        self.written.append((event.message, at))


def an_event(message: str) -> Event:
    return Event(EventType.NORMAL, Reason.REVISION_CREATED, message)


async def test_an_event_is_written_later_with_the_time_at_which_it_happened() -> None:
    """Rule: R233."""
    recorder, idle = Recorder(), asyncio.Event()

    async def wait_idle() -> None:
        await idle.wait()

    queue = EventQueue(recorder, LoopClock(), wait_idle)
    running = asyncio.create_task(queue.run())
    happened = LoopClock().now()
    await queue.record(ABOUT, an_event("first"))
    await queue.record(ABOUT, an_event("second"))
    assert LoopClock().now() == happened, "nobody waits for it"
    await asyncio.sleep(10)
    assert recorder.written == [], "keys are processed"
    idle.set()
    await asyncio.sleep(10)
    assert recorder.written == [("first", happened), ("second", happened)]
    await queue.record(ABOUT, an_event("third"))
    await asyncio.sleep(10)
    assert len(recorder.written) == 3
    running.cancel()


async def test_where_too_many_wait_the_oldest_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """Rule: R233."""
    recorder = Recorder()
    queue = EventQueue(recorder, LoopClock(), lambda: asyncio.sleep(0))
    for number in range(MOST_EVENTS + 1):
        await queue.record(ABOUT, an_event(str(number)))
    running = asyncio.create_task(queue.run())
    await asyncio.sleep(MOST_EVENTS + 10)
    running.cancel()
    assert [message for message, _ in recorder.written] == [str(each + 1) for each in range(MOST_EVENTS)]
    assert "is lost" in caplog.text
