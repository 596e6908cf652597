"""Hyperparameters from a JSON, YAML or TOML file, or from values in memory."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pennant.record.merging import Part
from pennant.record.texts import flattened, mapping, values_of


def read(path: Path) -> Part:
    """Return the parameters of a file; names of nested ones are joined by dots."""
    return of_values(mapping(values_of(path), str(path)), str(path))


def of_values(values: Mapping[str, Any], source: str) -> Part:
    """Return parameters as hyperparameters of a record."""
    named = [{"name": name, "value": as_text(value)} for name, value in flattened(values)]
    return Part(source, {"hyperparameters": named})


def as_text(value: Any) -> str:
    """Return the value of a parameter as text: a number as Python writes it, other values as JSON."""
    if isinstance(value, str):
        return value
    if not isinstance(value, int | float | list | tuple | None) and hasattr(value, "tolist"):
        # Such as a number or an array of numpy.
        value = value.tolist()
    if isinstance(value, float):
        return repr(float(value))
    return json.dumps(value, ensure_ascii=False, default=str)
