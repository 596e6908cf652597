"""When retention is judged: once an interval, with jitter, by the leader."""

import asyncio
import logging
import random
from collections.abc import Callable

from pennant.controller.retention import RetentionController

FIRST_SECONDS = 60.0
"""After a change of leader, the work that waited goes first."""
_log = logging.getLogger(__name__)


async def run(
    controller: RetentionController, interval_seconds: float, jitter: random.Random, may_work: Callable[[], bool]
) -> None:
    """Judge all versions until cancelled. An error of one run is logged, and the next one is made."""
    seconds = min(interval_seconds, FIRST_SECONDS)
    while True:
        await asyncio.sleep(seconds * jitter.uniform(0.9, 1.1))
        seconds = interval_seconds
        if not may_work():
            continue
        try:
            await controller.run_once(may_work)
        except Exception:
            _log.exception("Retention failed by a bug of the operator")
