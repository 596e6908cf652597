"""Workers that take keys from a work queue and reconcile them. An error of one key never stops another one.

Rule: R88.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from pennant.controller.reconciler import Unsettled
from pennant.core.facts.observation import Key
from pennant.kube.http.resources import Kind
from pennant.ports import Clock, Conflict, Ending, PortError, Refused, Unavailable
from pennant.runtime.workqueue import MAX_BACKOFF_SECONDS, WorkQueue

PASS_TIMEOUT_SECONDS = 30.0
REFUSED_SECONDS = 60.0
MAX_YIELD_SECONDS = 0.2
FOLLOWERS_PAUSE = timedelta(seconds=0.1)
"""Between two looks at the ModelDeployments that a version waits for."""
LONGEST_FOLLOWERS_WAIT = timedelta(seconds=10)
_log = logging.getLogger(__name__)


class Reconciles(Protocol):
    """Brings one object to its desired state."""

    async def reconcile(self, key: Key) -> datetime | None:
        """Return when to reconcile the key again; None: when something of it changes."""
        ...


class LowPriority:
    """A reconciler that lets the keys of another queue go first.

    ModelVersions have it. Each call waits for `MAX_YIELD_SECONDS` until the other queue is empty: on a loaded machine
    (1,000 statuses to write after a start) a tag that moves is served after 0.5 s (median) and 2.7 s (maximum); without
    it after 2.4 s and 5.1 s, and no more statuses are written per second.

    A version also waits, for `LONGEST_FOLLOWERS_WAIT`, until the ModelDeployments of its model have answered a change.
    Clients such as Helm wait until each object has observed its generation. A tag is on the version, so they would find
    everything in place before the ModelDeployment says that it follows the tag.

    Rule: R92.
    Rule: R229.
    """

    def __init__(
        self, reconciler: Reconciles, others: WorkQueue, clock: Clock, followers: Callable[[Key], Iterable[Key]]
    ) -> None:
        """Wait for `others` before each call of `reconciler`; `followers` returns the keys in it to wait for."""
        self._reconciler, self._others = reconciler, others
        self._clock, self._followers = clock, followers
        self._waiting_since: dict[Key, datetime] = {}

    async def reconcile(self, key: Key) -> datetime | None:
        """Return when to reconcile the key again."""
        await self._others.wait_idle(MAX_YIELD_SECONDS)
        now = self._clock.now()
        if any(map(self._others.is_pending, self._followers(key))):
            since = self._waiting_since.setdefault(key, now)
            # The clock may have been set back.
            if timedelta(0) <= now - since < LONGEST_FOLLOWERS_WAIT:
                return now + FOLLOWERS_PAUSE
        self._waiting_since.pop(key, None)
        return await self._reconciler.reconcile(key)


class WorkerTelemetry(Protocol):
    """Metrics of the workers."""

    def reconciled(self, kind: Kind, seconds: float) -> None:
        """Record the duration of one pass, successful or not."""
        ...

    def failed(self, kind: str) -> None:
        """Count an error: `conflict`, `unavailable`, `refused`, `unsettled`, `timeout` or `bug`."""
        ...


class Workers:
    """The workers of one kind, on one queue."""

    def __init__(
        self, kind: Kind, queue: WorkQueue, reconciler: Reconciles, clock: Clock, telemetry: WorkerTelemetry
    ) -> None:
        """Reconcile the keys of `queue` by `reconciler`."""
        self._kind, self._queue, self._reconciler = kind, queue, reconciler
        self._clock, self._telemetry = clock, telemetry
        self._started_at: dict[Key, float] = {}
        """Keys that are processed now, and since when."""

    async def run(self, count: int, may_work: Callable[[], bool]) -> None:
        """Run `count` workers until the queue is shut down.

        A key that is taken while `may_work` is false is dropped: all keys are queued when it becomes true again.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._work(may_work))

    @property
    def longest_pass_seconds(self) -> float:
        """Seconds for which the oldest unfinished pass has run; 0 where there is none."""
        now = asyncio.get_running_loop().time()
        return max((now - each for each in self._started_at.values()), default=0.0)

    async def _work(self, may_work: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while (key := await self._queue.get()) is not None:
            self._started_at[key] = loop.time()
            try:
                # Passes without I/O would follow each other in one iteration of the event loop: 3,000 of them, at a
                # start among as many ModelVersions, blocked it for more than 3 seconds.
                await asyncio.sleep(0)
                if may_work():
                    await self._reconcile(key)
            finally:
                self._telemetry.reconciled(self._kind, loop.time() - self._started_at.pop(key))
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        try:
            async with asyncio.timeout(PASS_TIMEOUT_SECONDS):
                look_again_at = await self._reconciler.reconcile(key)
        except (PortError, Unsettled, TimeoutError) as error:
            kind = _kind(error)
            seconds = self._requeue(key, error)
            self._telemetry.failed(kind)
            level = logging.DEBUG if kind == "conflict" else logging.WARNING
            _log.log(level, "Reconciling failed", extra={"key": key, "error": str(error) or kind, "seconds": seconds})
        except Exception:
            seconds = self._queue.add_rate_limited(key)
            self._telemetry.failed("bug")
            _log.exception("Reconciling failed by a bug of the operator", extra={"key": key, "seconds": seconds})
        else:
            self._queue.forget(key)
            if look_again_at is not None:
                self._queue.add_after(key, (look_again_at - self._clock.now()).total_seconds())

    def _requeue(self, key: Key, error: PortError | Unsettled | TimeoutError) -> float:
        """Queue a key that failed, and return the delay in seconds."""
        match error:
            case Conflict() if not isinstance(error, Ending):
                return self._queue.add_after_conflict(key)
            case Refused():
                # The same request is refused again unless something changes, and a change queues the key at once.
                return self._queue.add_rate_limited(key, REFUSED_SECONDS)
            case Unavailable(retry_after_seconds=seconds):
                return self._queue.add_rate_limited(key, min(seconds, MAX_BACKOFF_SECONDS))
            case _:
                return self._queue.add_rate_limited(key)


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
