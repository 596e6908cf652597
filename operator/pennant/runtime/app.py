"""The composition root: builds every object, hands it over, and ends the process when any part of it ends."""

import asyncio
import gc
import logging
import os
import random
import signal
import socket
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import kopf

from pennant import __version__
from pennant.controller.absences import Absences
from pennant.controller.measurement_cache import Measurements
from pennant.controller.reconciler import Reconciler
from pennant.controller.source_breaker import SourceBreaker
from pennant.controller.version_reconciler import VersionReconciler
from pennant.core.analysis.schedule import reads_alerts
from pennant.kube.cache.listing import relist
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.cache.store import Store
from pennant.kube.cache.version_index import VersionIndex
from pennant.kube.cluster import KubernetesCluster
from pennant.kube.events import EventRecorder
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.errors import NotServed
from pennant.kube.http.resources import Kind
from pennant.kube.leases import Leases
from pennant.kube.permissions import described, missing, to_be_elected, to_serve
from pennant.kube.presence import OWN, Presence
from pennant.kube.versions import KubernetesVersions
from pennant.metrics.config import load
from pennant.ports import Refused, Unavailable
from pennant.runtime import logs, watches
from pennant.runtime.alert_webhook import AlertWebhook
from pennant.runtime.health import Health, LoopLag, alive, ready
from pennant.runtime.leader_election import AlwaysLeader, Elector, Timing
from pennant.runtime.resync import Resync
from pennant.runtime.settings import Settings
from pennant.runtime.telemetry import Telemetry, VersionTelemetry
from pennant.runtime.workers import LowPriority, Workers
from pennant.runtime.workqueue import WorkQueue

CREDENTIALS_SECONDS = 10.0
# A pod template is open, and the API server takes objects of up to 10,000 levels: one of them, in a list or a watch
# that cannot be read, would end this process again and again.
DEEPEST_CALLS = 12_000
SHUTDOWN_SECONDS = 5.0
# A page of a list is 100,000 objects to Python, and by default each 700 of them are looked at for rubbish.
BETWEEN_COLLECTIONS = 50_000
_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's time, in UTC and whole milliseconds: what a status can hold."""

    def now(self) -> datetime:
        """Return the time."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class CannotStart(Exception):
    """The process cannot do its work; the message says what to mend."""


def run(settings: Settings) -> int:
    """Run the operator until a signal or until a part of it ends; return the exit code."""
    logs.configure(settings.log_format, settings.log_level)
    sys.setrecursionlimit(DEEPEST_CALLS)
    gc.set_threshold(BETWEEN_COLLECTIONS)
    try:
        return asyncio.run(Operator(settings).run())
    except CannotStart as error:
        _log.error("Cannot start: %s", error)
        return 1


class Operator:
    """One process of the operator."""

    def __init__(self, settings: Settings) -> None:
        """Build what needs no running loop."""
        self._settings = settings
        self._clock = SystemClock()
        self._jitter = random.Random()
        self._telemetry = Telemetry()
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Run until told to stop; return the exit code."""
        connection = await self._connected()
        self._handle_signals()
        sources = load(self._settings.metric_sources, self._telemetry.queried)
        queue, version_queue = (self._queue(each) for each in (self._settings.workers, self._settings.version_workers))
        queues = {Kind.MODEL_DEPLOYMENT: queue, Kind.MODEL_VERSION: version_queue}
        store = Store(VersionIndex(version_queue.news), queue.news)
        leases = Leases(connection, self._lease_namespace(connection), self._settings.lease_name)
        absences = Absences()
        elector = self._elector(leases, absences)

        def permit() -> bool:
            return elector.is_leading

        presence = Presence()

        client = Client(connection, permit=permit, observed=self._telemetry.requested, absent=presence.lost)
        cache = ReadThroughCache(client, store, self._settings.namespace)
        recorder = EventRecorder(client, self._clock, socket.gethostname())
        measurements = Measurements(sources, self._clock, queue.add)
        breaker = SourceBreaker(
            self._settings.mass_breach_count,
            self._settings.mass_breach_percent,
            partial(store.count, Kind.MODEL_DEPLOYMENT),
        )
        reconciler = Reconciler(
            KubernetesCluster(client, cache, recorder), measurements, self._clock, self._telemetry, breaker, absences
        )
        workers = Workers(queue, reconciler, self._clock, self._telemetry)
        versions = VersionReconciler(KubernetesVersions(client, cache, recorder), self._clock)
        # Of their own, and considerate: ten thousand versions must delay no promotion.
        version_workers = Workers(
            version_queue, LowPriority(versions, queue), self._clock, VersionTelemetry(self._telemetry)
        )
        events, lag = watches.EventCounter(), LoopLag()
        resync = Resync(
            partial(relist, client, store, self._settings.namespace),
            self._telemetry,
            self._settings.resync_seconds,
            self._jitter,
            lambda: events.count,
            partial(_in_turn, presence.complete, events.open),
        )
        events.on_renewal(resync.soon)
        failing = {Kind.MODEL_DEPLOYMENT: lambda: reconciler.failing, Kind.MODEL_VERSION: lambda: versions.failing}
        health = self._health((workers, version_workers), resync, lag, queues, failing, presence)
        webhook = self._webhook(store, queue, measurements, permit)
        look_anew = partial(_look_anew, store, queues)
        leading = asyncio.Event()

        def lead() -> None:
            _log.info("Leading", extra={"identity": _identity()})
            self._telemetry.led(True)
            look_anew()
            leading.set()

        async def work(those: Workers, count: int) -> None:
            await resync.filled.wait()
            # Thousands of long-lived objects need not be looked at by each garbage collection.
            gc.collect()
            gc.freeze()
            await leading.wait()
            await those.run(count, lambda: permit() and presence.is_complete)

        try:
            await self._listen(health, webhook)
            parts: dict[str, Coroutine[Any, Any, None]] = {
                "loop lag": lag.run(),
                # Ten thousand objects keep the process busy for seconds, in which nobody would lead.
                "resync": _in_turn(elector.tried.wait, resync.run),
                "workers": work(workers, self._settings.workers),
                "version workers": work(version_workers, self._settings.version_workers),
                "election": elector.run(lead),
                "crds": presence.run(client, self._settings.namespace, look_anew),
            }
            return await self._supervise(parts, self._watch(connection, store, events, presence, client))
        finally:
            for each in queues.values():
                each.close()
            await measurements.aclose()
            for server in (health, webhook):
                await server.stop()
            for connected in (client, leases):
                await connected.close()
            await sources.aclose()

    async def _listen(self, health: Health, webhook: AlertWebhook) -> None:
        settings = self._settings
        for server, address, port, flag in (
            (health, settings.listen_address, settings.port, "--port"),
            (webhook, settings.alert_webhook_address, settings.alert_webhook_port, "--alert-webhook-port"),
        ):
            if not port:
                continue
            try:
                await server.start(address, port)
            except OSError as error:
                problem = f"cannot listen on {address}:{port} ({error.strerror}); choose another {flag}"
                raise CannotStart(problem) from error

    async def _connected(self) -> Connection:
        """Return a connection that works and may do its work: kopf would try for ever with one that does not."""
        try:
            connection = Connection(self._settings.kubeconfig, self._settings.context)
            async with asyncio.timeout(CREDENTIALS_SECONDS), Client(connection) as client:
                await self._authorized(client, connection)
                for kind in OWN:
                    # A kind that is not served yet is waited for.
                    with suppress(NotServed):
                        await client.probe(kind, self._settings.namespace)
        except (Unavailable, TimeoutError) as error:
            reason = str(error) or f"no answer within {CREDENTIALS_SECONDS:g} s"
            raise CannotStart(f"the API server cannot be used: {reason}") from error
        _log.info("Starting", extra={"version": __version__, "server": connection.server})
        return connection

    async def _authorized(self, client: Client, connection: Connection) -> None:
        settings = self._settings
        rights = list(to_serve(settings.namespace))
        if settings.leader_election:
            rights += to_be_elected(self._lease_namespace(connection), settings.lease_name)
        try:
            lacking = await missing(client, rights)
        except Refused as error:
            _log.warning("Whether all rights are granted cannot be asked", extra={"error": str(error)})
            return
        if lacking:
            raise CannotStart(
                f"rights are missing: {described(lacking)}; the roles of the chart grant them (rbac.create)"
            )

    async def _supervise(self, parts: dict[str, Coroutine[Any, Any, None]], watch: Coroutine[Any, Any, None]) -> int:
        """Run all parts; when one ends, or a signal comes, end them all."""
        # kopf ends every task that is younger than itself, so it comes last.
        tasks = {asyncio.create_task(part, name=name) for name, part in parts.items()}
        tasks.add(asyncio.create_task(watch, name="watch"))
        stop = asyncio.create_task(self._stopping.wait(), name="signal")
        done, _ = await asyncio.wait({*tasks, stop}, return_when=asyncio.FIRST_COMPLETED)
        code = 0 if self._stopping.is_set() else 1
        for task in done - {stop}:
            logs.explain(task)
        self._telemetry.led(False)
        for task in (*tasks, stop):
            task.cancel()
        _, left = await asyncio.wait({*tasks, stop}, timeout=SHUTDOWN_SECONDS)
        for task in left:
            _log.warning("A part did not stop in time", extra={"part": task.get_name()})
        _log.info("Stopped", extra={"code": code})
        if left:
            # Waiting longer would only let Kubernetes do it less gently.
            logging.shutdown()
            os._exit(code)
        return code

    async def _watch(
        self, connection: Connection, store: Store, events: watches.EventCounter, presence: Presence, client: Client
    ) -> None:
        # kopf looks but once which kinds there are.
        await presence.seen(client)
        registry = watches.register(store, events, partial(presence.look, client))
        watches.log_in(registry, connection, self._clock.now, watches.Patience(presence), watches.EmptyLists(events))
        namespaces = [self._settings.namespace] if self._settings.namespace else []
        ours = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry, settings=watches.settings(), clusterwide=not namespaces, namespaces=namespaces
        )
        # kopf has just taken the signals for itself.
        self._handle_signals()
        await kopf.run_tasks(tasks, ignored=ours)

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stop)

    def _stop(self) -> None:
        if self._stopping.is_set():
            # The second signal: somebody does not want to wait.
            os._exit(1)
        _log.info("Stopping")
        self._stopping.set()

    def _queue(self, workers: int) -> WorkQueue:
        return WorkQueue(self._jitter, max(1, workers // 2))

    def _health(
        self,
        workers: Iterable[Workers],
        resync: Resync,
        lag: LoopLag,
        queues: Mapping[Kind, WorkQueue],
        failing: Mapping[Kind, Callable[[], int]],
        presence: Presence,
    ) -> Health:
        def look() -> None:
            for kind, each in queues.items():
                self._telemetry.queued(kind, each.depth, each.oldest_seconds)
                self._telemetry.failing(kind, failing[kind]())

        return Health(
            alive=alive(lag, tuple(workers), resync, self._settings.resync_seconds, presence),
            ready=ready(resync, presence),
            registry=self._telemetry.registry,
            before_scrape=look,
        )

    def _webhook(
        self, store: Store, queue: WorkQueue, measurements: Measurements, is_leading: Callable[[], bool]
    ) -> AlertWebhook:
        def hint(names: frozenset[str]) -> None:
            measurements.hint()
            for key, spec in store.specs():
                if reads_alerts(spec.analysis, names):
                    queue.add(key)

        return AlertWebhook(self._settings.alert_webhook_token_file, hint, is_leading, self._telemetry.hinted)

    def _elector(self, leases: Leases, absences: Absences) -> Elector | AlwaysLeader:
        settings = self._settings
        if not settings.leader_election:
            return AlwaysLeader(self._clock, absences.note)
        timing = Timing(settings.lease_duration_seconds, settings.renew_deadline_seconds, settings.retry_period_seconds)
        return Elector(leases, _identity(), self._clock, timing, self._jitter, absences.note)

    def _lease_namespace(self, connection: Connection) -> str:
        return self._settings.lease_namespace or connection.namespace


def _look_anew(store: Store, queues: Mapping[Kind, WorkQueue]) -> None:
    """Have every object looked at; what is cached may be old, so the first look at each is a fresh one."""
    store.mark_all_stale()
    for kind, each in queues.items():
        for key in store.keys(kind):
            each.add(key)


async def _in_turn(*parts: Callable[[], Awaitable[object]]) -> None:
    for each in parts:
        await each()


_PROCESS = uuid.uuid4().hex[:8]


def _identity() -> str:
    return f"{socket.gethostname()}_{_PROCESS}"
