"""One question about alerts serves all ModelDeployments that ask it of the same source at about the same time."""

import asyncio
from datetime import datetime, timedelta

from pennant.core.measurement import Alerts
from pennant.ports import Clock, MetricSource

PAUSE = timedelta(seconds=1)


class AlertBoard:
    """The alerts of one source, asked for at most once a second and only when somebody wants to know."""

    def __init__(self, source: MetricSource, clock: Clock) -> None:
        """Ask this source."""
        self._source, self._clock = source, clock
        self._asked_at: datetime | None = None
        """When the newest question was sent."""
        self._answer: asyncio.Task[Alerts] | None = None
        """Its answer, or the promise of one."""
        self._next: asyncio.Task[Alerts] | None = None
        """A question that waits for the pause to be over."""

    async def seen_since(self, at: datetime) -> Alerts:
        """Return the alerts as they were at that time or later; raises what the source raised."""
        if self._answer is not None and self._asked_at is not None and self._asked_at >= at:
            return await asyncio.shield(self._answer)
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def aclose(self) -> None:
        """Cancel the question that is under way."""
        tasks = [each for each in (self._next, self._answer) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self) -> Alerts:
        """Wait until the source may be asked again, and then be the newest question."""
        if self._asked_at is not None:
            left = self._asked_at + PAUSE - self._clock.now()
            # A clock that was set back must not make anybody wait for it.
            await asyncio.sleep(min(max(left, timedelta(0)), PAUSE).total_seconds())
        self._asked_at, self._answer, self._next = self._clock.now(), self._next, None
        return await self._source.firing_alerts()
