"""How many writes one promotion takes when nothing else happens, and how many there are at rest.

Each ModelDeployment has one pod on a node without containers, so that its new version becomes available, is rolled out
and is verified. They are promoted one after the other. The API server's own metrics count the writes.
"""

import time
from collections.abc import Iterator

from bench.api import Api, created, send
from bench.breach import until_verified
from bench.counts import Counts, by_the_operator, written
from bench.figures import Figure, Goal
from bench.objects import MODEL_DEPLOYMENTS, VERSIONS, a_model_deployment, two_versions
from bench.pods import PARTS, a_node, one_pod
from bench.process import operator
from bench.promotions import Observer, moved, until
from bench.run import Run, Scenario, Size
from rig import Rig

BAKE_SECONDS = 4
"""Long enough that what can wait for later is not yet written when the version serves."""
SETTLE_SECONDS = 5
MOMENTS = {"the Deployment is written": None, "it serves": Goal(4), "it is verified": Goal(6)}
"""The moments until which writes are counted, with their goals."""


def measure(run: Run) -> Iterator[Figure]:
    names = [f"ours-{number}" for number in range(run.sizes["promotions"])]
    with run.control_plane(*PARTS) as rig:
        send(rig, [[a_node()]])
        send(rig, [[created(VERSIONS, each) for each in two_versions(name)] for name in names])
        analysis = {"bakeSeconds": BAKE_SECONDS}
        send(
            rig,
            [[created(MODEL_DEPLOYMENTS, a_model_deployment(name, analysis=analysis, **one_pod()))] for name in names],
        )
        observer = Observer(rig)
        with operator(rig) as process:
            until_verified(rig, len(names), "1.0.0")
            process.until_at_rest()
            yield from _promotions(run, rig, observer, names)
            run.say("the operator is at rest")
            before = written(rig)
            time.sleep(run.sizes["rest"])
            idle = sum(by_the_operator(before, written(rig)).values())
        yield Figure(f"writes in {run.sizes['rest']} s at rest", idle, "writes", None, Goal(0))


def _promotions(run: Run, rig: Rig, observer: Observer, names: list[str]) -> Iterator[Figure]:
    sums = {each: dict[str, float]() for each in MOMENTS}
    for number, name in enumerate(names, start=1):
        run.say(f"promotion {number} of {len(names)}")
        before = written(rig)
        send(rig, [moved(name)])
        observer.wait(name, "2.0.0")
        _add(sums["the Deployment is written"], by_the_operator(before, written(rig)))
        _until_serving(rig, name)
        _add(sums["it serves"], by_the_operator(before, written(rig)))
        time.sleep(BAKE_SECONDS + SETTLE_SECONDS)
        _add(sums["it is verified"], by_the_operator(before, written(rig)))
    until_verified(rig, len(names), "2.0.0")
    for moment, counts in sums.items():
        total = sum(counts.values()) / len(names)
        yield Figure(f"writes until {moment}", total, "writes", None, MOMENTS[moment])
        yield from (
            Figure(f"writes until {moment}: {what}", each / len(names), "writes") for what, each in counts.items()
        )


def _until_serving(rig: Rig, name: str) -> None:
    """Wait until the status of a ModelDeployment says that 2.0.0 serves."""
    api = Api(rig)

    def serves() -> bool:
        status = api.request("GET", f"{MODEL_DEPLOYMENTS}/{name}")["status"]
        return bool(status.get("serving", {}).get("version") == "2.0.0")

    until(serves, f"2.0.0 of {name} serves", pause=0.05)


def _add(sums: dict[str, float], counts: Counts) -> None:
    for what, number in counts.items():
        sums[what] = sums.get(what, 0) + number


SCENARIO = Scenario(
    "writes",
    "the writes of one promotion until it is verified, and those at rest",
    {"promotions": Size(10, 2, "promotions, one after the other"), "rest": Size(60, 5, "seconds at rest")},
    measure,
    "The rows count all writes. Those of the ModelDeployment alone are within the goals: four until it serves "
    "(ControllerRevision, Deployment and two statuses), six until it is verified (a third status, and the progress in "
    "the ControllerRevision). The others are Events (RevisionCreated and Verified) and the statuses of the two "
    "ModelVersions, which say which generation was read, since when the version served and until when. What of them "
    "can wait is written together after two seconds.",
)
