"""One pod's life on the node: its containers run, the API server is told, and at its end it is taken off."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from rig.node.api import Gone, Refused, Unavailable
from rig.node.clock import timestamp
from rig.node.container import Container
from rig.node.host import Host
from rig.node.sequence import Sequence
from rig.node.states import Role, init_role
from rig.node.status import Seen, rendered

log = logging.getLogger(__name__)
# Changes that come together are told together.
TOGETHER_SECONDS = 0.02
RETRY_SECONDS = 0.5


class PodRunner:
    """Runs the containers of one pod and tells the API server of them."""

    def __init__(self, host: Host, pod: Mapping[str, Any], ip: str) -> None:
        """Describe the pod; nothing is started yet."""
        self._host, self._pod, self._ip = host, pod, ip
        self._changed, self._deleted = asyncio.Event(), asyncio.Event()
        self._over = self._gone = False
        self._generation: int = pod["metadata"].get("generation", 1)
        self._told: dict[str, Any] = dict(pod.get("status", {}))
        self._started_at: str = self._told.get("startTime") or timestamp()
        spec = pod["spec"]
        self._init = [self._container(each, init_role(each)) for each in spec.get("initContainers") or ()]
        self._containers = [self._container(each, Role.APP) for each in spec["containers"]]
        self._sequence = Sequence(self._init, self._containers, spec.get("terminationGracePeriodSeconds", 30))

    def delete(self, grace_seconds: float, generation: int = 0) -> None:
        """Begin to end the pod; a later call may only shorten the grace."""
        self._generation = max(self._generation, generation)
        self._sequence.stop(grace_seconds)
        self._deleted.set()
        self._changed.set()

    def forget(self) -> None:
        """End the pod at once, and tell nobody of it any more: the API server does not have it."""
        self._gone = True
        self.delete(0)

    async def run(self) -> None:
        """Run the pod until it is deleted; when cancelled, end its processes and leave the pod to the next node."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            lives = tasks.create_task(self._sequence.run())
            self._changed.set()
            await self._deleted.wait()
            await lives
            self._over = True
            self._changed.set()
        await self._take_off()

    def _container(self, spec: Mapping[str, Any], role: Role) -> Container:
        return Container(self._host, self._pod, spec, role, self._ip, self._changed.set)

    async def _tell(self) -> None:
        """Write the status whenever it is another one; the last time when the pod is over."""
        while True:
            await self._changed.wait()
            if not self._over:
                await asyncio.sleep(TOGETHER_SECONDS)
            if self._gone:
                return
            over = self._over
            self._changed.clear()
            try:
                await self._tell_once()
            except Gone:
                return
            except Unavailable as error:
                log.warning("%s: not told: %s", self._path, error)
                await asyncio.sleep(RETRY_SECONDS)
                # What is true then is told.
                self._changed.set()
                continue
            except Refused:
                log.exception("%s: its status was refused", self._path)
            if over:
                return

    async def _tell_once(self) -> None:
        status = rendered(self._seen(), self._told)
        if status != self._told:
            body = {"metadata": {"uid": self._pod["metadata"]["uid"]}, "status": status}
            await self._host.api.patch(f"{self._path}/status", body)
            self._told = status

    def _seen(self) -> Seen:
        return Seen(
            tuple(each.status() for each in self._init),
            tuple(each.status() for each in self._containers),
            self._pod["spec"].get("restartPolicy", "Always"),
            self._deleted.is_set(),
            self._generation,
            self._ip,
            self._host.ip,
            self._started_at,
            timestamp(),
        )

    async def _take_off(self) -> None:
        # Another pod may have the name by now: then this is refused until that is heard of.
        while not self._gone:
            try:
                await self._host.api.delete(self._path, self._pod["metadata"]["uid"])
            except Gone:
                return
            except Unavailable as error:
                log.warning("%s: not taken off: %s", self._path, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    @property
    def _path(self) -> str:
        metadata = self._pod["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
