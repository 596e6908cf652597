"""How long it takes from a tag's move until the Deployment is written, beside a client that does nothing else.

Both are measured in the same run, against the same API server, by the same observer: a watch on Deployments sees the
new pod template, whoever wrote it. The floor is a bare client that watches ModelVersions and, at each event, sends one
patch to a Deployment. Usage: `python bench/latency.py [--moves 200] [-o json]`.
"""

import argparse
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rig import Rig

ROOT = Path(__file__).parent.parent
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager")
VERSIONS = "/apis/pennant.dev/v1alpha1/namespaces/default/modelversions"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PATIENCE_SECONDS = 60.0
MERGE = "application/merge-patch+json"
Object = dict[str, Any]


class Api:
    """One kept connection to the API server."""

    def __init__(self, rig: Rig) -> None:
        self._host = urlsplit(rig.api_server).netloc
        self._context = ssl.create_default_context(cafile=str(rig.ca_file))
        self._token = rig.admin_token
        self._connection = self._connect()

    def _connect(self, seconds: float | None = PATIENCE_SECONDS) -> HTTPSConnection:
        return HTTPSConnection(self._host, context=self._context, timeout=seconds)

    def request(self, method: str, path: str, body: Object, content_type: str = "application/json") -> Object:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        self._connection.request(method, path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        content: Object = json.loads(answer.read())
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {content.get('message')}")
        return content

    def watch(self, path: str, heard: Callable[[Object], None]) -> None:
        """Call `heard` with each object of this collection that changes, in a thread, until the process ends."""

        def listen() -> None:
            # Nothing may happen for long.
            connection = self._connect(None)
            connection.request("GET", f"{path}?watch=1", headers={"Authorization": f"Bearer {self._token}"})
            for line in connection.getresponse():
                heard(json.loads(line)["object"])

        threading.Thread(target=listen, daemon=True).start()


class Observer:
    """Sees when a Deployment shows a version."""

    def __init__(self, api: Api) -> None:
        self._seen: dict[tuple[str, str], float] = {}
        self._changed = threading.Condition()
        api.watch(DEPLOYMENTS, self._heard)

    def _heard(self, deployment: Object) -> None:
        shown = deployment["spec"]["template"]["metadata"]["labels"].get("pennant.dev/version", "")
        with self._changed:
            self._seen.setdefault((deployment["metadata"]["name"], shown), time.perf_counter())
            self._changed.notify_all()

    def forget(self, name: str, version: str) -> None:
        with self._changed:
            self._seen.pop((name, version), None)

    def wait(self, name: str, version: str) -> float:
        with self._changed:
            if not self._changed.wait_for(lambda: (name, version) in self._seen, PATIENCE_SECONDS):
                raise RuntimeError(f"{name} does not show {version}")
            return self._seen[name, version]


class BareClient:
    """Watches ModelVersions of a model and patches a Deployment at once: what no operator can be faster than."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._api, self._name = Api(rig), name
        Api(rig).watch(VERSIONS, self._heard)

    def _heard(self, version: Object) -> None:
        if version["spec"]["model"] == self._name and "production" in version["spec"].get("tags", []):
            labels = {"pennant.dev/version": version["spec"]["version"]}
            body = {"spec": {"template": {"metadata": {"labels": labels}}}}
            self._api.request("PATCH", f"{DEPLOYMENTS}/{self._name}", body, MERGE)


def moves(rig: Rig, observer: Observer, name: str, count: int) -> list[float]:
    """Move the tag to and fro, and return for each move the milliseconds until the Deployment shows it."""
    api = Api(rig)
    times = []
    for number in range(count):
        old, new = ("1.0.0", "2.0.0") if number % 2 == 0 else ("2.0.0", "1.0.0")
        observer.forget(name, new)
        tag(api, name, old, [])
        time.sleep(0.1)
        begun = time.perf_counter()
        tag(api, name, new, ["production"])
        times.append((observer.wait(name, new) - begun) * 1000)
        time.sleep(0.1)
    return times


def tag(api: Api, model: str, version: str, tags: list[str]) -> None:
    api.request("PATCH", f"{VERSIONS}/{model}-{version}", {"spec": {"tags": tags}}, MERGE)


def a_version(model: str, version: str, tags: list[str]) -> Object:
    artifact = {"name": "model", "uri": f"s3://models/{model}/{version}", "digest": f"sha256:{version[0] * 64}"}
    spec = {"model": model, "version": version, "tags": tags, "artifacts": [artifact]}
    return _object("pennant.dev/v1alpha1", "ModelVersion", f"{model}-{version}", spec)


def _object(api_version: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def prepare(rig: Rig) -> None:
    """Create a model for the operator, and one of the same shape for the bare client."""
    rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    rig.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    pods = {"containers": [{"name": "server", "image": "registry.example/server:1"}]}
    objects = [
        a_version(model, v, ["production"] if v == "1.0.0" else [])
        for model in ("ours", "bare")
        for v in ("1.0.0", "2.0.0")
    ]
    spec = {"model": "ours", "replicas": 0, "template": {"spec": pods}}
    objects.append(_object("pennant.dev/v1alpha1", "ModelDeployment", "ours", spec))
    labels = {"app": "bare"}
    template = {"metadata": {"labels": labels}, "spec": pods}
    bare = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    objects.append(_object("apps/v1", "Deployment", "bare", bare))
    for each in objects:
        rig.kubectl("apply", "-f", "-", stdin=json.dumps(each))


def summary(times: list[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(times)}


def measure(count: int) -> dict[str, dict[str, float]]:
    """Measure the bare client and the operator, one after the other, in one run."""
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", PARTS) as rig:
        prepare(rig)
        observer = Observer(Api(rig))
        environment = os.environ | {"KUBECONFIG": str(rig.kubeconfig), "PENNANT_PORT": "0"}
        command = [sys.executable, "-m", "pennant", "run"]
        silent = subprocess.DEVNULL
        operator = subprocess.Popen(command, env=environment, stdout=silent, stderr=silent)
        try:
            observer.wait("ours", "1.0.0")
            BareClient(rig, "bare")
            time.sleep(1)
            return {
                "floor": summary(moves(rig, observer, "bare", count)),
                "operator": summary(moves(rig, observer, "ours", count)),
            }
        finally:
            operator.terminate()
            operator.wait(10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=200)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    found = measure(arguments.moves)
    ratios = {name: found["operator"][name] / found["floor"][name] for name in found["floor"]}
    if arguments.output == "json":
        print(json.dumps({"unit": "ms", "moves": arguments.moves, **found, "ratio": ratios}))
        return
    print(f"tag move to Deployment written, ms, {arguments.moves} moves")
    print(f"{'':<10}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, values in found.items():
        print(f"{name:<10}" + "".join(f"{value:9.1f}" for value in values.values()))
    print(f"{'ratio':<10}" + "".join(f"{value:9.1f}" for value in ratios.values()))


if __name__ == "__main__":
    main()
