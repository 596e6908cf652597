"""Fields of a record that every registry fills in the same way: bounded, and each cut or left-out value is noted."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pennant.api.meta import rfc3339
from pennant.api.number import DECIMAL_PATTERN, number_text
from pennant.record.metrics import SPLITS
from pennant.record.secrecy import SECRET_VALUE, without_credentials
from pennant.registries.notes import Notes

MAX_PARAMETERS = 256
MAX_METRICS = 4096
MAX_ANNOTATIONS = 64
LONGEST_ANNOTATION = 1024
_SPLIT = re.compile(r"(train|training|val|valid|validation|test|testing)[_/.]")
"""The first word of the name of a metric without a data set, as libraries and people write it."""


def parameters(values: Mapping[str, Any], notes: Notes) -> list[dict[str, Any]]:
    """Return `spec.hyperparameters` of values by their names, sorted by name."""
    values = _without_secrets(values, notes)
    if len(values) > MAX_PARAMETERS:
        notes.add(f"the record has {MAX_PARAMETERS} of {len(values)} parameters, the first ones by name")
    return [
        {
            "name": notes.line(name, 250, "a parameter's name"),
            "value": notes.line(_shown(values[name]), 6000, f"parameter {name}"),
        }
        for name in sorted(values)[:MAX_PARAMETERS]
    ]


def metrics(listed: Iterable[Mapping[str, Any]], notes: Notes) -> list[dict[str, Any]]:
    """Return `spec.metrics` of metrics with the fields of a record, whose `value` may be of any type.

    Of two with the same name, data set, split and slice, the last one counts, also if it is no number. A metric without
    a data set and a split gets the split that the first word of its name says.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in listed:
        name = notes.line(each["name"], 250, "a metric's name")
        metric = {**each, "name": name, "value": number(each["value"])}
        if not metric.get("dataset") and not metric.get("split") and (word := _SPLIT.match(name)) is not None:
            metric["split"] = SPLITS[word[1]]
        key = tuple(str(metric.get(part, "")) for part in ("name", "dataset", "split", "slice"))
        if metric["value"] is None:
            notes.add(f"metric {name} is {each['value']}, which is no number that a record can have")
            found.pop(key, None)
        else:
            found[key] = metric
    if len(found) > MAX_METRICS:
        notes.add(f"the record has the first {MAX_METRICS} of {len(found)} metrics")
    return list(found.values())[:MAX_METRICS]


def annotations(values: Mapping[str, Any], notes: Notes) -> dict[str, str]:
    """Return `spec.source.annotations`, for what has no field of its own; the first ones count, empty ones do not."""
    known = {name: each for name, each in values.items() if each not in (None, "")}
    found = {name: _shown(each) for name, each in _without_secrets(known, notes).items()}
    if len(found) > MAX_ANNOTATIONS:
        notes.add(f"the record has {MAX_ANNOTATIONS} of {len(found)} tags and other values without fields")
    return {name: notes.line(value, LONGEST_ANNOTATION, name) for name, value in list(found.items())[:MAX_ANNOTATIONS]}


def _without_secrets(values: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    found = {name: each for name, each in values.items() if SECRET_VALUE.search(name) is None}
    for name in sorted(values.keys() - found.keys()):
        notes.add(f"{name[:250]} has the name of a secret, so the record does not have its value")
    return found


def _shown(value: Any) -> str:
    """Return a value as text; one that is a URL without its password or token."""
    text = str(value)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", text) is None:
        return text
    try:
        return without_credentials(text)
    except ValueError:
        return re.sub("//[^/]*@", "//", text)


def role_of(name: str) -> str | None:
    """Return the use of a data set that its name says, such as `train`; None: it says none."""
    split = SPLITS.get(name.lower())
    return "Training" if split == "Train" else split


def split_of(name: str) -> str | None:
    """Return the split that one of the words of a name says; None: none or several do."""
    found = {SPLITS[word] for word in re.findall("[a-z]+", name.lower()) if word in SPLITS}
    return found.pop() if len(found) == 1 else None


def number(value: Any) -> str | None:
    """Return a number as a record has it; None: it is none, not finite, or too long."""
    if isinstance(value, bool):
        return None
    try:
        known = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    text = number_text(known) if math.isfinite(known) else ""
    return text if re.fullmatch(DECIMAL_PATTERN, text) else None


def of_milliseconds(value: Any) -> str | None:
    """Return a time in milliseconds since 1970 as the API has it; None: it is none."""
    try:
        known = int(value or 0)
        return rfc3339(datetime.fromtimestamp(known / 1000, UTC)) if known > 0 else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def of_text(value: Any) -> str | None:
    """Return a time as ISO 8601 writes it as the API has it; None: it is none. Without a zone it is UTC."""
    known = moment_of(value)
    return rfc3339(known) if known is not None else None


def moment_of(value: Any) -> datetime | None:
    """Return a time as ISO 8601 writes it; None: it is none. Without a zone it is UTC."""
    try:
        known = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return known if known.tzinfo is not None else known.replace(tzinfo=UTC)


def object_of(text: Any) -> Mapping[str, Any]:
    """Return JSON in a text or in bytes as an object; empty where it is none."""
    try:
        value = json.loads(text) if isinstance(text, str | bytes) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of an answer; empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list of an answer; empty where it is no list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
