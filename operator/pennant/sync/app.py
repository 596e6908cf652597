"""The process of `pennant sync`, from its settings to its exit code, and the composition root.

One replica is enough: a poll that comes late loses nothing. Two at the same time do no harm, because a version is
created once, and each write of a tag has a precondition. So there is no leader election.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

from pennant.kube.events import EventRecorder
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.kube.permissions import Right, to_sync
from pennant.ports import Clock
from pennant.runtime import logs
from pennant.runtime.app import SystemClock
from pennant.runtime.health import Health, LoopLag, loop
from pennant.runtime.http_server import listen
from pennant.runtime.preflight import CannotStart, check_permissions, connected
from pennant.runtime.signals import StopSignal
from pennant.runtime.supervisor import supervise
from pennant.sync.config import RegistrySettings, SyncFile, load
from pennant.sync.moved import Moves
from pennant.sync.poller import Poller
from pennant.sync.registry import RegistrySync
from pennant.sync.settings import SyncSettings
from pennant.sync.tags import Tags
from pennant.sync.telemetry import Telemetry
from pennant.sync.telling import Teller
from pennant.sync.versions import Versions
from pennant.sync.webhook import Webhook

CONTROLLER = "pennant.dev/sync"
_log = logging.getLogger(__name__)


def run(settings: SyncSettings) -> int:
    """Run until a signal is received or a task ends; return the exit code. Raises `ConfigError`."""
    logs.configure(settings.log_format, settings.log_level)
    file = load(settings.config)
    try:
        return asyncio.run(_run(settings, file))
    except CannotStart as error:
        _log.error("Cannot start: %s", error)
        return 1


async def _run(settings: SyncSettings, file: SyncFile) -> int:
    stop = StopSignal()
    stop.install()
    connection = await connected(
        settings.kubeconfig, settings.context, lambda client, _: check_permissions(client, _required(file))
    )
    process = Sync(settings, file, connection, SystemClock())
    try:
        await process.listen()
        return await supervise(process.coroutines(), stop)
    finally:
        await process.close()


def _required(file: SyncFile) -> Iterator[Right]:
    moves = {each.namespace: False for each in file.registries}
    for each in file.registries:
        moves[each.namespace] |= bool(each.aliases)
    for namespace, moves_tags in moves.items():
        yield from to_sync(namespace, moves_tags=moves_tags)


class Sync:
    """All objects of one process."""

    def __init__(self, settings: SyncSettings, file: SyncFile, connection: Connection, clock: Clock) -> None:
        """Build the objects; nothing runs and nothing is sent yet."""
        self._settings, self._file, self._clock = settings, file, clock
        self._telemetry = Telemetry(clock)
        self._client = Client(connection, observed=self._telemetry.requested)
        self._recorder = EventRecorder(self._client, clock, socket.gethostname(), CONTROLLER)
        self._jitter = random.Random()
        self._versions = {
            each.namespace: Versions(self._client, each.namespace, file.resync_seconds, _seconds)
            for each in file.registries
        }
        self._pollers = {each.name: self._poller(each) for each in file.registries}
        self._lag = LoopLag()
        self._health = Health({"loop": loop(self._lag)}, {"versions": self._listed}, self._telemetry.registry, _nothing)
        hints = {each.name: (each, self._pollers[each.name].hint) for each in file.registries}
        self._webhook = Webhook(hints, clock, self._telemetry.hinted)

    def coroutines(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """Return what runs, by name."""
        for each in self._file.registries:
            self._telemetry.began(each.name, each.poll_seconds)
        polls = {f"poll {name}": each.run() for name, each in self._pollers.items()}
        return {"loop lag": self._lag.run(), **polls}

    async def listen(self) -> None:
        """Start the HTTP servers; raises `CannotStart` where an address is in use."""
        settings = self._settings
        places = (
            (self._health, settings.listen_address, settings.port, "--port"),
            (self._webhook, settings.webhook_address, settings.webhook_port, "--webhook-port"),
        )
        await listen(places)

    async def close(self) -> None:
        """Stop the servers and close all connections."""
        for server in (self._health, self._webhook):
            await server.stop()
        await self._client.close()

    def _poller(self, settings: RegistrySettings) -> Poller:
        versions, teller = self._versions[settings.namespace], Teller(settings.name, self._telemetry)
        moves = Moves(settings, self._recorder, self._telemetry)
        tags = Tags(self._client, versions, settings.manager, moves.moved)
        registry = RegistrySync(settings, versions, tags, teller, self._clock, _seconds)
        poller = Poller(settings, registry, self._telemetry, self._jitter)
        registry.again = poller.hint
        return poller

    def _listed(self) -> str:
        waiting = [name for name, each in self._versions.items() if not each.is_listed]
        return f"the versions in namespace {waiting[0]} are not listed yet" if waiting else ""


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _nothing() -> None:
    """Do nothing before a scrape."""
