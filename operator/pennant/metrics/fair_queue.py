"""Whose query is sent next: namespaces take turns, and within a namespace its ModelDeployments do.

A query that hangs keeps its place until its time is over. So a namespace never takes all places that are left, and
those of its ModelDeployments whose queries hung before get no more than half of what it may take.

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
"""How much of the places that others do not hold one namespace may take."""
MOST_REMEMBERED = 4096
HANGING_SECONDS = 1.0
"""A query that is cancelled after so long hung; one that is cancelled earlier was superseded."""


@dataclass(eq=False, slots=True)
class _Place:
    """A place that somebody has, or waits for."""

    asker: Asker
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_held: bool = False
    is_slow: bool = False
    """Whether its holder's queries hung before."""


class FairQueue:
    """The places of one metric source, and who waits for one."""

    def __init__(self, places: int) -> None:
        """Let so many queries be under way at the same time."""
        self._places = places
        self._waiting: dict[str, dict[Asker, deque[_Place]]] = {}
        """Who waits, by namespace; both in the order of their next turns."""
        self._held: Counter[str] = Counter()
        """Places by namespace."""
        self._held_by_slow: Counter[str] = Counter()
        self._slow: dict[Asker, None] = {}
        """ModelDeployments whose last query was not answered in time, the oldest first."""

    @asynccontextmanager
    async def of(self, asker: Asker) -> AsyncIterator[None]:
        """Wait for a turn, however long, and keep a place meanwhile."""
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
        """Have somebody wait no longer."""
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
        """Give the places that are free to those whose turn it is."""
        while self._held.total() < self._places and (place := self._next()) is not None:
            place.is_held, place.is_slow = True, place.asker in self._slow
            self._count(place, 1)
            place.turn.set_result(None)

    def _next(self) -> _Place | None:
        """Return who may have a place, and let others go first the next time; None: nobody may."""
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
        """Return the place that somebody waits for; who was cancelled is about to leave."""
        return next((each for each in askers[asker] if not each.turn.done()), None)

    def _remember(self, asker: Asker) -> None:
        self._slow.pop(asker, None)
        self._slow[asker] = None
        if len(self._slow) > MOST_REMEMBERED:
            del self._slow[next(iter(self._slow))]
