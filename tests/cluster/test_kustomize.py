"""charts/pennant/kustomize with the Kustomize of kubectl: a ModelDeployment is treated as a Deployment is."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.scenario import Scenario
from pennant.cli.manifests.findings import report
from rig import Rig
from rig.errors import KubectlError

ROOT = Path(__file__).parents[2]
EXAMPLE, COMPONENT = (ROOT / each for each in ("examples/kustomize", "charts/pennant/kustomize"))
LIKE = {"labelSelector": {"matchLabels": {"app": "fraud"}}, "topologyKey": "kubernetes.io/hostname"}
PREFERRED = [{"weight": 1, "podAffinityTerm": LIKE}]
AFFINITY = {
    "preferredDuringSchedulingIgnoredDuringExecution": PREFERRED,
    "requiredDuringSchedulingIgnoredDuringExecution": [LIKE],
}
POD: Any = {
    "serviceAccountName": "one",
    "priorityClassName": "one",
    "affinity": {"podAffinity": AFFINITY, "podAntiAffinity": AFFINITY},
    "topologySpreadConstraints": [LIKE | {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}],
    "imagePullSecrets": [{"name": "one"}],
    "initContainers": [
        {
            "name": "fetch",
            "image": "fetch:1",
            "envFrom": [{"configMapRef": {"name": "one"}}, {"secretRef": {"name": "one"}}],
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "one", "key": "b"}}},
            ],
        }
    ],
    "containers": [
        {
            "name": "server",
            "image": "server:1",
            "envFrom": [{"configMapRef": {"name": "one"}}, {"secretRef": {"name": "one"}}],
            "ports": [{"name": "http", "containerPort": 8080}],
            "volumeMounts": [{"name": "a", "mountPath": "/a"}],
            "resources": {"requests": {"cpu": "1"}},
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "one", "key": "b"}}},
            ],
        },
        {"name": "proxy", "image": "proxy:1"},
    ],
    "volumes": [
        {"name": "a", "configMap": {"name": "one"}},
        {"name": "b", "secret": {"secretName": "one"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "one"}},
        {
            "name": "d",
            "projected": {"sources": [{"configMap": {"name": "one"}}, {"secret": {"name": "one"}}]},
        },
    ],
}
"""The pods of a template that refers to an object named `one` in each way that Kustomize knows of a Deployment."""


TEMPLATE = {"metadata": {"labels": {"app": "fraud"}}, "spec": POD}
REFERENCED = {
    "ServiceAccount": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "PersistentVolumeClaim": "v1",
    "PriorityClass": "scheduling.k8s.io/v1",
}


def built(rig: Rig, directory: Path) -> list[Any]:
    return list(yaml.safe_load_all(rig.kubectl("kustomize", str(directory)).stdout))


def one(objects: list[Any], kind: str, prefix: str = "") -> Any:
    (found,) = (each for each in objects if each["kind"] == kind and each["metadata"]["name"].startswith(prefix))
    return found


def an_object(kind: str, version: str, **fields: Any) -> Any:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "fraud"}, **fields}


def a_modeldeployment(**spec: Any) -> Any:
    return an_object("ModelDeployment", "pennant.dev/v1alpha1", spec={"model": "fraud", "template": TEMPLATE} | spec)


def a_deployment(**spec: Any) -> Any:
    selector = {"matchLabels": {"app": "fraud"}}
    return an_object("Deployment", "apps/v1", spec={"selector": selector, "template": TEMPLATE} | spec)


def directory_of(directory: Path, *objects: Any, component: bool = True, **kustomization: Any) -> Path:
    """Write objects and their kustomization, with the component unless it is left out."""
    directory.mkdir(exist_ok=True)
    (directory / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    fields: Any = {"resources": ["objects.yaml"], **kustomization}
    if component:
        shutil.copytree(COMPONENT, directory / "pennant", dirs_exist_ok=True)
        fields["components"] = ["pennant"]
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(fields))
    return directory


def referenced() -> list[Any]:
    """Return the objects that the pods refer to."""
    return [an_object(kind, version, metadata={"name": "one"}) for kind, version in REFERENCED.items()]


def references(value: Any) -> list[str]:
    """Return the names of other objects in a pod template, in the order of the text."""
    if isinstance(value, list):
        return [name for each in value for name in references(each)]
    if not isinstance(value, dict):
        return [value] if value in ("one", "eu-one") else []
    return [name for each in value.values() for name in references(each)]


def test_the_example_is_taken_by_the_api_server(rig: Rig, scenario: Scenario) -> None:
    objects = built(rig, EXAMPLE / "prod")
    scenario.kubectl("apply", "-k", str(EXAMPLE / "prod"), "--dry-run=server", "--validate=strict")
    deployment = one(objects, "ModelDeployment")
    pod = deployment["spec"]["template"]
    container, other = pod["spec"]["containers"]
    settings, store = (one(objects, kind)["metadata"]["name"] for kind in ("ConfigMap", "Secret"))
    assert settings.startswith("settings-")
    assert container["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == store
    assert pod["spec"]["volumes"][0]["configMap"]["name"] == settings
    assert container["image"] == "registry.example.com/model-server:4"
    assert container["resources"] == {"requests": {"cpu": "500m"}, "limits": {"memory": "2Gi"}}
    assert (container["name"], other["name"]) == (deployment["spec"]["container"], "metrics")
    assert pod["metadata"]["labels"] == {"team": "risk"}
    assert deployment["spec"]["replicas"] == 5
    (metric,) = deployment["spec"]["analysis"]["metrics"]
    assert (metric["threshold"], "templateHash" in metric["prometheus"]["query"]) == ({"max": "0.005"}, True)


def test_the_example_has_no_findings(rig: Rig) -> None:
    text = rig.kubectl("kustomize", str(EXAMPLE / "prod")).stdout
    assert [each.sentence for each in report([("prod.yaml", text)]).findings] == []


def test_a_promotion_is_one_changed_word(rig: Rig, tmp_path: Path) -> None:
    for path in (EXAMPLE, COMPONENT):
        shutil.copytree(path, tmp_path / path.relative_to(ROOT))
    prod = tmp_path / EXAMPLE.relative_to(ROOT) / "prod"

    def tagged() -> dict[str, list[str]]:
        versions = (each for each in built(rig, prod) if each["kind"] == "ModelVersion")
        return {each["spec"]["version"]: each["spec"]["tags"] for each in versions}

    assert tagged() == {"1.0.0": ["production"], "1.1.0": []}
    file = prod / "kustomization.yaml"
    assert file.read_text().count("fraud-1.0.0") == 1
    file.write_text(file.read_text().replace("fraud-1.0.0", "fraud-1.1.0"))
    assert tagged() == {"1.0.0": [], "1.1.0": ["production"]}


# As a Deployment.

CHANGES: dict[str, Any] = {
    "a prefix": {"namePrefix": "eu-"},
    "an image": {"images": [{"name": "fetch", "newTag": "2"}, {"name": "proxy", "newName": "r.example/proxy"}]},
    "replicas": {"replicas": [{"name": "fraud", "count": 4}]},
    "labels": {"labels": [{"pairs": {"team": "risk"}}]},
    "labels of pods": {"labels": [{"pairs": {"team": "risk"}, "includeTemplates": True}]},
    "labels in selectors": {"labels": [{"pairs": {"team": "risk"}, "includeSelectors": True}]},
    "annotations": {"commonAnnotations": {"team": "risk"}},
    "a generated ConfigMap": {
        "configMapGenerator": [{"name": "one", "literals": ["a=1"]}],
        "secretGenerator": [{"name": "one", "literals": ["b=1"]}],
    },
}
PATCHES: dict[str, Any] = {
    "the resources of a container": {"containers": [{"name": "server", "resources": {"limits": {"memory": "4Gi"}}}]},
    "a container more": {"containers": [{"name": "more", "image": "more:1"}]},
    "no sidecar": {"containers": [{"name": "proxy", "$patch": "delete"}]},
    "a variable": {"containers": [{"name": "server", "env": [{"name": "A", "value": "1", "valueFrom": None}]}]},
    "a variable of an init container": {"initContainers": [{"name": "fetch", "env": [{"name": "C", "value": "1"}]}]},
    "a port": {"containers": [{"name": "server", "ports": [{"containerPort": 9000}]}]},
    "a mount": {"containers": [{"name": "server", "volumeMounts": [{"mountPath": "/b", "name": "b"}]}]},
    "another source of a volume": {"volumes": [{"name": "a", "emptyDir": {}, "$retainKeys": ["name", "emptyDir"]}]},
    "a volume more": {"volumes": [{"name": "z", "emptyDir": {}}]},
    "a secret of a registry": {"imagePullSecrets": [{"name": "two"}]},
    "tolerations, as a whole": {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
    "arguments, as a whole": {"containers": [{"name": "server", "args": ["--fast"]}]},
    "an alias of a host": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}]},
    "a constraint of topology": {"topologySpreadConstraints": [LIKE | {"maxSkew": 2, "topologyKey": "zone"}]},
}


def same(rig: Rig, directory: Path, prepared: Callable[[Any], dict[str, Any]]) -> Any:
    """Fail unless Kustomize makes the same pods of a Deployment and of a ModelDeployment; return the latter."""

    def made(each: Any) -> Any:
        fields = prepared(each)
        generated = {"ConfigMap", "Secret"} if "configMapGenerator" in fields else set()
        others = [other for other in referenced() if other["kind"] not in generated]
        return one(built(rig, directory_of(directory / each["kind"], *others, each, **fields)), each["kind"])

    deployment, ours = made(a_deployment()), made(a_modeldeployment())
    assert ours["spec"]["template"] == deployment["spec"]["template"]
    assert ours["metadata"] == deployment["metadata"]
    assert ours["spec"].get("replicas") == deployment["spec"].get("replicas")
    return ours


@pytest.mark.parametrize("change", CHANGES)
def test_a_modeldeployment_is_changed_as_a_deployment_is(rig: Rig, tmp_path: Path, change: str) -> None:
    after = same(rig, tmp_path, lambda _: CHANGES[change])
    assert after != a_modeldeployment()


@pytest.mark.parametrize("patch", PATCHES)
def test_a_patch_is_merged_as_into_a_deployment(rig: Rig, tmp_path: Path, patch: str) -> None:
    spec = {"template": {"spec": PATCHES[patch]}}

    def patched(each: Any) -> dict[str, Any]:
        return {"patches": [{"patch": yaml.safe_dump(an_object(each["kind"], each["apiVersion"], spec=spec))}]}

    after = same(rig, tmp_path, patched)
    assert after["spec"]["template"] != TEMPLATE


def test_a_metric_is_merged_by_its_name(rig: Rig, tmp_path: Path) -> None:
    def metrics(**thresholds: str) -> Any:
        return {"metrics": [{"name": name, "threshold": {"max": each}} for name, each in thresholds.items()]}

    patch = an_object("ModelDeployment", "pennant.dev/v1alpha1", spec={"analysis": metrics(latency="2")})
    before = a_modeldeployment(analysis=metrics(errors="0.1", latency="1"))
    directory = directory_of(tmp_path, before, patches=[{"patch": yaml.safe_dump(patch)}])
    found = one(built(rig, directory), "ModelDeployment")["spec"]["analysis"]["metrics"]
    assert {each["name"]: each["threshold"]["max"] for each in found} == {"errors": "0.1", "latency": "2"}


def test_a_patch_puts_what_it_names_first(rig: Rig, tmp_path: Path) -> None:
    """So the model's container must be named by `spec.container`: without it, it is the first one."""
    change = {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:2"}]}}}
    patch = an_object("ModelDeployment", "pennant.dev/v1alpha1", spec=change)
    directory = directory_of(tmp_path, a_modeldeployment(), patches=[{"patch": yaml.safe_dump(patch)}])
    containers = one(built(rig, directory), "ModelDeployment")["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["proxy", "server"]


def test_an_overlay_has_what_its_base_names(rig: Rig, tmp_path: Path) -> None:
    directory_of(tmp_path / "base", a_modeldeployment())
    change = {"template": {"spec": {"containers": [{"name": "server", "image": "server:2"}]}}}
    patch = yaml.safe_dump(an_object("ModelDeployment", "pennant.dev/v1alpha1", spec=change))
    overlay = {"resources": ["base"], "patches": [{"patch": patch}], "replicas": [{"name": "fraud", "count": 4}]}
    overlay["configMapGenerator"] = [{"name": "one", "literals": ["a=1"]}]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    objects = built(rig, tmp_path)
    spec = one(objects, "ModelDeployment")["spec"]
    server, proxy = spec["template"]["spec"]["containers"]
    assert (server["image"], proxy["image"], spec["replicas"]) == ("server:2", "proxy:1", 4)
    assert server["envFrom"][0]["configMapRef"]["name"] == one(objects, "ConfigMap")["metadata"]["name"] != "one"


def test_every_reference_is_resolved(rig: Rig, tmp_path: Path) -> None:
    autoscaled = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud"}
    scaling = {"maxReplicas": 3, "scaleTargetRef": autoscaled}
    autoscaler = an_object("HorizontalPodAutoscaler", "autoscaling/v2", spec=scaling)
    objects = [*(each for each in referenced() if each["kind"] != "PriorityClass"), a_modeldeployment(), autoscaler]
    found = built(rig, directory_of(tmp_path, *objects, namePrefix="eu-"))
    pod = one(found, "ModelDeployment")["spec"]["template"]["spec"]
    assert pod.pop("priorityClassName") == "one"
    assert references(pod) == ["eu-one"] * (len(references(TEMPLATE)) - 1)
    assert one(found, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "eu-fraud"


def test_without_the_component_references_stay_containers_are_lost_and_replicas_fail(rig: Rig, tmp_path: Path) -> None:
    change = {"template": {"spec": {"containers": [{"name": "server", "resources": {}}]}}}
    patch = yaml.safe_dump(an_object("ModelDeployment", "pennant.dev/v1alpha1", spec=change))
    objects = (*referenced(), a_modeldeployment())
    directory = directory_of(tmp_path, *objects, component=False, namePrefix="eu-", patches=[{"patch": patch}])
    pod = one(built(rig, directory), "ModelDeployment")["spec"]["template"]["spec"]
    assert set(references(pod)) == {"one"}
    assert pod["containers"] == [{"name": "server", "resources": {}}]
    directory = directory_of(tmp_path, *objects, component=False, replicas=[{"name": "fraud", "count": 4}])
    with pytest.raises(KubectlError, match="does not match a config"):
        built(rig, directory)


# What else is in the same kustomization.

PORT = {"name": "http", "port": 80}
OTHERS: list[tuple[Any, Any]] = [
    (a_deployment(), {"spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:2"}]}}}}),
    (a_deployment(strategy={"rollingUpdate": {"maxSurge": 1}}), {"spec": {"strategy": {"type": "Recreate"}}}),
    (an_object("Service", "v1", spec={"ports": [PORT]}), {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
    (an_object("ServiceAccount", "v1", secrets=[{"name": "a"}]), {"secrets": [{"name": "b"}]}),
    (an_object("ConfigMap", "v1", data={"a": "1"}), {"data": {"b": "2"}, "metadata": {"finalizers": ["x/y"]}}),
    (
        an_object("Role", "rbac.authorization.k8s.io/v1", rules=[{"verbs": ["get"], "resources": ["pods"]}]),
        {"rules": [{"verbs": ["list"], "resources": ["pods"]}]},
    ),
    (
        an_object("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": TEMPLATE}}}),
        {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"volumes": [{"name": "a", "emptyDir": {}}]}}}}}},
    ),
    (
        an_object("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", webhooks=[{"name": "a"}]),
        {"webhooks": [{"name": "a", "failurePolicy": "Fail"}, {"name": "b"}]},
    ),
    (
        an_object("Rollout", "example.com/v1", spec={"list": [{"name": "a", "b": 1}]}),
        {"spec": {"list": [{"name": "a"}]}},
    ),
]


@pytest.mark.parametrize(("before", "change"), OTHERS, ids=lambda each: each.get("kind", ""))
def test_other_kinds_are_patched_as_without_the_component(rig: Rig, tmp_path: Path, before: Any, change: Any) -> None:
    patch = an_object(before["kind"], before["apiVersion"]) | change
    patch["metadata"] = {"name": "fraud"} | change.get("metadata", {})
    fields: dict[str, Any] = {"namespace": "models", "patches": [{"patch": yaml.safe_dump(patch)}]}
    without = built(rig, directory_of(tmp_path / "without", before, component=False, **fields))
    assert built(rig, directory_of(tmp_path / "with", before, **fields)) == without


# Versions.


def test_a_prefix_of_a_version_is_refused(rig: Rig, scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "versions.yaml").write_text((EXAMPLE / "base" / "versions.yaml").read_text())
    (tmp_path / "kustomization.yaml").write_text("{resources: [versions.yaml], namePrefix: eu-}")
    with pytest.raises(KubectlError, match=r"metadata\.name must be"):
        rig.kubectl("apply", "-k", str(tmp_path), "--dry-run=server", "--namespace", scenario.namespace)


def test_versions_beside_a_prefix_keep_their_names(rig: Rig, scenario: Scenario, tmp_path: Path) -> None:
    versions = yaml.safe_load_all((EXAMPLE / "base" / "versions.yaml").read_text())
    directory_of(tmp_path / "versions", *versions, component=False)
    directory_of(tmp_path / "serving", a_modeldeployment(), namePrefix="eu-")
    (tmp_path / "kustomization.yaml").write_text("{resources: [versions, serving]}")
    names = {each["metadata"]["name"] for each in built(rig, tmp_path)}
    assert names == {"fraud-1.0.0", "fraud-1.1.0", "eu-fraud"}
    rig.kubectl("apply", "-k", str(tmp_path), "--dry-run=server", "--namespace", scenario.namespace)
