"""Leader election by a Lease: only the leader writes; the other replicas keep their caches synced.

The protocol is client-go's. The holder renews the Lease. Another replica may take it by compare-and-swap when it has
not changed for its duration, measured by that replica's own monotonic clock. The holder stops writing before that: its
renew deadline is shorter than the duration and counts from the moment before the last successful renewal was sent.

A replica that does not lead watches the Lease, so it acquires a released one at once. client-go reads the Lease at each
retry period instead.

The electors of the official Python client (kubernetes 37) use the wall clock, set no deadline for a request and do not
release the Lease: with a Lease of 8 s and an API server that does not answer they led for 22 to 24 s.

Rule: R98.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from pennant.kube.leases import Lease
from pennant.ports import Clock, Conflict, PortError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RELEASE_SECONDS = 2.0
SILENT_PERIODS = 2
"""Retry periods without an event after which a watch of the Lease is not trusted: the holder renews it in each one."""
_log = logging.getLogger(__name__)


class Leases(Protocol):
    """One Lease by name."""

    async def get(self) -> Lease | None:
        """Return the Lease; None where it does not exist."""
        ...

    def changes(self, after: str) -> AsyncGenerator[Lease | None]:
        """Yield each state of the Lease after a resourceVersion, None where it is deleted; raises `Unavailable`."""
        ...

    async def create(self, lease: Lease) -> Lease:
        """Create the Lease; raises `Conflict` where it exists."""
        ...

    async def update(self, lease: Lease) -> Lease:
        """Replace the Lease; raises `Conflict` where it has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """Lease duration, renew deadline and retry period, as client-go's flags of these names."""

    duration_seconds: int = 15
    renew_deadline_seconds: float = 10.0
    retry_period_seconds: float = 2.0


class LeaseLost(Exception):
    """This process led and can no longer be sure that it does: it must exit."""


OnGap = Callable[[datetime, datetime], None]
"""Takes the begin and end of a time in which no replica led, as far as the Lease shows; the begin may be `EPOCH`."""


class AlwaysLeader:
    """The leader election of a process that runs with `--no-leader-election`: it leads from its start.

    Kept for a process without permissions on Leases, and for the test that two leaders at once corrupt nothing.
    """

    is_leading = True

    def __init__(self, clock: Clock, on_gap: OnGap) -> None:
        """Report a gap until now, because it is unknown when a process led before."""
        on_gap(EPOCH, clock.now())
        self.attempted = asyncio.Event()
        self.attempted.set()

    async def run(self, on_started_leading: Callable[[], None]) -> None:
        """Call `on_started_leading` at once, and wait until cancelled."""
        on_started_leading()
        await asyncio.Event().wait()


class LeaderElector:
    """Acquires and renews the Lease; `is_leading` says at any time whether this process may write."""

    def __init__(
        self, leases: Leases, identity: str, clock: Clock, timing: Timing, jitter: random.Random, on_gap: OnGap
    ) -> None:
        """Compete as `identity`; `on_gap` is called when the Lease is acquired."""
        self._on_gap = on_gap
        self._leases, self._identity, self._clock, self._timing = leases, identity, clock, timing
        self._jitter = jitter
        self._held: Lease | None = None
        self._renewed = float("-inf")
        self._observed: tuple[str, float] | None = None
        """The resourceVersion of another holder's Lease, and when it was first seen."""
        self._other: Lease | None = None
        """The Lease as it was last read, where another process holds it."""
        self._looked_free = False
        """Whether the last watch showed a free Lease. If a read then shows a held one, that watch is not trusted."""
        self.attempted = asyncio.Event()
        """Set after the first attempt to acquire the Lease, successful or not."""

    @property
    def is_leading(self) -> bool:
        """Whether this process may write: its last renewal is more recent than the renew deadline."""
        if self._held is None:
            return False
        return asyncio.get_running_loop().time() - self._renewed < self._timing.renew_deadline_seconds

    async def run(self, on_started_leading: Callable[[], None]) -> None:
        """Acquire the Lease, call `on_started_leading`, and renew it until cancelled; then release it.

        Raises `LeaseLost` when this process led and no longer does.
        """
        try:
            while not await self._try_to_acquire():
                self.attempted.set()
                await self._wait()
            on_started_leading()
            self.attempted.set()
            while True:
                await self._pause()
                await self._renew()
        finally:
            await self._release()

    async def _try_to_acquire(self) -> bool:
        loop = asyncio.get_running_loop()
        sent, self._other = loop.time(), None
        try:
            found = await self._leases.get()
            if found is not None and not self._is_free(found, loop.time()):
                self._other = found
                return False
            self._held = await self._acquire(found)
        except PortError as error:
            _log.debug("The Lease was not acquired", extra={"error": str(error)})
            return False
        self._renewed = sent
        self._on_gap((found and found.renewed_at) or EPOCH, self._clock.now())
        return True

    def _is_free(self, found: Lease, now: float) -> bool:
        """Return whether the Lease has no holder, or has not changed for its duration."""
        if not found.holder or found.holder == self._identity:
            return True
        if self._observed is None or self._observed[0] != found.resource_version:
            self._observed = (found.resource_version, now)
        return now - self._observed[1] >= found.duration_seconds

    async def _wait(self) -> None:
        """Wait until another attempt to acquire the Lease makes sense.

        That is when its holder releases it, when its duration ends, and when the watch is silent for too long; and
        after the retry period where there is no watch, or where a read contradicts it.
        """
        is_trusted, self._looked_free = not self._looked_free, False
        try:
            async with asyncio.timeout(None) as limit:
                if is_trusted and self._other is not None and await self._sees_free_lease(self._other, limit):
                    self._looked_free = True
                    return
        except TimeoutError:
            return
        await self._pause()

    async def _sees_free_lease(self, lease: Lease, limit: asyncio.Timeout) -> bool:
        """Watch the Lease until it is free; False where the watch failed or ended."""
        loop = asyncio.get_running_loop()
        limit.reschedule(self._next_look(lease))
        try:
            async with aclosing(self._leases.changes(lease.resource_version)) as changes:
                async for changed in changes:
                    if changed is None or self._is_free(changed, loop.time()):
                        return True
                    limit.reschedule(self._next_look(changed))
        except PortError as error:
            _log.debug("The watch of the Lease failed", extra={"error": str(error)})
        return False

    def _next_look(self, lease: Lease) -> float:
        """Return when the Lease must be read, unless the watch has an event of it before."""
        silent = asyncio.get_running_loop().time() + self._timing.retry_period_seconds * SILENT_PERIODS
        return silent if self._observed is None else min(silent, self._observed[1] + lease.duration_seconds)

    async def _acquire(self, found: Lease | None) -> Lease:
        now = self._clock.now()
        transitions = found.transitions + int(found.holder != self._identity) if found else 0
        wanted = Lease(
            holder=self._identity,
            duration_seconds=self._timing.duration_seconds,
            acquired_at=now,
            renewed_at=now,
            transitions=transitions,
            resource_version=found.resource_version if found else "",
            uid=found.uid if found else "",
        )
        return await (self._leases.update(wanted) if found else self._leases.create(wanted))

    async def _renew(self) -> None:
        if self._held is None:
            raise LeaseLost("the Lease is not held")
        sent = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._timing.renew_deadline_seconds / 2):
                self._held = await self._leases.update(
                    replace(
                        self._held,
                        holder=self._identity,
                        duration_seconds=self._timing.duration_seconds,
                        renewed_at=self._clock.now(),
                    )
                )
            self._renewed = sent
        except Conflict:
            await self._check_holder()
        except (PortError, TimeoutError) as error:
            _log.warning("The Lease was not renewed", extra={"error": str(error) or "no answer in time"})
        if not self.is_leading:
            raise LeaseLost(f"the Lease was not renewed for {self._timing.renew_deadline_seconds:g} s")

    async def _check_holder(self) -> None:
        """After a conflict, find out whether an earlier renewal of this process arrived or another process leads."""
        try:
            found = await self._leases.get()
        except PortError as error:
            _log.warning("The Lease cannot be read", extra={"error": str(error)})
            return
        if found is None or found.holder != self._identity:
            self._held = None
            raise LeaseLost(f"the Lease is held by {found.holder}" if found is not None else "the Lease was deleted")
        self._held = found

    async def _release(self) -> None:
        """Remove this process from the Lease, so that a successor need not wait for its expiry.

        The process may be cancelled during a renewal, so the Lease is read again instead of trusting `_held`.
        """
        self._held = None
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                while not await self._try_to_release():
                    pass
        except (PortError, TimeoutError) as error:
            _log.warning("The Lease was not released", extra={"error": str(error) or "no answer in time"})

    async def _try_to_release(self) -> bool:
        """Return whether this process no longer holds the Lease; False where the Lease changed in between."""
        found = await self._leases.get()
        if found is None or found.holder != self._identity:
            return True
        try:
            await self._leases.update(replace(found, holder="", duration_seconds=1, renewed_at=self._clock.now()))
        except Conflict:
            return False
        return True

    async def _pause(self) -> None:
        """Wait for the retry period."""
        await asyncio.sleep(self._timing.retry_period_seconds * self._jitter.uniform(1.0, 1.1))
