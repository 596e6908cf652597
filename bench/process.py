"""The operator and sync as processes: memory, processor time, and whether the operator has something to do."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from bench.promotions import until
from bench.run import CONTROL_PLANE
from rig import Rig
from rig.addresses import free_port
from rig.processes import bound_to_us

STOP_SECONDS = 20
REST_SECONDS = 1.0
REST_SHARE = 0.2
"""The share of a processor below which the operator may be at rest."""
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
TICK = os.sysconf("SC_CLK_TCK")


class Process:
    """A program that ends with this one, and whose log is in the directory of the control plane."""

    def __init__(self, rig: Rig, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name, self.log = name, rig.directory / f"{name}.log"
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for us.
            self._process = subprocess.Popen(
                bound_to_us(command), env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def assert_alive(self) -> None:
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"{self.name} ended with {code}: {self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.assert_alive()
        self.end_by(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as the loss of its node does."""
        self.end_by(signal.SIGKILL)

    def end_by(self, number: signal.Signals) -> None:
        """Send a signal that ends it, and wait until it has ended."""
        self._process.send_signal(number)
        self._process.wait(STOP_SECONDS)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of it since its start."""
        return _cpu_seconds(self._process.pid)

    def memory(self, field: str) -> float:
        """Return `VmRSS` or `VmHWM` (its peak), in MiB."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) / 1024
        raise RuntimeError(f"{self.name} has no {field}: it ended")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def control_plane_cpu_seconds(rig: Rig) -> dict[str, float]:
    """Return the processor time of each program of the control plane since its start: their commands name its place."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            # It has ended since.
            continue
        if any(str(rig.directory) in each for each in words) and (name := Path(words[0]).name) in CONTROL_PLANE:
            found[name] = _cpu_seconds(int(path.parent.name))
    return found


class Served(Process):
    """A command of `python -m pennant` that serves its metrics, as the administrator.

    Settings are named as in the environment, in lower case and without their prefix.
    """

    def __init__(self, rig: Rig, name: str, command: str, prefix: str, **settings: str) -> None:
        self._port = free_port()
        environment = {key: each for key, each in os.environ.items() if not key.startswith("PENNANT_")}
        own = {f"{prefix}{key.upper()}": each for key, each in settings.items()}
        environment |= {"KUBECONFIG": str(rig.kubeconfig), f"{prefix}PORT": str(self._port), **own}
        self.begun = time.perf_counter()
        super().__init__(rig, name, [sys.executable, "-m", "pennant", command], environment)

    def fetch(self, path: str) -> str:
        """Return what it answers to this path; empty where it does not answer, or says that it is not ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=30) as answer:
                text: str = answer.read().decode()
                return text
        except (urllib.error.URLError, OSError):
            self.assert_alive()
            return ""

    def sample(self, name: str, labels: str = "") -> float:
        """Return the sum of the samples of this name in its metrics whose labels contain this text."""
        found = SAMPLE.findall(self.fetch("/metrics"))
        return sum(float(value) for each, has, value in found if each == name and labels in has)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Operator(Served):
    """`python -m pennant run`."""

    def __init__(self, rig: Rig, name: str = "operator", **settings: str) -> None:
        super().__init__(rig, name, "run", "PENNANT_", **settings)

    @property
    def leads(self) -> bool:
        return self.sample("pennant_leader") == 1

    def until_ready(self) -> None:
        until(lambda: self.fetch("/readyz"), f"{self.name} is ready", pause=0.05)

    def until_at_rest(self, seconds: float = 900.0, *, standby: bool = False) -> float:
        """Wait until it does nothing; return when that began, by `time.perf_counter`.

        Whether it does is first seen by its processor time, because rendering its metrics costs it some. Then they must
        say that its queues are empty; those of a standby never are.
        """
        deadline = time.monotonic() + seconds
        while True:
            begun, used = time.perf_counter(), self.cpu_seconds
            time.sleep(REST_SECONDS)
            is_quiet = self.cpu_seconds - used < REST_SHARE * REST_SECONDS
            if is_quiet and (standby or not self.sample("pennant_workqueue_depth")):
                return begun
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not at rest within {seconds:g} s")
            self.assert_alive()

    def share(self, seconds: float) -> float:
        """Return how much of a processor it uses in the next seconds, in percent."""
        used = self.cpu_seconds
        time.sleep(seconds)
        return (self.cpu_seconds - used) / seconds * 100


@contextmanager
def operator(rig: Rig, name: str = "operator", **settings: str) -> Iterator[Operator]:
    """Run the operator; raises `RuntimeError` with the end of its log where it ends by itself."""
    with Operator(rig, name, **settings) as found:
        yield found
        found.stop()
