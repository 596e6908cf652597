"""What many objects cost at rest, and how long a start among them takes, beside the lists that nobody can do without.

The objects are created while no operator runs: ModelVersions, and ModelDeployments with a long history each, as
ControllerRevisions. A first operator completes them: it writes the statuses and the Deployments. Then a second one
starts, which has nothing to write, and a third one as its standby. The floor of a start is a client that lists
ModelVersions, ModelDeployments and Deployments page by page, and the ControllerRevisions of each ModelDeployment.
"""

import time
from collections.abc import Iterator

from bench.api import Api, Request, created, send
from bench.counts import by_the_operator, written
from bench.figures import Figure, Goal
from bench.history import controller_revisions, versions
from bench.objects import CONTROLLER_REVISIONS, DEPLOYMENTS, MODEL_DEPLOYMENTS, VERSIONS, a_model_deployment
from bench.process import Operator, operator
from bench.promotions import until
from bench.run import Run, Scenario, Size
from rig import Rig

AT_A_TIME = 50
"""ModelDeployments whose ControllerRevisions are made together."""
SETTLE_SECONDS = 10
PATIENCE_SECONDS = 1_800.0
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/pennant"
PASSES = "pennant_reconcile_duration_seconds_count"


def generate(run: Run, rig: Rig) -> None:
    """Create all objects but those that the operator makes of them."""
    sizes = run.sizes
    deployments, revisions = sizes["deployments"], sizes["revisions"]
    each = sizes["versions"] // deployments
    tagged = (revisions - 1) % each
    models = [f"many-{number}" for number in range(deployments)]
    run.say(f"{each * deployments} ModelVersions and {deployments} ModelDeployments are created")
    requests = [[created(VERSIONS, one)] for model in models for one in versions(model, each, tagged)]
    _, stored = send(rig, requests)
    objects = [a_model_deployment(model, historyLimit=revisions) for model in models]
    _, owners = send(rig, [[created(MODEL_DEPLOYMENTS, one)] for one in objects])
    for first in range(0, deployments, AT_A_TIME):
        run.say(f"ControllerRevisions of {min(first + AT_A_TIME, deployments)} of {deployments} ModelDeployments")
        some = range(first, min(first + AT_A_TIME, deployments))
        made = (
            one
            for number in some
            for one in controller_revisions(owners[number], stored[number * each : (number + 1) * each], revisions)
        )
        send(rig, [[created(CONTROLLER_REVISIONS, one)] for one in made])


def bare_lists(rig: Rig, deployments: int) -> tuple[float, float]:
    """Return the seconds of the lists of three kinds, and of the lists of ControllerRevisions."""
    api, begun = Api(rig), time.perf_counter()
    for path in (VERSIONS, MODEL_DEPLOYMENTS, DEPLOYMENTS):
        for _ in api.pages(path):
            pass
    kinds = time.perf_counter() - begun
    selector = "labelSelector=pennant.dev%2Fmodeldeployment%3Dmany-"
    lists = [[Request("GET", f"{CONTROLLER_REVISIONS}?{selector}{number}")] for number in range(deployments)]
    return kinds, send(rig, lists)[0]


def until_led(rig: Rig) -> None:
    """Wait until an operator holds the Lease, without asking it."""
    api = Api(rig)
    until(lambda: api.request("GET", LEASE)["spec"].get("holderIdentity"), "an operator leads", pause=0.05)


def measure(run: Run) -> Iterator[Figure]:
    deployments, count = run.sizes["deployments"], run.sizes["deployments"] + run.sizes["versions"]
    with run.control_plane() as rig:
        generate(run, rig)
        with operator(rig) as first:
            run.say("a first operator completes them")
            first.until_ready()
            first.until_at_rest(PATIENCE_SECONDS)
            time.sleep(SETTLE_SECONDS)
            first.until_at_rest(PATIENCE_SECONDS)
            yield Figure("peak memory of the first operator", first.memory("VmHWM"), "MiB")
        run.say("the bare lists")
        kinds, revisions = bare_lists(rig, deployments)
        run.say("the operator starts among them")
        before = written(rig)
        with operator(rig, "leader") as leader:
            until_led(rig)
            leader.until_ready()
            started = leader.until_at_rest(PATIENCE_SECONDS) - leader.begun
            if leader.sample(PASSES) < count:
                raise RuntimeError(f"the operator is at rest, and has not seen all {count} objects")
            writes = by_the_operator(before, written(rig))
            yield Figure("start until at rest", started, "s", kinds + revisions, Goal(2))
            yield Figure("lists of ModelVersions, ModelDeployments and Deployments", kinds, "s")
            yield Figure("lists of ControllerRevisions", revisions, "s")
            yield Figure("writes at the start", sum(writes.values()), "writes", None, Goal(0))
            yield from (Figure(f"writes at the start: {what}", each, "writes") for what, each in writes.items())
            run.say("a standby starts")
            with operator(rig, "standby") as standby:
                standby.until_ready()
                standby.until_at_rest(PATIENCE_SECONDS, standby=True)
                yield from at_rest(run, leader, standby)


def at_rest(run: Run, leader: Operator, standby: Operator) -> Iterator[Figure]:
    """Measure both at the same time."""
    run.say(f"both are at rest for {run.sizes['rest']} s")
    begun, used = time.perf_counter(), (leader.cpu_seconds, standby.cpu_seconds)
    time.sleep(run.sizes["rest"])
    seconds = time.perf_counter() - begun
    shares = [(each.cpu_seconds - before) / seconds * 100 for each, before in zip((leader, standby), used, strict=True)]
    memory = [each.memory("VmRSS") for each in (leader, standby)]
    yield Figure("memory of the leader at rest", memory[0], "MiB", None, Goal(150))
    yield Figure("peak memory of the leader", leader.memory("VmHWM"), "MiB")
    yield Figure("memory of the standby, beside the leader", memory[1], "MiB", memory[0], Goal(0.5))
    yield Figure("processor of the leader at rest", shares[0], "% of one")
    yield Figure("processor of the standby, beside the leader", shares[1], "% of one", shares[0], Goal(0.5))


SCENARIO = Scenario(
    "scale",
    "memory, processor time and a start among many objects with long histories",
    {
        "versions": Size(10_000, 20, "ModelVersions"),
        "deployments": Size(1_000, 4, "ModelDeployments"),
        "revisions": Size(50, 3, "revisions of each ModelDeployment"),
        "rest": Size(120, 5, "seconds at rest"),
    },
    measure,
    "The standby keeps the same caches as the leader, so that it takes over without reading lists; only the "
    "ControllerRevisions are read later. Most of its memory are modules that both have imported: with ten objects "
    "the operator takes 93 MiB.",
)
