"""Which object some JSON is, at which resourceVersion, whose it is, and who wrote it last."""

from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from pennant.api.meta import Json
from pennant.core.observation import Key


@dataclass(frozen=True, slots=True)
class Identity:
    """An object in one of its states."""

    key: Key
    uid: str
    resource_version: int


def identity(raw: Json) -> Identity:
    """Return the identity of an object as the API server gives it."""
    metadata = raw["metadata"]
    key = Key(intern(metadata.get("namespace", "")), metadata["name"])
    return Identity(key, metadata["uid"], int(metadata["resourceVersion"]))


def controller_uid(raw: Json) -> str:
    """Return the uid of the object's controller; empty where it has none."""
    references = raw["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in references if each.get("controller")), "")


def last_writer(raw: Json, *path: str) -> str:
    """Return the field manager that last wrote a field; empty where nobody says.

    A change to the status, by whichever subresource, is not a write of a field in the spec.
    """
    managers = [
        (str(each.get("time", "")), str(each.get("manager", "")))
        for each in raw["metadata"].get("managedFields") or ()
        if _owns(each.get("fieldsV1") or {}, path)
    ]
    return intern(max(managers)[1]) if managers else ""


def _owns(fields: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    for each in path:
        if f"f:{each}" not in fields:
            return False
        fields = fields[f"f:{each}"]
    return True
