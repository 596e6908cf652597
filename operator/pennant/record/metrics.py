"""Recorded metrics from a JSON, YAML or CSV file, or from values in memory."""

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pennant.api.number import DECIMAL_PATTERN, number_text
from pennant.record.errors import RegisterError
from pennant.record.merging import Part
from pennant.record.texts import flattened, parsed, text_of

LARGEST = Decimal(sys.float_info.max)
SPLITS: Mapping[str, str] = {
    "train": "Train",
    "training": "Train",
    "val": "Validation",
    "valid": "Validation",
    "validation": "Validation",
    "test": "Test",
    "testing": "Test",
}
"""Words for the split of the data, in any case: as an option has it, and as the outermost names of a file."""
FIELDS = ("name", "value", "dataset", "split", "slice", "direction", "unit", "category")
"""The fields of a recorded metric, which are also the columns of a CSV file."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of a file become metrics."""

    source: str
    split: str | None = None
    """Of all metrics of the file that have none of their own."""
    directions: Mapping[str, str] | None = None
    """`Maximize` or `Minimize`, by the name of a metric."""


def split_of(word: str) -> str:
    """Return a split as the API has it; raises `RegisterError` for another word."""
    if (found := SPLITS.get(word.lower())) is None:
        raise RegisterError(f"{word} is no split of the data; there are train, validation and test")
    return found


def read(path: Path, reading: Reading) -> Part:
    """Return the metrics of a file."""
    text = text_of(path)
    if path.suffix.lower() == ".csv":
        return of_values(_rows(text, str(path)), reading)
    return of_values(parsed(text, path.suffix.lower(), str(path)), reading)


def of_values(value: Any, reading: Reading) -> Part:
    """Return the metrics of a value: names with numbers, which may be nested, or a list of metrics with all fields.

    An outermost name such as `validation` or `test` is the split of what is in it.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Part(reading.source, {"metrics": [_whole(each, reading) for each in value]})
    if not isinstance(value, Mapping):
        raise RegisterError(f"{reading.source} must hold names and numbers, or a list of metrics")
    found, left_out = list[dict[str, Any]](), list[str]()
    for name, each in value.items():
        if isinstance(each, Mapping) and (split := SPLITS.get(str(name).lower())) is not None:
            _named(each, replace(reading, split=split), found, left_out)
        else:
            _named({name: each}, reading, found, left_out)
    warnings = (f"{reading.source}: no numbers, so left out: {', '.join(left_out[:8])}",) if left_out else ()
    return Part(reading.source, {"metrics": found}, warnings)


def _named(values: Mapping[Any, Any], reading: Reading, found: list[dict[str, Any]], left_out: list[str]) -> None:
    for name, value in flattened(values):
        if (number := _number(value, name, reading.source)) is None:
            left_out.append(name)
        else:
            found.append(_completed({"name": name, "value": number}, reading))


def _whole(item: Any, reading: Reading) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not {"name", "value"} <= item.keys():
        raise RegisterError(f"{reading.source}: each metric of a list must have a name and a value")
    if unknown := sorted(str(each) for each in item.keys() - set(FIELDS)):
        raise RegisterError(f"{reading.source}: a metric has no field {unknown[0]}; there are {', '.join(FIELDS)}")
    number = _number(item["value"], str(item["name"]), reading.source)
    if number is None:
        raise RegisterError(f"{reading.source}: the value of {item['name']} is no number")
    metric = {name: str(each) for name, each in item.items() if each not in (None, "")} | {"value": number}
    if "split" in metric:
        metric["split"] = split_of(metric["split"])
    return _completed(metric, reading)


def _completed(metric: dict[str, Any], reading: Reading) -> dict[str, Any]:
    if reading.split is not None:
        metric.setdefault("split", reading.split)
    if (direction := (reading.directions or {}).get(metric["name"])) is not None:
        metric["direction"] = direction
    return metric


def _number(value: Any, name: str, source: str) -> str | None:
    """Return a number as text; None: it is none. Raises `RegisterError` for NaN and infinite values."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        # A number of numpy or torch.
        value = value.item()
    if isinstance(value, str):
        if re.fullmatch(DECIMAL_PATTERN, text := value.strip()):
            return text
        value = float(text) if _is_number(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return _finite(value, name, source)


def _finite(value: int | float | Decimal, name: str, source: str) -> str:
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact) > LARGEST:
        said = "too large" if isinstance(value, int) else str(value)
        raise RegisterError(
            f"{source}: {name} is {said}, and a record has finite numbers only. Find out why, or leave the metric out"
        )
    written = str(value) if isinstance(value, Decimal) else number_text(value)
    # More than 18 digits after the point are written with an exponent.
    return written if re.fullmatch(DECIMAL_PATTERN, written) else f"{Decimal(written):e}"


def _rows(text: str, source: str) -> Any:
    """Return the metrics of a CSV file: one in each row, or one row with a column for each."""
    try:
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise RegisterError(f"{source} is no CSV: {error}") from error
    if not rows:
        raise RegisterError(f"{source} is empty")
    header, *values = [[cell.strip() for cell in row] for row in rows]
    if all(_is_number(each) for each in header if each):
        raise RegisterError(f"{source} must begin with a row of names, such as name,value")
    if wrong := next((number for number, row in enumerate(values, 2) if len(row) != len(header)), None):
        raise RegisterError(f"{source}: row {wrong} has {len(values[wrong - 2])} cells, and the header {len(header)}")
    if len(set(header)) != len(header):
        raise RegisterError(f"{source}: the header has a name twice")
    named = [dict(zip(header, row, strict=True)) for row in values]
    if {"name", "value"} <= set(header):
        return named
    if len(named) != 1:
        raise RegisterError(
            f"{source} has {len(named)} rows of values. It must have the columns name and value, or one row in which "
            "each column is a metric"
        )
    return named[0]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
