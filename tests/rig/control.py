"""How other processes reach the supervisor of a rig: one JSON line there, one back, over a socket in its directory."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rig.errors import RigError
from rig.place import Place

SOCKET = "control.sock"
ANSWER_SECONDS = 90


class Controls(Protocol):
    """What can be done to the parts of a rig."""

    def start(self, part: str) -> None:
        """Start one part again and wait until it is ready."""

    def stop(self, part: str) -> None:
        """Stop one part; the others run on."""

    def close(self) -> None:
        """Let go of the rig."""


class Remote:
    """The parts of a rig that a supervisor holds."""

    def __init__(self, place: Place) -> None:
        """Describe the way to the supervisor."""
        self._directory = place.directory

    def start(self, part: str) -> None:
        """Start one part again and wait until it is ready."""
        self._ask("start", part)

    def stop(self, part: str) -> None:
        """Stop one part; the others run on."""
        self._ask("stop", part)

    def close(self) -> None:
        """Leave the rig as it is: whoever started it ends it."""

    def _ask(self, verb: str, part: str) -> None:
        with _address(self._directory) as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(address)
            connection.sendall(json.dumps([verb, part]).encode() + b"\n")
            answer = connection.makefile().readline()
        if not answer:
            raise RigError(f"the supervisor of {self._directory} ended before it answered")
        if error := json.loads(answer):
            raise RigError(error)


@contextmanager
def listening(directory: Path) -> Iterator[socket.socket]:
    """Open the socket that `serve` reads from."""
    (directory / SOCKET).unlink(missing_ok=True)
    with _address(directory) as address, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        yield listener


def serve(listener: socket.socket, parts: Controls) -> None:
    """Do what others ask, one after the other, until a signal ends this."""
    while True:
        connection, _ = listener.accept()
        with connection:
            # A client that says nothing must not block the others.
            connection.settimeout(5)
            try:
                connection.sendall(json.dumps(_done(connection.makefile().readline(), parts)).encode() + b"\n")
            except OSError:
                continue


def _done(line: str, parts: Controls) -> str | None:
    """Do what the line asks; return what went wrong."""
    try:
        verb, part = json.loads(line)
        {"start": parts.start, "stop": parts.stop}[verb](part)
    except (RigError, ValueError, KeyError) as error:
        return str(error)
    return None


@contextmanager
def _address(directory: Path) -> Iterator[str]:
    """Yield a short path of the socket: the real one may be longer than the 107 bytes that the kernel allows."""
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)
