"""Measurements are taken beside the passes, so that a slow source delays no promotion.

A pass asks for the measurements that are due and gets those that have come; for the others a query is sent, and when
its answer is there, the key is looked at again.
"""

import asyncio
from collections.abc import Callable, Mapping

from pennant.core.measurement import Fault, Measurement, RangeQuery, Unanswered
from pennant.core.observation import Key
from pennant.ports import MetricSources, Refused, Unavailable


class Measurements:
    """The newest measurement of each metric of each ModelDeployment."""

    def __init__(self, sources: MetricSources, wake: Callable[[Key], None]) -> None:
        """Read from these sources, and call `wake` with a key for which an answer has come."""
        self._sources = sources
        self._wake = wake
        self._known: dict[Key, dict[str, Measurement]] = {}
        self._asked: dict[tuple[Key, str], RangeQuery] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, key: Key, due: Mapping[str, RangeQuery]) -> Mapping[str, Measurement]:
        """Return the measurements that answer exactly these requests, and send for the others."""
        known = {name: each for name, each in self._known.get(key, {}).items() if due.get(name) == each.request}
        self._known[key] = known
        for name, request in due.items():
            if name not in known and self._asked.get((key, name)) != request:
                self._send(key, name, request)
        return known

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone."""
        self._known.pop(key, None)

    async def aclose(self) -> None:
        """Cancel the queries that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, key: Key, name: str, request: RangeQuery) -> None:
        self._asked[key, name] = request
        task = asyncio.create_task(self._ask(key, name, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: Key, name: str, request: RangeQuery) -> None:
        measurement = await self._measure(request)
        # A newer question was sent meanwhile: this answer is about the past.
        if self._asked.get((key, name)) != request:
            return
        del self._asked[key, name]
        if key in self._known:
            self._known[key] = {**self._known[key], name: measurement}
            self._wake(key)

    async def _measure(self, request: RangeQuery) -> Measurement:
        source = self._sources.get(request.source)
        if source is None:
            detail = f"no metric source {request.source} is configured"
            return Measurement(request, Unanswered(Fault.UNKNOWN_SOURCE, detail))
        try:
            return Measurement(request, await source.query_range(request))
        except Unavailable as error:
            return Measurement(request, Unanswered(Fault.UNAVAILABLE, str(error)))
        except Refused as error:
            return Measurement(request, Unanswered(Fault.REFUSED, str(error)))
