"""Moves of a tag, and when a Deployment shows the version that has it."""

import statistics
import threading
import time
from collections.abc import Callable, Sequence

from bench.api import MERGE, PATIENCE_SECONDS, Api, Task, created, patched, send
from bench.objects import (
    DEPLOYMENTS,
    MODEL_DEPLOYMENTS,
    TAG,
    VERSION_LABEL,
    VERSIONS,
    Object,
    a_bare_deployment,
    a_model_deployment,
    shown,
    tagged,
    two_versions,
)
from rig import Rig

PAUSE_SECONDS = 0.1
PARTS_OF_A_MOVE = (
    "In a trace of ten moves, in a run where the floor was 20 ms, half of them took more than 37 ms: 15 ms until the "
    "watch delivers the tag, 6 ms for the ControllerRevision, which is the intent and comes before the Deployment, 7 "
    "ms for the apply of the Deployment, and 7 ms in the operator (2 ms to read the event, 5 ms to queue the key, "
    "read the caches and decide). The floor has the first part and one patch."
)
"""Why a move takes longer than the floor."""


class Observer:
    """Sees when a Deployment shows a version, whoever wrote it."""

    def __init__(self, rig: Rig) -> None:
        self._api = Api(rig)
        self._seen: dict[tuple[str, str], float] = {}
        self._changed = threading.Condition()
        Api(rig).watch(DEPLOYMENTS, self._heard)

    def _heard(self, deployment: Object) -> None:
        found = _shown(deployment)
        with self._changed:
            self._seen.setdefault((deployment["metadata"]["name"], found), time.perf_counter())
            self._changed.notify_all()

    def forget(self, name: str, version: str) -> None:
        with self._changed:
            self._seen.pop((name, version), None)

    def wait(self, name: str, version: str, seconds: float = PATIENCE_SECONDS) -> float:
        """Return when the Deployment was first seen to show the version, by `time.perf_counter`."""
        with self._changed:
            if not self._changed.wait_for(lambda: (name, version) in self._seen, seconds):
                now = _shown(self._api.request("GET", f"{DEPLOYMENTS}/{name}"))
                message = f"the Deployment {name} was not seen to show {version} in {seconds:g} s; now it shows {now}"
                raise RuntimeError(message)
            return self._seen[name, version]


def _shown(deployment: Object) -> str:
    """Return the version that a Deployment shows."""
    return str(deployment["spec"]["template"]["metadata"]["labels"].get(VERSION_LABEL, ""))


class BareClient:
    """Watches ModelVersions of a model and patches a Deployment at once: what no operator can be faster than."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._api, self._name = Api(rig), name
        Api(rig).watch(VERSIONS, self._heard)

    def _heard(self, version: Object) -> None:
        if version["spec"]["model"] == self._name and TAG in version["spec"].get("tags", []):
            body = shown(version["spec"]["version"])
            self._api.request("PATCH", f"{DEPLOYMENTS}/{self._name}", body, MERGE)


def prepare(rig: Rig) -> None:
    """Create the model `ours` for the operator, and `bare` of the same shape for the bare client."""
    models = [created(VERSIONS, each) for name in ("ours", "bare") for each in two_versions(name)]
    ours = created(MODEL_DEPLOYMENTS, a_model_deployment("ours"))
    send(rig, [[*models, ours, created(DEPLOYMENTS, a_bare_deployment("bare"))]])


def tag(api: Api, model: str, version: str, *tags: str) -> None:
    """Give a version these tags and no others."""
    api.request("PATCH", f"{VERSIONS}/{model}-{version}", tagged(*tags), MERGE)


def moves(rig: Rig, observer: Observer, name: str, count: int) -> list[float]:
    """Move the tag to and fro, and return for each move the milliseconds until the Deployment shows it."""
    api, times = Api(rig), []
    tags = api.request("GET", f"{VERSIONS}/{name}-1.0.0")["spec"].get("tags")
    old, new = ("1.0.0", "2.0.0") if tags else ("2.0.0", "1.0.0")
    for _ in range(count):
        observer.forget(name, new)
        tag(api, name, old)
        time.sleep(PAUSE_SECONDS)
        begun = time.perf_counter()
        tag(api, name, new, TAG)
        times.append((observer.wait(name, new) - begun) * 1000)
        time.sleep(PAUSE_SECONDS)
        old, new = new, old
    return times


def moved(model: str, versions: str = VERSIONS) -> Task:
    """Return the two requests that move the tag of a model from 1.0.0 to 2.0.0."""
    return [patched(f"{versions}/{model}-1.0.0", tagged()), patched(f"{versions}/{model}-2.0.0", tagged(TAG))]


def summary(times: Sequence[float]) -> dict[str, float]:
    """Return percentiles of at least two times."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(times)}


def until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.2) -> None:
    """Wait until something holds; raises `RuntimeError` where it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
