"""Whether a version changed under its number."""

from typing import Any

import pytest

from pennant.registries.changes import Changes, addition, changes, contradiction
from pennant.registries.protocol import RegistryError

SPEC: dict[str, Any] = {
    "model": "fraud",
    "version": "3",
    "artifacts": [{"name": "model", "uri": "s3://models/3"}],
    "hyperparameters": [{"name": "depth", "value": "6"}],
    "metrics": [
        {"name": "auc", "value": "0.91", "dataset": "test"},
        {"name": "auc", "value": "0.93", "dataset": "validation"},
    ],
    "source": {"registry": "MLflow", "version": "3", "importedAt": "2026-05-01T00:00:00Z"},
}
NONE = Changes((), (), ())


def test_the_same_record_has_no_changes() -> None:
    numbers = {**SPEC, "hyperparameters": [{"name": "depth", "value": 6}]}
    assert changes(SPEC, SPEC) == changes(numbers, SPEC) == NONE


@pytest.mark.parametrize("field", ["tags", "description", "owner", "retention"])
def test_what_a_user_may_change_is_no_change(field: str) -> None:
    values = {"tags": ["production"], "description": "new", "owner": "risk", "retention": {"legalHold": True}}
    assert changes({**SPEC, field: values[field]}, SPEC) == changes(SPEC, {**SPEC, field: values[field]}) == NONE


def test_the_time_of_the_import_and_annotations_are_no_change() -> None:
    source = {**SPEC["source"], "importedAt": "2026-06-01T00:00:00Z", "annotations": {"stage": "Archived"}}
    assert changes(SPEC, {**SPEC, "source": source}) == NONE


def test_another_value_is_a_change_with_its_path() -> None:
    metrics = [SPEC["metrics"][1], {**SPEC["metrics"][0], "value": "0.5"}]
    artifacts = [{"name": "model", "uri": "s3://models/other"}]
    found = changes(SPEC, {**SPEC, "metrics": metrics, "artifacts": artifacts})
    assert found == Changes(("artifacts[model].uri", "metrics[auc/test].value"), (), ())


def test_a_name_of_another_model_that_maps_to_the_same_one_is_a_change() -> None:
    one, other = ({**SPEC, "source": {**SPEC["source"], "modelName": each}} for each in ("Fraud_A", "fraud a"))
    assert changes(one, other).changed == ("source.modelName",)


def test_what_only_one_side_has_is_told_and_is_no_contradiction() -> None:
    more = [*SPEC["metrics"], {"name": "loss", "value": "0.1"}]
    assert changes(SPEC, {**SPEC, "metrics": more}) == Changes((), (), ("metrics[loss]",))
    less = {name: each for name, each in SPEC.items() if name != "hyperparameters"}
    assert changes(SPEC, less) == Changes((), ("hyperparameters",), ())


def test_a_digest_that_this_import_did_not_compute_is_not_missing() -> None:
    artifact = {**SPEC["artifacts"][0], "manifestDigest": f"sha256:{'0' * 64}", "sizeBytes": 7}
    verified = {**SPEC, "artifacts": [artifact]}
    assert changes(verified, SPEC) == NONE
    assert changes(SPEC, verified).only_found == ("artifacts[model].sizeBytes", "artifacts[model].manifestDigest")
    other = {**SPEC, "artifacts": [{**artifact, "manifestDigest": f"sha256:{'1' * 64}"}]}
    assert changes(verified, other).changed == ("artifacts[model].manifestDigest",)


def test_a_record_without_digests_says_how_to_have_them() -> None:
    artifact = {**SPEC["artifacts"][0], "manifestDigest": f"sha256:{'0' * 64}", "sizeBytes": 7}
    more = {**SPEC, "artifacts": [artifact], "metrics": [*SPEC["metrics"], {"name": "loss", "value": "0.1"}]}
    assert addition("fraud-3", changes(SPEC, more)) == (
        "fraud-3: the record was made without --verify, so it lacks spec.artifacts[model].sizeBytes, "
        "spec.artifacts[model].manifestDigest, and it does not change; to have them, delete it if nothing serves it, "
        "and import it again with --verify; the registry now also has spec.metrics[loss], and the record does not "
        "change"
    )


def test_a_registry_that_moved_is_told() -> None:
    moved = {**SPEC, "source": {**SPEC["source"], "instance": "https://b.example"}}
    there = {**SPEC, "source": {**SPEC["source"], "instance": "https://a.example"}}
    said = contradiction("fraud-3", "fraud-3.yaml", changes(there, moved))
    assert (
        "in spec.source.instance. If the registry has another address now, or its directory was moved, import" in said
    )
    other = {**SPEC, "hyperparameters": [{"name": "depth", "value": "7"}]}
    assert "another address" not in contradiction("fraud-3", "fraud-3.yaml", changes(SPEC, other))


def test_a_record_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(RegistryError, match="is not valid"):
        changes({"model": "fraud"}, SPEC)
