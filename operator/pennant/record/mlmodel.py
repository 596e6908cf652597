"""The file `MLmodel` of a directory in the format of MLflow: signature, format, Python version and run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pennant.record.errors import RegisterError
from pennant.record.merging import Part
from pennant.record.texts import mapping, values_of

FILE = "MLmodel"
LIBRARIES: Mapping[str, str] = {
    "sklearn_version": "scikit-learn",
    "pytorch_version": "torch",
    "xgb_version": "xgboost",
    "lgb_version": "lightgbm",
    "cb_version": "catboost",
    "transformers_version": "transformers",
    "onnx_version": "onnx",
    "keras_version": "keras",
    "spacy_version": "spacy",
    "stats_version": "statsmodels",
}
"""The version of a library in a flavour of the file, and the name of its package."""


def read(directory: Path, name: str) -> Part:
    """Return what the file says of the artefact of this name."""
    return of_values(mapping(values_of(directory / FILE), str(directory / FILE)), name, f"MLmodel of {name}")


def of_values(value: Mapping[str, Any], name: str, source: str) -> Part:
    """Return what the content of an `MLmodel` file says."""
    format_: dict[str, Any] = {"name": "mlflow"}
    if version := value.get("mlflow_version"):
        format_["version"] = str(version)
    spec: dict[str, Any] = {"artifacts": [{"name": name, "format": format_}]}
    if schema := _schema(value.get("signature"), source):
        spec["schema"] = schema
    if run := value.get("run_id"):
        spec["training"] = {"run": str(run)}
    if environment := _environment(value.get("flavors")):
        spec["environment"] = environment
    return Part(source, spec)


def _environment(flavors: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    each_of = [each for each in flavors.values() if isinstance(each, Mapping)] if isinstance(flavors, Mapping) else []
    for each in each_of:
        if python := each.get("python_version"):
            found |= {"language": "Python", "languageVersion": str(python)}
        for key, library in LIBRARIES.items():
            if version := each.get(key):
                found.setdefault("frameworks", []).append({"name": library, "version": str(version)})
    return found


def _schema(signature: Any, source: str) -> dict[str, Any]:
    if not isinstance(signature, Mapping):
        return {}
    sides = {side: _tensors(signature.get(side), f"{source}: signature.{side}") for side in ("inputs", "outputs")}
    return {side: tensors for side, tensors in sides.items() if tensors}


def _tensors(text: Any, what: str) -> list[dict[str, Any]]:
    if text is None:
        return []
    try:
        listed = json.loads(text) if isinstance(text, str) else text
        return [_tensor(each) for each in listed]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RegisterError(f"{what} is no signature of MLflow") from error


def _tensor(each: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": str(each["name"])} if each.get("name") not in (None, "") else {}
    if each["type"] == "tensor":
        tensor = each["tensor-spec"]
        found |= {"type": str(tensor["dtype"]), "shape": list(tensor["shape"])}
    else:
        found["type"] = str(each["type"])
    if isinstance(required := each.get("required"), bool):
        found["required"] = required
    return found
