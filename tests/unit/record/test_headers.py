"""Headers of model files: MLmodel, safetensors and ONNX, whole, broken and hostile."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pennant.record import mlmodel, onnx_model, safetensors
from pennant.record.errors import RegisterError
from unit.record.projects import TENSORS, WHOLE, onnx_bytes
from unit.record.projects import safetensors as file_of


def test_a_whole_safetensors_file_has_its_format(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(WHOLE)
    assert safetensors.read(path, "model").spec == {"artifacts": [{"name": "model", "format": {"name": "safetensors"}}]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "its header would have 0 bytes"),
        (WHOLE[:5], "no whole safetensors file"),
        (WHOLE[:40], "no whole safetensors file"),
        (WHOLE[:-1], "its tensors do not fill the 15 bytes"),
        (WHOLE + b"x", "its tensors do not fill the 17 bytes"),
        (file_of(TENSORS, bytes(16), 2**63), "its header would have 9223372036854775808 bytes"),
        (file_of(TENSORS, bytes(16), 100_000_001), "its header would have 100000001 bytes"),
        (file_of(b"\xff\xff"), "its header is no JSON"),
        (file_of(b"[" * 100_000), "its header is no JSON"),
        (file_of([1]), "its header is no object"),
        (file_of({"a": {"data_offsets": [0]}}), "has no data_offsets"),
        (file_of({"a": {"data_offsets": [-1, 0]}}), "has no data_offsets"),
        (file_of({"a": {"data_offsets": [True, 1]}}, b"x"), "has no data_offsets"),
        (file_of({"a": 3}), "has no data_offsets"),
        (file_of({"a": {"data_offsets": [0, 8]}, "b": {"data_offsets": [4, 16]}}, bytes(16)), "do not fill"),
        (file_of({"a": {"data_offsets": [4, 16]}}, bytes(16)), "do not fill"),
    ],
)
def test_a_broken_safetensors_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(RegisterError, match=says):
        safetensors.read(path, "model")


def test_an_onnx_model_has_signature_format_and_producer(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_bytes())
    assert onnx_model.read(path, "model").spec == {
        "artifacts": [{"name": "model", "format": {"name": "onnx", "version": "IR 9, opset 19"}}],
        "schema": {
            "inputs": [{"name": "x", "type": "float32", "shape": ["batch", 4]}],
            "outputs": [{"name": "y", "type": "float64", "shape": [-1, 2]}],
        },
        "environment": {"frameworks": [{"name": "pipeline", "version": "1.2"}]},
    }


def test_an_onnx_model_with_weights_elsewhere_is_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_bytes(external="weights.bin"))
    with pytest.raises(RegisterError, match=r"keeps its weights in weights.bin, which the digest .* does not cover"):
        onnx_model.read(path, "model")
    assert "schema" in onnx_model.read(path, "model", is_alone=False).spec


@pytest.mark.parametrize("content", [b"no model", onnx_bytes()[:-9]])
def test_a_broken_onnx_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(RegisterError, match="is no ONNX model"):
        onnx_model.read(path, "model")


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(RegisterError, match=r"needs onnx, which is not installed: pip install 'pennant\[register\]'"):
        onnx_model.read(tmp_path / "m.onnx", "model")


COLUMNS = [{"type": "double", "name": "amount", "required": True}, {"type": "string", "name": "country"}]
MLMODEL: dict[str, Any] = {
    "mlflow_version": "3.17.2",
    "run_id": "4098919d",
    "flavors": {
        "python_function": {"loader_module": "mlflow.sklearn", "python_version": "3.11.7"},
        "sklearn": {"sklearn_version": "1.9.1", "serialization_format": "skops"},
    },
    "signature": {
        "inputs": json.dumps(COLUMNS),
        "outputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]),
        "params": None,
    },
}


def test_an_mlmodel_has_signature_versions_and_run(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(json.dumps(MLMODEL))
    assert mlmodel.read(tmp_path, "model").spec == {
        "artifacts": [{"name": "model", "format": {"name": "mlflow", "version": "3.17.2"}}],
        "schema": {
            "inputs": [{"name": "amount", "type": "double", "required": True}, {"name": "country", "type": "string"}],
            "outputs": [{"type": "int64", "shape": [-1]}],
        },
        "training": {"run": "4098919d"},
        "environment": {
            "language": "Python",
            "languageVersion": "3.11.7",
            "frameworks": [{"name": "scikit-learn", "version": "1.9.1"}],
        },
    }


@pytest.mark.parametrize("signature", ["{", '[{"name": "x"}]', '[{"type": "tensor"}]', "[3]", 7])
def test_a_broken_signature_is_refused(signature: object) -> None:
    with pytest.raises(RegisterError, match=r"M: signature.inputs is no signature of MLflow"):
        mlmodel.of_values(MLMODEL | {"signature": {"inputs": signature}}, "model", "M")


def test_an_mlmodel_without_anything_has_its_format() -> None:
    assert mlmodel.of_values({"flavors": 3, "signature": 4}, "m", "M").spec == {
        "artifacts": [{"name": "m", "format": {"name": "mlflow"}}]
    }
