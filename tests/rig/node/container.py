"""One container's life: started, probed, restarted with back-off, and ended within its grace."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rig.node import probes

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
State = dict[str, Any]


def timestamp() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Container:
    """One container of a pod, and the status that it has."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        command: list[str],
        environment: Mapping[str, str],
        pod_ip: str,
        directory: Path,
        restart_policy: str,
        changed: Callable[[], None],
        backoff_base_seconds: float,
    ) -> None:
        """Describe the container; `changed` is called when its status is another one."""
        self.spec, self._command, self._pod_ip, self._directory = spec, command, pod_ip, directory
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(directory), **environment}
        self._restart_policy, self._changed, self._backoff_base = restart_policy, changed, backoff_base_seconds
        self.state: State = {"waiting": {"reason": "ContainerCreating"}}
        self.last_state: State = {}
        self.restarts = 0
        self.ready = False
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Run the container until its policy says that it is over, or until cancelled."""
        while True:
            code, begun = await self._run_once()
            self.ready = False
            ended = {"exitCode": max(code, 0), "startedAt": begun, "finishedAt": timestamp()}
            ended |= {"reason": "Completed" if code == 0 else "Error"}
            if code < 0:
                ended |= {"signal": -code, "exitCode": 128 - code}
            self.state = {"terminated": ended}
            self._changed()
            if self._stopping or self._restart_policy == "Never" or (self._restart_policy == "OnFailure" and code == 0):
                return
            self.last_state = self.state
            pause = min(self._backoff_base * 2**self.restarts, 300)
            message = f"back-off {pause:g}s restarting failed container={self.spec['name']}"
            self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
            self._changed()
            await asyncio.sleep(pause)
            self.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """End the process group: SIGTERM, and SIGKILL after the grace."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_seconds)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()

    def status(self) -> dict[str, Any]:
        """Return the container's status as Kubernetes shows it."""
        running = "running" in self.state
        return {
            "name": self.spec["name"],
            "image": self.spec.get("image", ""),
            "imageID": self.spec.get("image", ""),
            "containerID": f"process://{self._process.pid}" if self._process else "",
            "ready": self.ready and running,
            "started": running,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last_state,
        }

    async def _run_once(self) -> tuple[int, str]:
        begun = timestamp()
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "log").open("ab") as log:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env=self._environment,
                    cwd=self._directory,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            except OSError as error:
                log.write(f"{self._command[0]}: {error.strerror}\n".encode())
                return 127, begun
        self.state = {"running": {"startedAt": begun}}
        self.ready = "readinessProbe" not in self.spec
        self._changed()
        watches = [asyncio.create_task(each) for each in (self._watch_readiness(), self._watch_liveness())]
        try:
            return await self._process.wait(), begun
        finally:
            for watch in watches:
                watch.cancel()

    async def _watch_readiness(self) -> None:
        probe = self.spec.get("readinessProbe")
        if probe is not None:
            await self._probe(probe, self._set_ready)

    async def _watch_liveness(self) -> None:
        probe = self.spec.get("livenessProbe")
        if probe is not None:
            await self._probe(probe, self._restart_unless_alive)

    async def _probe(self, probe: Mapping[str, Any], tell: Callable[[bool], None]) -> None:
        """Tell of each change, once it has been seen as often as the probe asks for."""
        needed = {True: int(probe.get("successThreshold", 1)), False: int(probe.get("failureThreshold", 3))}
        await asyncio.sleep(float(probe.get("initialDelaySeconds", 0)))
        period, first_tries = float(probe.get("periodSeconds", 10)), 20
        last, count = False, 0
        while True:
            passed = await probes.passes(probe, self.spec, self._pod_ip, self._environment)
            count = count + 1 if passed == last else 1
            last = passed
            if count >= needed[passed]:
                tell(passed)
            # A process that has just begun is asked more often, so that tests need not wait for whole periods.
            first_tries -= 1
            await asyncio.sleep(min(period, 0.1) if first_tries > 0 and not self.ready else period)

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self._changed()

    def _restart_unless_alive(self, alive: bool) -> None:
        if not alive:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return
