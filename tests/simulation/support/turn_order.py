"""The order in which controllers act, and how old their caches are."""

from copy import copy
from random import Random
from typing import Protocol, Self

SPEEDS = (0.05, 0.2, 0.5, 1.0)
"""How often a controller acts when it could."""
BEHIND = 0.2


class TurnOrder(Protocol):
    """Decides which controllers act in a round."""

    def copy(self) -> Self: ...

    def acts(self, who: str) -> bool:
        """Return whether a controller acts now; one that does not may act in the next round."""
        ...

    def is_behind(self, who: str) -> bool:
        """Return whether the cache of a controller lacks the newest status of its object."""
        ...


class RandomTurns:
    """Each controller has a random speed, by a seed."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)
        self._speeds: dict[str, float] = {}

    def copy(self) -> Self:
        other = copy(self)
        other._dice, other._speeds = copy(self._dice), dict(self._speeds)
        return other

    def acts(self, who: str) -> bool:
        if who not in self._speeds:
            self._speeds[who] = self._dice.choice(SPEEDS)
        return self._dice.random() < self._speeds[who]

    def is_behind(self, who: str) -> bool:
        return self._dice.random() < BEHIND


class Only:
    """One controller alone acts."""

    def __init__(self, who: str, *, is_behind: bool = False) -> None:
        self._who, self._is_behind = who, is_behind

    def copy(self) -> Self:
        return self

    def acts(self, who: str) -> bool:
        return who == self._who

    def is_behind(self, who: str) -> bool:
        return self._is_behind
