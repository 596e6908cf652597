"""The ModelDeployments whose last pass was steady, and of which no object has changed since.

Their checks need no pass while all metrics pass.

Rule: R226.
"""

from dataclasses import dataclass
from datetime import datetime

from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout import steady


@dataclass(frozen=True, slots=True)
class Steady:
    """A ModelDeployment that is steady."""

    snapshot: Snapshot
    """What its checks need of it."""
    until: datetime | None
    """Until when it is steady; None: until an object changes."""


class SteadyKeys:
    """Which keys are steady."""

    def __init__(self) -> None:
        """Start without any."""
        self._steady: dict[Key, Steady] = {}
        self._undisturbed: set[Key] = set()
        """Keys of which no object has changed since their pass began."""

    def get(self, key: Key, now: datetime) -> Steady | None:
        """Return a steady key; None where it is not, or its time has come."""
        found = self._steady.get(key)
        return found if found is not None and (found.until is None or now < found.until) else None

    def begin(self, key: Key) -> None:
        """Note that a pass begins: the key is not steady before it ends so."""
        self._steady.pop(key, None)
        self._undisturbed.add(key)

    def end(self, snapshot: Snapshot, until: datetime | None, *, is_steady: bool) -> None:
        """Note how a pass over this snapshot has ended."""
        key = snapshot.key
        if is_steady and key in self._undisturbed:
            self._steady[key] = Steady(steady.remembered(snapshot), until)
        self._undisturbed.discard(key)

    def changed(self, key: Key) -> None:
        """Note that an object of a ModelDeployment has changed."""
        self._steady.pop(key, None)
        self._undisturbed.discard(key)

    def all_changed(self) -> None:
        """Note that any object may have changed."""
        self._steady.clear()
        self._undisturbed.clear()
