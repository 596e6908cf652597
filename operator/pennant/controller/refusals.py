"""What the API server refuses is said, and tried again after a minute: not at once, and not never.

Rule: What the API server refuses is said, and tried again after a minute.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from pennant.controller.act import Acted, WriteRefused, act
from pennant.core.decision import Copying, Decision, Event
from pennant.core.observation import Invalid, Key, Observation, Refusal
from pennant.ports import Cluster

RETRY_AFTER = timedelta(seconds=60)
_log = logging.getLogger(__name__)


class RefusalObserver(Protocol):
    """Someone who is told of each refusal."""

    def failed(self, kind: str) -> None:
        """Take note of a write that was `refused`."""
        ...


class Refusals:
    """The writes of each ModelDeployment that were refused a short while ago."""

    def __init__(self, observer: RefusalObserver) -> None:
        """Tell `observer` of each."""
        self._observer = observer
        self._writes: dict[Key, tuple[Refusal, ...]] = {}
        self._copies: dict[Key, tuple[tuple[Copying, datetime], ...]] = {}
        self._unsaid: dict[Key, int] = {}
        """The generation of which an Event was sent, because no status could be written."""

    def of(self, key: Key, now: datetime) -> tuple[Refusal, ...]:
        """Return what the next decision has to do without."""
        return tuple(each for each in self._writes.get(key, ()) if now < each.retry_at)

    async def heeded(self, cluster: Cluster, seen: Observation, decision: Decision) -> Acted | None:
        """Carry out what was not refused a short while ago; None: a write was refused, and another decision follows.

        Raises what `act` raises, where not even the status is taken.
        """
        key, retry_at = seen.snapshot.key, seen.now + RETRY_AFTER
        waiting = tuple((copy, until) for copy, until in self._copies.get(key, ()) if seen.now < until)
        put_off = [copy for copy, _ in waiting]
        decision = replace(decision, actions=tuple(each for each in decision.actions if each not in put_off))
        try:
            acted = await act(cluster, seen.snapshot, decision)
        except WriteRefused as error:
            self._note(key, error.write.what, str(error))
            fresh = Refusal(error.write.content, f"{error.write.what}: {error}", retry_at)
            self._writes[key] = (*self.of(key, seen.now), fresh)
            return None
        for copy, answer in acted.refused:
            self._note(key, type(copy).__name__, answer)
        self._copies[key] = (*waiting, *((copy, retry_at) for copy, _ in acted.refused))
        return acted

    def look_again_at(self, key: Key, otherwise: datetime | None) -> datetime | None:
        """Return when to decide anew: when something is to be tried again, if that is sooner."""
        untils = (until for _, until in self._copies.get(key, ()))
        return min((each for each in (otherwise, *untils) if each is not None), default=None)

    def unsaid(self, seen: Observation, decision: Decision) -> tuple[Event, ...]:
        """Return the events that say once what the status cannot: that it, or the spec, cannot be read."""
        snapshot = seen.snapshot
        can_say = not isinstance(snapshot.spec, Invalid) and snapshot.unreadable is None
        if can_say or self._unsaid.get(snapshot.key) == snapshot.generation:
            return ()
        self._unsaid[snapshot.key] = snapshot.generation
        return decision.events

    def forget(self, key: Key) -> None:
        """Drop what is known of a ModelDeployment that is gone."""
        self._writes.pop(key, None)
        self._copies.pop(key, None)
        self._unsaid.pop(key, None)

    def _note(self, key: Key, what: str, answer: str) -> None:
        self._observer.failed("refused")
        _log.warning("The API server refuses a write", extra={"key": key, "what": what, "error": answer})
