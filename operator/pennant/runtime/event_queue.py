"""Kubernetes Events that are written beside the passes: nothing that changes pods waits for them.

In: Events, each with the time at which it happened. Out: requests to the API server, one at a time, in this order.

Rule: R233.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

from pennant.core.facts.decision import Event
from pennant.kube.events import EventRecorder, Regarding
from pennant.ports import Clock

MOST_EVENTS = 4096
"""Events that wait at once; each takes about one kilobyte."""
_log = logging.getLogger(__name__)


class EventQueue:
    """Keeps Events until they are written. Where too many wait, the oldest is lost."""

    def __init__(self, recorder: EventRecorder, clock: Clock, wait_idle: Callable[[], Awaitable[None]]) -> None:
        """Write through `recorder`; `wait_idle` returns when no key is processed, or after a short time."""
        self._recorder, self._clock, self._wait_idle = recorder, clock, wait_idle
        self._waiting: deque[tuple[Regarding, Event, datetime]] = deque()
        self._added = asyncio.Event()

    async def record(self, regarding: Regarding, event: Event) -> None:
        """Add an Event, which happens now. Returns at once."""
        if len(self._waiting) == MOST_EVENTS:
            _, lost, _ = self._waiting.popleft()
            _log.warning("The event %s is lost: %d others wait", lost.reason, MOST_EVENTS)
        self._waiting.append((regarding, event, self._clock.now()))
        self._added.set()

    async def run(self) -> None:
        """Write Events until cancelled."""
        while True:
            await self._added.wait()
            await self._wait_idle()
            await self._recorder.record(*self._waiting.popleft())
            if not self._waiting:
                self._added.clear()
