"""What the largest objects of one namespace cost: memory of the operator, and promotions in another namespace.

A hundred ModelVersions and a hundred ModelDeployments, each as large as the API server and etcd admit, are put into one
namespace, each pair a model of its own that is asked to be served. A tag in another namespace is moved to and fro
before, while they come, when they are there, and while the operator starts anew among them. The floor of these moves
are those before; the goal of the memory is the limit that the chart sets. In `served-sizes` they are the largest that
the operator serves instead: each gets a revision and a Deployment then.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import yaml

from bench.api import Api
from bench.figures import Figure, Goal, percentiles
from bench.objects import Object, a_model_deployment, an_object
from bench.process import operator
from bench.promotions import Observer, moves, prepare, summary
from bench.run import ROOT, Run, Scenario, Size
from rig import Rig

NAMESPACE = "large"
API = f"/apis/pennant.dev/v1alpha1/namespaces/{NAMESPACE}"
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
    found = an_object("pennant.dev/v1alpha1", "ModelVersion", f"large-{number}-1.0.0", spec)
    found["metadata"]["annotations"] = {"notes": text(chance, 80_000)}
    return found


def a_large_deployment(number: int, served: bool = False) -> Object:
    """Return a ModelDeployment of 1.4 MB, or of one that is served 0.2 MB.

    It has many small parts: these take the most memory for each byte.
    """
    env = [{"name": f"E{each:05}", "value": "1"} for each in range(7_500 if served else 40_000)]
    pods = {"containers": [{"name": "server", "image": "registry.example/server:1", "env": env}]}
    return a_model_deployment(f"large-{number}", allowServing=["Env"], template={"spec": pods})


def create(api: Api, count: int, served: bool) -> int:
    """Create them all, and return the bytes of the largest one as it is stored."""
    largest = 0
    for number in range(count):
        for plural, manifest in (("modelversions", a_large_version), ("modeldeployments", a_large_deployment)):
            stored = api.request("POST", f"{API}/{plural}?fieldManager=bench", manifest(number, served))
            largest = max(largest, len(json.dumps(stored, ensure_ascii=False).encode()))
    return largest


def limit() -> float:
    """Return the limit of memory that the chart sets, in MiB."""
    values = yaml.safe_load((ROOT / "charts" / "pennant" / "values.yaml").read_text())
    return float(values["resources"]["limits"]["memory"].removesuffix("Mi"))


def measure(run: Run, served: bool) -> Iterator[Figure]:
    """Measure before, meanwhile, beside and at a start among so many objects of each kind, in one run."""
    with run.control_plane() as rig:
        prepare(rig)
        rig.kubectl("create", "namespace", NAMESPACE)
        observer, memory = Observer(rig), dict[str, float]()
        moved = partial(moves, rig, observer, "ours")
        with operator(rig) as process:
            observer.wait("ours", "1.0.0")
            time.sleep(2)
            run.say("tag moves before")
            before = summary(moved(2 * run.sizes["moves"]))
            memory["without them"] = process.memory("VmRSS")
            yield from _while_they_come(run, rig, moved, before, served)
            time.sleep(run.sizes["settle"])
            run.say("tag moves beside them")
            yield from percentiles("tag move beside them", summary(moved(2 * run.sizes["moves"])), before)
            memory |= {"beside them": process.memory("VmRSS"), "at its peak": process.memory("VmHWM")}
        with operator(rig) as process:
            run.say("tag moves at a start")
            yield from percentiles("tag move at a start", summary(moved(run.sizes["moves"])), before)
            time.sleep(run.sizes["settle"])
            memory |= {"after a start": process.memory("VmRSS"), "at the peak of a start": process.memory("VmHWM")}
    goal = Goal(limit())
    yield from (Figure(f"memory {when}", each, "MiB", None, goal) for when, each in memory.items())


def _while_they_come(
    run: Run, rig: Rig, moved: Callable[[int], list[float]], before: dict[str, float], served: bool
) -> Iterator[Figure]:
    run.say(f"{run.sizes['objects']} of each kind are created")
    largest, meanwhile = list[int](), list[float]()
    creating = threading.Thread(target=lambda: largest.append(create(Api(rig), run.sizes["objects"], served)))
    creating.start()
    while creating.is_alive() or len(meanwhile) < 2:
        meanwhile += moved(2)
    if not largest:
        raise RuntimeError("the large objects were not created")
    yield Figure("largest object", largest[0] / MIB, "MiB")
    yield from percentiles("tag move while they come", summary(meanwhile), before)


SIZES = {
    "objects": Size(100, 3, "objects of each kind"),
    "moves": Size(20, 2, "tag moves at a start; twice as many before and beside them"),
    "settle": Size(20, 2, "seconds until the memory is read"),
}
SCENARIOS = tuple(
    Scenario(name, f"what {which} cost promotions elsewhere", SIZES, partial(measure, served=served))
    for name, which, served in (
        ("sizes", "the largest objects", False),
        ("served-sizes", "the largest objects that are served", True),
    )
)
