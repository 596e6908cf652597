"""What the chart's policy about pod templates adds to a write of a ModelDeployment, and bounding adds to a query.

The writes are those of a user whose permissions are bound by RBAC, over one connection: a change of the pod template,
of which the policy asks the authorizer, and one of `replicas`, of which it does not. They take turns in two namespaces,
of which the policy holds in one. Usage: `python bench/admission.py [--writes 200] [-o json]`.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import latency
import yaml

from chart.rendering import Manifest, rendered
from pennant.metrics.bounded_query import bounded
from rig import Rig

ROOT = Path(__file__).parent.parent
PARTS = ("etcd", "kube-apiserver")
GUARDED, OPEN, ACCOUNT = "guarded", "open", "writer"
WARM_UP = 20
SETTLE_SECONDS = 3.0
QUERY = (
    'sum(rate(model_feedback_total{outcome="correct",pennant_dev_template_hash="0123456789ab"}[60s])) '
    '/ sum(rate(model_feedback_total{pennant_dev_template_hash="0123456789ab"}[60s]))'
)


class Writer(latency.Api):
    """One kept connection of a user who may create Deployments and write ModelDeployments."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig)
        file = yaml.safe_load(rig.kubeconfig_for(OPEN, ACCOUNT).read_text())
        self._token = file["users"][0]["user"]["token"]


def a_deployment() -> Manifest:
    environment = [{"name": f"V{number}", "value": "x" * 100} for number in range(30)]
    container = {"name": "server", "image": "registry.example/server:0", "env": environment}
    spec = {"model": "fraud", "replicas": 0, "template": {"spec": {"containers": [container]}}}
    head = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}}
    return {**head, "spec": spec}


def prepare(rig: Rig) -> None:
    """Create the CRDs, a ModelDeployment in each namespace, the user, and the policy for one of them."""
    rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    rig.kubectl("wait", "--for=condition=Established", "-f", str(ROOT / "crds"), "--timeout=30s")
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


def milliseconds(api: Writer, count: int) -> dict[str, float]:
    """Return the median time of a write of each sort in each namespace, which take turns."""
    taken: dict[str, list[float]] = {}
    for number in range(WARM_UP + count):
        image = {"name": "server", "image": f"registry.example/server:{number}"}
        template = {"template": {"spec": {"containers": [image]}}}
        for sort, spec in (("template", template), ("replicas", {"replicas": number % 7})):
            for namespace in (OPEN, GUARDED) if number % 2 else (GUARDED, OPEN):
                path = f"/apis/pennant.dev/v1alpha1/namespaces/{namespace}/modeldeployments/fraud"
                begun = time.perf_counter()
                api.request("PATCH", path, {"spec": spec}, latency.MERGE)
                taken.setdefault(f"{sort}, {namespace}", []).append((time.perf_counter() - begun) * 1000)
    return {each: round(statistics.median(times[WARM_UP:]), 3) for each, times in taken.items()}


def measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", PARTS) as rig:
        prepare(rig)
        return milliseconds(Writer(rig), count)


def query_microseconds(count: int) -> float:
    """Return the median time in which a query is bounded that was not bounded before."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        bounded(QUERY, "namespace", "shop")
        taken.append((time.perf_counter() - begun) * 1e6)
    return round(statistics.median(taken), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=200)
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found = {"milliseconds": measure(options.writes), "microseconds for a query": query_microseconds(options.writes)}
    print(json.dumps(found) if options.output == "json" else yaml.safe_dump(found, sort_keys=False))


if __name__ == "__main__":
    main()
