"""Complete lists at the start, after a watch started again, and at an interval: they repair what a watch missed."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from pennant.core.facts.observation import Key
from pennant.kube.http.errors import NotServed
from pennant.ports import Unavailable

BASE_RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 10.0
_log = logging.getLogger(__name__)


class ResyncTelemetry(Protocol):
    """Metrics of complete lists."""

    def relisted(self, seconds: float, repaired: int) -> None:
        """Record the duration of one list, and the number of keys with changes that no watch had delivered."""
        ...


class Resync:
    """Reads complete lists into the store."""

    def __init__(
        self,
        relist: Callable[[], Awaitable[Iterable[Key]]],
        telemetry: ResyncTelemetry,
        interval_seconds: float,
        jitter: random.Random,
        event_count: Callable[[], int],
        wait_listable: Callable[[], Awaitable[object]],
        intervals: Callable[[], int] = lambda: 1,
    ) -> None:
        """Read a list by `relist`, which returns the keys that changes in it concern.

        `event_count` returns how many watch events were received so far. `wait_listable` returns when a list makes
        sense: all kinds are served and watched. `intervals` returns how many intervals there are between two lists.
        """
        self.intervals = intervals
        self._relist, self._telemetry, self._wait_listable = relist, telemetry, wait_listable
        self._interval_seconds, self._jitter = interval_seconds, jitter
        self._listed_at: float | None = None
        self._event_count = event_count
        self._events_before = 0
        self._requested = asyncio.Event()
        self.lists_ahead_of_watches = 0
        """Lists in a row that had changes while the watches had delivered no event since the list before."""
        self.synced = asyncio.Event()
        """Set after the first complete list."""

    @property
    def age_seconds(self) -> float | None:
        """Seconds since the last complete list; None before the first one."""
        if self._listed_at is None:
            return None
        return asyncio.get_running_loop().time() - self._listed_at

    def request(self) -> None:
        """Have a list read without waiting for the interval."""
        self._requested.set()

    async def run(self) -> None:
        """Read lists until cancelled; after an error with exponential back-off."""
        retry_seconds = BASE_RETRY_SECONDS
        while True:
            await self._wait_listable()
            self._requested.clear()
            try:
                await self.run_once()
            except NotServed:
                # `kube.presence` logs it, and `wait_listable` waits for it.
                await asyncio.sleep(BASE_RETRY_SECONDS)
            except Unavailable as error:
                seconds = max(retry_seconds, min(error.retry_after_seconds, MAX_RETRY_SECONDS))
                _log.warning("Listing failed", extra={"error": str(error), "seconds": seconds})
                await asyncio.sleep(seconds)
                retry_seconds = min(retry_seconds * 2, MAX_RETRY_SECONDS)
            else:
                retry_seconds = BASE_RETRY_SECONDS
                await self._pause()

    async def _pause(self) -> None:
        """Wait until the next list is due, or requested."""
        passed = 0
        # A standby that becomes the leader lists at the end of the interval in which it does.
        while passed < self.intervals() and not self._requested.is_set():
            passed += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_seconds * self._jitter.uniform(0.9, 1.1)):
                    await self._requested.wait()

    async def run_once(self) -> None:
        """Read one complete list; raises `Unavailable`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        changed = frozenset(await self._relist())
        if self._listed_at is not None:
            events = self._event_count()
            is_ahead = bool(changed) and events == self._events_before
            self.lists_ahead_of_watches = self.lists_ahead_of_watches + 1 if is_ahead else 0
            self._events_before = events
        self._listed_at = loop.time()
        self.synced.set()
        self._telemetry.relisted(loop.time() - began, len(changed))
