"""What a single tag move costs among more and more objects, beside the bare client among the same ones.

A tenth of the objects are ModelDeployments that serve a version, the others are their ModelVersions. The operator and
the bare client move their tags in the same control plane at each size; the operator's processor time for a move is what
it uses meanwhile, without what it uses at rest.
"""

import time
from collections.abc import Iterator

from bench.api import created, send
from bench.figures import Figure, Goal
from bench.objects import MODEL_DEPLOYMENTS, TAG, VERSIONS, a_model_deployment, a_version
from bench.process import Operator, operator
from bench.promotions import PARTS_OF_A_MOVE, BareClient, Observer, moves, prepare, summary
from bench.run import Run, Scenario, Size
from rig import Rig

OF_EACH = 10
"""Objects of one model: a ModelDeployment, and its versions."""
STEPS = (100, 10, 1)
"""The sizes, in parts of the largest one."""


def grow(rig: Rig, first: int, last: int) -> None:
    """Create the objects of the models with these numbers."""
    models = [f"many-{number}" for number in range(first, last)]
    versions = [(model, f"1.0.{number}") for model in models for number in range(OF_EACH - 1)]
    send(rig, [[created(VERSIONS, a_version(*each, [TAG] if each[1] == "1.0.0" else []))] for each in versions])
    send(rig, [[created(MODEL_DEPLOYMENTS, a_model_deployment(model))] for model in models])


def at_size(run: Run, rig: Rig, observer: Observer, process: Operator, count: int) -> Iterator[Figure]:
    run.say(f"tag moves among {count} objects")
    floor = summary(moves(rig, observer, "bare", run.sizes["moves"]))
    rest = process.share(run.sizes["rest"])
    used, begun = process.cpu_seconds, time.perf_counter()
    ours = summary(moves(rig, observer, "ours", run.sizes["moves"]))
    spent = process.cpu_seconds - used - rest / 100 * (time.perf_counter() - begun)
    yield Figure(f"tag move among {count} objects, p50", ours["p50"], "ms", floor["p50"], Goal(2))
    yield Figure(f"tag move among {count} objects, p99", ours["p99"], "ms", floor["p99"], Goal(2.5))
    yield Figure(f"processor time of a move among {count} objects", max(spent, 0) / run.sizes["moves"] * 1000, "ms")
    yield Figure(f"processor at rest among {count} objects", rest, "% of one")
    yield Figure(f"memory among {count} objects", process.memory("VmRSS"), "MiB")


def measure(run: Run) -> Iterator[Figure]:
    with run.control_plane() as rig:
        prepare(rig)
        observer, models = Observer(rig), 0
        BareClient(rig, "bare")
        with operator(rig) as process:
            observer.wait("ours", "1.0.0")
            for part in STEPS:
                wanted = max(run.sizes["objects"] // part // OF_EACH, 1)
                run.say(f"the objects become {wanted * OF_EACH}")
                grow(rig, models, wanted)
                for number in range(models, wanted):
                    observer.wait(f"many-{number}", "1.0.0", 900)
                models = wanted
                process.until_at_rest()
                yield from at_size(run, rig, observer, process, models * OF_EACH)


SCENARIO = Scenario(
    "cost",
    "a single tag move among a hundredth, a tenth and all of many objects",
    {
        "objects": Size(10_000, 1_000, "objects of the largest size"),
        "moves": Size(100, 5, "tag moves of each client at each size"),
        "rest": Size(60, 3, "seconds at rest at each size"),
    },
    measure,
    PARTS_OF_A_MOVE,
)
