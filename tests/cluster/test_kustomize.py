"""examples/kustomize, built by the Kustomize of kubectl, and what its configuration does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.scenario import Scenario
from rig import Rig
from rig.errors import KubectlError

EXAMPLE = Path(__file__).parents[2] / "examples" / "kustomize"
PENNANT = EXAMPLE / "prod" / "pennant.yaml"
TEMPLATE: Any = {
    "serviceAccountName": "one",
    "imagePullSecrets": [{"name": "one"}],
    "initContainers": [{"name": "fetch", "image": "fetch:1", "envFrom": [{"configMapRef": {"name": "one"}}]}],
    "containers": [
        {
            "name": "server",
            "image": "server:1",
            "envFrom": [{"secretRef": {"name": "one"}}],
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "one", "key": "b"}}},
            ],
        }
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
"""A pod template that refers to an object named `one` in each way."""


def built(rig: Rig, directory: Path) -> list[Any]:
    return list(yaml.safe_load_all(rig.kubectl("kustomize", str(directory)).stdout))


def one(objects: list[Any], kind: str, prefix: str = "") -> Any:
    (found,) = (each for each in objects if each["kind"] == kind and each["metadata"]["name"].startswith(prefix))
    return found


def renaming(directory: Path, **more: Any) -> Path:
    """Write a kustomization that renames everything that a ModelDeployment refers to."""
    kinds = {"ServiceAccount": "v1", "ConfigMap": "v1", "Secret": "v1", "PersistentVolumeClaim": "v1"}
    objects: list[Any] = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": "one"}} for kind, version in kinds.items()
    ]
    deployment = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}}
    objects.append(deployment | {"spec": {"model": "fraud", "template": {"spec": TEMPLATE}}})
    scaled = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud"}
    autoscaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "fraud"}}
    objects.append(autoscaler | {"spec": {"maxReplicas": 3, "scaleTargetRef": scaled}})
    (directory / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    (directory / "pennant.yaml").write_text(PENNANT.read_text())
    kustomization = {"resources": ["objects.yaml"], "namePrefix": "eu-", **more}
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return directory


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
    pod = one(objects, "ModelDeployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    settings, store = (one(objects, kind)["metadata"]["name"] for kind in ("ConfigMap", "Secret"))
    assert settings.startswith("settings-")
    assert container["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == store
    assert pod["spec"]["volumes"][0]["configMap"]["name"] == settings
    assert container["image"] == "registry.example.com/model-server:4"
    assert container["resources"] == {"requests": {"cpu": "500m"}, "limits": {"memory": "2Gi"}}
    assert pod["metadata"]["labels"] == {"team": "risk"}
    assert one(objects, "ModelDeployment")["spec"]["replicas"] == 5


def test_a_promotion_is_one_changed_word(rig: Rig, tmp_path: Path) -> None:
    for path in (path for path in EXAMPLE.rglob("*.yaml")):
        copy = tmp_path / path.relative_to(EXAMPLE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())

    def tagged() -> dict[str, list[str]]:
        versions = (each for each in built(rig, tmp_path / "prod") if each["kind"] == "ModelVersion")
        return {each["spec"]["version"]: each["spec"]["tags"] for each in versions}

    assert tagged() == {"1.0.0": ["production"], "1.1.0": []}
    prod = tmp_path / "prod" / "kustomization.yaml"
    assert prod.read_text().count("fraud-1.0.0") == 1
    prod.write_text(prod.read_text().replace("fraud-1.0.0", "fraud-1.1.0"))
    assert tagged() == {"1.0.0": [], "1.1.0": ["production"]}


def test_the_configuration_resolves_every_reference(rig: Rig, tmp_path: Path) -> None:
    objects = built(rig, renaming(tmp_path, configurations=["pennant.yaml"], replicas=[{"name": "fraud", "count": 4}]))
    deployment = one(objects, "ModelDeployment")
    found = references(deployment["spec"]["template"]["spec"])
    assert found == ["eu-one"] * len(references(TEMPLATE))
    assert deployment["spec"]["replicas"] == 4
    assert one(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "eu-fraud"


def test_without_the_configuration_references_stay_and_replicas_fail(rig: Rig, tmp_path: Path) -> None:
    deployment = one(built(rig, renaming(tmp_path)), "ModelDeployment")
    assert set(references(deployment["spec"]["template"]["spec"])) == {"one"}
    with pytest.raises(KubectlError, match="does not match a config"):
        built(rig, renaming(tmp_path, replicas=[{"name": "fraud", "count": 4}]))


def test_a_strategic_merge_replaces_the_containers(rig: Rig, tmp_path: Path) -> None:
    change = {"spec": {"template": {"spec": {"containers": [{"name": "server", "resources": {}}]}}}}
    patch = {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}} | change
    objects = built(rig, renaming(tmp_path, patches=[{"patch": yaml.safe_dump(patch)}]))
    (container,) = one(objects, "ModelDeployment")["spec"]["template"]["spec"]["containers"]
    assert "image" not in container


def test_a_prefix_of_a_version_is_refused(rig: Rig, scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "versions.yaml").write_text((EXAMPLE / "base" / "versions.yaml").read_text())
    (tmp_path / "kustomization.yaml").write_text("{resources: [versions.yaml], namePrefix: eu-}")
    with pytest.raises(KubectlError, match=r"metadata\.name must be"):
        rig.kubectl("apply", "-k", str(tmp_path), "--dry-run=server", "--namespace", scenario.namespace)
