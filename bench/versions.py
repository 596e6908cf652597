"""How fast the statuses of many versions are written, beside a client that does nothing else, and what it costs others.

Both are measured in the same run, against the same API server. The floor is a bare client that patches the status of as
many versions, with a status of the same size, over as many connections as the operator has workers for versions. Then
the operator starts among the versions, and while it writes their statuses a tag is moved to and fro: how long that
takes is set beside the same moves while nothing else is to be done.
Usage: `python bench/versions.py [--versions 10000] [-o json]`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from latency import MERGE, PARTS, VERSIONS, Api, Object, Observer, a_version, moves, prepare, summary

from rig import Rig

CONNECTIONS = 4
CREATORS = 16
IDLE_MOVES = 40
# Ten thousand statuses on a slow machine.
PATIENCE_SECONDS = 1_800.0
BARE = VERSIONS.replace("/default/", "/bare/")
DIGEST = f"sha256:{'0' * 64}"


def many(number: int) -> Object:
    """Return a version as a training pipeline would record it; all but the first have a parent."""
    found = a_version("many", f"0.0.{number}", [])
    found["spec"] |= {
        "reason": "Nightly retraining.",
        "author": {"name": "pipeline", "kind": "Pipeline"},
        "createdAt": "2026-01-01T00:00:00Z",
        "datasets": [{"name": "payments", "role": "Training", "uri": "s3://payments", "digest": DIGEST}],
        "code": {"repository": "https://git.example.com/fraud", "commit": f"{number:07x}"},
        "hyperparameters": [{"name": f"p{each}", "value": str(each)} for each in range(20)],
        "metrics": [{"name": "auc", "value": "0.9", "split": split} for split in ("Validation", "Test")],
        "schema": {"inputs": [{"name": f"x{each}", "type": "float32"} for each in range(20)]},
    }
    if number:
        found["spec"]["parent"] = "0.0.0"
    return found


def a_status() -> Object:
    """Return a status as large as the one that the operator writes."""
    condition = {
        "status": "True",
        "reason": "RecordComplete",
        "message": "all 9 elements are present",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00.000Z",
    }
    return {
        "observedGeneration": 1,
        "conditions": [{"type": each, **condition} for each in ("Ready", "Complete")],
        "completeness": {"present": 8, "missing": ["Environment"]},
        "recordDigest": DIGEST,
        "computedBump": {"parent": "0.0.0", "bump": "Minor", "reasons": ["the training code was at 0 and is at 1"]},
        "servedBy": [],
    }


async def all_at_once(
    rig: Rig, count: int, width: int, ask: Callable[[aiohttp.ClientSession, int], Awaitable[None]]
) -> float:
    """Ask for each number over so many connections; return the seconds."""
    left = iter(range(count))

    async def some(session: aiohttp.ClientSession) -> None:
        for number in left:
            await ask(session, number)

    headers = {"Authorization": f"Bearer {rig.admin_token}"}
    connector = aiohttp.TCPConnector(limit=width, ssl=False)
    async with aiohttp.ClientSession(rig.api_server, headers=headers, connector=connector) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(some(session) for _ in range(width)))
        return time.perf_counter() - begun


def create(rig: Rig, path: str, count: int) -> None:
    async def ask(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post(path, json=many(number)) as answer:
            answer.raise_for_status()

    asyncio.run(all_at_once(rig, count, CREATORS, ask))


def floor(rig: Rig, count: int) -> float:
    """Return the statuses a second that a client writes which has nothing to think about."""
    body = json.dumps({"status": a_status()})

    async def ask(session: aiohttp.ClientSession, number: int) -> None:
        path = f"{BARE}/many-0.0.{number}/status"
        async with session.patch(path, data=body, headers={"Content-Type": MERGE}) as answer:
            answer.raise_for_status()
            await answer.read()

    return count / asyncio.run(all_at_once(rig, count, CONNECTIONS, ask))


class Written:
    """Sees when statuses of the many versions are written."""

    def __init__(self, api: Api, count: int) -> None:
        self._count = count
        self._seen: dict[str, float] = {}
        self.writes = 0
        self.begun, self.all = threading.Event(), threading.Event()
        api.watch(VERSIONS, self._heard)

    def _heard(self, version: Object) -> None:
        if version["spec"]["model"] != "many" or not version.get("status", {}).get("conditions"):
            return
        self.writes += 1
        self.begun.set()
        self._seen.setdefault(version["metadata"]["name"], time.perf_counter())
        if len(self._seen) == self._count:
            self.all.set()

    @property
    def per_second(self) -> float:
        times = self._seen.values()
        return self._count / (max(times) - min(times))


@contextmanager
def operator(rig: Rig) -> Iterator[None]:
    environment = os.environ | {"KUBECONFIG": str(rig.kubeconfig), "PENNANT_PORT": "0", "PENNANT_NAMESPACE": "default"}
    command = [sys.executable, "-m", "pennant", "run"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def measure(count: int) -> Object:
    """Measure the bare client, the operator at rest, and the operator among so many versions, in one run."""
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", PARTS) as rig:
        prepare(rig)
        rig.kubectl("create", "namespace", "bare")
        create(rig, BARE, count)
        bare = floor(rig, count)
        observer = Observer(Api(rig))
        with operator(rig):
            observer.wait("ours", "1.0.0")
            time.sleep(1)
            idle = moves(rig, observer, "ours", IDLE_MOVES)
        create(rig, VERSIONS, count)
        written, busy = Written(Api(rig), count), []
        deadline = time.monotonic() + PATIENCE_SECONDS
        with operator(rig):
            written.begun.wait(PATIENCE_SECONDS)
            while not written.all.is_set():
                if time.monotonic() > deadline:
                    raise RuntimeError("the statuses are not written in time")
                busy += moves(rig, observer, "ours", 2)
            time.sleep(2)
        return {
            "statuses per second": {"floor": bare, "operator": written.per_second},
            "writes per version": written.writes / count,
            "promotion ms": {"idle": summary(idle), "meanwhile": summary(busy)},
            "moves meanwhile": len(busy),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    found = measure(arguments.versions)
    rates, promotion = found["statuses per second"], found["promotion ms"]
    found["ratio"] = rates["operator"] / rates["floor"]
    if arguments.output == "json":
        print(json.dumps({"versions": arguments.versions, **found}))
        return
    print(f"statuses of {arguments.versions} versions, written a second, over {CONNECTIONS} connections")
    for name, rate in rates.items():
        print(f"{name:<10}{rate:9.0f}")
    print(f"{'ratio':<10}{found['ratio']:9.2f}")
    print(f"writes per version: {found['writes per version']:.3f}")
    print(f"tag move to Deployment written, ms; {found['moves meanwhile']} moves meanwhile")
    print(f"{'':<10}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, values in promotion.items():
        print(f"{name:<10}" + "".join(f"{value:9.1f}" for value in values.values()))


if __name__ == "__main__":
    main()
