"""Complete lists at the start, at every change of leader and at an interval: they repair what a watch has lost."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from pennant.core.facts.observation import Key
from pennant.kube.http.errors import NotServed
from pennant.ports import Unavailable

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 10.0
_log = logging.getLogger(__name__)


class ResyncTelemetry(Protocol):
    """Takes note of complete lists."""

    def relisted(self, seconds: float, repaired: int) -> None:
        """A complete list was read, and these many keys were concerned by what the watches had not told."""
        ...


class Resync:
    """Keeps the store complete."""

    def __init__(
        self,
        relist: Callable[[], Awaitable[Iterable[Key]]],
        telemetry: ResyncTelemetry,
        interval_seconds: float,
        jitter: random.Random,
        heard: Callable[[], int],
        served: Callable[[], Awaitable[object]],
    ) -> None:
        """Read complete lists by `relist`, which returns whom their news concerned.

        `heard` tells how many events the watches have delivered so far; `served` waits until all kinds can be listed.
        """
        self._relist, self._telemetry, self._served = relist, telemetry, served
        self._interval_seconds, self._jitter = interval_seconds, jitter
        self._succeeded_at: float | None = None
        self._heard = heard
        self._heard_before = 0
        self._asked_for = asyncio.Event()
        self.failed_lists = 0
        """Lists in a row that had news while the watches had delivered nothing since the list before."""
        self.filled = asyncio.Event()
        """Set when the store is complete for the first time."""

    @property
    def age_seconds(self) -> float | None:
        """Seconds since the last complete list; None before the first one."""
        if self._succeeded_at is None:
            return None
        return asyncio.get_running_loop().time() - self._succeeded_at

    def soon(self) -> None:
        """Read a list as soon as that is possible: something may have been missed."""
        self._asked_for.set()

    async def run(self) -> None:
        """Read lists until cancelled."""
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            await self._served()
            self._asked_for.clear()
            try:
                await self.once()
            except NotServed:
                # Whoever waits for the kind has said so.
                await asyncio.sleep(FIRST_RETRY_SECONDS)
            except Unavailable as error:
                _log.warning("The API server cannot be listed", extra={"error": str(error)})
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, LONGEST_RETRY_SECONDS)
            else:
                retry_seconds = FIRST_RETRY_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval_seconds * self._jitter.uniform(0.9, 1.1)):
                        await self._asked_for.wait()

    async def once(self) -> None:
        """Read one complete list."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        concerned = frozenset(await self._relist())
        if self._succeeded_at is not None:
            heard = self._heard()
            self.failed_lists = self.failed_lists + 1 if concerned and heard == self._heard_before else 0
            self._heard_before = heard
        self._succeeded_at = loop.time()
        self.filled.set()
        self._telemetry.relisted(loop.time() - begun, len(concerned))
