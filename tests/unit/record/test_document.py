"""The manifest of a record: checked as the API server does, and written so that kubectl reads what was meant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.cli.manifests.documents import Document, documents
from pennant.cli.manifests.findings import report
from pennant.core.versions.completeness import Element
from pennant.record import document
from pennant.record.errors import RegisterError
from unit.api.examples import DIGEST, a_whole_version

SPEC: dict[str, Any] = {
    "version": "1.0.0",
    "model": "fraud",
    "artifacts": [{"name": "model", "uri": "s3://m/fraud", "digest": DIGEST}],
}


def read(text: str) -> Any:
    (only,) = documents(text, "x.yaml")
    assert isinstance(only, Document)
    return only.value


def test_only_what_is_set_is_written_in_the_order_of_the_reference() -> None:
    manifest = document.model_version({"owner": "shop", **SPEC, "createdAt": "2026-01-02T03:04:05+01:00"}, "shop")
    assert manifest == {
        "apiVersion": "pennant.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": "fraud-1.0.0", "namespace": "shop"},
        "spec": {**SPEC, "createdAt": "2026-01-02T02:04:05.000Z", "owner": "shop"},
    }
    assert list(manifest["spec"]) == ["model", "version", "createdAt", "artifacts", "owner"]


def test_the_whole_record_is_written_and_is_valid() -> None:
    spec = a_whole_version()["spec"]
    manifest = document.model_version(spec, annotations={"example.com/run": "7"})
    text = document.text(manifest)
    assert read(text) == manifest
    assert [each.sentence for each in report([("x.yaml", text)]).findings] == []


def test_a_comment_stands_where_an_element_is_missing() -> None:
    text = document.text(document.model_version(SPEC), ("made by hand",), {Element.REASON: "--reason TEXT gives it"})
    lines = text.splitlines()
    assert lines[0] == "# made by hand"
    assert "  # incomplete: Reason; --reason TEXT gives it" in lines
    assert "  # incomplete: TrainingData" in lines
    assert not any("Artifacts" in line for line in lines)
    assert read(text)["spec"] == SPEC


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "Fraud"}, "spec.model: must be lower-case"),
        ({"version": 1.1}, "spec.version: must be a string"),
        ({"artifacts": []}, "spec.artifacts"),
        ({"metrics": [{"name": "auc", "value": "NaN"}]}, r"spec.metrics\[0\].value: must be a finite number"),
        ({"model": "m" * 60}, "metadata.name would be"),
        ({"description": "x" * 9000}, "spec.description"),
        ({"hyperparameters": [{"name": str(n), "value": "x" * 5000} for n in range(200)]}, "must be at most 512 KiB"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RegisterError, match=says):
        document.model_version(SPEC | change)


TEXTS = st.one_of(
    st.from_regex(r"[-+]?[0-9_.eExXoObB:]{1,12}", fullmatch=True),
    st.sampled_from(
        [
            "y",
            "N",
            "on",
            "null",
            "~",
            "1e3",
            "0o17",
            "0b1",
            "1:20",
            ".inf",
            "2024-05-01",
            "a\x85b\u2028 c\u2029",
            "=",
            "<<",
            "#",
            "- a",
        ]
    ),
    st.text(max_size=30),
)


@given(TEXTS)
def test_kubectl_reads_each_text_as_the_same_text(text: str) -> None:
    manifest = document.model_version(SPEC | {"hyperparameters": [{"name": "x", "value": text}], "license": text})
    assert read(document.text(manifest)) == manifest


def test_a_text_of_several_lines_stays_readable() -> None:
    text = document.text(document.model_version(SPEC | {"description": "one\n\n  two\n"}))
    assert "  description: |\n    one\n\n      two\n" in text
    assert read(text)["spec"]["description"] == "one\n\n  two\n"


def test_a_note_cannot_end_the_comment() -> None:
    text = document.text(document.model_version(SPEC), ("a\nkind: Other\x85b",))
    assert read(text)["kind"] == "ModelVersion"
