"""A queue of keys: each key is there once, worked on by one worker at a time, and may be put off.

The rules are those of client-go's work queue: a key that is added while it is worked on is worked on again afterwards;
`add` overrules a later time; a key that fails is put off for longer each time until it succeeds. Two things are no
failure, and one ends a row of them: a world that moved on, and news.

Rule: R90.
"""

import asyncio
import random
from collections import deque
from contextlib import suppress

from pennant.core.facts.observation import Key

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 30.0
CONFLICT_SECONDS = 0.1


class WorkQueue:
    """Keys that are to be reconciled, now or later."""

    def __init__(self, jitter: random.Random | None = None, most_retries: int | None = None) -> None:
        """Spread retries by `jitter`, so that keys that failed together do not come back together.

        Of the keys that failed when they were last worked on, `most_retries` are worked on at a time: a pass that fails
        may have taken its whole time, and many of them must leave workers for the others. None: all of them are.
        """
        self._most_retries = most_retries
        self._retrying: set[Key] = set()
        self._held: deque[Key] = deque()
        """Keys that are ready, but for the others that are tried again."""
        self._ready: deque[Key] = deque()
        self._added_at: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._jitter = jitter or random.Random()
        self._closed = False
        self._rest = asyncio.Event()
        self._rest.set()

    def news(self, key: Key) -> None:
        """Let the key be worked on because something has changed: so what failed before may succeed now."""
        if key in self._failures:
            self._failures[key] = 0
        self.add(key)

    def add(self, key: Key) -> None:
        """Let the key be worked on as soon as a worker is free."""
        self._cancel(key)
        if self._closed or key in self._added_at:
            return
        if key in self._working:
            self._again.add(key)
            return
        self._added_at[key] = asyncio.get_running_loop().time()
        self._ready.append(key)
        self._rest.clear()
        self._wake_one()

    def add_after(self, key: Key, seconds: float) -> None:
        """Let the key be worked on after so many seconds, unless it is sooner anyway."""
        if self._closed or key in self._added_at or key in self._again:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(seconds, 0.0)
        waiting = self._later.get(key)
        if waiting is not None and waiting.when() <= at:
            return
        self._cancel(key)
        self._later[key] = loop.call_at(at, self._due, key)

    def again(self, key: Key) -> float:
        """Let the key be worked on once more in a moment, because the world moved on meanwhile; return the seconds."""
        seconds = CONFLICT_SECONDS * self._jitter.uniform(0.8, 1.2)
        self.add_after(key, seconds)
        return seconds

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Put off a key that failed, longer each time but never for less than this; return the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff: float = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16), LONGEST_BACKOFF_SECONDS)
        seconds = max(backoff, at_least) * self._jitter.uniform(0.8, 1.2)
        self.add_after(key, seconds)
        return seconds

    def succeeded(self, key: Key) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    async def get(self) -> Key | None:
        """Wait for a key and take it; None when the queue is closed. Call `done` with it afterwards."""
        while not self._closed and (key := self._take()) is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # The call that was meant for this worker goes to the next one.
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        return None if self._closed else key

    def _take(self) -> Key | None:
        """Return a key that may be worked on now, in the order in which they came; None: there is none."""
        while self._ready:
            key = self._ready.popleft()
            if key in self._failures:
                if self._most_retries is not None and len(self._retrying) >= self._most_retries:
                    self._held.append(key)
                    continue
                self._retrying.add(key)
            del self._added_at[key]
            self._working.add(key)
            return key
        return None

    def done(self, key: Key) -> None:
        """Say that the work on a key is over; if it was added meanwhile, it is ready again."""
        self._working.discard(key)
        if key in self._retrying:
            self._retrying.discard(key)
            if self._held:
                self._ready.append(self._held.popleft())
                self._wake_one()
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        if not self._working and not self._added_at:
            self._rest.set()

    async def at_rest(self, at_most_seconds: float) -> None:
        """Wait until no key is ready or worked on, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._rest.wait()

    def close(self) -> None:
        """Take no more keys, and let every worker that waits go."""
        self._closed = True
        for handle in self._later.values():
            handle.cancel()
        self._later.clear()
        while self._wake_one():
            pass

    @property
    def depth(self) -> int:
        """Keys that wait for a worker."""
        return len(self._added_at)

    @property
    def oldest_seconds(self) -> float:
        """Seconds for which the oldest of them has waited."""
        if not self._added_at:
            return 0.0
        return asyncio.get_running_loop().time() - min(self._added_at.values())

    def _due(self, key: Key) -> None:
        self._later.pop(key, None)
        self.add(key)

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
