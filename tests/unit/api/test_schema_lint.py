"""The generated schema keeps the conventions of the API."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pennant.api.crd import crds
from pennant.api.reasons import ConditionType, Reason, VersionConditionType
from pennant.generate import CRD_DIRECTORIES, files

ROOT = Path(__file__).parents[3]
FILES = files(ROOT)
Node = dict[str, Any]
# It has no type, and says what it must not be: see `pennant.api.number`.
NUMBER_OR_TEXT = {"x-kubernetes-preserve-unknown-fields", "not", "maxLength"}
FORBIDDEN = {"$ref", "anyOf", "oneOf", "allOf", "not", "title", "const", "nullable", "exclusiveMinimum"}
PRESERVED = (
    ".spec.template.metadata",
    ".spec.template.spec",
    ".spec.template.spec.containers[]",
    ".spec.template.spec.initContainers[]",
)


def nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    yield path, node
    for name, each in node.get("properties", {}).items():
        yield from nodes(each, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], f"{path}{{}}")


ALL = [
    pytest.param(path, node, id=f"{name.removesuffix('.yaml')}{path}")
    for name, crd in crds().items()
    for path, node in nodes(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    if path.startswith((".spec", ".status"))
]


@pytest.mark.parametrize(("path", "node"), ALL)
def test_a_field_keeps_the_conventions(path: str, node: Node) -> None:
    is_number_or_text = "type" not in node and node.keys() >= NUMBER_OR_TEXT
    forbidden = FORBIDDEN - (NUMBER_OR_TEXT if is_number_or_text else set())
    assert not forbidden & node.keys(), "a structural schema has single types"
    name = path.rsplit(".", 1)[-1]
    if name and not name.endswith(("[]", "{}")):
        assert node.get("description", "").endswith("."), "every field is described in sentences"
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", name), "names are camelCase"
    assert_bounded(name, node)
    if node.get("x-kubernetes-preserve-unknown-fields") and not is_number_or_text:
        assert path in PRESERVED, "only the pod template is open"
    if "default" in node:
        # The scale subresource, and so a HorizontalPodAutoscaler, needs a number that is stored, and a list its key.
        stored = (".status", ".status.observedGeneration", ".spec.replicas", ".spec.service.ports[].name")
        assert path in stored, "other defaults live in the models"


VERSIONS = [pytest.param(crd["spec"]["versions"][0], id=name.removesuffix("s.yaml")) for name, crd in crds().items()]


@pytest.mark.parametrize("version", VERSIONS)
def test_conditions_are_merged_by_type_and_have_every_field(version: Node) -> None:
    schema = dict(nodes(version["schema"]["openAPIV3Schema"]))
    conditions, one = schema[".status.conditions"], schema[".status.conditions[]"]
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])
    assert set(one["required"]) == set(one["properties"])
    assert one["properties"]["reason"]["minLength"] == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_column_shows_a_field(version: Node) -> None:
    """The API server also takes a column whose path leads nowhere, and shows nothing in it."""
    known = {path for path, _ in nodes(version["schema"]["openAPIV3Schema"])} | {".metadata.creationTimestamp"}
    for column in version["additionalPrinterColumns"]:
        path = column["jsonPath"]
        if named := re.search(r'\[\?\(@\.type=="(\w+)"\)\]', path):
            assert named[1] in {*ConditionType, *VersionConditionType}
            path = path.replace(named[0], "[]")
        assert path.replace("[*]", "[]") in known, column


def assert_bounded(name: str, node: Node) -> None:
    match node.get("type"):
        case "string":
            bounded = node.keys() & {"maxLength", "enum"} or node.get("format") == "date-time"
            assert bounded, "every string has a maximum"
        case "array":
            assert "maxItems" in node, "every list has a maximum"
            assert node.get("x-kubernetes-list-type") in ("map", "set", "atomic")
        case "number":
            pytest.fail("no floats alone: a decimal in quotes is not rounded by clients")
        case "integer":
            assert "Duration" not in name, "durations are named ...Seconds"
        case "object":
            if "properties" not in node and not node.get("x-kubernetes-preserve-unknown-fields"):
                assert "maxProperties" in node, "every map has a maximum"
        case None:
            has_two = node.get("x-kubernetes-int-or-string") or node.keys() >= NUMBER_OR_TEXT
            assert has_two, "every field has a type"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_generated_file_is_what_the_models_say(path: Path) -> None:
    assert (ROOT / path).read_text() == FILES[path], "run `python -m pennant generate --write`"


@pytest.mark.parametrize("directory", CRD_DIRECTORIES, ids=str)
def test_no_other_crd_lies_about(directory: Path) -> None:
    assert {directory / path.name for path in (ROOT / directory).iterdir()} <= FILES.keys()


@pytest.mark.parametrize("name", crds())
def test_a_crd_is_small_enough_to_be_applied_by_any_client(name: str) -> None:
    assert len(FILES[CRD_DIRECTORIES[0] / name].encode()) < 256 * 1024


@pytest.mark.parametrize("word", [*ConditionType, *Reason], ids=str)
def test_a_word_of_the_api_is_documented_by_four_facts(word: ConditionType | Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]*", word.value)
    for fact in (word.means, word.set_when, word.cleared_when, word.to_do):
        assert fact.endswith((".", "`."))


URL = "http://127.0.0.1:9090/api"
# Text that a metric source is asked, or that is compared; none of it is an address.
FREE_TEXT = {
    ".spec.analysis.metrics[].prometheus.query",
    ".spec.analysis.metrics[].minimumSamples.query",
    ".spec.analysis.metrics[].alert.matchExpressions[].values[]",
    ".spec.analysis.metrics[].alert.matchLabels{}",
    ".spec.promotion.gates[].dataset",
    ".spec.promotion.gates[].metric",
    ".spec.promotion.gates[].slice",
    # Those of the Deployment and the Service: the operator copies them, and reads none.
    ".spec.metadata.labels{}",
    ".spec.metadata.annotations{}",
    ".spec.service.labels{}",
    ".spec.service.annotations{}",
    # Quantities, of a container that the operator does not run itself.
    ".spec.delivery.resources.requests{}",
    ".spec.delivery.resources.limits{}",
}


def test_no_field_of_a_model_deployment_can_hold_an_address() -> None:
    schema = crds()["modeldeployments.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    template = ".spec.template"
    texts = {
        path
        for path, node in nodes(schema)
        if path.startswith(".spec") and not path.startswith(template) and node.get("type") == "string"
        if "enum" not in node and not ("pattern" in node and not re.search(node["pattern"], URL))
    }
    assert texts == FREE_TEXT
