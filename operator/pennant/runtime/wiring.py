"""The composition root: builds every object of the process and connects them by their constructors.

Read `Operator.__init__` first. `Operator.coroutines` returns the tasks of the process.
"""

import asyncio
import gc
import logging
import random
import socket
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pennant.controller.held_statuses import HeldStatuses
from pennant.controller.leadership_gaps import LeadershipGaps
from pennant.controller.measurement_cache import MeasurementCache
from pennant.controller.reconciler import Reconciler
from pennant.controller.retention import RetentionController
from pennant.controller.source_breaker import SourceBreaker
from pennant.controller.steady_keys import SteadyKeys
from pennant.controller.version_reconciler import VersionReconciler
from pennant.core.facts.observation import Key
from pennant.kube.cache.listing import resync
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.cache.store import Store, ignore_deletion
from pennant.kube.cache.version_index import VersionIndex
from pennant.kube.cluster import KubernetesCluster
from pennant.kube.events import EventRecorder
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import Kind
from pennant.kube.leases import Leases
from pennant.kube.presence import Presence
from pennant.kube.retention import KubernetesRetained
from pennant.kube.versions import KubernetesVersions
from pennant.metrics.config import load
from pennant.ports import Clock
from pennant.runtime import retention_loop
from pennant.runtime.alert_webhook import AlertWebhook
from pennant.runtime.archives import Archives, archive_at
from pennant.runtime.event_queue import EventQueue
from pennant.runtime.health import Health, LoopLag, alive, ready
from pennant.runtime.http_server import listen
from pennant.runtime.leader_election import AlwaysLeader, LeaderElector, Timing
from pennant.runtime.preflight import lease_namespace
from pennant.runtime.ready_keys import Urgency
from pennant.runtime.resync import Resync
from pennant.runtime.settings import Settings
from pennant.runtime.telemetry import Telemetry
from pennant.runtime.watches import Watches, WatchState
from pennant.runtime.workers import MAX_YIELD_SECONDS, LowPriority, Workers
from pennant.runtime.workqueue import WorkQueue

ANSWERS_TOGETHER_SECONDS = 0.5
"""How long an answer of a metric source may wait for the others of its ModelDeployment."""
STANDBY_INTERVALS = 3
"""Intervals between two lists of a standby: they find little, and cost as much as those of the leader."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Controller:
    """The workers of one kind of object, with the queue and the numbers that their metrics are made of."""

    queue: WorkQueue
    workers: Workers
    count: int
    """Number of workers."""
    failing: Callable[[], int]
    """Returns the number of objects with a write that has failed for a minute."""


WATCH = "watch"
"""The coroutine that runs kopf. At its end kopf cancels every task that started after it, also those in which aiohttp
sends the body of a request, such as the one that releases the Lease. So it starts and ends last."""


class Operator:
    """All objects of one process."""

    def __init__(self, settings: Settings, connection: Connection, clock: Clock) -> None:
        """Build the objects; nothing runs and nothing is sent yet."""
        self._settings, self._connection, self._clock = settings, connection, clock
        self._jitter = random.Random()
        self._telemetry = Telemetry()
        self._gaps = LeadershipGaps()
        self._presence = Presence()
        self._leases = Leases(
            connection,
            lease_namespace(settings, connection),
            settings.lease_name,
            observed=self._telemetry.requested,
        )
        self._identity = _new_identity()
        self._elector = self._leader_election()
        self._queue, self._version_queue = (self._work_queue(n) for n in (settings.workers, settings.version_workers))
        self._archives = self._archiving()
        self._steady_keys = SteadyKeys()
        self._store = Store(
            VersionIndex(self._version_queue.add_changed),
            self._changed,
            stamped=settings.stamped,
            gone=ignore_deletion if self._archives is None else self._archives.deletions.add,
        )
        self._client = Client(
            connection,
            permit=self._is_leading,
            observed=self._telemetry.requested,
            absent=self._presence.lost,
        )
        self._cache = ReadThroughCache(self._client, self._store, settings.namespace)
        recorder = EventRecorder(self._client, clock, socket.gethostname())
        self._events = EventQueue(recorder, clock, lambda: self._queue.wait_idle(MAX_YIELD_SECONDS))
        self._sources = load(settings.metric_sources, self._telemetry.queried, clock)
        self._measurements = MeasurementCache(
            self._sources,
            clock,
            partial(self._queue.add, urgency=Urgency.MEASURED),
            partial(self._queue.add_after, seconds=ANSWERS_TOGETHER_SECONDS, urgency=Urgency.MEASURED),
        )
        self._controllers = {
            Kind.MODEL_DEPLOYMENT: self._deployment_controller(),
            Kind.MODEL_VERSION: self._version_controller(),
        }
        self._lag, self._watch_state = LoopLag(), WatchState()
        self._resync = self._resyncing()
        self._health = self._health_server()
        self._webhook = AlertWebhook(
            settings.alert_webhook_token_file, self._hint, self._is_leading, self._telemetry.hinted
        )
        self._started_leading = asyncio.Event()

    def coroutines(self, reinstall_signals: Callable[[], None]) -> Mapping[str, Coroutine[Any, Any, None]]:
        """Return what runs, by name; `reinstall_signals` is called after kopf has installed handlers of its own."""
        settings, connection = self._settings, self._connection
        watches = Watches(
            connection, self._client, self._store, self._watch_state, self._presence, self._clock, settings.namespace
        )
        return {
            "loop lag": self._lag.run(),
            "resync": self._run_resync(),
            "workers": self._work(self._controllers[Kind.MODEL_DEPLOYMENT]),
            "version workers": self._work(self._controllers[Kind.MODEL_VERSION]),
            "events": self._events.run(),
            "retention": self._run_retention(),
            **({} if self._archives is None else {"archive": self._archives.run()}),
            "election": self._run_election(),
            "crds": self._presence.run(self._client, settings.namespace, self._requeue_all),
            WATCH: watches.run(reinstall_signals),
        }

    async def listen(self) -> None:
        """Start the HTTP servers; raises `CannotStart` where an address is in use."""
        settings = self._settings
        places = (
            (self._health, settings.listen_address, settings.port, "--port"),
            (self._webhook, settings.alert_webhook_address, settings.alert_webhook_port, "--alert-webhook-port"),
        )
        await listen(places)

    async def close(self) -> None:
        """Stop the servers and close all connections."""
        for controller in self._controllers.values():
            controller.queue.shut_down()
        await self._measurements.aclose()
        if self._archives is not None:
            await self._archives.archiver.aclose()
        for server in (self._health, self._webhook):
            await server.stop()
        for client in (self._client, self._leases):
            await client.close()
        await self._sources.aclose()

    def _is_leading(self) -> bool:
        return self._elector.is_leading

    def _leader_election(self) -> LeaderElector | AlwaysLeader:
        settings = self._settings
        if not settings.leader_election:
            return AlwaysLeader(self._clock, self._gaps.add)
        timing = Timing(settings.lease_duration_seconds, settings.renew_deadline_seconds, settings.retry_period_seconds)
        return LeaderElector(self._leases, self._identity, self._clock, timing, self._jitter, self._gaps.add)

    def _work_queue(self, workers: int) -> WorkQueue:
        return WorkQueue(self._jitter, max_retries=max(1, workers // 2), workers=workers)

    def _deployment_controller(self) -> Controller:
        settings = self._settings
        population = partial(self._store.count, Kind.MODEL_DEPLOYMENT)
        breaker = SourceBreaker(settings.mass_breach_count, settings.mass_breach_percent, population)
        cluster = KubernetesCluster(self._client, self._cache, self._events)
        archiver = None if self._archives is None else self._archives.archiver
        image = settings.fetch_image
        reconciler = Reconciler(
            cluster,
            self._measurements,
            self._clock,
            self._telemetry,
            breaker,
            self._gaps,
            image,
            archiver,
            HeldStatuses(others_wait=lambda: self._queue.depth > 0),
            self._steady_keys,
            four_eyes=settings.four_eyes,
        )
        workers = Workers(Kind.MODEL_DEPLOYMENT, self._queue, reconciler, self._clock, self._telemetry)
        return Controller(self._queue, workers, settings.workers, lambda: reconciler.failing)

    def _archiving(self) -> Archives | None:
        archive = archive_at(self._settings.archive, self._connection.server, self._clock)
        if archive is None:
            return None
        return Archives(archive, self._clock, self._queue.add, self._telemetry, self._is_leading)

    def _retention_controller(self) -> RetentionController:
        settings = self._settings
        return RetentionController(
            KubernetesRetained(self._client, self._store),
            None if self._archives is None else self._archives.versions,
            self._clock,
            self._telemetry,
            lambda: self._queue.wait_idle(MAX_YIELD_SECONDS),
            may_delete=settings.retention_deletes,
            deletes_per_second=settings.retention_deletes_per_second,
        )

    def _version_controller(self) -> Controller:
        versions = KubernetesVersions(self._client, self._cache, self._events)
        reconciler = VersionReconciler(versions, self._clock)
        low_priority = LowPriority(reconciler, self._queue, self._clock, self._store.followers)
        workers = Workers(Kind.MODEL_VERSION, self._version_queue, low_priority, self._clock, self._telemetry)
        return Controller(self._version_queue, workers, self._settings.version_workers, lambda: reconciler.failing)

    def _resyncing(self) -> Resync:
        settings, state = self._settings, self._watch_state
        resyncing = Resync(
            lambda: resync(self._client, self._store, settings.namespace, with_revisions=self._is_leading()),
            self._telemetry,
            settings.resync_seconds,
            self._jitter,
            lambda: state.events,
            self._wait_listable,
            lambda: 1 if self._is_leading() else STANDBY_INTERVALS,
        )
        state.on_restart(resyncing.request)
        return resyncing

    def _health_server(self) -> Health:
        workers = tuple(each.workers for each in self._controllers.values())
        return Health(
            alive=alive(self._lag, workers, self._resync, self._settings.resync_seconds, self._presence),
            ready=ready(self._resync, self._presence),
            registry=self._telemetry.registry,
            before_scrape=self._sample,
        )

    def _sample(self) -> None:
        """Set the metrics that are read when they are scraped."""
        if self._archives is not None:
            self._archives.sample()
        for kind, controller in self._controllers.items():
            self._telemetry.queued(kind, controller.queue.depth, controller.queue.oldest_seconds)
            self._telemetry.failing(kind, controller.failing())

    def _hint(self, names: frozenset[str]) -> None:
        """Reconcile all ModelDeployments that read an alert of these names."""
        self._measurements.hint()
        for key in self._store.readers_of_alerts(names):
            self._queue.add(key)

    def _changed(self, key: Key) -> None:
        """Reconcile a ModelDeployment of which an object has changed."""
        self._steady_keys.changed(key)
        self._queue.add_changed(key)

    def _requeue_all(self) -> None:
        """Reconcile every object, after those that change; the first snapshot of each is a quorum read."""
        self._store.mark_all_stale()
        self._steady_keys.all_changed()
        for kind, controller in self._controllers.items():
            for key in self._store.keys(kind):
                controller.queue.add(key, Urgency.DUE)

    async def _wait_listable(self) -> None:
        """Wait until all kinds are served and watched, so that no change falls between a list and its watch."""
        await self._presence.complete()
        await self._watch_state.wait_started()

    async def _run_resync(self) -> None:
        # The first list of ten thousand objects keeps the process busy for seconds, so the Lease is attempted first.
        await self._elector.attempted.wait()
        await self._resync.run()

    async def _run_retention(self) -> None:
        await self._resync.synced.wait()
        await self._started_leading.wait()
        seconds = self._settings.retention_seconds
        await retention_loop.run(self._retention_controller(), seconds, self._jitter, self._may_work)

    def _may_work(self) -> bool:
        return self._is_leading() and self._presence.is_complete

    async def _run_election(self) -> None:
        try:
            await self._elector.run(self._start_leading)
        finally:
            self._telemetry.led(False)

    def _start_leading(self) -> None:
        _log.info("Leading", extra={"identity": self._identity})
        self._telemetry.led(True)
        self._requeue_all()
        self._started_leading.set()

    async def _work(self, controller: Controller) -> None:
        await self._resync.synced.wait()
        # The objects in the store live long; garbage collections skip what is frozen.
        gc.collect()
        gc.freeze()
        await self._started_leading.wait()
        await controller.workers.run(controller.count, self._may_work)


def _new_identity() -> str:
    """Return a new holder of the Lease: the host, and a suffix that differs after each restart."""
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
