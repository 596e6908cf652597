"""Workers take keys from the queue and reconcile them; one key's trouble never stops another's.

Rule: R88.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pennant.controller.reconciler import Unsettled
from pennant.core.facts.observation import Key
from pennant.ports import Clock, Conflict, Ending, PortError, Refused, Unavailable
from pennant.runtime.workqueue import WorkQueue

PASS_SECONDS = 30.0
REFUSED_SECONDS = 60.0
LONGEST_YIELD_SECONDS = 0.2
_log = logging.getLogger(__name__)


class Reconciles(Protocol):
    """Brings one key to where it should be."""

    async def reconcile(self, key: Key) -> datetime | None:
        """Return when to look at the key again."""
        ...


class LowPriority:
    """Reconciles keys while another queue is at rest; while it is not, each key waits, but not for long.

    Rule: R92.
    """

    def __init__(self, reconciler: Reconciles, others: WorkQueue) -> None:
        """Let the keys of `others` go first."""
        self._reconciler, self._others = reconciler, others

    async def reconcile(self, key: Key) -> datetime | None:
        """Return when to look at the key again."""
        await self._others.at_rest(LONGEST_YIELD_SECONDS)
        return await self._reconciler.reconcile(key)


class WorkerTelemetry(Protocol):
    """Takes note of what the workers do."""

    def reconciled(self, seconds: float) -> None:
        """A key was worked on."""
        ...

    def failed(self, kind: str) -> None:
        """Work on a key failed: `conflict`, `unavailable`, `refused`, `unsettled`, `timeout` or `bug`."""
        ...


class Workers:
    """A number of workers on one queue."""

    def __init__(self, queue: WorkQueue, reconciler: Reconciles, clock: Clock, telemetry: WorkerTelemetry) -> None:
        """Work on the keys of this queue."""
        self._queue, self._reconciler, self._clock, self._telemetry = queue, reconciler, clock, telemetry
        self._busy_since: dict[Key, float] = {}

    async def run(self, count: int, may_work: Callable[[], bool]) -> None:
        """Work until the queue is closed; a key that comes while this process may not work is dropped.

        Nothing is lost by that: whoever may work again looks at every key.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._work(may_work))

    @property
    def longest_pass_seconds(self) -> float:
        """Seconds for which the oldest pass is under way; a pass has a bound, so more than that is a stall."""
        now = asyncio.get_running_loop().time()
        return max((now - each for each in self._busy_since.values()), default=0.0)

    async def _work(self, may_work: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while (key := await self._queue.get()) is not None:
            self._busy_since[key] = loop.time()
            try:
                # A pass that finds nothing to do waits for nothing: thousands of them would hold up all others.
                await asyncio.sleep(0)
                if may_work():
                    await self._reconcile(key)
            finally:
                self._telemetry.reconciled(loop.time() - self._busy_since.pop(key))
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        try:
            async with asyncio.timeout(PASS_SECONDS):
                look_again_at = await self._reconciler.reconcile(key)
        except (PortError, Unsettled, TimeoutError) as error:
            kind = _kind(error)
            seconds = self._put_off(key, error)
            self._telemetry.failed(kind)
            level = logging.DEBUG if kind == "conflict" else logging.WARNING
            _log.log(level, "Trying again later", extra={"key": key, "error": str(error) or kind, "seconds": seconds})
        except Exception:
            # A mistake of ours, and a reason to say so loudly; but not one to let other keys wait.
            seconds = self._queue.retry(key)
            self._telemetry.failed("bug")
            _log.exception("A pass failed by a mistake of this program", extra={"key": key, "seconds": seconds})
        else:
            self._queue.succeeded(key)
            if look_again_at is not None:
                self._queue.add_after(key, (look_again_at - self._clock.now()).total_seconds())

    def _put_off(self, key: Key, error: PortError | Unsettled | TimeoutError) -> float:
        """Let the key be tried again, and return in how many seconds."""
        match error:
            case Conflict() if not isinstance(error, Ending):
                return self._queue.again(key)
            case Refused():
                # What was refused will be refused again, unless somebody changes something meanwhile.
                return self._queue.retry(key, REFUSED_SECONDS)
            case _:
                return self._queue.retry(key)


def _kind(error: PortError | Unsettled | TimeoutError) -> str:
    match error:
        case Conflict():
            return "conflict"
        case Unavailable():
            return "unavailable"
        case Refused():
            return "refused"
        case Unsettled():
            return "unsettled"
        case _:
            return "timeout"
