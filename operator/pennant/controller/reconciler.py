"""`reconcile(key) = act(decide(observe(key)))`, until there is nothing left to write."""

from datetime import datetime, timedelta
from typing import Protocol

from pennant.controller.act import act
from pennant.controller.breaker import Breaker
from pennant.controller.measurements import Measurements
from pennant.core.analysis import suspicions
from pennant.core.checks import due_measurements
from pennant.core.decide import decide
from pennant.core.decision import ApplyWorkload, Decision, Event
from pennant.core.measurement import RangeQuery
from pennant.core.observation import Invalid, Key, Observation, Refusal, Snapshot
from pennant.ports import Clock, Cluster, Refused

# A promotion takes two passes that write and one that finds nothing to do; more than this is a mistake of ours.
MOST_PASSES = 12
RETRY_REFUSED_AFTER = timedelta(seconds=60)


class PassObserver(Protocol):
    """Someone who is told of each pass, such as the operator's own metrics."""

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Take note of a pass; without an observation the ModelDeployment is gone."""
        ...


class Unsettled(Exception):
    """Passes over one key went on writing without an end: a mistake of this program."""


class Reconciler:
    """Brings ModelDeployments to where they should be, one key at a time."""

    def __init__(
        self, cluster: Cluster, measurements: Measurements, clock: Clock, observer: PassObserver, breaker: Breaker
    ) -> None:
        """Write through `cluster`, read metrics through `measurements`, tell `observer`, and heed `breaker`."""
        self._cluster = cluster
        self._measurements = measurements
        self._clock = clock
        self._observer = observer
        self._breaker = breaker
        self._refusals: dict[Key, Refusal] = {}

    async def reconcile(self, key: Key) -> datetime | None:
        """Take all steps that can be taken now; return when to look again, None where only a change can tell.

        Raises `Conflict` and `Unavailable` as the cluster does: the key is to be tried again after a while.
        """
        told: list[tuple[Snapshot, Event]] = []
        try:
            for _ in range(MOST_PASSES):
                seen = await self._observe(key)
                if seen is None:
                    self._forget(key)
                    return None
                decision = decide(seen)
                written = await self._carry_out(seen, decision)
                self._observer.decided(key, seen, decision)
                told += [(seen.snapshot, event) for event in decision.events]
                if not written:
                    return decision.look_again_at
        finally:
            # Events are for people: they come when all is written, and delay nothing.
            for snapshot, event in told:
                await self._cluster.record_event(snapshot, event)
        raise Unsettled(f"{key} is not settled after {MOST_PASSES} passes")

    async def _observe(self, key: Key) -> Observation | None:
        snapshot = await self._cluster.snapshot(key)
        if snapshot is None:
            return None
        now = self._clock.now()
        due = self._due(snapshot, now)
        measurements = self._measurements.take(key, due)
        # While answers are on their way, what the last ones said stands: many ask at once, and one is answered first.
        if measurements.keys() == due.keys():
            breaching = {} if isinstance(snapshot.spec, Invalid) else suspicions(snapshot.spec.analysis, measurements)
            self._breaker.note(key, breaching, now)
        distrusted = self._breaker.distrusted(now)
        return Observation(now, snapshot, measurements, self._refusals.get(key), distrusted)

    def _due(self, snapshot: Snapshot, now: datetime) -> dict[str, RangeQuery]:
        if isinstance(snapshot.spec, Invalid) or snapshot.deleting:
            return {}
        return due_measurements(snapshot.key, snapshot.spec, snapshot.status, now)

    async def _carry_out(self, seen: Observation, decision: Decision) -> bool:
        try:
            return await act(self._cluster, seen.snapshot, decision)
        except Refused as error:
            application = next((each for each in decision.actions if isinstance(each, ApplyWorkload)), None)
            if application is None:
                raise
            retry_at = seen.now + RETRY_REFUSED_AFTER
            self._refusals[seen.snapshot.key] = Refusal(application.manifest_hash, str(error), retry_at)
            return True

    def _forget(self, key: Key) -> None:
        self._measurements.forget(key)
        self._breaker.forget(key)
        self._refusals.pop(key, None)
        self._observer.decided(key, None, None)
