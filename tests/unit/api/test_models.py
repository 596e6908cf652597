"""The models refuse what the schema refuses, with the same words."""

import re

import pytest
from pydantic import ValidationError

from pennant.api.meta import ApiModel
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from unit.api import examples
from unit.api.examples import BAD_QUERIES, GOOD_QUERIES, RULES, Object, Refused

MODELS: dict[str, type[ApiModel]] = {"ModelVersion": ModelVersionSpec, "ModelDeployment": ModelDeploymentSpec}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_a_rule_of_the_model_too(rule: Refused) -> None:
    with pytest.raises(ValidationError) as caught:
        MODELS[rule.manifest["kind"]].model_validate(rule.manifest["spec"])
    assert rule.says in str(caught.value)


@pytest.mark.parametrize("query", GOOD_QUERIES)
def test_a_placeholder_may_stand_within_any_string(query: str) -> None:
    ModelDeploymentSpec.model_validate(examples.asking(query)["spec"])


@pytest.mark.parametrize(("query", "says"), BAD_QUERIES)
def test_a_placeholder_that_nothing_can_be_put_in_for_is_refused(query: str, says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        ModelDeploymentSpec.model_validate(examples.asking(query)["spec"])


@pytest.mark.parametrize(
    "manifest",
    [examples.a_version(), examples.a_whole_version(), examples.a_deployment(), examples.a_whole_deployment()],
    ids=["small version", "whole version", "small deployment", "whole deployment"],
)
def test_what_is_read_is_written_again_as_it_was(manifest: Object) -> None:
    written = MODELS[manifest["kind"]].model_validate(manifest["spec"]).to_json()
    assert _within(manifest["spec"], written)


def test_the_whole_examples_have_every_field() -> None:
    whole = {
        "ModelVersion": [examples.a_whole_version()],
        "ModelDeployment": [examples.a_whole_deployment(), examples.a_pinned_deployment()],
    }
    for kind, manifests in whole.items():
        names = {field.alias or name for name, field in MODELS[kind].model_fields.items()}
        assert {each for manifest in manifests for each in manifest["spec"]} == names


def test_fields_that_a_newer_crd_knows_are_ignored() -> None:
    manifest = examples.a_deployment(unheardOf={"x": 1})
    assert ModelDeploymentSpec.model_validate(manifest["spec"]).model == "fraud"


def _within(part: object, whole: object) -> bool:
    """Return whether everything in `part` is in `whole`; times may have milliseconds, and numbers may be text."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _within(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(_within, part, whole))
    if isinstance(part, float):
        return whole == repr(part)
    return part == whole or (isinstance(part, str) and part.replace("Z", ".000Z") == whole)


@pytest.mark.parametrize("size", ["1.5", "", "a b", -2, 1.5, True])
def test_a_dimension_is_a_size_or_a_name(size: object) -> None:
    schema = {"inputs": [{"type": "float32", "shape": ["batch", -1, 30, size]}]}
    with pytest.raises(ValidationError, match="must be a size, -1 for any size, or the name of a size, such as batch"):
        ModelVersionSpec.model_validate(examples.a_version(schema=schema)["spec"])


def test_names_of_inputs_are_distinct_where_there_are_names() -> None:
    inputs = [{"type": "float32"}, {"type": "int64"}, {"name": "x", "type": "int64"}]
    ModelVersionSpec.model_validate(examples.a_version(schema={"inputs": inputs})["spec"])
    with pytest.raises(ValidationError, match=r"schema\.inputs must not have a name twice"):
        ModelVersionSpec.model_validate(examples.a_version(schema={"inputs": [*inputs, inputs[2]]})["spec"])
