"""The parts of a rig as children of this process."""

import shutil
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rig import config, servers
from rig.errors import RigError, StartError
from rig.place import MARKER, Place, read_state
from rig.processes import GUARD, LAUNCH, Identity, Process

READY_SECONDS = 60
# A part that is stopped alone ends as it would for an administrator; the API server otherwise waits for its watchers.
STOP_SECONDS = 3
# The node ends its pods first.
NODE_STOP_SECONDS = 10
_DATA = ("pki", "logs", "etcd", "prometheus", "alertmanager", "pods", "rules", "kubectl")


class Parts:
    """Starts, stops and ends the parts; dies with this process, however it dies."""

    def __init__(self, place: Place, me: Identity, supervised: bool, claim: ExitStack) -> None:
        """Describe the parts; nothing is started yet."""
        self._place, self._me, self._supervised, self._claim = place, me, supervised, claim
        self._processes = {
            part: Process(
                part,
                servers.command(place, part),
                place.log(part),
                partial(servers.is_ready, place, part),
                GUARD if part == "node" else LAUNCH,
            )
            for part in place.parts
        }
        self._begun = time.monotonic()
        self._ready_seconds: float | None = None

    def start_all(self) -> None:
        """Start everything in the order of need, side by side where possible."""
        self._save()
        servers.write_configuration(self._place)
        self._start("etcd")
        self._start("kube-apiserver")
        servers.write_kubeconfig(self._place, self._place.kubeconfig, self._place.admin_token)
        self._start(*(part for part in self._place.parts if part not in ("etcd", "kube-apiserver")))
        self._ready_seconds = time.monotonic() - self._begun
        self._save()

    def start(self, part: str) -> None:
        """Start one part again, with the same port and data, and wait until it is ready."""
        self._named(part)
        self._start(part)
        self._save()

    def stop(self, part: str) -> None:
        """Stop one part; the others run on."""
        self._named(part).stop(NODE_STOP_SECONDS if part == "node" else STOP_SECONDS)
        self._save()

    def close(self) -> None:
        """End everything; the data is nobody's, so only the node is asked kindly: its pods end with it."""
        if "node" in self._processes:
            self._processes["node"].stop(NODE_STOP_SECONDS)
        for process in reversed(self._processes.values()):
            process.stop(grace_seconds=0)
        self._save()
        self._claim.close()

    def _named(self, part: str) -> Process:
        if part not in self._processes:
            raise RigError(f"this rig has no part {part!r}; it has {', '.join(self._processes)}")
        return self._processes[part]

    def _start(self, *parts: str) -> None:
        begun = [self._processes[part] for part in parts]
        for process in begun:
            process.start()
        for process in begun:
            process.wait_ready(READY_SECONDS)

    def _save(self) -> None:
        place = self._place
        config.write(
            place.directory / MARKER,
            {
                "owner": _written(self._me),
                "supervised": self._supervised,
                "ready_seconds": self._ready_seconds,
                "kubeconfig": str(place.kubeconfig),
                "urls": place.urls,
                "block": place.block.index,
                "parts": place.parts,
                "scrape_interval": place.scrape_interval,
                "admin_token": place.admin_token,
                "processes": {
                    name: {
                        "identity": _written(process.identity),
                        "ready_seconds": process.ready_seconds,
                        "log": str(process.log),
                        "command": process.command,
                    }
                    for name, process in self._processes.items()
                },
            },
        )


def _written(identity: Identity | None) -> dict[str, int] | None:
    return None if identity is None else {"pid": identity.pid, "started": identity.started}


def identity(written: dict[str, int] | None) -> Identity | None:
    """Return the process that `rig.json` names, where it still runs."""
    known = None if written is None else Identity(**written)
    return known if known is not None and known.runs else None


def owner(directory: Path) -> tuple[Identity, dict[str, Any]] | None:
    """Return the process that holds the rig of this directory, and what it wrote; None where no rig runs."""
    state = read_state(directory)
    holder = None if state is None else identity(state["owner"])
    return None if state is None or holder is None else (holder, state)


def prepare(directory: Path) -> None:
    """Make an empty place for a new rig; refuses a directory that somebody else uses."""
    if (running := owner(directory)) is not None:
        raise StartError(f"a rig runs in {directory} already (process {running[0].pid})")
    directory.mkdir(parents=True, exist_ok=True)
    if read_state(directory) is None and any(directory.iterdir()):
        raise StartError(f"{directory} is not empty, and no rig has made it: choose another directory")
    directory.chmod(0o700)
    (directory / "audit.log").unlink(missing_ok=True)
    for name in _DATA:
        shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).mkdir()
