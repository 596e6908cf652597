"""Custom properties of Kubeflow: each value says its type."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from pennant.api.meta import Json

FIELDS: Mapping[str, str] = {
    "MetadataStringValue": "string_value",
    "MetadataIntValue": "int_value",
    "MetadataDoubleValue": "double_value",
    "MetadataBoolValue": "bool_value",
}


def properties(resource: Json) -> dict[str, str]:
    """Return the custom properties of a resource as texts, without the labels."""
    return {name: text for name, text in _texts(resource).items() if text}


def labels(resource: Json) -> str:
    """Return the labels, which are properties with an empty text."""
    return ", ".join(sorted(name for name, text in _texts(resource).items() if not text))


def _texts(resource: Json) -> dict[str, str]:
    given = resource.get("customProperties")
    return {str(name): _text(each) for name, each in given.items()} if isinstance(given, Mapping) else {}


def _text(value: Any) -> str:
    """Return a value as text: JSON of an object as it is, and the type of a protocol buffer."""
    if not isinstance(value, Mapping):
        return str(value)
    kind = str(value.get("metadataType") or next((each for each in FIELDS if FIELDS[each] in value), ""))
    if kind == "MetadataStructValue":
        try:
            return base64.b64decode(str(value.get("struct_value")), validate=True).decode()
        except (binascii.Error, ValueError):
            return str(value.get("struct_value"))
    if kind == "MetadataProtoValue":
        return f"a protocol buffer of the type {value.get('type')}"
    found = value.get(FIELDS.get(kind, ""))
    return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
