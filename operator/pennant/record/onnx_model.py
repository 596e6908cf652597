"""Inputs, outputs, format and producer of an ONNX model."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pennant.api.artifacts import DIMENSION_PATTERN
from pennant.record.errors import RegisterError, missing_extra
from pennant.record.merging import Part


def read(path: Path, name: str, *, is_alone: bool = True) -> Part:
    """Return the signature and the format of a model.

    Raises `RegisterError` where it is broken, or where the file is the artefact alone (`is_alone`) and keeps weights in
    other files, which its digest would not cover.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise missing_extra("onnx", f"reading the inputs and outputs of {path}") from error
    try:
        model = onnx.load(path, load_external_data=False)
        entries = (each for one in _tensors(model.graph) for each in one.external_data)
        elsewhere = sorted({each.value for each in entries if each.key == "location"})
    except Exception as error:
        # protobuf and onnx raise errors of many kinds for a broken file.
        raise RegisterError(f"{path} is no ONNX model: {' '.join(str(error).split())[:200]}") from error
    if elsewhere and is_alone:
        raise RegisterError(
            f"{path} keeps its weights in {elsewhere[0]}, which the digest of this file does not cover; register the "
            "directory with both"
        )
    return Part(f"the header of {name}", _spec(onnx, model, name))


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield the tensors of a graph: weights, constants, and those of the graphs inside it."""
    yield from graph.initializer
    for attribute in (each for node in graph.node for each in node.attribute):
        yield attribute.t
        yield from attribute.tensors
        for inner in (attribute.g, *attribute.graphs):
            if inner.node or inner.initializer:
                yield from _tensors(inner)


def _spec(onnx: Any, model: Any, name: str) -> dict[str, Any]:
    weights = {each.name for each in model.graph.initializer}
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), None)
    version = f"IR {model.ir_version}" + (f", opset {opset}" if opset is not None else "")
    spec: dict[str, Any] = {
        "artifacts": [{"name": name, "format": {"name": "onnx", "version": version}}],
        "schema": {
            "inputs": [_tensor(onnx, each) for each in model.graph.input if each.name not in weights],
            "outputs": [_tensor(onnx, each) for each in model.graph.output],
        },
    }
    if model.producer_name and model.producer_version:
        producer = {"name": model.producer_name, "version": model.producer_version}
        spec["environment"] = {"frameworks": [producer]}
    return spec


def _tensor(onnx: Any, value: Any) -> dict[str, Any]:
    kind = value.type.WhichOneof("value")
    if kind not in ("tensor_type", "sparse_tensor_type"):
        return {"name": value.name, "type": str(kind or "unknown").removesuffix("_type")}
    tensor = getattr(value.type, kind)
    word = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    type_ = {"float": "float32", "double": "float64"}.get(word, word)
    shape = [_size(each) for each in tensor.shape.dim] if tensor.HasField("shape") else None
    return {"name": value.name, "type": type_, **({"shape": shape} if shape is not None else {})}


def _size(dimension: Any) -> int | str:
    """Return a dimension: its size, its name where that may stand in a record, or -1 for any."""
    if dimension.WhichOneof("value") == "dim_value":
        return int(dimension.dim_value)
    word = str(dimension.dim_param)
    return word if re.fullmatch(DIMENSION_PATTERN, word) else -1
