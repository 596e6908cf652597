"""What one tries Pennant with: kind's cluster, the example, and the image, as far as that shows without an engine."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pennant import __main__, __version__
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec

ROOT = Path(__file__).parents[2]
KIND: Any = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
EXAMPLE: list[Any] = list(yaml.safe_load_all((ROOT / "examples" / "hello.yaml").read_text()))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Of kind's v1alpha4: https://kind.sigs.k8s.io/docs/user/configuration/
CLUSTER_FIELDS = {
    *("kind", "apiVersion", "name", "nodes", "networking", "featureGates", "runtimeConfig"),
    *("kubeadmConfigPatches", "kubeadmConfigPatchesJSON6902", "containerdConfigPatches"),
}
NODE_FIELDS = {"role", "image", "labels", "extraMounts", "extraPortMappings", "kubeadmConfigPatches"}
PORT_FIELDS = {"containerPort", "hostPort", "listenAddress", "protocol"}


def instructions(name: str) -> list[str]:
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{name} ")]


def packages(lock: str) -> dict[str, str]:
    """Return the lines of each package in a lock file: its version and its hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    return {canonicalize_name(block.partition("==")[0]): block for block in blocks}


def needed(names: list[str]) -> Iterator[str]:
    """Yield the packages that these requirements, as they are installed, bring along."""
    pending, found = [Requirement(each) for each in names], set[str]()
    while pending:
        wanted = pending.pop()
        name = canonicalize_name(wanted.name)
        if name in found or (
            wanted.marker and not any(wanted.marker.evaluate({"extra": e}) for e in ("", *wanted.extras))
        ):
            continue
        found.add(name)
        pending += [Requirement(each) for each in requires(name) or () if not _is_extra(each)]
    yield from found


def _is_extra(requirement: str) -> bool:
    marker = Requirement(requirement).marker
    return marker is not None and "extra" in str(marker)


def test_kind_is_told_what_it_understands() -> None:
    assert (KIND["kind"], KIND["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert KIND.keys() <= CLUSTER_FIELDS
    assert [node["role"] for node in KIND["nodes"]].count("control-plane") == 1
    for node in KIND["nodes"]:
        assert node.keys() <= NODE_FIELDS
        assert node["role"] in ("control-plane", "worker")
        for port in node.get("extraPortMappings", []):
            assert port.keys() <= PORT_FIELDS
            assert port["listenAddress"] == "127.0.0.1", "nobody else is let in"


def test_the_port_of_the_example_is_that_of_the_cluster() -> None:
    (service,) = (each for each in EXAMPLE if each["kind"] == "Service")
    ports = {port["containerPort"] for node in KIND["nodes"] for port in node.get("extraPortMappings", [])}
    assert {port["nodePort"] for port in service["spec"]["ports"]} == ports
    (deployment,) = (each for each in EXAMPLE if each["kind"] == "ModelDeployment")
    assert service["spec"]["selector"] == {"pennant.dev/modeldeployment": deployment["metadata"]["name"]}


def test_the_example_is_valid_and_one_version_holds_the_tag() -> None:
    versions = [each for each in EXAMPLE if each["kind"] == "ModelVersion"]
    for each in versions:
        read = ModelVersionSpec.model_validate(each["spec"])
        assert each["metadata"]["name"] == f"{read.model}-{read.version}"
    assert [each["spec"]["tags"] for each in versions] == [["production"], []]
    (deployment,) = (each for each in EXAMPLE if each["kind"] == "ModelDeployment")
    ModelDeploymentSpec.model_validate(deployment["spec"])


def test_the_image_runs_the_operator_and_not_as_root() -> None:
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a name would not show Kubernetes that it is not root"
    assert instructions("ENTRYPOINT") == ['["python", "-m", "pennant"]']
    assert instructions("CMD") == ['["run"]']
    assert Path(str(__main__.__file__)).parent == ROOT / "operator" / "pennant"


def test_what_the_image_copies_is_there_and_sent_to_the_engine() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {each.split()[0] for each in instructions("COPY")}
    assert copied == sent
    assert all((ROOT / each).exists() for each in copied)


def test_the_image_has_the_packages_of_the_lock_by_their_hashes() -> None:
    runtime, everything = packages("requirements-runtime.lock"), packages("requirements.lock")
    assert runtime.items() <= everything.items()
    assert all("--hash=sha256:" in each for each in runtime.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = (project["optional-dependencies"][each] for each in ("fetch", "signatures"))
    assert set(needed([*project["dependencies"], *(each for extra in extras for each in extra)])) <= runtime.keys()
    assert any("--require-hashes" in each for each in instructions("RUN"))


@pytest.mark.parametrize("line", ["kind create cluster", "helm install", "kubectl apply -f examples/hello.yaml"])
def test_the_readme_says_how_to_try_it(line: str) -> None:
    readme = (ROOT / "README.md").read_text()
    assert line in readme
    assert f"pennant:{__version__}" in readme
