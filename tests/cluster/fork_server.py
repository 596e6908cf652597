"""Runs `pennant` and the programs of the plugin in forks of this process: `python -m cluster.fork_server SOCKET`.

A start of Python with their modules takes about a second of processor time; a fork that has them takes hundredths.
All else is as usual: a process for each call, with the arguments, environment, directory and files of the caller.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster.fork_client import BYTES, STANDARD
from pennant import __main__ as pennant
from pennant import cli
from pennant.cli import completion
from pennant.cli import main as verbs

PROGRAMS: Mapping[str, Callable[[], int]] = {
    "pennant": pennant.main,
    "kubectl-pennant": verbs.main,
    "kubectl_complete-pennant": completion.main,
}
IMPORTED_LATE = ("pennant.runtime.app", *(each.name for each in pkgutil.walk_packages(cli.__path__, "pennant.cli.")))
"""What the programs import when they run."""


def serve(path: Path) -> None:
    """Fork a program for each connection; return in the program alone, where it is ready to begin."""
    for each in IMPORTED_LATE:
        importlib.import_module(each)
    assert len(os.listdir("/proc/self/task")) == 1, "no fork is safe beside threads"
    # Forks share what they do not touch; the collector would touch everything.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        # Nobody waits for the attendants.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    return attend(connection)


def attend(connection: socket.socket) -> None:
    """Start the program, say its id, pass signals on, and say its exit code; where the caller ends, it ends as well."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(connection, BYTES, len(STANDARD))
    given = json.loads(connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
    if (program := os.fork()) == 0:
        connection.close()
        return become(given, files)
    for each in files:
        os.close(each)
    ended = os.pidfd_open(program)
    socket.send_fds(connection, [program.to_bytes(BYTES, "big")], [ended])
    while ended not in select.select([ended, connection.fileno()], [], [])[0]:
        received = connection.recv(1)
        os.kill(program, received[0] if received else signal.SIGKILL)
        if not received:
            os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    try:
        connection.sendall(code.to_bytes(BYTES, "big", signed=True))
    finally:
        os._exit(0)


def become(given: Mapping[str, Any], files: Sequence[int]) -> None:
    """Take over what the caller gives."""
    for number, file in zip(STANDARD, files, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(given["environment"])
    os.chdir(given["directory"])
    sys.argv = [given["program"], *given["arguments"]]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
    sys.exit(PROGRAMS[sys.argv[0]]())
