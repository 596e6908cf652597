"""Metrics, parameters and lock files that stand in a repository, as fields of a record. Nothing is read here."""

import csv
import io
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pennant.record import environment as lock_files
from pennant.record import metrics as recorded
from pennant.record.errors import RegisterError
from pennant.record.metrics import SPLITS, Reading
from pennant.record.texts import flattened, parsed
from pennant.registries import fields, requirements
from pennant.registries.notes import Notes

Files = Mapping[str, bytes]
"""Contents by path."""
REQUIREMENTS = "requirements.txt"
LOCKS = (*lock_files.LOCKS, REQUIREMENTS)
"""Names of files with the versions of libraries, the one that says most first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Files of a commit that say how the model was made and measured."""

    metrics: Files
    parameters: Files
    lock: Files
    """At most one."""


def metrics(files: Files, notes: Notes) -> list[dict[str, Any]]:
    """Return `spec.metrics` of JSON, YAML, TOML and CSV files with names and numbers, which may be nested.

    The outermost names `train`, `validation` and `test` are splits of the data, and so is such a word in a file's name.
    """
    return fields.metrics((each for path, content in files.items() for each in _measured(path, content, notes)), notes)


def _measured(path: str, content: bytes, notes: Notes) -> Iterator[dict[str, Any]]:
    value = _value(path, content, notes)
    split = _split(path)
    if isinstance(value, list):
        yield from _whole(path, value, split, notes)
        return
    for outer, inner in value.items() if isinstance(value, Mapping) else ():
        own = SPLITS.get(str(outer).lower()) if isinstance(inner, Mapping) else None
        for name, number in flattened(inner if own is not None else {outer: inner}):
            if not name or not _is_number(number):
                notes.add(f"{path}: {name} is no number, so it is left out")
                continue
            which = own or split
            yield {"name": name, "value": number, **({"split": which} if which else {})}


def _whole(path: str, listed: list[Any], split: str | None, notes: Notes) -> list[dict[str, Any]]:
    """Return metrics of a list that has all fields of each, as `pennant register` takes them."""
    try:
        return list(recorded.of_values(listed, Reading(path, split)).spec["metrics"])
    except RegisterError as error:
        notes.add(f"{error}, so its metrics are not known")
        return []


def parameters(files: Files, notes: Notes) -> dict[str, Any]:
    """Return parameters of JSON, YAML and TOML files by their names; names of nested ones are joined by dots."""
    found: dict[str, Any] = {}
    for path, content in files.items():
        value = _value(path, content, notes)
        if not isinstance(value, Mapping):
            notes.add(f"{path} holds no names and values, so its parameters are not known")
            continue
        found = {**dict(flattened(value)), **found}
    return found


def environment(path: str, content: bytes, notes: Notes) -> dict[str, Any]:
    """Return `spec.environment` of a file of `LOCKS`; its URI is the path in the repository."""
    if posixpath.basename(path) == REQUIREMENTS:
        return requirements.environment(content, path, notes)
    try:
        part = lock_files.of_content(PurePosixPath(path), content, path)
    except RegisterError as error:
        notes.add(f"{error}, so the versions of libraries are not known")
        return {}
    for each in part.warnings:
        notes.add(each)
    found = dict(part.spec["environment"])
    listed = [{**each, "version": each["version"][:63]} for each in found.get("frameworks", ())]
    return {**found, **({"frameworks": listed} if listed else {})}


def _value(path: str, content: bytes, notes: Notes) -> Any:
    """Return what a file holds; None where it is damaged, which is noted."""
    try:
        text = content.decode("utf-8-sig")
        suffix = posixpath.splitext(path)[1].lower()
        return _rows(text) if suffix == ".csv" else parsed(text, suffix, path)
    except (RegisterError, UnicodeDecodeError, csv.Error) as error:
        notes.add(f"{path} cannot be read: {' '.join(str(error).removeprefix(path).split())}")
        return None


def _rows(text: str) -> Any:
    """Return the metrics of a CSV file: one in each row, or one row with a column for each."""
    rows = [dict(each) for each in csv.DictReader(io.StringIO(text), strict=True)]
    if rows and {"name", "value"} <= rows[0].keys():
        return [{name: each for name, each in row.items() if name and each} for row in rows]
    if len(rows) != 1:
        raise RegisterError(f"it has {len(rows)} rows of values, and must have the columns name and value, or one row")
    return {name: each for name, each in rows[0].items() if name}


def _is_number(value: Any) -> bool:
    """Return whether a value is a number, also NaN; YAML has some, such as 1e-05, as texts."""
    try:
        return isinstance(value, int | float | str) and not isinstance(value, bool) and float(value) is not None
    except (ValueError, OverflowError):
        return False


def _split(path: str) -> str | None:
    """Return the split of the data that a word in the name of a file says."""
    words = re.findall("[a-z]+", posixpath.basename(path).lower())
    return next((SPLITS[each] for each in words if each in SPLITS), None)


def first_lock(names: Iterable[str]) -> list[str]:
    """Return the lock file of a directory that says most, if it has one."""
    there = set(names)
    return [each for each in LOCKS if each in there][:1]
