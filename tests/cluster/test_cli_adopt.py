"""`kubectl pennant adopt` on a real control plane: the API server takes its output, and its steps lose no traffic."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.api import Api
from cluster.plugin import environment, kubectl_pennant
from cluster.scenario import SERVER, Scenario
from pennant.cli.main import main
from rig import Rig
from unit.cli.adopting import Json, given, printed, rendered

EXAMPLES = Path(__file__).parents[2] / "examples" / "servers"
SERVERS = {
    each.name: yaml.safe_load((each / "deployment.yaml").read_text()) | {"kind": "Deployment"}
    for each in sorted(EXAMPLES.iterdir())
}
URI = "oci://registry.example.com/model:1"
FOREIGN = {
    "inferenceservices.serving.kserve.io": ("v1beta1", "InferenceService", "Namespaced"),
    "clusterservingruntimes.serving.kserve.io": ("v1alpha1", "ClusterServingRuntime", "Cluster"),
    "rollouts.argoproj.io": ("v1alpha1", "Rollout", "Namespaced"),
    "seldondeployments.machinelearning.seldon.io": ("v1", "SeldonDeployment", "Namespaced"),
}


@dataclass
class Space:
    """A namespace in which no ModelDeployment is stored."""

    rig: Rig
    namespace: str

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.rig.kubectl("-n", self.namespace, *args, stdin=stdin).stdout

    def apply(self, *manifests: Any, **options: str) -> list[Any]:
        """Apply manifests with kubectl, and return what was stored, or would be."""
        sent = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        answer = json.loads(self.kubectl("apply", "--output=json", *flags, "-f", "-", stdin=sent))
        return list(answer["items"]) if answer["kind"] == "List" else [answer]


@pytest.fixture
def space(rig: Rig) -> Iterator[Space]:
    api, name = Api(rig), f"adopt-{uuid.uuid4().hex[:8]}"
    api.create_namespace(name)
    yield Space(rig, name)
    api.delete_namespace(name)


@pytest.fixture(scope="module")
def foreign_kinds(rig: Rig) -> Iterator[None]:
    """Install small CRDs of the kinds of KServe, Argo Rollouts and Seldon."""
    manifests = [a_crd(name, *each) for name, each in FOREIGN.items()]
    sent = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    rig.kubectl("apply", "-f", "-", stdin=sent)
    rig.until_crds_are_served()
    yield
    rig.kubectl("delete", "crd", *FOREIGN)


def a_crd(name: str, version: str, kind: str, scope: str) -> Json:
    plural, _, group = name.partition(".")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def stored_template(template: Json) -> Json:
    """Return a pod template without the creation time, which some releases of Kubernetes return as null."""
    metadata = {key: each for key, each in template["metadata"].items() if key != "creationTimestamp"}
    return {**template, "metadata": metadata}


def test_each_server_is_adopted_from_the_cluster_with_the_same_pods(
    space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    """The template lacks the defaults of the API server, which fills in the same ones again."""
    # Without pods: only what is stored counts here.
    plain = [{**each, "spec": {**each["spec"], "replicas": 0}} for each in SERVERS.values()]
    names = [each["metadata"]["name"] for each in plain]
    plain = [{**each, "metadata": {"name": f"{each['metadata']['name']}-{n}"}} for n, each in enumerate(plain)]
    before = {each["metadata"]["name"]: each for each in space.apply(*plain)}
    assert len(before) == len(names) == 24
    pairs: dict[str, Any] = {}
    for kind, name in zip(SERVERS, before, strict=True):
        uri = ["--uri", URI] if kind in ("bentoml", "nim", "ollama", "xinference") else []
        options = ("--kubeconfig", str(space.rig.kubeconfig), "-n", space.namespace)
        assert main(["adopt", f"deployment/{name}", *uri, *options]) == 0, capsys.readouterr().err
        pairs[name] = printed(capsys.readouterr().out)
    everything = [each for pair in pairs.values() for each in pair.values()]
    taken = space.apply(*everything, dry_run="server", validate="strict")
    assert len(taken) == 48
    again = [
        {**plain[n], "spec": {**plain[n]["spec"], "template": rendered(pair)}} for n, pair in enumerate(pairs.values())
    ]
    for each in space.apply(*again, dry_run="server", validate="strict"):
        known = before[each["metadata"]["name"]]["spec"]["template"]
        assert stored_template(each["spec"]["template"]) == stored_template(known)
    sizes = [len(json.dumps(pairs[name]["ModelDeployment"]["spec"]["template"])) for name in before]
    assert sum(sizes) < 0.8 * sum(len(json.dumps(each["spec"]["template"])) for each in before.values())


def test_a_deployment_with_its_autoscaler_is_taken_by_the_api_server(space: Space) -> None:
    deployment, scaler, service = (
        {**each, "metadata": {**each["metadata"], "namespace": space.namespace}} for each in given("deployment")
    )
    for each in (deployment, scaler, service):
        each.pop("status", None)
        del each["metadata"]["namespace"]
        each["metadata"].pop("uid", None)
    space.apply(deployment, scaler, service)
    code, out, err = kubectl_pennant(space, "adopt", "deployment/fraud")
    assert code == 0, err
    space.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=out)
    found = printed(out)
    assert found["ModelDeployment"]["spec"]["replicas"] == 4
    assert found["HorizontalPodAutoscaler"]["metadata"]["name"] == "fraud-load"
    assert f"kubectl pennant status fraud --timeout=15m -n {space.namespace}" in err
    assert "service fraud keeps selecting these pods" in err
    code, out, err = kubectl_pennant(space, "adopt", "deployment/frau")
    assert (code, out) == (1, "")
    assert 'error: deployments.apps "frau" not found in namespace' in err
    assert "Did you mean fraud?" in err


def test_the_number_of_the_autoscaler_stays_after_the_comment_was_followed(space: Space, tmp_path: Path) -> None:
    """The first apply has `replicas`; then `set-last-applied` lets an apply without it leave the field alone."""
    deployment, scaler, _ = given("deployment")
    for each in (deployment, scaler):
        each["metadata"] = {"name": each["metadata"]["name"]}
    # Without a Deployment in the cluster, and paused, so that an operator that runs has nothing to do.
    source, file = tmp_path / "source.yaml", tmp_path / "fraud.yaml"
    source.write_text(yaml.safe_dump_all([deployment, scaler]))
    code, out, err = kubectl_pennant(space, "adopt", "-f", str(source))
    assert code == 0, err
    pair = printed(out)
    del pair["ModelVersion"], pair["HorizontalPodAutoscaler"]
    file.write_text(json.dumps(pair["ModelDeployment"]))
    space.kubectl("apply", "-f", str(file))
    space.kubectl("scale", "modeldeployment/fraud", "--replicas=6")
    del pair["ModelDeployment"]["spec"]["replicas"]
    file.write_text(json.dumps(pair["ModelDeployment"]))
    space.kubectl("apply", "set-last-applied", "-f", str(file))
    space.kubectl("apply", "-f", str(file))
    assert space.kubectl("get", "modeldeployment/fraud", "-o", "jsonpath={.spec.replicas}") == "6"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("kserve", "isvc/iris"),
        ("kserve_custom", "inferenceservice.serving.kserve.io/ranker"),
        ("rollout_canary", "rollout/scorer"),
        ("rollout_reference", "ro/ranker"),
        ("seldon", "sdep/income"),
    ],
)
@pytest.mark.usefixtures("foreign_kinds")
def test_objects_of_other_tools_are_adopted_from_the_cluster(space: Space, name: str, word: str) -> None:
    space.apply(*given(name))
    code, out, err = kubectl_pennant(space, "adopt", word)
    assert code == 0, err
    space.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=out)
    found = printed(out)
    pods = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    template = rendered(found)
    template["metadata"]["labels"] |= {"a": "b"}
    pods["spec"] = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    space.apply(pods, dry_run="server", validate="strict")


def test_a_kind_that_the_cluster_does_not_have_is_said(space: Space) -> None:
    served = space.kubectl("api-resources", "--api-group=serving.kserve.io", "-o", "name")
    code, _, err = kubectl_pennant(space, "adopt", "isvc/iris")
    assert code == 1
    # Another test of this module may have installed it.
    assert ("not found in namespace" if served else "is KServe installed?") in err


# The steps, carried out as they are printed, while a Service has pods at each moment.


def a_pod_template(scenario: Scenario, labels: dict[str, str]) -> Json:
    template = scenario.a_deployment()["spec"]["template"]
    (container,) = template["spec"]["containers"]
    command = [sys.executable, str(SERVER), "$(POD_IP)", f"{scenario.directory}/1.0.0"]
    container |= {"command": command, "ports": [{"containerPort": 8080}]}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def a_service(selector: dict[str, str]) -> Json:
    """Return the Service `front`, through which clients reach the model."""
    spec = {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"}, "spec": spec}


def ready_pods(scenario: Scenario, name: str = "front") -> int:
    """Return the number of ready pods that a Service selects.

    The pods of the test node have loopback addresses, of which Kubernetes makes no EndpointSlices.
    """
    service = json.loads(scenario.kubectl("get", f"service/{name}", "-o", "json"))
    selector = ",".join(f"{key}={each}" for key, each in service["spec"]["selector"].items())
    conditions = (each["status"].get("conditions", ()) for each in scenario.all_of("pod", selector))
    return sum({"type": "Ready", "status": "True"}.items() <= one.items() for each in conditions for one in each)


def follow(scenario: Scenario, steps: list[str], file: Path) -> None:
    """Carry out each step in a shell as it was printed, and see that the Service always leads to a pod."""
    kubectl = scenario.rig.binary("kubectl")
    for each in steps:
        line = re.sub(r"^kubectl", str(kubectl), each.replace("FILE", str(file)))
        done = subprocess.run(
            line, shell=True, env=environment(scenario), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{each}\n{done.stdout}{done.stderr}\n{scenario.report()}"
        scenario.stays(lambda: ready_pods(scenario) > 0, 0.5, f"a pod of the Service, after {each!r}")


def steps_of(err: str) -> list[str]:
    return [line.strip() for line in err.splitlines() if line.startswith("     kubectl ")]


def adopt(scenario: Scenario, tmp_path: Path, *args: str) -> tuple[Path, list[str]]:
    """Save the output of a scenario's object, as the first step says; return the file and the steps."""
    code, out, err = kubectl_pennant(scenario, "adopt", *args, "--model=fraud", "--version=1.0.0", "--uri=file:///m")
    assert code == 0, err
    file = tmp_path / "fraud.yaml"
    file.write_text(out)
    return file, steps_of(err)


@pytest.mark.usefixtures("foreign_kinds")
def test_the_steps_from_a_rollout_keep_a_pod_behind_the_service(scenario: Scenario, tmp_path: Path) -> None:
    """The controller of Argo Rollouts does not run here: a ReplicaSet and a Service are as it makes them."""
    labels = {"app": "fraud", "rollouts-pod-template-hash": "5f8c"}
    scenario.accuracy("1.0.0", 0.95)
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "fraud"},
        "spec": {
            "replicas": 1,
            "template": a_pod_template(scenario, {"app": "fraud"}),
            "strategy": {"canary": {"stableService": "front"}},
        },
    }
    scenario.kubectl("apply", "-f", "-", stdin=json.dumps(rollout))
    uid = scenario.kubectl("get", "rollout/fraud", "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "fraud", "uid": uid, "controller": True}
    replicas = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "fraud-5f8c", "labels": labels, "ownerReferences": [owner]},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": a_pod_template(scenario, labels)},
    }
    for each in (replicas, a_service(labels)):
        scenario.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    scenario.until(lambda: ready_pods(scenario) == 1, what="a pod of the Rollout")
    file, steps = adopt(scenario, tmp_path, "rollout/fraud")
    assert [each.split()[1] for each in steps] == ["apply", "apply", "pennant", "delete", "patch", "delete"]
    follow(scenario, steps, file)
    left = scenario.kubectl("get", "replicasets", "-o", "jsonpath={.items[*].metadata.labels.app}")
    assert left == "fraud", "the ReplicaSet of Pennant alone"
    assert scenario.served() == "1.0.0"


def test_the_steps_beside_a_deployment_keep_a_pod_behind_the_service(scenario: Scenario, tmp_path: Path) -> None:
    scenario.accuracy("1.0.0", 0.95)
    labels = {"app": "fraud"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "old"},
        "spec": {"selector": {"matchLabels": labels}, "template": a_pod_template(scenario, labels)},
    }
    for each in (deployment, a_service(labels)):
        scenario.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    scenario.until(lambda: ready_pods(scenario) == 1, what="a pod of the Deployment")
    file, steps = adopt(scenario, tmp_path, "deployment/old", "--name=fraud")
    assert [each.split()[1] for each in steps] == ["apply", "apply", "pennant", "patch", "delete"]
    follow(scenario, steps, file)
    assert not scenario.exists("deployment", "old")
    assert scenario.served() == "1.0.0"


@pytest.mark.usefixtures("foreign_kinds")
def test_the_steps_from_kserve_end_with_a_service_of_the_new_pods(scenario: Scenario, tmp_path: Path) -> None:
    """KServe's controller does not run here: a Deployment stands for its pods."""
    scenario.accuracy("1.0.0", 0.95)
    pod = a_pod_template(scenario, {})["spec"]
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "fraud"},
        "spec": {"predictor": {"containers": pod["containers"], "terminationGracePeriodSeconds": 1}},
    }
    labels = {"app": "isvc.fraud-predictor"}
    made = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "fraud-predictor"},
        "spec": {"selector": {"matchLabels": labels}, "template": a_pod_template(scenario, labels)},
    }
    for each in (service, made, a_service(labels)):
        scenario.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    scenario.until(lambda: ready_pods(scenario) == 1, what="a pod of the InferenceService")
    file, steps = adopt(scenario, tmp_path, "isvc/fraud")
    assert [each.split()[1] for each in steps] == ["apply", "apply", "pennant", "expose", "get", "delete"]
    follow(scenario, steps, file)
    assert ready_pods(scenario, "fraud-model") == 1
    assert "targetPort: 8080" in scenario.kubectl("get", "service/fraud-model", "-o", "yaml")
    assert scenario.kubectl("get", "inferenceservices", "-o", "name") == ""


def test_the_way_back_to_a_deployment_keeps_a_pod_behind_the_service(scenario: Scenario, tmp_path: Path) -> None:
    """The commands are those of docs/how-to/coming-from-a-deployment.md."""
    labels = {"app": "fraud"}
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment(template=a_pod_template(scenario, labels))
    scenario.kubectl("apply", "-f", "-", stdin=json.dumps(a_service(labels)))
    scenario.until_verified("1.0.0")
    old = scenario.pods()
    mine = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "fraud", "namespace": scenario.namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": a_pod_template(scenario, labels)},
    }
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(mine))
    at = f"-n {scenario.namespace}"
    follow(scenario, [f"kubectl delete modeldeployment fraud --cascade=orphan {at}"], file)
    del scenario.applied["ModelDeployment/fraud"]
    assert scenario.pods() == old
    follow(
        scenario,
        [
            f"kubectl delete deployment fraud --cascade=orphan {at}",
            "kubectl apply -f FILE",
            f"kubectl rollout status deployment/fraud {at}",
        ],
        file,
    )
    scenario.until(lambda: scenario.pods() == [], what="the end of the pods of Pennant")
    assert ready_pods(scenario) == 1


@pytest.mark.parametrize("is_deleted", [True, False], ids=["what remains is deleted", "what remains is kept"])
def test_adopting_again_replaces_the_pods_unless_what_remains_is_deleted(
    scenario: Scenario, tmp_path: Path, *, is_deleted: bool
) -> None:
    """The commands are those of docs/how-to/adopt-a-deployment.md; the output says what becomes of the pods."""
    labels, at = {"app": "fraud"}, f"-n {scenario.namespace}"
    scenario.accuracy("1.0.0", 0.95)
    mine = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "fraud"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": a_pod_template(scenario, labels)},
    }
    for each in (mine, a_service(labels)):
        scenario.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    scenario.kubectl("rollout", "status", "deployment/fraud", "--timeout=60s")

    def pods() -> set[str]:
        """Return the uids of the pods that are not being deleted."""
        found = scenario.all_of("pod", "app=fraud")
        return {each["metadata"]["uid"] for each in found if "deletionTimestamp" not in each["metadata"]}

    def adopted() -> str:
        """Adopt the Deployment by the steps of the output, and return what was said of it."""
        wishes = ("--model=fraud", "--version=1.0.0", "--uri=file:///m")
        code, out, err = kubectl_pennant(scenario, "adopt", "deployment/fraud", *wishes)
        assert code == 0, err
        (tmp_path / "fraud.yaml").write_text(out)
        follow(scenario, steps_of(err), tmp_path / "fraud.yaml")
        scenario.applied["ModelDeployment/fraud"] = printed(out)["ModelDeployment"]
        return str(err)

    before = pods()
    assert "are replaced" not in adopted()
    assert pods() == before
    file = tmp_path / "deployment.json"
    file.write_text(scenario.kubectl("get", "controllerrevision", "fraud-adopted", "-o", "jsonpath={.data}"))
    back = ["delete modeldeployment fraud --cascade=orphan", "delete deployment fraud --cascade=orphan"]
    back += ["create -f FILE", "rollout status deployment/fraud"]
    follow(scenario, [f"kubectl {each} {at}" for each in back], file)
    scenario.until(lambda: len(pods()) == 1, what="the end of the old pod")
    assert not pods() & before
    (old,) = scenario.all_of("replicaset", "pennant.dev/modeldeployment=fraud")
    assert old["spec"]["replicas"] == 0
    names = {each["metadata"]["name"] for each in scenario.all_of("controllerrevision")}
    assert names == {"fraud-1", "fraud-adopted"}
    if is_deleted:
        remains = ["controllerrevision -l pennant.dev/modeldeployment=fraud", "controllerrevision fraud-adopted"]
        remains += ["modelversion fraud-1.0.0", f"replicaset {old['metadata']['name']}"]
        follow(scenario, [f"kubectl delete {each} {at}" for each in remains], file)
        assert scenario.all_of("controllerrevision") == []
    before = pods()
    said = adopted()
    scenario.until(lambda: len(pods()) == 1, what="the end of surplus pods")
    assert ("are replaced by a rolling update, because ReplicaSet" in said) is not is_deleted
    assert ("fraud-1.0.0 exists already with the same record" in said) is not is_deleted
    assert (pods() == before) is is_deleted
