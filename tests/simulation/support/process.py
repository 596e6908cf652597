"""One process of the operator in a simulated world: its memory, and when it reconciles."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pennant.api.deployment_status import MetricStatus
from pennant.controller.archiver import Archiver
from pennant.controller.held_statuses import HeldStatuses
from pennant.controller.leadership_gaps import LeadershipGaps
from pennant.controller.measurement_cache import MeasurementCache
from pennant.controller.reconciler import Reconciler
from pennant.controller.source_breaker import SourceBreaker
from pennant.controller.steady_keys import SteadyKeys
from pennant.core.analysis.schedule import due_measurements
from pennant.core.facts.decision import Decision
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.observation import Invalid, Key, Observation
from pennant.metrics.prometheus import PrometheusApi, PrometheusSource
from pennant.ports import Archive, Conflict, Unavailable
from simulation.support.world import WorldCluster

MOST_ROUNDS = 50
MOST_CONFLICTS = 20
TURNS_TO_AN_ANSWER = 8


class NoTelemetry:
    """Takes no note of the passes."""

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        pass

    def checked(self, key: Key, measurements: Measurements, metrics: Sequence[MetricStatus]) -> None:
        pass

    def failed(self, kind: str) -> None:
        pass

    def archived(self, result: str, count: int = 1) -> None:
        pass


class Process:
    """Reconciles a key when an object of it changed, an answer came, or the time is over that the last pass asked for.

    Nothing else causes a pass, so tests also show that passes ask for the right time.
    """

    def __init__(
        self,
        cluster: WorldCluster,
        servers: Mapping[str, PrometheusApi],
        mass_breach_count: int = 0,
        archive: Archive | None = None,
        longest_wait: timedelta = timedelta(0),
        others_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        self.world = world = cluster.world
        self.sources = {name: PrometheusSource(server, world) for name, server in servers.items()}
        self.cluster = cluster
        self.measurements = MeasurementCache(self.sources, world, self._wake)
        breaker = SourceBreaker(mass_breach_count, 50, lambda: len(world.records))
        self.gaps = LeadershipGaps()
        self.steady_keys = SteadyKeys()
        self.archiver = None if archive is None else Archiver(archive, world, self._wake, NoTelemetry())
        self.reconciler = Reconciler(
            self.cluster,
            self.measurements,
            world,
            NoTelemetry(),
            breaker,
            self.gaps,
            archiver=self.archiver,
            fetch_image="registry.example/pennant:1",
            held=HeldStatuses(longest_wait, others_wait),
            steady_keys=self.steady_keys,
        )
        self._woken: set[Key] = set()
        self._later: dict[Key, datetime] = {}

    async def aclose(self) -> None:
        """End what is under way."""
        await self.measurements.aclose()
        if self.archiver is not None:
            await self.archiver.aclose()
        for each in self.sources.values():
            await each.aclose()

    async def settle(self) -> None:
        """Reconcile until no key is due."""
        # An answer that took its time may have come since.
        for _ in range(TURNS_TO_AN_ANSWER):
            await asyncio.sleep(0)
        for _ in range(MOST_ROUNDS):
            due = self.due()
            if not due:
                return
            for key in due:
                await self.reconcile(key)
            # The answers of the metric sources come, those about alerts by way of several tasks.
            for _ in range(TURNS_TO_AN_ANSWER):
                await asyncio.sleep(0)
        raise AssertionError("the operator does not come to rest:\n" + "\n".join(self.world.trace[-20:]))

    def hint(self) -> None:
        """Hear that alerts have changed, as from Alertmanager."""
        self.measurements.hint()
        self._woken |= self.world.records.keys()

    def due(self) -> list[Key]:
        """Return the keys that are due."""
        keys = sorted({*self.world.records, *self.cluster.seen})
        return [key for key in keys if self._is_due(key)]

    async def reconcile(self, key: Key) -> None:
        """Reconcile a key, and again after each write that failed."""
        for _ in range(MOST_CONFLICTS):
            self._woken.discard(key)
            self._later.pop(key, None)
            try:
                look_again_at = await self.reconcile_once(key)
            except (Conflict, Unavailable):
                continue
            if look_again_at is not None:
                self._later[key] = look_again_at + self.world.behind
            return
        raise AssertionError(f"{key} meets conflicts for ever:\n" + "\n".join(self.world.trace[-20:]))

    async def reconcile_once(self, key: Key) -> datetime | None:
        """Hear what has changed, and reconcile a key; return and raise as `Reconciler.reconcile` does."""
        if self.cluster.view(key) != self.cluster.seen.get(key):
            self.steady_keys.changed(key)
        look_again_at = await self.reconciler.reconcile(key)
        self._assert_remembers_enough(key)
        return look_again_at

    def _assert_remembers_enough(self, key: Key) -> None:
        """What is kept of a steady key asks for the same as its whole object."""
        now, seen = self.world.now(), self.cluster.seen.get(key)
        known = self.steady_keys.get(key, now)
        if known is None or seen is None or isinstance(seen.spec, Invalid):
            return
        asked = due_measurements(key, seen.spec, known.snapshot.status, now)
        assert asked == due_measurements(key, seen.spec, seen.status, now)

    def _wake(self, key: Key) -> None:
        self._woken.add(key)

    def _is_due(self, key: Key) -> bool:
        if key in self._woken or (key in self._later and self._later[key] <= self.world.steady):
            return True
        return self.cluster.view(key) != self.cluster.seen.get(key)
