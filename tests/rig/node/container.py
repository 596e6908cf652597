"""One container's life: started, probed, restarted with back-off, and ended within its grace."""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rig.node import environment, last_words, probes, states, volumes
from rig.node.clock import timestamp
from rig.node.environment import BadImage, Unsupported
from rig.node.host import Host
from rig.node.probes import Timing
from rig.node.process import Process, Work
from rig.node.states import ContainerStatus, Role, Running, State, Terminated, Waiting

# What a process may take when the node itself ends.
LAST_GRACE_SECONDS = 1
# A container that ran this long has recovered: its next restart is a first one.
RECOVERED_SECONDS = 600


class Container:
    """One container of a pod; `changed` is called whenever its status is another one."""

    def __init__(
        self,
        host: Host,
        pod: Mapping[str, Any],
        spec: Mapping[str, Any],
        role: Role,
        pod_ip: str,
        changed: Callable[[], None],
    ) -> None:
        """Describe the container; nothing is started yet."""
        self._host, self._pod, self._spec, self._pod_ip, self._changed = host, pod, spec, pod_ip, changed
        self.role = role
        self._restart_policy = states.restart_policy(role, pod["spec"].get("restartPolicy", "Always"))
        listed = "containerStatuses" if role is Role.APP else "initContainerStatuses"
        known = {each["name"]: each for each in pod.get("status", {}).get(listed) or ()}
        before = known.get(spec["name"], {})
        self._restarts: int = before.get("restartCount", 0)
        self._last_end = states.end_known_from(before, timestamp())
        self._state: State = Waiting("PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating")
        self._ready = self._started = self._is_initialised = False
        self._process: Process | None = None
        self._watching: asyncio.Task[None]
        self._stopping, self._settled = asyncio.Event(), asyncio.Event()
        self._grace_seconds: float | None = None

    def status(self) -> ContainerStatus:
        """Return what is known of the container now."""
        return ContainerStatus(
            self._spec["name"],
            self._spec.get("image", ""),
            self._state,
            self._last_end,
            self._ready,
            self._restarts,
            f"process://{self._process.pid}" if self._process is not None else "",
            self.role,
            self._started,
        )

    @property
    def ended_before(self) -> bool:
        """Whether it ended for good on an earlier node."""
        return self._last_end is not None and not states.runs_again(self._restart_policy, self._last_end)

    async def until_initialised(self) -> bool:
        """Wait until the next container may start, or this one is over; return whether the next one may start."""
        await self._settled.wait()
        return self._is_initialised

    def retire(self) -> None:
        """Restart the container no more, and probe it no more; it keeps running until it is stopped."""
        self._stopping.set()
        self._settled.set()
        self._be(self._state, started=self._started)
        if self._process is not None:
            # A process that ends is no longer asked: that it stops answering is no reason to hurry it.
            self._watching.cancel()

    def stop(self, grace_seconds: float) -> None:
        """Begin to end the container for good; a later call may only shorten the grace."""
        self._grace_seconds = grace_seconds
        self.retire()
        if self._process is not None:
            self._process.end(grace_seconds)

    async def run(self) -> None:
        """Run the container until it is stopped or its restart policy says that it is over."""
        try:
            await self._run()
        finally:
            self._settled.set()

    async def _run(self) -> None:
        try:
            environment.check(self._pod, self._spec)
            variables = environment.environment(self._pod, self._spec, self._pod_ip)
            command = environment.command(self._spec, variables, self._host.images)
        except Unsupported as error:
            self._be(Waiting("CreateContainerConfigError", str(error)))
        except BadImage as error:
            self._be(Waiting("ErrImagePull", str(error)))
            await asyncio.sleep(self._host.backoff_base_seconds)
            self._be(Waiting("ImagePullBackOff", f'Back-off pulling image "{self._spec["image"]}": {error}'))
        else:
            directory = self._host.pod_directory(self._pod) / self._spec["name"]
            volumes.link(self._host, self._pod, self._spec, directory)
            own = {"PATH": os.environ["PATH"], "HOME": str(directory)}
            await self._run_again_and_again(command, Work(directory, own | variables))

    async def _run_again_and_again(self, command: list[str], work: Work) -> None:
        end, ends = self._last_end, 0
        # The containers of an earlier node are gone, so the pod is initialised again.
        repeats = self.role is Role.INIT and end is not None and end.exit_code == 0
        while not self._stopping.is_set():
            if end is not None:
                if not repeats and not states.runs_again(self._restart_policy, end):
                    break
                repeats = False
                self._last_end = end
                await self._back_off(states.pause_seconds(self._host.backoff_base_seconds, ends))
                if self._stopping.is_set():
                    break
                self._restarts += 1
                ends += 1
            begun = asyncio.get_running_loop().time()
            end = await self._run_once(command, work)
            self._ended(end)
            if asyncio.get_running_loop().time() - begun > RECOVERED_SECONDS:
                ends = 0
        if end is not None:
            self._ended(end)

    async def _back_off(self, seconds: float) -> None:
        if seconds == 0:
            return
        name = self._spec["name"]
        self._be(Waiting("CrashLoopBackOff", f"back-off {seconds:g}s restarting failed container={name}"))
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _run_once(self, command: list[str], work: Work) -> Terminated:
        begun, message = timestamp(), last_words.prepare(self._spec, work.directory)
        try:
            self._process = process = await Process.start(command, work)
        except OSError as error:
            return states.not_started(f"{command[0]}: {error.strerror}", begun)
        async with asyncio.TaskGroup() as group:
            self._watching = group.create_task(self._watch(process, work))
            if self._grace_seconds is not None:
                self.stop(self._grace_seconds)
            else:
                self._runs(begun)
            code = await process.wait(LAST_GRACE_SECONDS)
            self._watching.cancel()
        said = last_words.read(self._spec, message, work.directory / work.log, code)
        return states.ended(code, begun, timestamp(), said)

    async def _watch(self, process: Process, work: Work) -> None:
        target = probes.Target(self._spec, self._pod_ip, work, self._host.web)
        grace_seconds = self._pod["spec"].get("terminationGracePeriodSeconds", 30)

        def end_unless(alive: bool) -> None:
            if not alive:
                process.end(grace_seconds)

        if probe := self._spec.get("startupProbe"):
            if not await probes.first(Timing.of(probe), partial(probes.passes, probe, target)):
                process.end(grace_seconds)
                return
            self._has_started()
        async with asyncio.TaskGroup() as group:
            for name, tell, eager in (
                ("readinessProbe", self._set_ready, True),
                ("livenessProbe", end_unless, False),
            ):
                if probe := self._spec.get(name):
                    ask = partial(probes.passes, probe, target)
                    group.create_task(probes.follow(Timing.of(probe), ask, tell, eager=eager))

    def _runs(self, since: str) -> None:
        self._be(Running(since))
        if "startupProbe" not in self._spec:
            self._has_started()
        if self._stopping.is_set():
            self.retire()

    def _has_started(self) -> None:
        is_ready = self.role is not Role.INIT and "readinessProbe" not in self._spec
        self._be(self._state, ready=is_ready, started=True)
        if self.role is Role.SIDECAR:
            self._initialise()

    def _ended(self, end: Terminated) -> None:
        completed = self.role is Role.INIT and end.exit_code == 0
        self._be(end, ready=completed)
        if completed:
            self._initialise()

    def _initialise(self) -> None:
        self._is_initialised = True
        self._settled.set()

    def _set_ready(self, ready: bool) -> None:
        self._be(self._state, ready=ready, started=True)

    def _be(self, state: State, *, ready: bool = False, started: bool = False) -> None:
        if (state, ready, started) != (self._state, self._ready, self._started):
            self._state, self._ready, self._started = state, ready, started
            self._changed()
