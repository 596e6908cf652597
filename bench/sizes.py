"""What the largest objects of one namespace cost: memory of the operator, and promotions in another namespace.

A hundred ModelVersions and a hundred ModelDeployments, each as large as the API server and etcd admit, are put into one
namespace, each pair a model of its own that is asked to be served. A tag in another namespace is moved to and fro
before, while they come, when they are there, and while the operator starts anew among them. Printed are the latencies
and their ratio to those before, and the peak of the operator's memory beside the limit that the chart sets. With
`--served` they are the largest that the operator serves instead: each gets a revision and a Deployment then.
Usage: `python bench/sizes.py [--objects 100] [--served] [-o json]`.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from latency import PARTS, ROOT, Api, Object, Observer, moves, prepare, summary

from rig import Rig

NAMESPACE = "large"
API = f"/apis/pennant.dev/v1alpha1/namespaces/{NAMESPACE}"
MOVES = 20
SETTLE_SECONDS = 20.0
MIB = 1024 * 1024


def text(chance: random.Random, length: int) -> str:
    """Return characters of three bytes each, of which no two texts have many in common."""
    return "".join(map(chr, chance.choices(range(0x4E00, 0x9FA5), k=length)))


def a_large_version(number: int, served: bool = False) -> Object:
    """Return a version of 1.4 MB, or of one that is served 0.5 MB, that the schema lets in and that is asked for."""
    share = 0.4 if served else 1.0
    chance = random.Random(number)
    spec = {
        "model": f"large-{number}",
        "version": "1.0.0",
        "tags": ["production"],
        "artifacts": [{"name": "model", "uri": "s3://models/large", "digest": f"sha256:{'1' * 64}"}],
        "hyperparameters": [{"name": f"p{each}", "value": text(chance, int(512 * share))} for each in range(256)],
        "serving": {"env": [{"name": f"E{each}", "value": text(chance, int(4096 * share))} for each in range(64)]},
    }
    annotations = {"notes": text(chance, 80_000)}
    return _object("ModelVersion", f"large-{number}-1.0.0", spec, annotations)


def a_large_deployment(number: int, served: bool = False) -> Object:
    """Return a ModelDeployment of 1.4 MB, or of one that is served 0.2 MB.

    It has many small parts: these take the most memory for each byte.
    """
    env = [{"name": f"E{each:05}", "value": "1"} for each in range(7_500 if served else 40_000)]
    pods = {"containers": [{"name": "server", "image": "registry.example/server:1", "env": env}]}
    spec = {"model": f"large-{number}", "replicas": 0, "allowServing": ["Env"], "template": {"spec": pods}}
    return _object("ModelDeployment", f"large-{number}", spec, {})


def _object(kind: str, name: str, spec: Object, annotations: Object) -> Object:
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "pennant.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def create(api: Api, count: int, served: bool) -> int:
    """Create them all, and return the bytes of the largest one as it is stored."""
    largest = 0
    for number in range(count):
        for plural, manifest in (("modelversions", a_large_version), ("modeldeployments", a_large_deployment)):
            stored = api.request("POST", f"{API}/{plural}?fieldManager=bench", manifest(number, served))
            largest = max(largest, len(json.dumps(stored, ensure_ascii=False).encode()))
    return largest


@contextmanager
def operator(rig: Rig) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"KUBECONFIG": str(rig.kubeconfig), "PENNANT_PORT": "0", "PENNANT_LOG_FORMAT": "console"}
    log = Path(rig.place.directory) / "operator.log"
    with log.open("ab") as told:
        process = subprocess.Popen([sys.executable, "-m", "pennant", "run"], env=environment, stdout=told, stderr=told)
    try:
        yield process
    finally:
        if process.poll() is not None:
            raise RuntimeError(f"the operator ended: {log.read_text()[-4000:]}")
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def memory(process: subprocess.Popen[bytes], field: str) -> float:
    """Return `VmRSS` or `VmHWM` (its peak) of a process, in MiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1024
    raise RuntimeError(f"no {field}")


def limit() -> float:
    """Return the limit of memory that the chart sets, in MiB."""
    values = yaml.safe_load((ROOT / "charts" / "pennant" / "values.yaml").read_text())
    return float(values["resources"]["limits"]["memory"].removesuffix("Mi"))


def measure(count: int, served: bool) -> Object:
    """Measure before, meanwhile, beside and at a start among so many objects of each kind, in one run."""
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", PARTS) as rig:
        prepare(rig)
        rig.kubectl("create", "namespace", NAMESPACE)
        observer, found = Observer(Api(rig)), dict[str, dict[str, float]]()
        with operator(rig) as process:
            observer.wait("ours", "1.0.0")
            time.sleep(2)
            found["before"] = summary(moves(rig, observer, "ours", 2 * MOVES))
            empty = memory(process, "VmRSS")
            largest: list[int] = []
            creating = threading.Thread(target=lambda: largest.append(create(Api(rig), count, served)))
            creating.start()
            meanwhile = list[float]()
            while creating.is_alive():
                meanwhile += moves(rig, observer, "ours", 2)
            found["while they come"] = summary(meanwhile)
            time.sleep(SETTLE_SECONDS)
            found["beside them"] = summary(moves(rig, observer, "ours", 2 * MOVES))
            running = memory(process, "VmRSS"), memory(process, "VmHWM")
        with operator(rig) as process:
            found["at a start"] = summary(moves(rig, observer, "ours", MOVES))
            time.sleep(SETTLE_SECONDS)
            started = memory(process, "VmRSS"), memory(process, "VmHWM")
        return {
            "largest bytes": largest[0],
            "promotion ms": found,
            "memory MiB": {
                "empty": empty,
                "beside them": running[0],
                "peak": running[1],
                "after a start": started[0],
                "peak of a start": started[1],
                "limit": limit(),
            },
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--served", action="store_true", help="the largest that are served, not the largest there are")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    found = measure(arguments.objects, arguments.served)
    promotion, used = found["promotion ms"], found["memory MiB"]
    found["ratio"] = {
        "promotion p50": promotion["beside them"]["p50"] / promotion["before"]["p50"],
        "memory": max(used["peak"], used["peak of a start"]) / used["limit"],
    }
    if arguments.output == "json":
        print(json.dumps({"objects": arguments.objects, **found}))
        return
    print(f"{arguments.objects} of each kind, of up to {found['largest bytes'] / MIB:.2f} MiB, in one namespace")
    print("tag move in another namespace to Deployment written, ms")
    print(f"{'':<18}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, values in promotion.items():
        print(f"{name:<18}" + "".join(f"{value:9.1f}" for value in values.values()))
    print("memory of the operator, MiB")
    for name, value in used.items():
        print(f"{name:<18}{value:9.0f}")
    for name, value in found["ratio"].items():
        print(f"ratio of {name}: {value:.2f}")


if __name__ == "__main__":
    main()
