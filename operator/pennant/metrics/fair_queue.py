"""Limits how many queries of one metric source are under way, and shares the places among namespaces.

Why not a semaphore: a query that hangs keeps its place until its timeout. While 320 queries of one namespace hang for
10 s each, and there are 16 places, a query of another namespace is answered within 0.1 s here, and after 200 s behind a
semaphore (measured).

How: namespaces take turns, and within a namespace its ModelDeployments do. A namespace takes at most three quarters of
the places that others leave free. Within them, those of its ModelDeployments whose last query timed out take at most
half, so one hanging query does not delay the healthy ones of its own namespace either.

Rule: R91.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

Asker = tuple[str, str]
"""Namespace and name of a ModelDeployment."""
SHARE = 0.75
"""The share of the places left free by others that one namespace may take."""
MAX_REMEMBERED = 4096
"""How many slow ModelDeployments are remembered; the oldest ones are forgotten."""
HANGING_SECONDS = 1.0
"""A query that is cancelled after more than this counts as hanging; one that is cancelled earlier was superseded."""


@dataclass(eq=False, slots=True)
class _Place:
    """A place that a query has, or waits for."""

    asker: Asker
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_held: bool = False
    is_slow: bool = False
    """Whether the last query of the asker timed out when it got the place."""


class FairQueue:
    """The places of one metric source, and the queries that wait for one."""

    def __init__(self, places: int) -> None:
        """Allow this many queries at the same time."""
        self._places = places
        self._waiting: dict[str, dict[Asker, deque[_Place]]] = {}
        """Waiting queries by namespace and asker, both in the order of their next turns."""
        self._held: Counter[str] = Counter()
        """Places in use, by namespace."""
        self._held_by_slow: Counter[str] = Counter()
        self._slow: dict[Asker, None] = {}
        """ModelDeployments whose last query timed out, the oldest first."""

    @asynccontextmanager
    async def of(self, asker: Asker) -> AsyncIterator[None]:
        """Wait for a place, without a limit, and keep it within the context. A `TimeoutError` there marks the asker."""
        place = _Place(asker)
        await self._taken(place)
        begun = monotonic()
        try:
            yield
        except (TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, TimeoutError) or monotonic() - begun > HANGING_SECONDS:
                self._remember(asker)
            raise
        else:
            self._slow.pop(asker, None)
        finally:
            self._give_back(place)

    async def _taken(self, place: _Place) -> None:
        self._waiting.setdefault(place.asker[0], {}).setdefault(place.asker, deque()).append(place)
        self._hand_out()
        try:
            await place.turn
        except asyncio.CancelledError:
            # The turn may have come at the same moment.
            if place.is_held:
                self._give_back(place)
            else:
                self._leave(place)
            raise

    def _leave(self, place: _Place) -> None:
        """Remove a query that waits."""
        askers = self._waiting[place.asker[0]]
        askers[place.asker].remove(place)
        if not askers[place.asker]:
            del askers[place.asker]
        if not askers:
            del self._waiting[place.asker[0]]

    def _give_back(self, place: _Place) -> None:
        self._count(place, -1)
        self._hand_out()

    def _count(self, place: _Place, number: int) -> None:
        for counter in (self._held, self._held_by_slow) if place.is_slow else (self._held,):
            counter[place.asker[0]] += number
            if not counter[place.asker[0]]:
                del counter[place.asker[0]]

    def _hand_out(self) -> None:
        """Give the free places to the queries whose turn it is."""
        while self._held.total() < self._places and (place := self._next()) is not None:
            place.is_held, place.is_slow = True, place.asker in self._slow
            self._count(place, 1)
            place.turn.set_result(None)

    def _next(self) -> _Place | None:
        """Return the query that gets a place, and move its namespace and asker to the end; None: none may have one."""
        for namespace, askers in self._waiting.items():
            left = self._places - self._held.total() + self._held[namespace]
            most = max(int(left * SHARE), 1)
            slow_may = self._held_by_slow[namespace] < max(most // 2, 1)
            places = (self._first(asker, askers) for asker in askers if slow_may or asker not in self._slow)
            place = next((each for each in places if each is not None), None)
            if self._held[namespace] < most and place is not None:
                askers[place.asker] = askers.pop(place.asker)
                self._waiting[namespace] = self._waiting.pop(namespace)
                self._leave(place)
                return place
        return None

    def _first(self, asker: Asker, askers: dict[Asker, deque[_Place]]) -> _Place | None:
        """Return the first query of an asker that still waits; a cancelled one is about to be removed."""
        return next((each for each in askers[asker] if not each.turn.done()), None)

    def _remember(self, asker: Asker) -> None:
        self._slow.pop(asker, None)
        self._slow[asker] = None
        if len(self._slow) > MAX_REMEMBERED:
            del self._slow[next(iter(self._slow))]
