"""A work queue of keys, as client-go's rate-limited work queue, on one event loop.

A key is queued at most once and processed by one worker at a time. A key that is added while it is processed is queued
again afterwards. `add` overrules a later time of `add_after`. A key that fails is queued with exponential back-off,
until `forget`.

It differs from client-go: a conflict has a short, constant delay of its own and is no failure; a change of the object
resets the back-off; keys have an urgency and their namespaces take turns (`ready_keys`); and `max_retries`, see
`WorkQueue`, bounds retries.

Rule: R90.
"""

import asyncio
import random
from collections import deque
from contextlib import suppress

from pennant.core.facts.observation import Key
from pennant.runtime.ready_keys import ReadyKeys, Urgency

BASE_BACKOFF_SECONDS = 0.05
MAX_BACKOFF_SECONDS = 30.0
CONFLICT_SECONDS = 0.1


class WorkQueue:
    """Keys to reconcile, now or later."""

    def __init__(
        self, jitter: random.Random | None = None, max_retries: int | None = None, workers: int | None = None
    ) -> None:
        """Spread delays by `jitter`, so that keys that failed together do not come back together.

        At most `max_retries` keys that failed last time are processed at once, so that the others find a worker; None:
        no limit. With 16 workers and 100 keys whose passes time out, other keys wait 0 s. Without the limit they wait
        for 156 s (median), and with a timeout of 10 s instead of 30 s for 21 s. `workers` is as in `ReadyKeys`.
        """
        self._max_retries = max_retries
        self._retrying: set[Key] = set()
        self._blocked_retries: deque[tuple[Key, Urgency]] = deque()
        """Keys that are due for a retry while `max_retries` others are processed."""
        self._ready = ReadyKeys(workers)
        self._added_at: dict[Key, float] = {}
        """Keys that are ready, or due for a retry, and since when."""
        self._processing: set[Key] = set()
        self._dirty: dict[Key, Urgency] = {}
        """Keys that were added while they were processed."""
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._jitter = jitter or random.Random()
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, key: Key, urgency: Urgency = Urgency.CHANGED) -> None:
        """Queue a key for the next free worker."""
        self._cancel(key)
        if self._closed or (key in self._added_at and key not in self._ready):
            return
        if key in self._processing:
            self._dirty[key] = min(urgency, self._dirty.get(key, urgency))
            return
        since = self._added_at.setdefault(key, asyncio.get_running_loop().time())
        self._ready.add(key, urgency, since)
        self._idle.clear()
        self._wake_one()

    def add_changed(self, key: Key) -> None:
        """Queue a key whose object changed, and reset its back-off: what failed before may succeed now."""
        if key in self._failures:
            self._failures[key] = 0
        self.add(key)

    def add_after(self, key: Key, seconds: float, urgency: Urgency = Urgency.DUE) -> None:
        """Queue a key after a delay; of several delays the shortest one holds."""
        if self._closed or key in self._added_at or key in self._dirty:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(seconds, 0.0)
        waiting = self._later.get(key)
        if waiting is not None and waiting.when() <= at:
            return
        self._cancel(key)
        self._later[key] = loop.call_at(at, self._due, key, urgency)

    def add_after_conflict(self, key: Key) -> float:
        """Queue a key after a short delay, without counting a failure; return the delay in seconds."""
        seconds = CONFLICT_SECONDS * self._jitter.uniform(0.8, 1.2)
        self.add_after(key, seconds)
        return seconds

    def add_rate_limited(self, key: Key, min_seconds: float = 0.0) -> float:
        """Queue a key that failed, after its back-off or `min_seconds`, whichever is longer; return the delay.

        The back-off doubles with each failure, from `BASE_BACKOFF_SECONDS` to `MAX_BACKOFF_SECONDS`. Jitter makes the
        delay up to 20 % longer, never shorter.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = min(BASE_BACKOFF_SECONDS * 2.0 ** min(failures, 16), MAX_BACKOFF_SECONDS)
        seconds: float = max(backoff, min_seconds) * self._jitter.uniform(1.0, 1.2)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """Reset the back-off of a key that was processed without an error."""
        self._failures.pop(key, None)

    async def get(self) -> Key | None:
        """Wait for a key and take it; call `done` with it afterwards. None: the queue was shut down."""
        while not self._closed and (key := self._take()) is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # This worker was woken for a key that it does not take.
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        return None if self._closed else key

    def done(self, key: Key) -> None:
        """Mark a key as processed; if it was added meanwhile, it is queued again."""
        self._processing.discard(key)
        self._ready.done(key)
        if key in self._retrying:
            self._retrying.discard(key)
            if self._blocked_retries:
                blocked, urgency = self._blocked_retries.popleft()
                self._ready.add(blocked, urgency, self._added_at[blocked])
        if key in self._dirty:
            self.add(key, self._dirty.pop(key))
        if self._ready:
            # Its namespace may have another worker now.
            self._wake_one()
        elif not self._processing and not self._added_at:
            self._idle.set()

    async def wait_idle(self, max_seconds: float) -> None:
        """Wait until no key is ready or processed, but not longer than `max_seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max_seconds):
                await self._idle.wait()

    def is_pending(self, key: Key) -> bool:
        """Return whether a key is ready or processed; one that waits for its time is not."""
        return key in self._added_at or key in self._processing

    def shut_down(self) -> None:
        """Drop all keys, accept no more, and let every `get` return None."""
        self._closed = True
        for handle in self._later.values():
            handle.cancel()
        self._later.clear()
        while self._wake_one():
            pass

    @property
    def depth(self) -> int:
        """Number of keys that wait for a worker."""
        return len(self._added_at)

    @property
    def oldest_seconds(self) -> float:
        """Seconds for which the oldest of these keys has waited; 0 where there is none."""
        if not self._added_at:
            return 0.0
        return asyncio.get_running_loop().time() - min(self._added_at.values())

    def _take(self) -> Key | None:
        """Return the next key that may be processed now; None where there is none."""
        while (taken := self._ready.take()) is not None:
            key, _ = taken
            if key in self._failures:
                if self._max_retries is not None and len(self._retrying) >= self._max_retries:
                    self._ready.done(key)
                    self._blocked_retries.append(taken)
                    continue
                self._retrying.add(key)
            del self._added_at[key]
            self._processing.add(key)
            return key
        return None

    def _due(self, key: Key, urgency: Urgency) -> None:
        self._later.pop(key, None)
        self.add(key, urgency)

    def _cancel(self, key: Key) -> None:
        handle = self._later.pop(key, None)
        if handle is not None:
            handle.cancel()

    def _wake_one(self) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return True
        return False
