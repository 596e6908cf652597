"""examples/servers: each model server as a plain Deployment and as a ModelDeployment, which runs the same pods."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.promql import PLACEHOLDER
from pennant.cli.manifests.findings import report
from pennant.core.analysis.query_template import substituted
from pennant.core.facts.observation import Key
from pennant.core.rollout.injection import overridden, variables
from pennant.core.rollout.revision import render, template_hash
from pennant.core.workload.deployment_manifest import deployment
from rig import Rig
from unit.core.builders import a_snapshot, an_entry

EXAMPLES = Path(__file__).parents[2] / "examples" / "servers"
KINDS = sorted(path.name for path in EXAMPLES.iterdir())
TAG = "production"
SET_BY_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "uid")
DIFFERENCES = {
    "metadata.labels.app.kubernetes.io/managed-by": "says that the operator owns the Deployment",
    "metadata.labels.pennant.dev/": "finds the Deployment of a ModelDeployment and of a model",
    "metadata.annotations.kubernetes.io/change-cause": "shown by kubectl rollout history",
    "metadata.annotations.pennant.dev/revision": "the revision that the Deployment serves",
    "metadata.ownerReferences": "deletes the Deployment with its ModelDeployment",
    "spec.selector.matchLabels": "selects pods by the ModelDeployment: nothing in the template can break it",
    "spec.progressDeadlineSeconds": "what the probes permit and 300 seconds, at least 600; the default is 600",
    "spec.revisionHistoryLimit": "keeps the ReplicaSets of all revisions, so that a rollback reuses one",
    "spec.template.metadata.labels.pennant.dev/": "tells the pods and metrics of revisions apart",
}
"""What of a rendered Deployment may differ from the plain one, with the reason. Variables are compared apart."""

every_kind = pytest.mark.parametrize("kind", KINDS)


@dataclass(frozen=True)
class Example:
    """Both files of a kind."""

    kind: str

    def objects(self, file: str) -> list[Any]:
        return list(yaml.safe_load_all((EXAMPLES / self.kind / file).read_text()))

    @cached_property
    def plain(self) -> Any:
        (found,) = self.objects("deployment.yaml")
        return found

    @cached_property
    def manifests(self) -> list[Any]:
        return self.objects("pennant.yaml")

    @cached_property
    def spec(self) -> ModelDeploymentSpec:
        (found,) = (each["spec"] for each in self.manifests if each["kind"] == "ModelDeployment")
        return ModelDeploymentSpec.model_validate(found)

    @cached_property
    def versions(self) -> list[ModelVersionSpec]:
        found = (each["spec"] for each in self.manifests if each["kind"] == "ModelVersion")
        return [ModelVersionSpec.model_validate(each) for each in found]

    @cached_property
    def tagged(self) -> ModelVersionSpec:
        (found,) = (each for each in self.versions if TAG in each.tags)
        return found

    def rendered(self, version: ModelVersionSpec) -> Any:
        """Return the Deployment that the operator applies for a version."""
        name, namespace = self.plain["metadata"]["name"], "default"
        template = render(name, self.spec, version)
        entry = an_entry().model_copy(update={"version": version.version, "template_hash": template_hash(template)})
        snapshot = a_snapshot(name, key=Key(namespace, name), spec=self.spec)
        return deployment(snapshot, self.spec, entry, template, paused=False)


ALL = {kind: Example(kind) for kind in KINDS}


def taken(rig: Rig, manifests: list[Any]) -> list[Any]:
    """Return the objects as the API server would store them, in the same order; nothing is stored."""
    sent = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}, default=str)
    how = ("--server-side", "--dry-run=server", "--validate=strict", "--output=json")
    answer = json.loads(rig.kubectl("apply", *how, "-f", "-", stdin=sent).stdout)
    return list(answer["items"]) if answer["kind"] == "List" else [answer]


@pytest.fixture(scope="module")
def plain(rig: Rig) -> Mapping[str, Any]:
    """Return the plain Deployment of each kind as it would be stored."""
    return dict(zip(KINDS, taken(rig, [ALL[kind].plain for kind in KINDS]), strict=True))


@pytest.fixture(scope="module")
def rendered(rig: Rig) -> Mapping[str, Any]:
    """Return the Deployment of the tagged version of each kind as it would be stored."""
    manifests = [ALL[kind].rendered(ALL[kind].tagged) for kind in KINDS]
    return dict(zip(KINDS, taken(rig, manifests), strict=True))


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Return a text as the kubelet expands it: `$(NAME)` of a known variable, and `$$`."""
    return re.sub(
        r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)",
        lambda found: "$" if found[1] is None else known.get(found[1], found[0]),
        text,
    )


def environment(container: Any) -> dict[str, Any]:
    """Return the variables of a container as its process sees them; a source instead of a value stays what it is."""
    found: dict[str, Any] = {}
    for each in container.get("env", ()):
        values = {name: value for name, value in found.items() if isinstance(value, str)}
        source = each.get("valueFrom")
        found[each["name"]] = source if source else expanded(each.get("value", ""), values)
    return found


def resolved(stored: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Return a Deployment with expanded arguments and without variables, and the variables by container."""
    copy = json.loads(json.dumps(stored))
    copy.pop("status", None)
    for name in SET_BY_THE_SERVER:
        copy["metadata"].pop(name, None)
    pod = copy["spec"]["template"]["spec"]
    found = {}
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        found[container["name"]] = environment(container)
        known = {name: value for name, value in found[container["name"]].items() if isinstance(value, str)}
        container.pop("env", None)
        for field in ("command", "args"):
            if field in container:
                container[field] = [expanded(each, known) for each in container[field]]
    return copy, found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf of an object with its path."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}[{number}]")
    else:
        yield path, value


def differences(one: Any, other: Any) -> set[str]:
    """Return the paths of the leaves in which two objects differ."""
    first, second = dict(leaves(one)), dict(leaves(other))
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}


def test_the_manifests_are_clean() -> None:
    files = [(str(path), path.read_text()) for path in sorted(EXAMPLES.rglob("*.yaml"))]
    assert len(files) == 2 * len(KINDS)
    assert [each.sentence for each in report(files).findings] == []


def test_the_api_server_takes_every_manifest(rig: Rig) -> None:
    manifests = [each for kind in KINDS for each in ALL[kind].manifests]
    assert len(taken(rig, manifests)) == len(manifests)


def test_the_api_server_takes_the_deployment_of_every_version(rig: Rig) -> None:
    """Also of those that do not have the tag yet, such as one that brings its own image or arguments."""
    others = [(ALL[kind], each) for kind in KINDS for each in ALL[kind].versions if each != ALL[kind].tagged]
    stored = taken(rig, [example.rendered(version) for example, version in others])
    for (_, version), found in zip(others, stored, strict=True):
        assert found["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"] == version.version


@every_kind
def test_the_operator_runs_the_same_pods(kind: str, plain: Mapping[str, Any], rendered: Mapping[str, Any]) -> None:
    (before, _), (after, _) = resolved(plain[kind]), resolved(rendered[kind])
    found = differences(before, after)
    assert {path for path in found if not path.startswith(tuple(DIFFERENCES))} == set()


def test_every_allowed_difference_occurs(plain: Mapping[str, Any], rendered: Mapping[str, Any]) -> None:
    found = {path for kind in KINDS for path in differences(resolved(plain[kind])[0], resolved(rendered[kind])[0])}
    assert {each for each in DIFFERENCES if not any(path.startswith(each) for path in found)} == set()


@every_kind
def test_containers_have_the_same_variables_and_those_of_the_record(
    kind: str, plain: Mapping[str, Any], rendered: Mapping[str, Any]
) -> None:
    example = ALL[kind]
    (_, before), (_, after) = resolved(plain[kind]), resolved(rendered[kind])
    record = variables(example.spec, example.tagged)
    assert before.keys() == after.keys()
    for name, found in after.items():
        added = {each: value for each, value in found.items() if each not in before[name]}
        assert before[name].items() <= found.items()
        assert added.items() <= record.items()
    assert overridden(example.spec, example.tagged) == ""


@every_kind
def test_no_reference_is_left(kind: str, rendered: Mapping[str, Any]) -> None:
    found, variables_of = resolved(rendered[kind])
    text = json.dumps([found["spec"]["template"], variables_of])
    # A shell has references of the same form, with a space.
    assert re.findall(r"\$\([-._a-zA-Z0-9]+\)|\$\{[a-z]+\}", text) == []


def queries() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        for metric in ALL[kind].spec.analysis.metrics:
            if metric.prometheus is not None:
                yield kind, metric.prometheus.query
            if metric.minimum_samples is not None:
                yield kind, metric.minimum_samples.query


@pytest.mark.parametrize(("kind", "query"), tuple(queries()))
def test_prometheus_parses_every_query_and_it_names_the_revision(rig: Rig, kind: str, query: str) -> None:
    found = set(re.findall(PLACEHOLDER, query))
    assert found & {"${version}", "${templateHash}", "${podTemplateHash}"}
    values = {each[2:-1]: "1m" if each == "${window}" else kind for each in found}
    sent = urllib.parse.urlencode({"query": substituted(query, values)})
    with urllib.request.urlopen(f"{rig.prometheus_url}/api/v1/format_query?{sent}", timeout=30) as answer:
        assert json.load(answer)["status"] == "success"


@every_kind
def test_one_gpu_is_not_asked_for_twice(kind: str) -> None:
    """With the default strategy, a rollout of one pod needs the resources of two."""
    example = ALL[kind]
    pod = example.rendered(example.tagged)["spec"]
    uses_gpu = any(
        "nvidia.com/gpu" in (each.get("resources") or {}).get("limits", {})
        for each in pod["template"]["spec"]["containers"]
    )
    assert not uses_gpu or pod["strategy"]["type"] == "Recreate" or pod["strategy"]["rollingUpdate"]["maxSurge"] == 0
