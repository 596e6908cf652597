"""The attributes of an object, from the Parquet files of neptune-exporter: one row for each value.

Of a series the value of the last step counts. Files are read in batches, so that a long series needs no memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from pennant.registries.neptune.known import Attribute, Attributes
from pennant.registries.protocol import RegistryError

ROWS = 4096
"""Rows that are in memory at the same time."""
MAX_ATTRIBUTES = 20_000
COLUMNS: Mapping[str, str] = {
    "int": "int_value",
    "float": "float_value",
    "float_series": "float_value",
    "string": "string_value",
    "string_series": "string_value",
    "bool": "bool_value",
    "datetime": "datetime_value",
    "string_set": "string_set_value",
    "file": "file_value",
    "file_set": "file_value",
    "file_series": "file_value",
    "artifact": "file_value",
}
"""The column that has the value, by the type of an attribute."""
_READ = ("project_id", "run_id", "attribute_path", "attribute_type", "step", *dict.fromkeys(COLUMNS.values()))


def read(parts: Iterable[Path]) -> Attributes:
    """Return the attributes of an object of its files; raises `RegistryError` where they cannot be read."""
    found: dict[str, Attribute] = {}
    project = identity = ""
    for part in parts:
        for row in _rows(part):
            project, identity = str(row["project_id"] or project), str(row["run_id"] or identity)
            path, type_ = str(row["attribute_path"]), str(row["attribute_type"])
            if type_ not in COLUMNS:
                continue
            value = row[COLUMNS[type_]]
            if COLUMNS[type_] == "file_value":
                value = value.get("path") if isinstance(value, dict) else None
            if path not in found and len(found) == MAX_ATTRIBUTES:
                raise RegistryError(f"{part} has more than {MAX_ATTRIBUTES} attributes")
            found[path] = _later(found.get(path), Attribute(type_, value, row["step"]))
    if not identity:
        raise RegistryError("the export has no attributes of it; export it again")
    return Attributes(project, identity, found)


def _later(known: Attribute | None, other: Attribute) -> Attribute:
    if known is None:
        return other
    is_later = known.step is None or (other.step is not None and other.step >= known.step)
    return replace(other if is_later else known, count=known.count + 1)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with parquet.ParquetFile(path) as file:
            if missing := [each for each in _READ if each not in file.schema_arrow.names]:
                raise RegistryError(f"{path} has no column {missing[0]}, so neptune-exporter did not write it")
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(ROWS, row_groups=[group], columns=list(_READ)):
                    yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise RegistryError(f"{path} cannot be read: {said}. Copy the export again") from error
