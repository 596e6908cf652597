"""Which bump a difference from the parent asks for: one sentence, one change, one bump.

Rule: R81.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.bump import computed_bump
from unit.api.examples import a_whole_version

Spec = dict[str, Any]
OTHER = f"sha256:{'1' * 64}"
SAFE = {"name": "country", "type": "string", "required": False}


@dataclass(frozen=True)
class Case:
    what: str
    change: Callable[[Spec], object]
    bump: str
    reason: str
    both: Callable[[Spec], object] = lambda _: None
    """What is other than usual in both records."""
    parent: Callable[[Spec], object] = lambda _: None
    """What is other than usual in the parent's alone."""


def first(spec: Spec, part: str) -> Spec:
    found: Spec = spec[part][0]
    return found


def tensor(spec: Spec, kind: str = "inputs") -> Spec:
    found: Spec = spec["schema"][kind][0]
    return found


def weights(spec: Spec, digest: str | None = OTHER) -> None:
    first(spec, "artifacts").update(digest=digest, manifestDigest=None)


def without_base(spec: Spec) -> None:
    weights(spec)
    del spec["baseModel"]


KEPT = ({"name": "activation", "value": "relu"},)
CASES = (
    Case(
        "another base model",
        lambda s: s["baseModel"].update(name="org/other"),
        "Major",
        "the base model changed from org/base to org/other",
    ),
    Case(
        "another revision of the base model",
        lambda s: s["baseModel"].update(digest=None, revision="5"),
        "Major",
        "the base model org/base changed from 4 to 5",
    ),
    Case(
        "a base model that only one record names",
        without_base,
        "Unknown",
        "spec.baseModel is missing in 1.0.0",
    ),
    Case(
        "the name of a free dimension",
        lambda s: tensor(s).update(shape=["batch", 30]),
        "None",
        "duplicate of 0.9.0: nothing differs",
    ),
    Case(
        "an input without a name is retyped",
        lambda s: tensor(s).update(type="int64"),
        "Major",
        "the type of input number 1 changed from float32 to int64",
        both=lambda s: tensor(s).pop("name"),
    ),
    Case(
        "the digest in capital letters",
        lambda s: first(s, "artifacts").update(digest=f"sha256:{'F' * 64}"),
        "None",
        "duplicate of 0.9.0: nothing differs",
        both=lambda s: first(s, "artifacts").update(digest=f"sha256:{'f' * 64}"),
    ),
    Case(
        "a notebook is another one",
        lambda s: s["code"].update(digest=OTHER),
        "Minor",
        "the digest of the training code changed",
        both=lambda s: s.update(code={"uri": "s3://n.ipynb", "digest": s["code"]["digest"]}),
    ),
    Case(
        "the code has another tag",
        lambda s: s["code"].update(tag="v2"),
        "Minor",
        "the training code changed from tag v1 to v2",
        both=lambda s: s.update(code={"repository": "r", "tag": "v1"}),
    ),
    Case(
        "the code has a tag alone",
        lambda s: None,
        "Unknown",
        "the training code has no commit and no digest, and a tag may have been moved",
        both=lambda s: s.update(code={"repository": "r", "tag": "v1"}),
    ),
    # Major: whoever calls the model, or knows what it was trained on, has to know.
    Case("an input is taken away", lambda s: s["schema"].update(inputs=[]), "Major", "input x was removed"),
    Case("an input is renamed", lambda s: tensor(s).update(name="y"), "Major", "input x was removed"),
    Case(
        "an input is retyped",
        lambda s: tensor(s).update(type="int64"),
        "Major",
        "the type of input x changed from float32 to int64",
    ),
    Case(
        "an input is reshaped",
        lambda s: tensor(s).update(shape=[-1, 31]),
        "Major",
        "the shape of input x changed from [-1, 30] to [-1, 31]",
    ),
    Case(
        "an input that could be left out is required",
        lambda s: tensor(s).update(required=True),
        "Major",
        "input x changed from optional to required",
        both=lambda s: tensor(s).update(required=False),
    ),
    Case(
        "a required input is added",
        lambda s: s["schema"]["inputs"].append({"name": "z", "type": "int64"}),
        "Major",
        "required input z was added",
    ),
    Case("an output is taken away", lambda s: s["schema"].update(outputs=[]), "Major", "output score was removed"),
    Case(
        "the format is another one",
        lambda s: first(s, "artifacts").update(format={"name": "skops"}),
        "Major",
        "the format of artefact model changed from onnx 1.16 to skops",
    ),
    Case(
        "an artefact is added",
        lambda s: s["artifacts"].append({"name": "tokenizer", "uri": "s3://t", "digest": OTHER}),
        "Major",
        "artefact tokenizer was added",
    ),
    Case(
        "the training data is another set",
        lambda s: first(s, "datasets").update(name="claims"),
        "Major",
        "training data set claims was added",
    ),
    # Minor: the same thing, made anew.
    Case(
        "the training data is a new revision",
        lambda s: first(s, "datasets").update(digest=OTHER),
        "Minor",
        "the digest of training data set payments changed",
    ),
    Case(
        "hyperparameters differ",
        lambda s: s.update(hyperparameters=[{"name": "depth", "value": "7"}, {"name": "rate", "value": "1"}]),
        "Minor",
        "hyperparameters differ: depth, rate",
    ),
    Case(
        "the code is at another commit",
        lambda s: s["code"].update(commit="9999abc"),
        "Minor",
        "the training code changed from commit 0123abc to 9999abc",
    ),
    Case(
        "an optional input is added", lambda s: s["schema"]["inputs"].append(SAFE), "Minor", "input country was added"
    ),
    Case("an output is added", lambda s: s["schema"]["outputs"].append(SAFE), "Minor", "output country was added"),
    # Patch: what is around the model.
    Case("preprocessing differs", lambda s: s["preprocessing"].update(digest=OTHER), "Patch", "preprocessing differs"),
    Case(
        "preprocessing is new",
        lambda _: None,
        "Patch",
        "preprocessing was added",
        parent=lambda s: s.pop("preprocessing"),
    ),
    Case(
        "the environment differs",
        lambda s: s["environment"].update(lockDigest=OTHER),
        "Patch",
        "the environment differs",
    ),
    Case("the image differs", lambda s: s["serving"].update(image="i:2"), "Patch", "the serving image differs"),
    Case(
        "the server is told else", lambda s: s["serving"].update(env=[]), "Patch", "the serving configuration differs"
    ),
    Case(
        "the weights alone differ",
        weights,
        "Patch",
        "only the weights differ: training with the same inputs gave another result",
    ),
    # None: what is said about it.
    Case(
        "a metric differs",
        lambda s: first(s, "metrics").update(value="0.5"),
        "None",
        "only metrics or documents differ",
    ),
    Case(
        "the card differs", lambda s: s["modelCard"].update(uri="s3://c2"), "None", "only metrics or documents differ"
    ),
    Case("nothing differs", lambda _: None, "None", "duplicate of 0.9.0: nothing differs"),
    Case("only the story differs", lambda s: s.update(reason="Again."), "None", "duplicate of 0.9.0: nothing differs"),
    # Unknown: not knowing is not equal.
    Case(
        "a digest of the weights is missing",
        lambda s: weights(s, None),
        "Unknown",
        "not every artefact has a digest of the same kind in both records",
    ),
    Case(
        "the digests of the weights are of two kinds",
        lambda s: weights(s, f"md5:{'0' * 32}"),
        "Unknown",
        "not every artefact has a digest of the same kind in both records",
    ),
    Case(
        "a digest of the training data is missing",
        lambda s: first(s, "datasets").pop("digest"),
        "Unknown",
        "training data set payments has no digest in 1.0.0",
    ),
    Case(
        "a data set with the role Training is missing in the parent",
        lambda _: None,
        "Unknown",
        "a data set with the role Training is missing in 0.9.0",
        parent=lambda s: s.update(datasets=[]),
    ),
    Case(
        "there were changes in no commit",
        lambda s: s["code"].update(dirty=True),
        "Unknown",
        "the training code at commit 0123abc had uncommitted changes",
    ),
    Case("the code is not recorded", lambda s: s.pop("code"), "Unknown", "spec.code is missing in 1.0.0"),
    Case(
        "preprocessing has no digest",
        lambda s: s.update(preprocessing={"uri": "s3://p"}),
        "Unknown",
        "preprocessing has no digest in 1.0.0",
    ),
    Case(
        "the environment has no digest",
        lambda s: s.update(environment={"language": "Python"}),
        "Unknown",
        "the environment has no digest in 1.0.0",
    ),
    Case(
        "the signature has another digest, and lists nothing",
        lambda s: s.update(schema={"digest": OTHER}),
        "Unknown",
        "schema.digest differs, and not both records list inputs and outputs",
    ),
    Case(
        "the format is recorded once",
        lambda s: first(s, "artifacts").update(format=None, manifestDigest=None, digest=OTHER),
        "Unknown",
        "only one record has the format of artefact model",
    ),
)


def records(case: Case) -> tuple[ModelVersionSpec, ModelVersionSpec]:
    """Return the parent's record and the one that was derived from it."""
    old = deepcopy(a_whole_version()["spec"]) | {"version": "0.9.0", "parent": "0.8.0"}
    case.both(old)
    new = deepcopy(old) | {"version": "1.0.0", "parent": "0.9.0"}
    case.parent(old)
    case.change(new)
    return ModelVersionSpec.model_validate(old), ModelVersionSpec.model_validate(new)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_change_asks_for_a_bump(case: Case) -> None:
    parent, record = records(case)
    bump = computed_bump(record, parent)
    assert bump.bump.value == case.bump, bump.reasons
    assert case.reason in bump.reasons
    assert bump.parent == "0.9.0"


def changed(*changes: Callable[[Spec], object]) -> ModelVersionSpec:
    spec = deepcopy(a_whole_version()["spec"])
    for each in changes:
        each(spec)
    return ModelVersionSpec.model_validate(spec)


def test_of_two_differences_the_graver_one_decides_and_alone_is_the_reason() -> None:
    record = changed(lambda s: tensor(s).update(type="int64"), lambda s: s["code"].update(commit="9999abc"))
    bump = computed_bump(record, changed())
    assert (bump.bump.value, bump.reasons) == ("Major", ("the type of input x changed from float32 to int64",))


def test_what_cannot_be_told_yields_to_what_is_graver_and_certain() -> None:
    record = changed(lambda s: tensor(s).update(type="int64"), lambda s: s.pop("code"))
    assert computed_bump(record, changed()).bump.value == "Major"


def test_what_is_certain_is_told_even_where_something_graver_cannot_be_excluded() -> None:
    record = changed(lambda s: s.pop("code"), lambda s: s["serving"].update(image="i:2"))
    bump = computed_bump(record, changed())
    assert bump.bump.value == "Unknown"
    assert bump.reasons == ("spec.code is missing in 1.0.0", "the serving image differs (Patch)")


def test_where_the_weights_are_the_same_bytes_the_signature_need_not_be_recorded() -> None:
    bare = changed(lambda s: s.pop("schema"), lambda s: s.pop("code"), lambda s: s.update(datasets=[]))
    assert computed_bump(bare, bare).bump.value == "None"


def test_reasons_are_bounded() -> None:
    many = [{"name": f"in-{number}", "type": "int64"} for number in range(40)]
    bump = computed_bump(changed(lambda s: s["schema"].update(inputs=many)), changed())
    assert len(bump.reasons) == 16
    assert bump.reasons[-1] == "and 26 more"


def test_a_number_that_is_written_in_another_way_is_no_difference() -> None:
    """Rule: R121."""
    parent = changed(lambda s: s.update(hyperparameters=[{"name": "rate", "value": "0.10"}, *KEPT]))
    same = changed(lambda s: s.update(hyperparameters=[{"name": "rate", "value": 1e-1}, *KEPT]))
    other = changed(lambda s: s.update(hyperparameters=[{"name": "rate", "value": 2e-1}, *KEPT]))
    assert computed_bump(same, parent).bump.value == "None"
    assert computed_bump(other, parent).reasons == ("hyperparameters differ: rate",)


def test_of_versions_without_an_order_the_bump_gives_no_number() -> None:
    before, after = deepcopy(a_whole_version()["spec"]), deepcopy(a_whole_version()["spec"])
    before["version"], after["version"] = "3", "2024-05-01"
    after["schema"].update(inputs=[])
    found = computed_bump(ModelVersionSpec.model_validate(after), ModelVersionSpec.model_validate(before))
    assert (found.bump, found.reasons[0]) == ("Major", "input x was removed")
    assert found.reasons[-1] == (
        "3 and 2024-05-01 are no semantic versions, so this gives no version number "
        "(write 3 as 3.0.0, and a date as 2024.5.1)"
    )
