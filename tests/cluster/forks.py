"""Programs of the project as forks of a process that has imported them, which each worker starts when it needs it.

Processor time is what the tests of this directory are short of, and most of a short program's is its imports.
"""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from cluster.fork_client import BYTES, connected, number
from rig.processes import Process

START_SECONDS = 60


@cache
def server() -> Path:
    """Return the socket of the server of this process; it ends with this process."""
    # Not in the directory of a test: the path of a socket has at most 107 bytes.
    made = tempfile.TemporaryDirectory(prefix="pennant-forks-")
    atexit.register(made.cleanup)
    path = Path(made.name) / "socket"
    command = [sys.executable, "-m", "cluster.fork_server", str(path)]
    process = Process("fork_server", command, Path(made.name) / "log", path.exists)
    process.start()
    atexit.register(process.stop, 0)
    process.wait_ready(START_SECONDS)
    return path


class Fork:
    """A program that runs in a fork, with what tests use of `subprocess.Popen`."""

    def __init__(self, program: str, arguments: Sequence[str], environment: Mapping[str, str], log: BinaryIO) -> None:
        """Start it; its output is added to the log."""
        self.returncode: int | None = None
        with open(os.devnull, "rb") as nothing:
            files = [nothing.fileno(), log.fileno(), log.fileno()]
            self._server = connected(str(server()), program, arguments, environment, files)
        answer, handles, _, _ = socket.recv_fds(self._server, BYTES, 1)
        self.pid, (self._handle,) = number(answer), handles

    def send_signal(self, what: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, what)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code; raises `TimeoutExpired` where that does not come in time."""
        if self.returncode is None:
            if not select.select([self._server], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = number(self._server.recv(BYTES, socket.MSG_WAITALL))
            self._server.close()
            os.close(self._handle)
        return self.returncode
