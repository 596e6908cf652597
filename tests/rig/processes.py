"""Processes that never outlive the one that started them."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A process ended, or did not become ready in time; the message has the end of its log."""


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent ends, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One server: its command, its log, and whether it is ready."""

    def __init__(
        self, name: str, command: list[str], log: Path, ready: Callable[[], bool], environment: Mapping[str, str]
    ) -> None:
        """Describe the process; nothing is started yet."""
        self.name, self.command, self.log = name, command, log
        self._ready, self._environment = ready, dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; call from the main thread, for the kernel ties its end to the thread that starts it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def wait_ready(self, seconds: float) -> None:
        """Wait until it is ready; raises `StartError` where it ends before, or is not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                raise StartError(f"{self.name} ended while it started.\n{self.last_words()}")
            if self._ready():
                return
            time.sleep(0.05)
        raise StartError(f"{self.name} was not ready within {seconds:.0f} s.\n{self.last_words()}")

    def last_words(self, lines: int = 30) -> str:
        """Return the command and the end of the log."""
        text = self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []
        return f"$ {' '.join(self.command)}\n{self.log}:\n" + "\n".join(text)

    def stop(self, seconds: float = 5) -> None:
        """End it, gently first."""
        if self._process is None:
            return
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
