"""Processes that never outlive the one that started them."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rig.errors import StartError

LAUNCH = Path(__file__).with_name("launch.py")
GUARD = Path(__file__).with_name("guard.py")
LAST_LINES = 30


@dataclass(frozen=True, slots=True)
class Identity:
    """One very process: ids are used again, an id with its start time (ticks since boot) is not."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return the identity of the process that has this id now; a zombie has ended."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @classmethod
    def me(cls) -> "Identity":
        """Return the identity of this process."""
        found = cls.of(os.getpid())
        if found is None:
            raise StartError("the rig runs on Linux only: there is no /proc to read")
        return found

    @property
    def runs(self) -> bool:
        """Whether this very process still runs."""
        return Identity.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal, to this process or to none."""
        if self.runs:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end of a process that need not be a child; whether it came in time."""
        deadline = time.monotonic() + seconds
        while self.runs:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def bound_to_us(command: Sequence[str], launcher: Path = LAUNCH) -> list[str]:
    """Return the command so that it ends when this process dies; to be started from the main thread."""
    if threading.current_thread() is not threading.main_thread():
        raise StartError(
            "parts are started from the main thread: the kernel ends them with the thread that starts them"
        )
    return [sys.executable, "-I", "-S", str(launcher), str(os.getpid()), *command]


class Process:
    """One server: its command, its log, and whether it is ready."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, ready: Callable[[], bool], launcher: Path = LAUNCH
    ) -> None:
        """Describe the process; nothing is started yet. `GUARD` is for one that starts others."""
        self.name, self.command, self.log = name, list(command), log
        self.ready_seconds: float | None = None
        self._ready, self._launcher = ready, launcher
        self._begun = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> Identity | None:
        """Which process it is while it runs."""
        return Identity.of(self._process.pid) if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; its output is added to its log."""
        if self.identity is not None:
            raise StartError(f"{self.name} runs already")
        self.ready_seconds, self._begun = None, time.monotonic()
        command = bound_to_us(self.command, self._launcher)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for us, and we end the parts in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, seconds: float) -> None:
        """Wait until it is ready; raises `StartError` where it ends before, or is not in time."""
        deadline = self._begun + seconds
        while time.monotonic() < deadline:
            if self._process is None or (code := self._process.poll()) is not None:
                raise StartError(f"{self.name} ended with code {code} while it started.\n{self.last_words()}")
            if self._ready():
                self.ready_seconds = time.monotonic() - self._begun
                return
            time.sleep(0.05)
        raise StartError(f"{self.name} was not ready within {seconds:g} s.\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the command and the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if self.log.exists() else []
        return f"$ {' '.join(self.command)}\n{self.log}:\n" + "\n".join(lines)

    def stop(self, grace_seconds: float) -> None:
        """End it, and kill it where it has not ended after the grace."""
        if self._process is None:
            return
        if grace_seconds > 0:
            self._process.terminate()
            # The kill below is for one that takes longer.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self._process.kill()
        self._process.wait()
