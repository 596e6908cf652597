"""kopf as an event source and nothing more: each watch event goes to the store.

Only `on.event` handlers are registered, and they return nothing, so kopf writes no annotation, finalizer or status.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import kopf

from pennant.kube.cache.store import Store
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import Kind
from pennant.kube.presence import OWN, Presence
from pennant.ports import Clock, Unavailable
from pennant.runtime.kopf_session import WATCHED, WaitForCrds, WatchOnly, log_in
from pennant.runtime.kopf_settings import NoMemories, settings

WATCH_START_SECONDS = 30.0


class WatchState:
    """The number of events received, and which kinds are watched."""

    def __init__(self) -> None:
        """Start with no event and no watch."""
        self.events = 0
        """Events received so far, over all kinds."""
        self._pending = set(WATCHED)
        self._all_started = asyncio.Event()
        self._on_restart: list[Callable[[], None]] = []

    def received(self) -> None:
        """Count one event."""
        self.events += 1

    def on_restart(self, callback: Callable[[], None]) -> None:
        """Call `callback` when a watch starts again: events may have been missed in between."""
        self._on_restart.append(callback)

    def started(self, kind: Kind) -> None:
        """Note that the watch of a kind starts: every change from now on is received."""
        if self._all_started.is_set():
            for each in self._on_restart:
                each()
        self._pending.discard(kind)
        if not self._pending:
            self._all_started.set()

    async def wait_started(self) -> None:
        """Wait until all kinds are watched, at most `WATCH_START_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WATCH_START_SECONDS):
                await self._all_started.wait()


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of all kinds in `WATCHED`."""

    connection: Connection
    client: Client
    store: Store
    state: WatchState
    presence: Presence
    clock: Clock
    namespace: str
    """Namespace to watch; empty: all."""

    async def run(self, spawned: Callable[[], None]) -> None:
        """Watch until cancelled or until kopf ends.

        `spawned` is called once kopf's tasks exist: kopf has installed signal handlers of its own by then.
        """
        # kopf looks for the kinds only once.
        await self.presence.seen(self.client)
        registry = register(self.store, self.state, partial(self.presence.look, self.client))
        log_in(registry, self.connection, self.clock, WaitForCrds(self.presence), WatchOnly(self.state.started))
        namespaces = [self.namespace] if self.namespace else []
        # kopf cancels every task that it did not find at its start.
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings(),
            clusterwide=not namespaces,
            namespaces=namespaces,
            memories=NoMemories(),
        )
        spawned()
        await kopf.run_tasks(tasks, ignored=others)


def register(store: Store, state: WatchState, check_crds: Callable[[], Awaitable[None]]) -> kopf.OperatorRegistry:
    """Return a registry with one event handler for each kind.

    `check_crds` runs before a deletion of one of the operator's kinds is passed on: the API server deletes all objects
    of a kind with its CustomResourceDefinition, and those deletions must not count. It may raise `Unavailable`.
    """
    registry = kopf.OperatorRegistry()

    def watch(kind: Kind) -> None:
        async def on_event(event: Mapping[str, Any], **_: Any) -> None:
            state.received()
            if event["type"] == "DELETED" and kind in OWN:
                with suppress(Unavailable):
                    await check_crds()
            store.update(kind, event["type"], event["object"])

        kopf.on.event(*WATCHED[kind], id=f"watch-{kind}", registry=registry)(on_event)

    for kind in WATCHED:
        watch(kind)
    return registry
