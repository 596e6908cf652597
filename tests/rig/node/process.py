"""A process group that ends within a grace, leaves nobody behind, and dies with the node."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Work:
    """Where a process works, what it sees, and the file there to which its output is added."""

    directory: Path
    environment: Mapping[str, str]
    log: str = "log"


class Process:
    """A running process and all that it starts in its group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a process that leads its group; `start` is the way to one."""
        self._process = process
        self._asked = False

    @classmethod
    async def start(cls, command: Sequence[str], work: Work) -> Self:
        """Start a process; raises `OSError` where that is impossible."""
        work.directory.mkdir(parents=True, exist_ok=True)
        with (work.directory / work.log).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=work.environment,
                cwd=work.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_dies_with(os.getpid()),
            )
        return cls(process)

    @property
    def pid(self) -> int:
        """The id of the process, which is that of its group."""
        return self._process.pid

    async def wait(self, last_grace_seconds: float = 0) -> int:
        """Return the code with which the process ended, negative for a signal; its group ends with it.

        When cancelled, it ends the process within the last grace and is gone only then.
        """
        try:
            code = await self._process.wait()
        except asyncio.CancelledError:
            self.end(last_grace_seconds)
            await self._process.wait()
            raise
        finally:
            self._signal(signal.SIGKILL)
        return code

    def end(self, grace_seconds: float) -> None:
        """Ask the group to end, once, and kill it after the grace; a later call may only shorten the grace."""
        if grace_seconds <= 0 or self._process.returncode is not None:
            self.kill()
            return
        if not self._asked:
            self._asked = True
            self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(grace_seconds, self.kill)

    def kill(self) -> None:
        """Kill the group, unless the process has ended."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


def _dies_with(parent: int) -> Callable[[], None]:
    # Looked up here, because little is safe between fork and exec. The node has one thread, which makes this much safe.
    prctl = ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel
