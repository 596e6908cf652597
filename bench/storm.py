"""How long it takes until all tags that move at once are served, beside the same writes without an operator.

All parts are in one run, against the same API server: as many moves while no operator runs, as many bare writes of
Deployments, the four writes of a promotion by a client that has nothing to think about, and then the moves with the
operator. A watch on Deployments sees when they show the new version. The API server's own metrics count the writes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.api import Task, created, patched, send
from bench.counts import Counts, by_the_operator, written
from bench.figures import Figure, Goal
from bench.objects import (
    BARE,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    MODEL_DEPLOYMENTS,
    POD,
    VERSIONS,
    Object,
    a_bare_deployment,
    a_model_deployment,
    beside,
    shown,
    two_versions,
)
from bench.peer import peer_figures
from bench.process import Operator, control_plane_cpu_seconds, operator
from bench.promotions import Observer, moved
from bench.run import Run, Scenario, Size
from rig import Rig

SETTLE_SECONDS = 10.0
PATIENCE_SECONDS = 900.0
DIGEST = f"sha256:{'0' * 64}"


def prepare(rig: Rig, count: int) -> None:
    """Create versions for the operator; versions, Deployments and ModelDeployments for the bare clients."""
    rig.kubectl("create", "namespace", BARE)
    ours = [[created(VERSIONS, each) for each in two_versions(f"ours-{number}")] for number in range(count)]
    send(rig, [*ours, *(_bare_objects(f"bare-{number}") for number in range(count))])


def _bare_objects(name: str) -> Task:
    versions = [created(beside(VERSIONS), each) for each in two_versions(name)]
    deployment = created(beside(MODEL_DEPLOYMENTS), a_model_deployment(name))
    return [*versions, deployment, created(beside(DEPLOYMENTS), a_bare_deployment(name))]


def bare_promotion(name: str) -> Task:
    """Return the four writes of a promotion: ControllerRevision, Deployment, and the statuses of both of our kinds."""
    data = {"entry": _entry(), "template": {"spec": POD}, "record": {"model": name}}
    revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": f"{name}-9"}}
    served = {"deployment": name, "revision": 9, "from": "2026-01-01T00:00:00Z"}
    return [
        created(beside(CONTROLLER_REVISIONS), {**revision, "revision": 9, "data": data}),
        patched(f"{beside(DEPLOYMENTS)}/{name}", shown("3.0.0")),
        patched(f"{beside(MODEL_DEPLOYMENTS)}/{name}/status", {"status": {"history": [_entry()]}}),
        patched(f"{beside(VERSIONS)}/{name}-2.0.0/status", {"status": {"servedBy": [served]}}),
    ]


def _entry() -> Object:
    return {
        "revision": 9,
        "version": "2.0.0",
        "digest": DIGEST,
        "templateHash": "0" * 12,
        "trigger": "TagMoved",
        "actor": "bench",
        "reason": "The tag moved.",
        "startedAt": "2026-01-01T00:00:00Z",
        "outcome": "InProgress",
        "previousHash": DIGEST,
        "hash": DIGEST,
    }


def floors(run: Run, rig: Rig) -> dict[str, float]:
    """Return the seconds of each bare client."""
    names = [f"bare-{number}" for number in range(run.sizes["deployments"])]
    run.say("the same writes without an operator")
    tasks: dict[str, list[Task]] = {
        "moves": [moved(name, beside(VERSIONS)) for name in names],
        "writes": [[patched(f"{beside(DEPLOYMENTS)}/{name}", shown("2.0.0"))] for name in names],
        "promotions": [bare_promotion(name) for name in names],
    }
    return {what: send(rig, each)[0] for what, each in tasks.items()}


@dataclass(frozen=True, slots=True)
class Storm:
    """What was seen of moves at once."""

    seconds: list[float]
    """Until each Deployment was written, in order."""
    until_served: Counts
    """The writes until the last one was."""
    in_all: Counts
    costs: list[Figure]


def storm(run: Run, rig: Rig, observer: Observer, process: Operator) -> Storm:
    """Move all tags at once, and wait until the operator is at rest again."""
    names = [f"ours-{number}" for number in range(run.sizes["deployments"])]
    before, used, others = written(rig), process.cpu_seconds, control_plane_cpu_seconds(rig)
    begun = time.perf_counter()
    send(rig, [moved(each) for each in names])
    seen = sorted(observer.wait(each, "2.0.0", PATIENCE_SECONDS) - begun for each in names)
    share = (process.cpu_seconds - used) / seen[-1] * 100
    after = control_plane_cpu_seconds(rig)
    shares = {name: (after[name] - before) / seen[-1] * 100 for name, before in sorted(others.items())}
    served = written(rig)
    process.until_at_rest()
    time.sleep(SETTLE_SECONDS)
    costs = [
        Figure("processor of the operator until then", share, "% of one"),
        *(Figure(f"processor of {name} until then", each, "% of one") for name, each in shares.items()),
        Figure("peak memory of the operator", process.memory("VmHWM"), "MiB"),
    ]
    return Storm(seen, by_the_operator(before, served), by_the_operator(before, written(rig)), costs)


def measure(run: Run) -> Iterator[Figure]:
    count = run.sizes["deployments"]
    with run.control_plane() as rig:
        prepare(rig, count)
        floor = floors(run, rig)
        observer = Observer(rig)
        with operator(rig, namespace="default") as process:
            run.say(f"{count} ModelDeployments are created")
            send(rig, [[created(MODEL_DEPLOYMENTS, a_model_deployment(f"ours-{number}"))] for number in range(count)])
            for number in range(count):
                observer.wait(f"ours-{number}", "1.0.0", PATIENCE_SECONDS)
            process.until_at_rest()
            run.say("all tags move")
            found = storm(run, rig, observer, process)
        yield from _figures(found, floor)
        if run.peer is not None:
            yield from peer_figures(run, rig, floor["writes"], found.seconds[-1])


def _figures(found: Storm, floor: dict[str, float]) -> Iterator[Figure]:
    last, count = "until the last one is served", len(found.seconds)
    floors = {
        "the moves and bare writes": (floor["moves"] + floor["writes"], Goal(1.5)),
        "four bare writes each": (floor["promotions"], None),
        "the moves alone": (floor["moves"], None),
    }
    for what, (seconds, goal) in floors.items():
        yield Figure(f"{last}, beside {what}", found.seconds[-1], "s", seconds, goal)
    yield Figure("until half of them are served", found.seconds[count // 2], "s")
    yield from found.costs
    for when, counts, most in (("until served", found.until_served, 4), ("in all", found.in_all, 6)):
        name = f"writes of a promotion {when}"
        yield Figure(name, sum(counts.values()) / count, "writes", None, Goal(most))
        yield from (Figure(f"{name}: {what}", each / count, "writes") for what, each in counts.items())


SCENARIO = Scenario(
    "storm",
    "many tags that move at once, until all Deployments are written",
    {"deployments": Size(1000, 5, "ModelDeployments whose tags move")},
    measure,
    "A tag counts as served when its Deployment is written. Until the last one is, both processors are used up (the "
    "rows above say by whom). The API server takes more than half of them, and works for each promotion on about ten "
    "writes: two patches of the user, the ControllerRevision and the Deployment, and then five of "
    "kube-controller-manager (three statuses of the Deployment, the ReplicaSet and its status), for which the floor "
    "does not wait. A profile of the API server shows no part that stands out. Argo Rollouts writes ReplicaSets "
    "itself: one patch of the user, and no Deployment, whose controller has to follow. Of the writes in all, three "
    "are of the ModelDeployment, one is its Event, and two are the statuses of the ModelVersions. They are 6.001 to "
    "6.002, because one or two of a thousand ModelDeployments wrote a status more.",
)
