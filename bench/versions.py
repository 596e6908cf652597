"""How fast the statuses of many versions are written, beside a client that does nothing else, and what it costs others.

Both are measured in the same run, against the same API server. The floor is a bare client that patches the status of as
many versions, with a status of the same size, over as many connections as the operator has workers for versions. A
watch sees the statuses of both. Then the operator starts among the versions, and while it writes their statuses a tag
is moved to and fro now and then: how long that takes is set beside the same moves while nothing else is to be done.
"""

import threading
import time
from collections.abc import Iterator

from bench.api import Api, created, patched, send
from bench.figures import Figure, Goal, percentiles
from bench.objects import BARE, VERSIONS, Object, a_version, beside
from bench.process import operator
from bench.promotions import Observer, moves, prepare, summary, until
from bench.run import Run, Scenario, Size
from rig import Rig

WORKERS = 4
# Ten thousand statuses on a slow machine.
PATIENCE_SECONDS = 1_800.0
PAUSE_SECONDS = 2.0
"""Between two pairs of moves while the statuses are written."""
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


def create(rig: Rig, path: str, count: int) -> None:
    send(rig, [[created(path, many(number))] for number in range(count)])


class Written:
    """Records when the status of each version of the model `many` is first written, by a watch."""

    def __init__(self, api: Api, path: str, count: int) -> None:
        self._count = count
        self._known = set[str]()
        self._seen: dict[str, float] = {}
        self.writes = 0
        self.begun, self.all = threading.Event(), threading.Event()
        api.watch(path, self._heard)
        # A watch begins with all objects; that must not fall into what is measured.
        until(lambda: len(self._known) == count, "the watch delivers all versions", PATIENCE_SECONDS)

    def _heard(self, version: Object) -> None:
        if version["spec"]["model"] != "many":
            return
        name = version["metadata"]["name"]
        self._known.add(name)
        if not version.get("status", {}).get("conditions"):
            return
        self.writes += 1
        self.begun.set()
        self._seen.setdefault(name, time.perf_counter())
        if len(self._seen) == self._count:
            self.all.set()

    @property
    def per_second(self) -> float:
        times = self._seen.values()
        return self._count / (max(times) - min(times))


def floor(rig: Rig, count: int) -> float:
    """Return how many statuses a second the bare client writes."""
    path, status = beside(VERSIONS), {"status": a_status()}
    written = Written(Api(rig), path, count)
    send(rig, [[patched(f"{path}/many-0.0.{number}/status", status)] for number in range(count)], WORKERS)
    until(written.all.is_set, "the watch delivers all statuses", PATIENCE_SECONDS)
    return written.per_second


def measure(run: Run) -> Iterator[Figure]:
    """Measure the bare client, the operator at rest, and the operator among so many versions, in one run."""
    count = run.sizes["versions"]
    with run.control_plane() as rig:
        prepare(rig)
        rig.kubectl("create", "namespace", BARE)
        run.say(f"{count} versions for the bare client")
        create(rig, beside(VERSIONS), count)
        bare = floor(rig, count)
        observer = Observer(rig)
        with operator(rig, namespace="default"):
            observer.wait("ours", "1.0.0")
            time.sleep(1)
            run.say("tag moves at rest")
            idle = summary(moves(rig, observer, "ours", run.sizes["moves"]))
        run.say(f"{count} versions for the operator")
        create(rig, VERSIONS, count)
        yield from _among(run, rig, observer, bare, idle)


def _among(run: Run, rig: Rig, observer: Observer, bare: float, idle: dict[str, float]) -> Iterator[Figure]:
    count = run.sizes["versions"]
    written, busy = Written(Api(rig), VERSIONS, count), list[float]()
    deadline = time.monotonic() + PATIENCE_SECONDS
    with operator(rig, namespace="default"):
        written.begun.wait(PATIENCE_SECONDS)
        run.say("the operator writes their statuses, and tags move meanwhile")
        while not written.all.is_set() or len(busy) < 2:
            if time.monotonic() > deadline:
                raise RuntimeError("the statuses are not written in time")
            busy += moves(rig, observer, "ours", 2)
            # A move has several writes, and the floor has none of them: without a pause, 434 moves ran meanwhile.
            time.sleep(PAUSE_SECONDS)
        time.sleep(2)
    yield Figure("statuses of new versions", written.per_second, "/s", bare, Goal(0.8, at_least=True))
    yield Figure("writes of each version", written.writes / count, "writes")
    yield from percentiles("tag move meanwhile, beside one at rest", summary(busy), idle, p99=Goal(3))
    yield Figure("tag moves meanwhile", len(busy), "moves")


SCENARIO = Scenario(
    "versions",
    "the first statuses of many versions, and a tag move meanwhile",
    {"versions": Size(10_000, 30, "ModelVersions"), "moves": Size(100, 4, "tag moves at rest")},
    measure,
    "Both processors are used up by either of them. In a run with 4,000 versions, the bare client took 13 % of one and "
    "left 169 % to the API server; the operator took 30 % and left 142 %. In a profile of the operator, a fifth of the "
    "time reads and compares the records, three tenths write the statuses, a fifth handles the events of its own "
    "writes, and the rest is the event loop and TLS.",
)
