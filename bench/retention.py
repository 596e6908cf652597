"""What retention makes of a year of daily versions of many models, and what it costs others.

Versions of each model are created in the order of their days; each has the one before as its parent. `keepLast` lets
all go but the last 30, what has a tag or a legal hold, and the parents of these. The operator deletes the others,
exported first, while a tag of another model is moved to and fro: how long that takes is set beside the same moves at
rest. The memory of the operator is sampled all the time. After `--seconds` it stops and prints what it has.
Usage: `python bench/retention.py [--models 100] [--days 365] [--seconds 900] [-o json]`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from bench.api import Api, created, send
from bench.objects import VERSIONS, Object, a_version
from bench.promotions import Observer, moves, prepare, summary
from rig import Rig
from rig.addresses import free_port

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager")
KEEP, IDLE_MOVES = 30, 20
PAUSE_SECONDS = 5.0
"""Between promotions: a queue that is never empty leaves five deletions a second."""
STAGING, HELD = 100, 50
"""Days whose version has a tag, and a legal hold."""
DEPLOYMENTS = VERSIONS.replace("modelversions", "modeldeployments")


class Watched:
    """The versions that exist, by lists of metadata, and the memory of the operator.

    A watch of so many objects may be closed by the API server for minutes of silence or for its length.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self.memory: list[int] = []

    def count(self) -> int:
        """Return how many versions there are, with those of the model that promotions move."""
        page = self._api.request("GET", f"{VERSIONS}?limit=1&resourceVersion=")
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))

    def names(self) -> set[str]:
        """Return the names of the versions of the many models."""
        found, token = set[str](), ""
        while True:
            page = self._api.request("GET", f"{VERSIONS}?limit=500&continue={token}")
            found |= {each["metadata"]["name"] for each in page["items"]}
            token = page["metadata"].get("continue", "")
            if not token:
                return {each for each in found if each.startswith("m")}


def versions(models: int, days: int) -> list[Object]:
    """Return the manifests, in the order of their days."""
    found = []
    for day in range(days):
        for model in range(models):
            tags = ["production"] if day == days - 1 else ["staging"] if day == STAGING else []
            each = a_version(f"m{model:03}", f"2026.{day:03}", tags)
            if day:
                each["spec"]["parent"] = f"2026.{day - 1:03}"
            each["spec"]["metrics"] = [{"name": "auc", "value": "0.9", "split": "Test"}]
            if day == HELD:
                each["spec"]["retention"] = {"legalHold": True}
            found.append(each)
    return found


def survivors(models: int, days: int) -> set[str]:
    """Return the names of the versions that must stay."""
    kept = {*range(max(days - KEEP, 0), days), *(each for each in (STAGING, HELD) if each < days)}
    kept |= {each - 1 for each in kept if each}
    return {f"m{model:03}-2026.{day:03}" for model in range(models) for day in kept}


def create(rig: Rig, path: str, manifests: list[Object]) -> None:
    send(rig, [(created(path, each),) for each in manifests])


def deployment(model: int) -> Object:
    pods = {"containers": [{"name": "server", "image": "registry.example/server:1"}]}
    spec = {"model": f"m{model:03}", "replicas": 0, "template": {"spec": pods}}
    spec["retention"] = {"keepLast": KEEP, "action": "Delete"}
    return {
        "apiVersion": "pennant.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": f"m{model:03}"},
        "spec": spec,
    }


@contextmanager
def operator(rig: Rig, archive: Path, watched: Watched, rate: float, port: int) -> Iterator[None]:
    """Run the operator, and sample its memory each second."""
    environment = os.environ | {
        "KUBECONFIG": str(rig.kubeconfig),
        "PENNANT_PORT": str(port),
        "PENNANT_NAMESPACE": "default",
        "PENNANT_ARCHIVE": str(archive),
        "PENNANT_RETENTION_DELETES": "true",
        "PENNANT_RETENTION_SECONDS": "20",
        "PENNANT_RETENTION_DELETES_PER_SECOND": str(rate),
    }
    command = [sys.executable, "-m", "pennant", "run"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = threading.Event()

    def sample() -> None:
        status = Path(f"/proc/{process.pid}/status")
        while not done.wait(1) and status.exists():
            lines = status.read_text().splitlines()
            watched.memory += [int(each.split()[1]) // 1024 for each in lines if each.startswith("VmRSS")]

    threading.Thread(target=sample, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        process.terminate()
        process.wait(20)


def measure(models: int, days: int, seconds: float, rate: float) -> Object:
    """Create, let the operator judge and delete, and return what was seen."""
    manifests, wanted = versions(models, days), survivors(models, days)
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", PARTS) as rig:
        archive, port = Path(directory) / "archive", free_port()
        archive.mkdir()
        prepare(rig)
        observer, begun = Observer(rig), time.monotonic()
        create(rig, VERSIONS, manifests)
        say(f"{len(manifests)} versions were created in {time.monotonic() - begun:.0f} s")
        watched = Watched(Api(rig))
        others = watched.count() - len(manifests)
        with operator(rig, archive, watched, rate, port):
            observer.wait("ours", "1.0.0")
            wait_for_statuses(port, seconds)
            idle = moves(rig, observer, "ours", IDLE_MOVES)
            create(rig, DEPLOYMENTS, [deployment(each) for each in range(models)])
            before, busy, began = watched.memory[-1], list[float](), time.monotonic()
            while (left := watched.count() - others) > len(wanted) and time.monotonic() < began + seconds:
                say(f"{left} versions are left, {len(wanted)} must stay; {watched.memory[-1]} MiB")
                busy += moves(rig, observer, "ours", 4)
                time.sleep(PAUSE_SECONDS)
            took, names = time.monotonic() - began, watched.names()
        deleted = len(manifests) - len(names)
        return {
            "versions": len(manifests),
            "deleted": deleted,
            "exported": sum(1 for _ in archive.rglob("modelversions/*/*.jsonl")),
            "wrongly deleted": sorted(wanted - names)[:5],
            "left to delete": len(names - wanted),
            "deletions per second": round(deleted / took, 1),
            "memory MiB": {"before": before, "max": max(watched.memory)},
            "promotion ms": {"idle": summary(idle), "meanwhile": summary(busy) if len(busy) > 1 else {}},
            "moves meanwhile": len(busy),
        }


def wait_for_statuses(port: int, seconds: float) -> None:
    """Wait until the operator has written the status of each version: a record is kept until it was checked."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        depth = [float(each.split()[-1]) for each in lines if each.startswith("pennant_workqueue_depth{kind=")]
        if depth and sum(depth) < 5:
            return
        say(f"{sum(depth):.0f} statuses are to be written")
        time.sleep(2)


def say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--rate", type=float, default=1000, help="deletions per second at most")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    found = measure(arguments.models, arguments.days, arguments.seconds, arguments.rate)
    if arguments.output == "json":
        print(json.dumps(found))
        return
    for name, each in found.items():
        print(f"{name:<22}{each}")


if __name__ == "__main__":
    main()
