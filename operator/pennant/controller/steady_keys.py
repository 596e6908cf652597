"""The ModelDeployments whose last pass was steady, and of which no object has changed since.

Their checks need no pass while all metrics pass.

Rule: R226.
"""

from datetime import datetime

from pennant.core.facts.observation import Key


class SteadyKeys:
    """Which keys are steady, and until when."""

    def __init__(self) -> None:
        """Start without any."""
        self._until: dict[Key, datetime | None] = {}
        self._undisturbed: set[Key] = set()
        """Keys of which no object has changed since their pass began."""

    def is_steady(self, key: Key, now: datetime) -> bool:
        """Return whether a key is steady, and its time has not come."""
        if key not in self._until:
            return False
        until = self._until[key]
        return until is None or now < until

    def until(self, key: Key) -> datetime | None:
        """Return until when a steady key is that; None: until an object changes."""
        return self._until[key]

    def begin(self, key: Key) -> None:
        """Note that a pass begins: the key is not steady before it ends so."""
        self._until.pop(key, None)
        self._undisturbed.add(key)

    def end(self, key: Key, until: datetime | None, *, is_steady: bool) -> None:
        """Note how a pass has ended."""
        if is_steady and key in self._undisturbed:
            self._until[key] = until
        self._undisturbed.discard(key)

    def changed(self, key: Key) -> None:
        """Note that an object of a ModelDeployment has changed."""
        self._until.pop(key, None)
        self._undisturbed.discard(key)

    def all_changed(self) -> None:
        """Note that any object may have changed."""
        self._until.clear()
        self._undisturbed.clear()
