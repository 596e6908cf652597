"""The process of `pennant run`, from its settings to its exit code.

Where to find what:

| module | what is there |
|---|---|
| `settings` | configuration: flags and environment variables |
| `preflight` | checks before the start: credentials, permissions, CustomResourceDefinitions |
| `wiring` | all objects and how they are connected |
| `supervisor` | running the tasks, and shutting down |
| `signals` | SIGTERM and SIGINT |
"""

import asyncio
import gc
import logging
import sys
from datetime import UTC, datetime

from pennant.runtime import logs, preflight
from pennant.runtime.preflight import CannotStart
from pennant.runtime.settings import Settings
from pennant.runtime.signals import StopSignal
from pennant.runtime.supervisor import supervise
from pennant.runtime.wiring import WATCH, Operator

RECURSION_LIMIT = 12_000
"""The API server accepts JSON of 10,000 levels in a pod template, and a list with such an object must be readable."""
GC_THRESHOLD = 50_000
"""Allocations between garbage collections. One page of a list makes 100,000, and the default is 700 to 2,000."""
_log = logging.getLogger(__name__)


class SystemClock:
    """The clock of the machine, in UTC and whole milliseconds, which is what a status stores."""

    def now(self) -> datetime:
        """Return the current time."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def run(settings: Settings) -> int:
    """Run the operator until a signal is received or one of its tasks ends; return the exit code."""
    logs.configure(settings.log_format, settings.log_level)
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.set_threshold(GC_THRESHOLD)
    try:
        return asyncio.run(_run(settings))
    except CannotStart as error:
        _log.error("Cannot start: %s", error)
        return 1


async def _run(settings: Settings) -> int:
    connection = await preflight.connect(settings)
    stop = StopSignal()
    stop.install()
    operator = Operator(settings, connection, SystemClock())
    try:
        await operator.listen()
        return await supervise(operator.coroutines(stop.install), stop, last=WATCH)
    finally:
        await operator.close()
