"""`reconcile(key)`: observe, decide and act, until there is nothing left to write."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from pennant.api.deployment_status import MetricStatus
from pennant.controller.act import WriteFailed
from pennant.controller.archiver import Archiver
from pennant.controller.held_statuses import HeldStatuses
from pennant.controller.leadership_gaps import LeadershipGaps
from pennant.controller.measurement_cache import MeasurementCache
from pennant.controller.refusals import Refusals
from pennant.controller.source_breaker import SourceBreaker, SourceReport
from pennant.controller.steady_keys import SteadyKeys
from pennant.core.analysis.assessment import suspicions
from pennant.core.analysis.schedule import compared_with, due_measurements, next_check_at
from pennant.core.decide import decide
from pennant.core.facts.decision import Decision, Event
from pennant.core.facts.in_place import current
from pennant.core.facts.measurement import Awaited, Measurements, Question, Request, of_checks
from pennant.core.facts.observation import Invalid, Key, Observation, Snapshot, Span
from pennant.core.facts.pods import Pods
from pennant.core.rollout import steady
from pennant.core.rollout.progress import revision_to_look_at
from pennant.ports import Clock, Cluster, Refused

MAX_PASSES = 12
"""Passes of one `reconcile`.

A promotion takes three: two that write (ControllerRevision, Deployment and status; progress annotation of the previous
revision) and one that finds nothing to write. A rollback takes one more, which writes the quarantine.
"""
EVENTS_TIMEOUT_SECONDS = 3.0
"""Timeout of the Events of one `reconcile`; `/livez` allows 10 s beyond the timeout of a pass."""
_log = logging.getLogger(__name__)


class PassObserver(Protocol):
    """Metrics of passes."""

    def decided(self, key: Key, observation: Observation | None, decision: Decision | None) -> None:
        """Record a pass; without an observation the ModelDeployment was deleted."""
        ...

    def checked(self, key: Key, measurements: Measurements, metrics: Sequence[MetricStatus]) -> None:
        """Record checks that needed no pass."""
        ...

    def failed(self, kind: str) -> None:
        """Count an error of this kind; the only one is `refused`, a write that the API server refused."""
        ...


class Unsettled(Exception):
    """`MAX_PASSES` passes in a row had something to write.

    The objects keep changing, such as a tag that is moved back and forth or many pods that become ready, or something
    reverts each write. Other keys come first before this one continues.
    """


class Reconciler:
    """Reconciles ModelDeployments, one key at a time."""

    def __init__(
        self,
        cluster: Cluster,
        measurements: MeasurementCache,
        clock: Clock,
        observer: PassObserver,
        breaker: SourceBreaker,
        gaps: LeadershipGaps | None = None,
        fetch_image: str = "",
        archiver: Archiver | None = None,
        held: HeldStatuses | None = None,
        steady_keys: SteadyKeys | None = None,
        *,
        four_eyes: bool = False,
    ) -> None:
        """Read and write through `cluster`, measure through `measurements`, and report each pass to `observer`.

        `fetch_image` is the image that fetches artefacts in pods; empty: it is not known. Without an `archiver` the
        history is in the cluster alone. `four_eyes` is as in `Observation`. The caller notes each change of an
        object in `steady_keys`.
        """
        self._cluster = cluster
        self._measurements = measurements
        self._clock = clock
        self._observer = observer
        self._breaker = breaker
        self._gaps = gaps or LeadershipGaps()
        self._archiver = archiver
        self._refusals = Refusals(observer)
        self._fetch_image = fetch_image
        self._four_eyes = four_eyes
        self._held = held or HeldStatuses()
        self._steady = steady_keys or SteadyKeys()

    async def reconcile(self, key: Key) -> datetime | None:
        """Run passes until nothing is left to write; return when to reconcile again, None: when an object changes.

        Raises `Unsettled`, and `Conflict`, `Unavailable` and `Refused` as the cluster does. Events are recorded in
        any case, after the last write.
        """
        if (next_at := self._checked(key)) is not None:
            return next_at
        self._steady.begin(key)
        events: list[tuple[Snapshot, Event]] = []
        try:
            for _ in range(MAX_PASSES):
                stored = await self._cluster.snapshot(key)
                if stored is None:
                    self._forget(key)
                    return None
                observation = await self._observe(stored, self._held.shown(stored))
                decision = self._held.released(stored, decide(observation))
                if (until := self._held.waits_until(stored, decision, observation.now)) is not None:
                    self._observer.decided(key, observation, decision)
                    events += [(stored, each) for each in decision.events]
                    look_again_at = self._refusals.look_again_at(key, decision.look_again_at)
                    return min(until, look_again_at or until)
                observation = replace(observation, snapshot=stored)
                try:
                    defers = self._held.defers(stored, decision)
                    acted = await self._refusals.act(self._cluster, observation, decision, defers_status=defers)
                except (Refused, WriteFailed) as error:
                    instead = self._refusals.events(observation, decision, error)
                    events += [(observation.snapshot, each) for each in instead]
                    raise
                if acted is None:
                    continue
                if acted.deferred is None:
                    self._held.written(key)
                else:
                    self._held.defer(stored, acted.deferred, observation.now)
                self._gaps.mark_accounted(key)
                self._observer.decided(key, observation, decision)
                events += [(observation.snapshot, each) for each in decision.events]
                if not acted.written:
                    until = self._refusals.look_again_at(key, decision.steady_until)
                    self._steady.end(stored, until, is_steady=decision.is_steady)
                    return self._refusals.look_again_at(key, decision.look_again_at)
        finally:
            await self._record_events(key, events)
        raise Unsettled(f"there was something to write in each of {MAX_PASSES} passes")

    def _checked(self, key: Key) -> datetime | None:
        """Return when a steady key is checked next, if its newest checks say what the last ones did.

        None: it needs a pass.

        Rule: R226.
        """
        now = self._clock.now()
        found = self._steady.get(key, now)
        if found is None or isinstance(found.snapshot.spec, Invalid) or self._gaps.pending(key):
            return None
        known, spec = found.snapshot, found.snapshot.spec
        measurements = self._measurements.take(key, self._due(known, now))
        metrics = steady.confirmed(known, measurements, now)
        active = current(known.status.history)
        if metrics is None or active is None:
            return None
        self._observer.checked(key, measurements, metrics)
        times = (next_check_at(spec.analysis, active, now), found.until)
        return min((each for each in times if each is not None), default=None)

    async def _record_events(self, key: Key, events: Iterable[tuple[Snapshot, Event]]) -> None:
        """Record Events; those that take longer than `EVENTS_TIMEOUT_SECONDS` are lost."""
        try:
            async with asyncio.timeout(EVENTS_TIMEOUT_SECONDS):
                for snapshot, event in events:
                    await self._cluster.record_event(snapshot, event)
        except TimeoutError:
            _log.warning("Events were not recorded in time", extra={"key": key, "seconds": EVENTS_TIMEOUT_SECONDS})

    @property
    def failing(self) -> int:
        """Number of ModelDeployments with a write that has failed for a minute."""
        return self._refusals.failing

    async def _observe(self, stored: Snapshot, snapshot: Snapshot) -> Observation:
        """Return the whole input of one decision from `snapshot`, which may have a held status; `stored` has none."""
        key, now = snapshot.key, self._clock.now()
        measurements = self._measurements.take(key, self._due(snapshot, now))
        # A report is complete once every metric has an answer; until then the report before it counts.
        if not any(isinstance(each.answer, Awaited) for each in of_checks(measurements)):
            self._breaker.note(key, _source_report(snapshot, measurements), now)
        suspect = self._breaker.suspect_sources(key, now)
        gaps = self._gaps.pending(key)
        pods = await self._pods(snapshot, gaps, now)
        refusals, failing = self._refusals.of(key, now)
        archived = None if self._archiver is None else self._archiver.take(stored)
        image, apart = self._fetch_image, self._four_eyes
        return Observation(now, snapshot, measurements, refusals, failing, suspect, gaps, pods, image, archived, apart)

    async def _pods(self, snapshot: Snapshot, gaps: tuple[Span, ...], now: datetime) -> Pods | None:
        """Return the pods of the current revision; None where neither the verdict nor a message depends on them."""
        entry = revision_to_look_at(snapshot, gaps, now)
        return await self._cluster.pods(snapshot, entry.template_hash) if entry is not None else None

    def _due(self, snapshot: Snapshot, now: datetime) -> Mapping[Question, Request]:
        if isinstance(snapshot.spec, Invalid) or snapshot.deleting or snapshot.unreadable is not None:
            return {}
        return due_measurements(snapshot.key, snapshot.spec, snapshot.status, now, self._measurements.hinted_at)

    def _forget(self, key: Key) -> None:
        self._measurements.forget(key)
        self._breaker.forget(key)
        self._gaps.forget(key)
        self._refusals.forget(key)
        self._held.written(key)
        self._steady.changed(key)
        self._observer.decided(key, None, None)


def _source_report(snapshot: Snapshot, measurements: Measurements) -> SourceReport:
    """Return what the newest checks of the current revision say of each metric source."""
    history = snapshot.status.history
    active = current(history)
    if isinstance(snapshot.spec, Invalid) or active is None:
        return SourceReport("", False, {})
    pair = (active.digest, active.template_hash)
    was_verified = any(each.verified_at is not None and (each.digest, each.template_hash) == pair for each in history)
    stable = compared_with(snapshot.status, active)
    breaches = suspicions(snapshot.spec.analysis, active, stable, measurements)
    return SourceReport(active.digest, was_verified, breaches)
