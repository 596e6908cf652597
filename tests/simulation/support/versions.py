"""The `Versions` port over a simulated world, and a process that looks at versions in any order and may die."""

from dataclasses import replace
from datetime import timedelta

from pennant.api.version_status import ModelVersionStatus
from pennant.controller.version_reconciler import VersionReconciler
from pennant.core.facts.decision import Event
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions.serving_periods import periods
from pennant.core.versions.status import VersionSeen
from pennant.ports import Conflict
from simulation.support.world import World

MOST_ROUNDS = 20


class WorldVersions:
    """What one operator process sees of the versions of a world, and writes to their statuses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[Event] = []
        self.writes: list[Key] = []

    async def version(self, key: Key) -> VersionSeen | None:
        world, where = self.world, (key.namespace, key.name)
        found = world.versions.get(where)
        if found is None:
            return None
        model, parent = found.record["model"], found.record.get("parent")
        named = world.versions.get((key.namespace, f"{model}-{parent}"))
        records = {each.name: record for each, record in world.records.items() if each.namespace == key.namespace}
        return VersionSeen(
            key=key,
            uid=found.uid,
            resource_version=found.resource_version,
            generation=world.version_generations[where],
            deleting=found.deleting,
            spec=found.spec,
            record={} if isinstance(found.spec, Invalid) else found.record,
            status=world.version_statuses.get(where, ModelVersionStatus()),
            parent=None if named is None else named.spec,
            periods=tuple(
                each
                for name, record in sorted(records.items())
                if record.spec["model"] == model
                for each in periods(name, record.status.history)
                if each.version == found.version
            ),
        )

    async def write_status(self, seen: VersionSeen, status: ModelVersionStatus) -> None:
        where = (seen.key.namespace, seen.key.name)
        found = self.world.versions.get(where)
        if found is None or (found.uid, found.resource_version) != (seen.uid, seen.resource_version):
            raise Conflict("the ModelVersion changed")
        self.world.before_write(f"status of {seen.key}")
        self.world.version_statuses[where] = ModelVersionStatus.model_validate(status.to_json())
        good = tuple(each for each in status.served_by if each.verified_at is not None)
        self.world.versions[where] = replace(found, resource_version=str(self.world.serial()), verified_periods=good)
        self.writes.append(seen.key)
        self.world.after_write(f"status of {seen.key}")

    async def record_event(self, seen: VersionSeen, event: Event) -> None:
        self.events.append(event)


class VersionProcess:
    """Looks at versions until none of them is written any more. Each status is written at once."""

    def __init__(self, world: World, longest_wait: timedelta = timedelta(0)) -> None:
        self.versions = WorldVersions(world)
        self.reconciler = VersionReconciler(self.versions, world, longest_wait)

    async def look(self, *names: str) -> None:
        for name in names:
            await self.reconciler.reconcile(Key("default", name))
