"""One query for alerts answers all ModelDeployments that request alerts of the same source at about the same time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from pennant.core.analysis.kinds.alert import Alert, AlertQuery, Alerts
from pennant.ports import Clock, Unavailable

PAUSE = timedelta(seconds=1)
"""Time between two queries for alerts of one source."""
MAX_NAMES = 50
"""Names of alerts of one namespace in one query; more wait for the next one."""
RULES_PAUSE = timedelta(minutes=1)
"""How long it is remembered that an alerting rule exists."""
MISSING_RULES_PAUSE = timedelta(seconds=5)
"""How long it is remembered that one does not exist; shorter, because a version waits for it."""


class AlertServer(Protocol):
    """A server that evaluates alerting rules."""

    async def firing_alerts(self, names: frozenset[str]) -> Alerts:
        """Return all alerts of these names that fire now; raises as `MetricSource.answer` does.

        A name for which alone it is not known is in `unanswered`.
        """
        ...

    async def undefined_alerts(self, names: frozenset[str]) -> frozenset[str] | None:
        """Return which of these names no alerting rule has; None where the server does not list its rules."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request that waits for its answer."""

    request: AlertQuery
    names: frozenset[str]
    answer: asyncio.Future[Alerts]


@dataclass(slots=True)
class _Round:
    """A query that was sent, the requests that wait for its answer, and the answer."""

    at: datetime
    names: frozenset[str]
    waiting: list[_Waiting]
    answer: Alerts | Exception | None = None

    def serves(self, request: AlertQuery) -> bool:
        """Return whether this answer is new enough for another request, and about its names."""
        return self.at >= request.at and self.names.issuperset(request.names)


class AlertCache:
    """The alerts of one source: read at most once a second, and only those that a request names.

    Rule: R42.
    """

    def __init__(self, source: AlertServer, clock: Clock) -> None:
        """Read from this server."""
        self._source, self._clock = source, clock
        self._last: _Round | None = None
        self._waiting: list[_Waiting] = []
        self._asking: asyncio.Task[None] | None = None
        self._defined: dict[str, tuple[bool, datetime]] = {}
        """By name: whether an alerting rule exists, and when that was read."""

    async def answer(self, request: AlertQuery) -> Alerts:
        """Return the alerts that meet all demands of a request, no older than it. Raises what the server raised."""
        waiting = _Waiting(request, frozenset(request.names), asyncio.get_running_loop().create_future())
        if self._last is not None and self._last.at > self._clock.now():
            # The clock was set back: this answer would be reused until it has caught up.
            self._last = None
        if self._last is not None and self._last.serves(request):
            self._last.waiting.append(waiting)
            _tell(self._last)
        else:
            self._waiting.append(waiting)
        if self._waiting and self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return _of(request, await waiting.answer)

    async def aclose(self) -> None:
        """Cancel the query that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask_all(self) -> None:
        """Send queries until no request waits."""
        try:
            while self._waiting:
                await self._pause()
                # Requests may have been cancelled in the meantime.
                self._waiting = [each for each in self._waiting if not each.answer.done()]
                await self._ask(list(_fairly(self._waiting)))
        finally:
            self._asking = None

    async def _pause(self) -> None:
        """Wait until the next query may be sent."""
        if self._last is not None:
            left = self._last.at + PAUSE - self._clock.now()
            # A clock that was set back must not extend the pause.
            await asyncio.sleep(min(max(left, timedelta(0)), PAUSE).total_seconds())

    async def _ask(self, turn: list[_Waiting]) -> None:
        names = frozenset[str]().union(*(each.names for each in turn))
        self._last = asked = _Round(self._clock.now(), names, turn)
        self._waiting = [each for each in self._waiting if each not in turn]
        try:
            asked.answer = await self._found(names, asked.at)
        except Exception as error:
            asked.answer = error
        _tell(asked)

    async def _found(self, names: frozenset[str], now: datetime) -> Alerts:
        alerts = await self._source.firing_alerts(names)
        for name, (_, at) in list(self._defined.items()):
            if now - at > RULES_PAUSE and name not in names:
                del self._defined[name]
        old = frozenset(each for each in names if self._is_old(each, now))
        undefined = await self._source.undefined_alerts(old) if old else None
        if undefined is not None:
            self._defined |= {name: (name not in undefined, now) for name in old}
        return replace(alerts, undefined=frozenset(each for each in names if not self._defined.get(each, (True,))[0]))

    def _is_old(self, name: str, now: datetime) -> bool:
        known = self._defined.get(name)
        if known is None:
            return True
        is_defined, asked_at = known
        return not timedelta(0) <= now - asked_at < (RULES_PAUSE if is_defined else MISSING_RULES_PAUSE)


def _fairly(waiting: Iterable[_Waiting]) -> Iterable[_Waiting]:
    """Yield the requests for the next query: of each namespace the first ones, up to its limit of names."""
    names: dict[str, set[str]] = {}
    for each in waiting:
        asked = names.setdefault(each.request.asker[0], set())
        if not asked or len(asked | each.names) <= MAX_NAMES:
            asked |= each.names
            yield each


def _tell(asked: _Round) -> None:
    """Resolve all requests that wait for an answer, once it is there."""
    if asked.answer is None:
        return
    for each in asked.waiting:
        if each.answer.done():
            continue
        if isinstance(asked.answer, Exception):
            each.answer.set_exception(asked.answer)
        else:
            each.answer.set_result(asked.answer)
    asked.waiting.clear()


def _of(request: AlertQuery, alerts: Alerts) -> Alerts:
    """Return the part of an answer that a request asked for; raises `Unavailable` where that part is missing.

    Each ModelDeployment keeps its part, so alerts have no labels there, and those that began together are one object.

    Rule: R186.
    """
    for name in request.names:
        if name in alerts.unanswered:
            raise Unavailable(alerts.unanswered[name])
    found, unlabelled = alerts.matching(request.demands), dict[datetime, Alert]()
    firing = tuple(unlabelled.setdefault(each.since, Alert({}, each.since)) for each in found.firing)
    return Alerts(firing, found.undefined & frozenset(request.names))
