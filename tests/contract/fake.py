"""The backend in memory: the world of the simulation, held to the same contract as the real API server."""

from collections.abc import Sequence

from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from simulation.support.objects import Deployment
from simulation.support.versions import WorldVersions
from simulation.support.world import World, WorldCluster


class FakeBackend:
    """A world of its own."""

    namespace = "default"

    def __init__(self) -> None:
        self._world = World()
        self._key = Key(self.namespace, "fraud")
        self.cluster = WorldCluster(self._world)
        self.versions = WorldVersions(self._world)

    async def deploy(self, spec: Json) -> None:
        self._world.apply_deployment(self._key, spec)

    async def publish(self, record: Json, tags: Sequence[str] = ()) -> None:
        self._world.apply_version(record, tuple(tags), self.namespace)

    async def retract(self, version: str) -> None:
        self._world.delete_version(f"fraud-{version}", self.namespace)

    async def withdraw(self) -> None:
        self._world.delete_deployment(self._key)

    async def let_go(self) -> None:
        self._world.delete_deployment_alone(self._key, orphan=True)

    async def occupy(self) -> None:
        container = {"name": "foreign", "image": "registry.example/foreign:1"}
        template = {"metadata": {"labels": {"app": "foreign"}}, "spec": {"containers": [container]}}
        manifest = {"spec": {"replicas": 0, "template": template}}
        self._world.deployments[self._key] = Deployment("foreign", manifest, self._world.serial())

    async def deploy_by_hand(self, template: Json, replicas: int) -> None:
        self._world.deploy_by_hand(self._key, template, replicas)

    async def workload_image(self) -> str:
        template = self._world.deployments[self._key].manifest["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    async def touch_workload(self) -> None:
        self._world.deployments[self._key].resource_version = self._world.serial()

    async def catch_up(self) -> None:
        self._world.tick()
