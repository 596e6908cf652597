"""An API server in memory, as far as the node sees it, and pods for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from rig.node.api import Api, Gone, Object, Unavailable
from rig.processes import Identity


class FakeApi(Api):
    """Lists and watches what a test puts here, and keeps what it is told."""

    def __init__(self) -> None:
        self.pods: dict[str, Object] = {}
        self.events: asyncio.Queue[tuple[str, Object] | Exception] = asyncio.Queue()
        self.told: list[Object] = []
        self.deleted: list[str] = []
        self.applied: list[str] = []
        self.is_away = False

    async def pods_of(self, node: str) -> Object:
        self._answer()
        return {"items": list(self.pods.values()), "metadata": {"resourceVersion": "1"}}

    async def watch_pods_of(self, node: str, resource_version: str) -> AsyncIterator[Object]:
        while True:
            match await self.events.get():
                case Exception() as error:
                    raise error
                case kind, pod:
                    yield {"type": kind, "object": pod}

    async def apply(self, path: str, body: Object) -> None:
        self._answer()
        self.applied.append(path)

    async def patch(self, path: str, body: Object) -> None:
        self._answer()
        self.told.append(body)

    async def delete(self, path: str, uid: str) -> None:
        self._answer()
        if uid not in self.pods:
            raise Gone(uid)
        self.deleted.append(uid)

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("away")

    @property
    def last(self) -> Object:
        """The last status that was told."""
        return dict(self.told[-1]["status"]) if self.told else {}

    @property
    def container(self) -> Object:
        """What it says of the first container."""
        return dict(self.last.get("containerStatuses", [{}])[0])

    @property
    def process(self) -> Identity:
        """The process of the first container, which runs."""
        found = Identity.of(int(self.container["containerID"].removeprefix("process://")))
        assert found is not None
        return found


def a_pod(uid: str = "u", script: str = "exec sleep 60", status: Object | None = None, **container: Any) -> Object:
    one = {"name": "c", "image": "any:1", "command": ["sh", "-c", script]} | container
    return {
        "metadata": {"name": f"pod-{uid}", "namespace": "n", "uid": uid, "generation": 1},
        "spec": {"containers": [one], "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Pending"} if status is None else status,
    }


def leaving(pod: Object, grace_seconds: int = 30) -> Object:
    """Return the pod as it is when somebody has deleted it."""
    asked = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace_seconds, "generation": 2}
    return pod | {"metadata": pod["metadata"] | asked}


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
