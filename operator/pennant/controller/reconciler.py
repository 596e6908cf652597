"""`reconcile(key) = act(decide(observe(key)))`, until there is nothing left to write."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from pennant.controller.absences import Absences
from pennant.controller.act import WriteFailed
from pennant.controller.measurement_cache import Measurements
from pennant.controller.refusals import Refusals
from pennant.controller.source_breaker import SourceBreaker, Suspicion
from pennant.core.analysis.assessment import suspicions
from pennant.core.analysis.schedule import compared_with, due_measurements
from pennant.core.decide import decide
from pennant.core.facts.decision import Decision, Event
from pennant.core.facts.in_place import current
from pennant.core.facts.measurement import Awaited, Question, Request, Role
from pennant.core.facts.measurement import Measurements as Answered
from pennant.core.facts.observation import Invalid, Key, Observation, Snapshot, Span
from pennant.core.facts.pods import Pods
from pennant.core.rollout.progress import revision_to_look_at
from pennant.ports import Clock, Cluster, Refused

# A promotion takes two passes that write and one that finds nothing to do.
MOST_PASSES = 12
EVENTS_SECONDS = 3.0
"""Seconds in which the Events of a pass are told: it must end well before it is taken for a stall."""
_log = logging.getLogger(__name__)


class PassObserver(Protocol):
    """Someone who is told of each pass, such as the operator's own metrics."""

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Take note of a pass; without an observation the ModelDeployment is gone."""
        ...

    def failed(self, kind: str) -> None:
        """Take note of a write that was `refused`."""
        ...


class Unsettled(Exception):
    """Pass after pass over one key had something to write.

    What the key depends on goes on changing, by a tag that is moved to and fro or by many pods that come up, or
    somebody undoes each write. Others get their turn, and Events are told, before it goes on.
    """


class Reconciler:
    """Brings ModelDeployments to where they should be, one key at a time."""

    def __init__(
        self,
        cluster: Cluster,
        measurements: Measurements,
        clock: Clock,
        observer: PassObserver,
        breaker: SourceBreaker,
        absences: Absences | None = None,
    ) -> None:
        """Write through `cluster`, read metrics through `measurements`, tell `observer`, and heed `breaker`.

        `absences` are the spans of time in which nobody could look.
        """
        self._cluster = cluster
        self._measurements = measurements
        self._clock = clock
        self._observer = observer
        self._breaker = breaker
        self._absences = absences or Absences()
        self._refusals = Refusals(observer)

    async def reconcile(self, key: Key) -> datetime | None:
        """Take all steps that can be taken now; return when to look again, None where only a change can tell.

        Raises `Conflict` and `Unavailable` as the cluster does, and `Unsettled`: the key is to be tried again after a
        while.
        """
        told: list[tuple[Snapshot, Event]] = []
        try:
            for _ in range(MOST_PASSES):
                seen = await self._observe(key)
                if seen is None:
                    self._forget(key)
                    return None
                decision = decide(seen)
                try:
                    acted = await self._refusals.heeded(self._cluster, seen, decision)
                except (Refused, WriteFailed) as error:
                    # What no status can say is at least said by an Event.
                    told += [(seen.snapshot, event) for event in self._refusals.unsaid(seen, decision, error)]
                    raise
                if acted is None:
                    continue
                self._absences.told(key)
                self._observer.decided(key, seen, decision)
                told += [(seen.snapshot, event) for event in decision.events]
                if not acted.written:
                    return self._refusals.look_again_at(key, decision.look_again_at)
        finally:
            # Events are for people: they come when all is written.
            await self._tell(key, told)
        raise Unsettled(f"it is not settled after {MOST_PASSES} passes")

    async def _tell(self, key: Key, told: Iterable[tuple[Snapshot, Event]]) -> None:
        """Record Events; what the API server does not take in time is lost, for nothing may wait for it."""
        try:
            async with asyncio.timeout(EVENTS_SECONDS):
                for snapshot, event in told:
                    await self._cluster.record_event(snapshot, event)
        except TimeoutError:
            _log.warning("Events are lost: the API server takes too long for them", extra={"key": key})

    @property
    def failing(self) -> int:
        """How many ModelDeployments have a write that has failed for a minute."""
        return self._refusals.failing

    async def _observe(self, key: Key) -> Observation | None:
        snapshot = await self._cluster.snapshot(key)
        if snapshot is None:
            return None
        now = self._clock.now()
        due = self._due(snapshot, now)
        measurements = self._measurements.take(key, due)
        # While answers are on their way, what the last ones said stands: many ask at once, and one is answered first.
        if all(
            question.role is Role.SELECTED or not isinstance(each.answer, Awaited)
            for question, each in measurements.items()
        ):
            self._breaker.note(key, _suspicion(snapshot, measurements), now)
        distrusted = self._breaker.distrusted(key, now)
        unwatched = self._absences.untold(key)
        pods = await self._looked_at(snapshot, unwatched, now)
        refusals, failing = self._refusals.seen(key, now)
        return Observation(now, snapshot, measurements, refusals, failing, distrusted, unwatched, pods)

    async def _looked_at(self, snapshot: Snapshot, unwatched: tuple[Span, ...], now: datetime) -> Pods | None:
        """Return the pods of the current revision, where a verdict or a message depends on them."""
        entry = revision_to_look_at(snapshot, unwatched, now)
        return await self._cluster.pods(snapshot, entry.template_hash) if entry is not None else None

    def _due(self, snapshot: Snapshot, now: datetime) -> Mapping[Question, Request]:
        if isinstance(snapshot.spec, Invalid) or snapshot.deleting or snapshot.unreadable is not None:
            return {}
        return due_measurements(snapshot.key, snapshot.spec, snapshot.status, now, self._measurements.hinted_at)

    def _forget(self, key: Key) -> None:
        self._measurements.forget(key)
        self._breaker.forget(key)
        self._absences.forget(key)
        self._refusals.forget(key)
        self._observer.decided(key, None, None)


def _suspicion(snapshot: Snapshot, measurements: Answered) -> Suspicion:
    history = snapshot.status.history
    active = current(history)
    if isinstance(snapshot.spec, Invalid) or active is None:
        return Suspicion("", False, {})
    what = (active.digest, active.template_hash)
    was_good = any(each.verified_at is not None and (each.digest, each.template_hash) == what for each in history)
    stable = compared_with(snapshot.status, active)
    return Suspicion(active.digest, was_good, suspicions(snapshot.spec.analysis, active, stable, measurements))
