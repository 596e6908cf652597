import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from rig import control
from rig.addresses import Block
from rig.control import Remote
from rig.errors import RigError, StartError
from rig.place import Place


@dataclass
class Parts:
    """Remembers what was asked; one part never starts."""

    running: set[str] = field(default_factory=lambda: {"prometheus"})

    def start(self, part: str) -> None:
        if part == "broken":
            raise StartError("broken ended while it started.")
        self.running.add(part)

    def stop(self, part: str) -> None:
        self.running.discard(part)

    def close(self) -> None:
        self.running.clear()


PLACE = Place(Path("/rig"), Block(0), ("etcd", "kube-apiserver"), "1s", "secret")


def serve(listener: socket.socket, parts: Parts) -> None:
    # The end of the listener ends it, as a signal does in a supervisor.
    with suppress(OSError):
        control.serve(listener, parts)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Remote, Parts]]:
    # Longer than the 107 bytes that the path of a socket may have.
    directory = tmp_path / ("deep" * 40)
    directory.mkdir()
    parts = Parts()
    with control.listening(directory) as listener:
        thread = threading.Thread(target=serve, args=(listener, parts))
        thread.start()
        yield Remote(replace(PLACE, directory=directory)), parts
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_parts_are_stopped_and_started_from_another_process(held: tuple[Remote, Parts]) -> None:
    remote, parts = held
    remote.stop("prometheus")
    assert parts.running == set()
    remote.start("prometheus")
    assert parts.running == {"prometheus"}


def test_what_goes_wrong_there_is_said_here(held: tuple[Remote, Parts]) -> None:
    remote, parts = held
    with pytest.raises(RigError, match="broken ended while it started"):
        remote.start("broken")
    # And the supervisor lives on.
    remote.stop("prometheus")
    assert parts.running == set()


def test_letting_go_leaves_the_rig_as_it_is(held: tuple[Remote, Parts]) -> None:
    remote, parts = held
    remote.close()
    assert parts.running == {"prometheus"}
