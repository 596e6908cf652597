"""Every manifest in the documentation and the examples is one that a real API server takes."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from pennant.api.analysis import Metric
from pennant.api.meta import ApiModel
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.metrics.config import SourcesFile
from rig import Rig

ROOT = Path(__file__).parents[2]
CRDS = sorted((ROOT / "tests" / "crds").glob("*.yaml"))
NAMESPACE = "documents"
PLACES = ("examples/", "argocd/", "kind-config.yaml")
"""Where YAML files are that users copy."""
ELSEWHERE = ("examples/servers/", "examples/helm/models/templates/")
"""Where test_servers.py has them taken, all in one call; and what test_models_chart.py renders before."""
NOT_OF_AN_API_SERVER = {
    "kind.x-k8s.io": "read by the program kind",
    "kustomize.config.k8s.io": "read by Kustomize; test_kustomize.py builds it",
    "argoproj.io": "its CRDs are a part of Argo CD, which this control plane does not have: it is only parsed",
}
"""API groups of manifests that no API server gets here, with the reason."""
SET_BY_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
"""Metadata of an object that was read from an API server."""
METRIC = {"name": "m", "prometheus": {"query": "up"}, "threshold": {"max": "1"}}
WHOLE: dict[type[ApiModel], Any] = {
    ModelDeploymentSpec: {
        "model": "m",
        "template": {"spec": {"containers": [{"name": "server", "image": "server:1"}]}},
        "analysis": {"intervalSeconds": 60, "metrics": [METRIC]},
    },
    ModelVersionSpec: {"model": "m", "version": "1.0.0", "artifacts": [{"name": "a", "uri": "s3://a/b"}]},
}
"""What a fragment of a spec is merged into."""
KINDS: dict[str, type[ApiModel]] = {"ModelDeployment": ModelDeploymentSpec, "ModelVersion": ModelVersionSpec}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document, and where it is."""

    where: str
    content: Any

    @property
    def is_manifest(self) -> bool:
        """Whether it is an object of Kubernetes."""
        return isinstance(self.content, dict) and {"apiVersion", "kind"} <= self.content.keys()

    @property
    def group(self) -> str:
        """Its API group."""
        group, _, version = str(self.content["apiVersion"]).rpartition("/")
        return group if version else ""


def documents() -> Iterator[Document]:
    """Yield all YAML documents: in fences of pages, and in files."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        path = ROOT / name
        if not path.exists():
            continue
        if name.endswith(".md") or name == "charts/pennant/templates/NOTES.txt":
            text = path.read_text()
            for match in re.finditer(r"^( *)```ya?ml\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE):
                line = text[: match.start()].count("\n") + 2
                yield from _read(f"{name}:{line}", match.group(2))
        # Below testdata there are objects that an API server refuses, for tests that they are reported.
        elif name.endswith(".yaml") and name.startswith(PLACES) and "/testdata/" not in name:
            if name.startswith(ELSEWHERE):
                continue
            yield from _read(name, path.read_text())


def _read(where: str, text: str) -> Iterator[Document]:
    for content in yaml.safe_load_all(text):
        if content is not None:
            yield Document(where, content)


DOCUMENTS = list(documents())
MANIFESTS = [each for each in DOCUMENTS if each.is_manifest]
FRAGMENTS = [each for each in DOCUMENTS if not each.is_manifest]


def fields(model: type[ApiModel]) -> set[str]:
    return {field.alias or to_camel(name) for name, field in model.model_fields.items()}


def is_part_of(content: Any, model: type[ApiModel]) -> bool:
    return isinstance(content, dict) and content.keys() <= fields(model)


def validated(content: Any) -> bool:
    """Validate a fragment against the model that it is a part of; return whether there is one."""
    if isinstance(content, dict) and content.keys() == {"sources"}:
        SourcesFile.model_validate(content)
        return True
    metrics = content if isinstance(content, list) else [content]
    if all(is_part_of(each, Metric) for each in metrics):
        for each in metrics:
            Metric.model_validate(({} if "alert" in each else METRIC) | each)
        return True
    for model, whole in WHOLE.items():
        if is_part_of(content, model):
            analysis = {"analysis": whole["analysis"] | content["analysis"]} if "analysis" in content else {}
            model.model_validate(whole | content | analysis)
            return True
    return False


@pytest.fixture(scope="module")
def foreign_kinds(rig: Rig) -> Iterator[None]:
    """Install the CRDs of other projects that the documents use, and a namespace."""
    files = [argument for path in CRDS for argument in ("-f", str(path))]
    rig.kubectl("apply", "--server-side", *files)
    rig.kubectl("wait", "--for=condition=Established", *files, "--timeout=30s")
    rig.kubectl("create", "namespace", NAMESPACE)
    yield
    rig.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    rig.kubectl("delete", *files)


def tried(rig: Rig, manifest: Any) -> None:
    """Have the API server validate a manifest; nothing is stored."""
    how = ("--server-side", "--dry-run=server", "--validate=strict", "--namespace", NAMESPACE)
    rig.kubectl("apply", *how, "-f", "-", stdin=json.dumps(manifest))


def test_there_are_documents_of_each_kind() -> None:
    places = {each.where.partition(":")[0] for each in MANIFESTS}
    assert {"README.md", "examples/hello.yaml", "examples/kustomize/base/versions.yaml"} <= places
    assert len(FRAGMENTS) > 10
    assert sum(validated(each.content) for each in FRAGMENTS) >= 4


@pytest.mark.usefixtures("foreign_kinds")
@pytest.mark.parametrize(
    "document",
    [each for each in MANIFESTS if each.group not in NOT_OF_AN_API_SERVER],
    ids=lambda each: f"{each.where} {each.content['kind']}",
)
def test_a_manifest_is_taken(rig: Rig, document: Document) -> None:
    content = json.loads(json.dumps(document.content, default=str))
    for name in SET_BY_THE_SERVER:
        content["metadata"].pop(name, None)
    if "namespace" in content["metadata"]:
        content["metadata"]["namespace"] = NAMESPACE
    if content["kind"] in KINDS:
        # What only shows metadata.
        content.setdefault("spec", WHOLE[KINDS[content["kind"]]])
    tried(rig, content)


@pytest.mark.parametrize("document", FRAGMENTS, ids=lambda each: each.where)
def test_a_fragment_with_our_fields_is_valid(document: Document) -> None:
    """It has been parsed already; where it has a field of another program it is not looked at further."""
    content = document.content
    validated(content["spec"] if isinstance(content, dict) and content.keys() == {"spec"} else content)


@pytest.mark.usefixtures("foreign_kinds")
@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_the_labels_of_pods_are_kept_by_both_kinds_of_monitors(rig: Rig, kind: str) -> None:
    (fragment,) = (each.content for each in FRAGMENTS if "podTargetLabels" in str(each.content))
    endpoints = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}[kind]
    spec = fragment["spec"] | {"selector": {}, endpoints: [{"port": "http"}]}
    manifest = {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": "m"}, "spec": spec}
    tried(rig, manifest)
