"""What the chart's policy about pod templates adds to a write of a ModelDeployment, and bounding adds to a query.

The writes are those of a user whose permissions are bound by RBAC, over one connection: a change of the pod template,
of which the policy asks the authorizer, and one of `replicas`, of which it does not. They take turns in two namespaces,
of which the policy holds in one; the floor is the other. Bounding a query has no floor: without it nothing is done.
"""

import json
import statistics
import time
from collections.abc import Iterator

import yaml

from bench.api import MERGE, Api
from bench.figures import Figure
from bench.objects import Object, a_model_deployment
from bench.run import Run, Scenario, Size
from chart.rendering import rendered
from pennant.metrics.bounded_query import bounded
from rig import Rig

GUARDED, OPEN, ACCOUNT = "guarded", "open", "writer"
WARM_UP = 20
SETTLE_SECONDS = 3.0
QUERY = (
    'sum(rate(model_feedback_total{outcome="correct",pennant_dev_template_hash="0123456789ab"}[60s])) '
    '/ sum(rate(model_feedback_total{pennant_dev_template_hash="0123456789ab"}[60s]))'
)


def writer(rig: Rig) -> Api:
    """Return a connection of a user who may create Deployments and write ModelDeployments."""
    file = yaml.safe_load(rig.kubeconfig_for(OPEN, ACCOUNT).read_text())
    return Api(rig, file["users"][0]["user"]["token"])


def a_deployment() -> Object:
    environment = [{"name": f"V{number}", "value": "x" * 100} for number in range(30)]
    container = {"name": "server", "image": "registry.example/server:0", "env": environment}
    return a_model_deployment("fraud", template={"spec": {"containers": [container]}})


def prepare(rig: Rig) -> None:
    """Create a ModelDeployment in each namespace, the user, and the policy for one of them."""
    manifests = rendered({"namespace": GUARDED})
    chosen = [each for each in manifests if each["kind"] == "ClusterRole" or "AdmissionPolicy" in each["kind"]]
    rig.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": chosen}))
    rig.kubectl("create", "clusterrole", "workloads", "--verb=create", "--resource=deployments.apps")
    for namespace in (OPEN, GUARDED):
        rig.kubectl("create", "namespace", namespace)
        if namespace == OPEN:
            rig.kubectl("create", "serviceaccount", ACCOUNT, "--namespace", OPEN)
        for role in ("workloads", "pennant-deployer"):
            bound = (f"--clusterrole={role}", f"--serviceaccount={OPEN}:{ACCOUNT}")
            rig.kubectl("create", "rolebinding", role, *bound, "--namespace", namespace)
        rig.kubectl("apply", "-f", "-", "--namespace", namespace, stdin=json.dumps(a_deployment()))
    time.sleep(SETTLE_SECONDS)


def milliseconds(api: Api, count: int) -> dict[tuple[str, str], float]:
    """Return the median time of a write of each sort in each namespace, which take turns."""
    taken: dict[tuple[str, str], list[float]] = {}
    for number in range(WARM_UP + count):
        image = {"name": "server", "image": f"registry.example/server:{number}"}
        template = {"template": {"spec": {"containers": [image]}}}
        for sort, spec in (("pod template", template), ("replicas", {"replicas": number % 7})):
            for namespace in (OPEN, GUARDED) if number % 2 else (GUARDED, OPEN):
                path = f"/apis/pennant.dev/v1alpha1/namespaces/{namespace}/modeldeployments/fraud"
                begun = time.perf_counter()
                api.request("PATCH", path, {"spec": spec}, MERGE)
                taken.setdefault((sort, namespace), []).append((time.perf_counter() - begun) * 1000)
    return {each: statistics.median(times[WARM_UP:]) for each, times in taken.items()}


def query_microseconds(count: int) -> float:
    """Return the median time in which a query is bounded that was not bounded before."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        bounded(QUERY, "namespace", "shop")
        taken.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(taken)


def measure(run: Run) -> Iterator[Figure]:
    yield Figure("bounding of a query, median", query_microseconds(run.sizes["writes"]), "µs")
    with run.control_plane() as rig:
        prepare(rig)
        run.say("a user writes in two namespaces in turns")
        found = milliseconds(writer(rig), run.sizes["writes"])
    for sort in ("pod template", "replicas"):
        yield Figure(f"write of the {sort} under the policy, median", found[sort, GUARDED], "ms", found[sort, OPEN])


SCENARIO = Scenario(
    "admission",
    "what the admission policy adds to a write, and bounding to a query",
    {"writes": Size(200, 10, "writes of each sort in each namespace")},
    measure,
)
