"""What tests of `adopt` share: inputs, and the objects in what it printed."""

from pathlib import Path
from typing import Any

import yaml

from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests.documents import Document, documents
from pennant.core.rollout.revision import render
from pennant.kube.http.resources import RESOURCES, Kind
from unit.cli.fake_api import FakeApi

INPUTS = Path(__file__).parent / "adoption_inputs"
NAMES = sorted(each.stem for each in INPUTS.glob("*.yaml"))
OWN = "pennant.dev/"
Json = dict[str, Any]


def given(name: str) -> list[Json]:
    """Return the objects of an input."""
    return list(yaml.safe_load_all((INPUTS / f"{name}.yaml").read_text()))


def file_of(name: str) -> str:
    return str(INPUTS / f"{name}.yaml")


def serve(api: FakeApi, *raws: Json, namespace: str = "default") -> None:
    """Put objects into an API server, as it would return them."""
    for raw in raws:
        is_of_cluster = raw["kind"] == Kind.CLUSTER_SERVING_RUNTIME
        metadata = {"uid": "u", "resourceVersion": "1", **raw["metadata"]}
        metadata["namespace"] = "" if is_of_cluster else raw["metadata"].get("namespace", namespace)
        api.add(RESOURCES[Kind(raw["kind"])].plural, {**raw, "metadata": metadata})


def printed(text: str) -> dict[str, Any]:
    """Return the objects of an output by kind, as kubectl reads them; there is one of each kind."""
    found = [each.value for each in documents(text, "") if isinstance(each, Document)]
    by_kind = {each["kind"]: each for each in found}
    assert len(by_kind) == len(found)
    return by_kind


def rendered(pair: dict[str, Any]) -> Json:
    """Return the pod template that Pennant makes of a pair, without its own labels."""
    name = pair["ModelDeployment"]["metadata"]["name"]
    spec = ModelDeploymentSpec.model_validate(pair["ModelDeployment"]["spec"])
    template = render(name, spec, ModelVersionSpec.model_validate(pair["ModelVersion"]["spec"]))
    labels = {key: each for key, each in template["metadata"]["labels"].items() if not key.startswith(OWN)}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}
