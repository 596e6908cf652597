"""A registry, a cluster, and a process that syncs them, with a clock that tests set."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from pennant.kube.events import EventRecorder
from pennant.sync.config import RegistrySettings
from pennant.sync.moved import Moves
from pennant.sync.registry import RegistrySync
from pennant.sync.tags import Tags
from pennant.sync.telemetry import Telemetry
from pennant.sync.telling import Teller
from pennant.sync.versions import Versions
from unit.core.builders import NOON
from unit.sync.living_mlflow import LivingMlflow
from unit.sync.memory_api import NAMESPACE, MemoryApi

POLL, RESYNC = 60.0, 600.0


@dataclass
class Clock:
    """Implements the clock of the process and its monotonic one."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(minutes=5, seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class World:
    mlflow: LivingMlflow = field(default_factory=LivingMlflow)
    cluster: MemoryApi = field(default_factory=MemoryApi)
    clock: Clock = field(default_factory=Clock)
    telemetry: Telemetry = field(init=False)

    def __post_init__(self) -> None:
        self.telemetry = Telemetry(self.clock)

    def settings(self, **fields: Any) -> RegistrySettings:
        known = {"name": "mlflow", "kind": "mlflow", "namespace": NAMESPACE, "pollSeconds": POLL}
        return RegistrySettings.model_validate({**known, **fields})

    def sync(self, cluster: MemoryApi | None = None, **fields: Any) -> RegistrySync:
        """Return a process that has just started."""
        settings, api = self.settings(**fields), cluster or self.cluster
        versions = Versions(api.client, NAMESPACE, RESYNC, self.clock.monotonic)
        moves = Moves(settings, EventRecorder(api.client, self.clock), self.telemetry)
        tags = Tags(api.client, versions, settings.manager, moves.moved)
        teller = Teller(settings.name, self.telemetry)
        return RegistrySync(settings, versions, tags, teller, self.clock, self.clock.monotonic, self.mlflow.opened)

    async def later(self, sync: RegistrySync, seconds: float = POLL) -> None:
        """Poll again when this time has passed."""
        self.clock.seconds += seconds
        await sync.poll()

    def forget(self) -> None:
        """Count requests from now on."""
        self.mlflow.asked.clear()
        self.cluster.asked.clear()

    def failing(self, what: str) -> float:
        value = self.telemetry.registry.get_sample_value("pennant_sync_failing", {"registry": "mlflow", "what": what})
        assert value is not None
        return value


@pytest.fixture
def world() -> World:
    return World()
