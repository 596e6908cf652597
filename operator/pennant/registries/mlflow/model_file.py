"""The file `MLmodel` of an MLflow model: format, signature, environment and base model."""

from collections.abc import Mapping
from typing import Any

import yaml

from pennant.record import mlmodel
from pennant.record.errors import RegisterError
from pennant.registries.notes import Notes

ARTIFACT = "model"
"""Name of the only artefact of a version."""


def parsed(content: bytes, notes: Notes) -> Mapping[str, Any]:
    """Return the values of an `MLmodel` file; empty where it cannot be read."""
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        notes.add("the file MLmodel is no YAML that can be read, so schema, format and environment are not known")
        return {}
    return value


def fields(model_file: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return what an `MLmodel` file says, as fields of a record: format, schema, environment and base model."""
    if not model_file:
        return {}
    try:
        found = dict(mlmodel.of_values(model_file, ARTIFACT, "MLmodel").spec)
    except RegisterError as error:
        notes.add(f"{error}, so the schema is not known")
        found = dict(mlmodel.of_values({**model_file, "signature": None}, ARTIFACT, "MLmodel").spec)
    flavors = model_file.get("flavors")
    transformers = flavors.get("transformers") if isinstance(flavors, Mapping) else None
    if isinstance(transformers, Mapping) and (name := transformers.get("source_model_name")):
        base = {"name": notes.line(name, 253, "the name of the base model")}
        if revision := transformers.get("source_model_revision"):
            base["revision"] = notes.line(revision, 256, "the revision of the base model")
        found["baseModel"] = base
    return found
