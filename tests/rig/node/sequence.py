"""The order in which the containers of a pod start and end, as a kubelet keeps it.

Init containers run one after the other until each has completed. Sidecars are among them: once one has started, the
next container may, and it stays. The containers proper come last, together. At the end of the pod they go first, and
then the sidecars, the last one first; after the grace nobody waits for its turn any more.
"""

import asyncio
from collections.abc import Iterable

from rig.node.container import Container
from rig.node.states import Role, Terminated

LEAST_GRACE_SECONDS = 2
"""What a sidecar gets even if the others took the whole grace, as from a kubelet."""


class Sequence:
    """The containers of a pod in their order."""

    def __init__(self, init: Iterable[Container], containers: Iterable[Container], grace_seconds: float) -> None:
        """Take the containers, and the grace of a pod that ends by itself; nothing is started yet."""
        self._init, self._containers = tuple(init), tuple(containers)
        self._sidecars = [each for each in self._init if each.role is Role.SIDECAR]
        self._own_grace_seconds = grace_seconds
        self._stopped = asyncio.Event()
        self._deadline = float("inf")

    async def run(self) -> None:
        """Run all containers until the pod is stopped, or none of its containers proper runs again; then end it."""
        async with asyncio.TaskGroup() as group:
            lives: dict[Container, asyncio.Task[None]] = {}
            if await self._initialised(group, lives):
                lives |= {each: group.create_task(each.run()) for each in self._containers}
            others = [life for each, life in lives.items() if each.role is not Role.SIDECAR]
            if others:
                await asyncio.wait(others)
            if not self._is_over():
                await self._stopped.wait()
            for each in self._sidecars:
                each.retire()
            for each in reversed(self._sidecars):
                if each in lives:
                    each.stop(self._grace_seconds())
                    await lives[each]

    def stop(self, grace_seconds: float) -> None:
        """Begin to end all containers in their order; a later call may only shorten the grace."""
        loop = asyncio.get_running_loop()
        self._deadline = min(self._deadline, loop.time() + grace_seconds)
        for each in (*self._init, *self._containers):
            if each.role is not Role.SIDECAR or grace_seconds <= 0:
                each.stop(grace_seconds)
            else:
                each.retire()
        if self._sidecars and grace_seconds > 0:
            loop.call_later(grace_seconds, self._wait_no_longer)
        self._stopped.set()

    def _wait_no_longer(self) -> None:
        for each in self._sidecars:
            each.stop(LEAST_GRACE_SECONDS)

    def _grace_seconds(self) -> float:
        """Return what is left of the grace; a pod that ends by itself has all of it."""
        left = self._deadline - asyncio.get_running_loop().time()
        return max(min(left, self._own_grace_seconds), LEAST_GRACE_SECONDS)

    async def _initialised(self, group: asyncio.TaskGroup, lives: dict[Container, asyncio.Task[None]]) -> bool:
        """Start the init containers in order; return whether the containers proper may start."""
        if all(each.ended_before for each in self._containers):
            return True
        for each in self._init:
            lives[each] = group.create_task(each.run())
            if not await each.until_initialised():
                return False
        return True

    def _is_over(self) -> bool:
        """Return whether an init container failed for good, or all containers proper have ended for good."""
        if any(each.role is Role.INIT and _has_failed(each) for each in self._init):
            return True
        return all(isinstance(each.status().state, Terminated) for each in self._containers)


def _has_failed(container: Container) -> bool:
    state = container.status().state
    return isinstance(state, Terminated) and state.exit_code != 0
