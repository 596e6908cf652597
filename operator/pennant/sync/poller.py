"""When a registry is polled: at regular intervals, earlier after a hint, and later after failures.

Each registry has a task of its own, so one that is down, slow or wrong delays no other.

Rule: R202.
"""

import asyncio
import logging
import random
from collections.abc import Iterable

from pennant.ports import PortError
from pennant.registries.protocol import RegistryError
from pennant.sync.config import RegistrySettings
from pennant.sync.registry import RegistrySync
from pennant.sync.telemetry import Telemetry

LONGEST_PAUSE = 600.0
"""Seconds between two polls at most after failures, unless the interval is longer."""
HINT_INTERVAL = 1.0
"""Seconds between polls of hinted models; hints that arrive meanwhile are polled together."""
MAX_HINTS = 1000
"""Models that are polled alone; after more hints, all are polled."""
_log = logging.getLogger(__name__)


class Poller:
    """Polls one registry until it is cancelled."""

    def __init__(
        self, settings: RegistrySettings, registry: RegistrySync, telemetry: Telemetry, jitter: random.Random
    ) -> None:
        """Poll through `registry`."""
        self._settings, self._registry, self._telemetry, self._jitter = settings, registry, telemetry, jitter
        self._hints: set[str] = set()
        self._hinted = asyncio.Event()
        self._failures = 0

    def hint(self, models: Iterable[str]) -> None:
        """Poll these models soon."""
        self._hints |= set(models)
        if self._hints:
            self._hinted.set()

    async def run(self) -> None:
        """Poll at once, and then again and again."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            hints, self._hints = self._hints, set()
            self._hinted.clear()
            if loop.time() >= due or len(hints) > MAX_HINTS:
                is_good = await self._poll(set())
                self._failures = 0 if is_good else self._failures + 1
                due = loop.time() + self._pause()
            elif hints:
                await self._poll(hints)
                await asyncio.sleep(HINT_INTERVAL)
            await self._wait(due - loop.time())

    async def _wait(self, seconds: float) -> None:
        """Wait until a time has passed or a hint comes."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._hinted.wait()
        except TimeoutError:
            return

    def _pause(self) -> float:
        """Return the seconds until the next poll; after failures they grow, and are spread wider."""
        regular = self._settings.poll_seconds
        if not self._failures:
            return regular * self._jitter.uniform(0.9, 1.1)
        longest: float = min(regular * 2 ** min(self._failures, 20), max(regular, LONGEST_PAUSE))
        return longest * self._jitter.uniform(0.5, 1.0)

    async def _poll(self, only: set[str]) -> bool:
        """Poll once; return whether everything could be read. No error ends the polling."""
        loop = asyncio.get_running_loop()
        began, result = loop.time(), "success"
        named = {"registry": self._settings.name}
        try:
            await self._registry.poll(only)
        except RegistryError as error:
            result = "registry"
            _log.warning("The registry cannot be read: %s", error, extra=named)
        except PortError as error:
            result = "cluster"
            _log.warning("Versions cannot be written: %s", error, extra=named)
        except Exception:
            result = "bug"
            _log.exception("A poll failed by a bug of Pennant", extra=named)
        self._telemetry.polled(self._settings.name, result, loop.time() - began)
        return result == "success"
