"""Leader election by a Lease: only the process that holds it writes; the others keep their caches warm.

The protocol is client-go's: the holder renews; whoever sees no change of the Lease for its duration, on its own
monotonic clock, may take it, by compare-and-swap. A holder stops writing before anybody else may begin: it counts from
the moment before its last successful renewal was sent, and its deadline is shorter than the duration.

Rule: R98.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from pennant.kube.leases import Lease
from pennant.ports import Clock, Conflict, PortError

_log = logging.getLogger(__name__)


class Leases(Protocol):
    """One Lease by name."""

    async def get(self) -> Lease | None:
        """Return the Lease; None where there is none."""
        ...

    async def create(self, lease: Lease) -> Lease:
        """Create it; `Conflict` where somebody was faster."""
        ...

    async def update(self, lease: Lease) -> Lease:
        """Replace it; `Conflict` where it has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a Lease holds, how long its holder may go without renewing it, and how often it is tried."""

    duration_seconds: int = 15
    renew_deadline_seconds: float = 10.0
    retry_period_seconds: float = 2.0


class LeaseLost(Exception):
    """This process led and can no longer be sure that it still does: it must end."""


Absent = Callable[[datetime, datetime], None]
"""Told of each span of time in which nobody led, as far as anybody knows: its beginning and its end."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class AlwaysLeader:
    """Leads without asking anybody, where leader election is off."""

    is_leading = True

    def __init__(self, clock: Clock, absent: Absent) -> None:
        """Have tried already, because there is nothing to try; whether anybody led before is not known."""
        absent(LONG_AGO, clock.now())
        self.tried = asyncio.Event()
        self.tried.set()

    async def run(self, leading: Callable[[], None]) -> None:
        """Call `leading` at once, and stay until cancelled."""
        leading()
        await asyncio.Event().wait()


class Elector:
    """Takes the Lease, keeps it, and says at any time whether this process may write."""

    def __init__(
        self, leases: Leases, identity: str, clock: Clock, timing: Timing, jitter: random.Random, absent: Absent
    ) -> None:
        """Compete for the Lease under this identity, and tell `absent` of the time in which nobody held it."""
        self._absent = absent
        self._leases, self._identity, self._clock, self._timing = leases, identity, clock, timing
        self._jitter = jitter
        self._held: Lease | None = None
        self._renewed = float("-inf")
        self._seen: tuple[str, float] | None = None
        self.tried = asyncio.Event()
        """Set when the Lease was tried for the first time, whatever came of it."""

    @property
    def is_leading(self) -> bool:
        """Whether this process may write: it renewed the Lease recently enough that nobody else can have taken it."""
        if self._held is None:
            return False
        return asyncio.get_running_loop().time() - self._renewed < self._timing.renew_deadline_seconds

    async def run(self, leading: Callable[[], None]) -> None:
        """Compete until cancelled, and call `leading` when this process begins to lead.

        Raises `LeaseLost` when it led and may do so no more; releases the Lease when it is cancelled.
        """
        try:
            while not await self._try_to_take():
                self.tried.set()
                await self._pause()
            leading()
            self.tried.set()
            while True:
                await self._pause()
                await self._renew()
        finally:
            await self._release()

    async def _try_to_take(self) -> bool:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        try:
            found = await self._leases.get()
            if found is not None and not self._is_free(found, loop.time()):
                return False
            self._held = await self._take(found)
        except PortError as error:
            _log.debug("The Lease was not taken", extra={"error": str(error)})
            return False
        self._renewed = sent
        self._absent((found and found.renewed_at) or LONG_AGO, self._clock.now())
        return True

    def _is_free(self, found: Lease, now: float) -> bool:
        """Return whether nobody holds the Lease, or its holder has not been seen for its duration."""
        if not found.holder or found.holder == self._identity:
            return True
        if self._seen is None or self._seen[0] != found.resource_version:
            self._seen = (found.resource_version, now)
        return now - self._seen[1] >= found.duration_seconds

    async def _take(self, found: Lease | None) -> Lease:
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
            await self._look_who_holds()
        except (PortError, TimeoutError) as error:
            _log.warning("The Lease was not renewed", extra={"error": str(error) or "no answer in time"})
        if not self.is_leading:
            raise LeaseLost(f"the Lease was not renewed for {self._timing.renew_deadline_seconds:g} s")

    async def _look_who_holds(self) -> None:
        """After a conflict: our own renewal may have arrived though its answer did not, or another one leads."""
        try:
            found = await self._leases.get()
        except PortError as error:
            _log.warning("The Lease cannot be read", extra={"error": str(error)})
            return
        if found is None or found.holder != self._identity:
            self._held = None
            raise LeaseLost(f"the Lease is held by {found.holder if found else 'nobody'}")
        self._held = found

    async def _release(self) -> None:
        """Let the Lease go, so that a successor need not wait for it to run out.

        The end may come in the midst of a renewal, which arrives or does not: what is there counts, not what was held.
        """
        self._held = None
        try:
            async with asyncio.timeout(2):
                while not await self._let_go():
                    pass
        except (PortError, TimeoutError) as error:
            _log.warning("The Lease was not released", extra={"error": str(error) or "no answer in time"})

    async def _let_go(self) -> bool:
        """Return whether this process holds the Lease no longer; False: it changed in this moment."""
        found = await self._leases.get()
        if found is None or found.holder != self._identity:
            return True
        try:
            await self._leases.update(replace(found, holder="", duration_seconds=1, renewed_at=self._clock.now()))
        except Conflict:
            return False
        return True

    async def _pause(self) -> None:
        await asyncio.sleep(self._timing.retry_period_seconds * self._jitter.uniform(1.0, 1.1))
