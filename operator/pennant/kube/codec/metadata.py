"""Metadata of objects: identity, owner references and managed fields."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Key
from pennant.kube.http.resources import Kind

_SPEC = ("spec",)
Path = tuple[str, ...]
"""The path of a field as `managedFields` has it, such as `("f:spec", "f:replicas")`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The name, uid and resourceVersion of an object."""

    key: Key
    uid: str
    resource_version: int


def identity(raw: Json) -> Identity:
    """Return the identity of an object in JSON."""
    metadata = raw["metadata"]
    key = Key(intern(metadata.get("namespace", "")), metadata["name"])
    return Identity(key, metadata["uid"], int(metadata["resourceVersion"]))


def controller_uid(raw: Json) -> str:
    """Return the uid of the owner reference with `controller: true`; empty where there is none."""
    references = raw["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in references if each.get("controller")), "")


def sole_owner(raw: Json, owner: Key) -> str | None:
    """Return the uid of the only owner of an object, if that is or was a ModelDeployment of this name.

    Empty where it has no owner; None where it has another one, or several.
    """
    references = raw["metadata"].get("ownerReferences") or ()
    if not references:
        return ""
    (first, *others) = references
    group = str(first.get("apiVersion", "")).partition("/")[0]
    is_ours = (group, first.get("kind"), first.get("name")) == (GROUP, Kind.MODEL_DEPLOYMENT, owner.name)
    return str(first["uid"]) if is_ours and not others else None


def other_owners(raw: Json) -> str:
    """Return the owners of an object that are no ModelDeployments, such as `Rollout fraud`; empty: it has none."""
    references = raw["metadata"].get("ownerReferences") or ()
    others = (each for each in references if each.get("kind") not in (None, Kind.MODEL_DEPLOYMENT))
    return ", ".join(f"{each['kind']} {each.get('name', '')}" for each in others)


def fields_hash(raw: Json, manager: str, but_for: tuple[str, ...]) -> str:
    """Return a hash of the set of fields that a manager owns by server-side apply; empty where it owns none.

    `but_for` is the path of a field that does not count.
    """
    owned = [
        _without(each.get("fieldsV1") or {}, but_for)
        for each in raw["metadata"].get("managedFields") or ()
        if each.get("manager") == manager and each.get("operation") == "Apply" and not each.get("subresource")
    ]
    return short_hash(owned) if owned else ""


def _without(fields: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a field set without the field at this path, and without parents that become empty."""
    name, *inner = path
    name = f"f:{name}"
    if name not in fields:
        return fields
    left = _without(fields[name], tuple(inner)) if inner else {}
    return {key: left if key == name else each for key, each in fields.items() if key != name or left}


def last_editor(raw: Json, manager: str) -> tuple[str, tuple[str, ...]]:
    """Return the field manager other than this one that last wrote the spec, and the paths of the fields that it owns.

    Empty where there is no other.
    """
    others = [
        each
        for each in raw["metadata"].get("managedFields") or ()
        # Entries of subresources count: `kubectl scale` writes the spec by one.
        if each.get("manager") != manager and _owns(each.get("fieldsV1") or {}, _SPEC)
    ]
    if not others:
        return "", ()
    last = max(others, key=lambda each: str(each.get("time", "")))
    return intern(str(last.get("manager", ""))), tuple(map(path_text, leaves(last["fieldsV1"]["f:spec"], ("f:spec",))))


def co_owned(raw: Json, manager: str, *path: str, but_for: tuple[str, ...]) -> bool:
    """Return whether the field at this path, or one below it, has an owner besides this manager's applies.

    `but_for`, a path below it, does not count. An apply removes no field that has another owner, and the API server
    counts other kinds of patches by the same manager as another owner.
    """
    steps = tuple(f"f:{each}" for each in but_for)
    left_aside = {steps[:length] for length in range(len(steps) + 1)}
    for each in raw["metadata"].get("managedFields") or ():
        if each.get("manager") == manager and each.get("operation") == "Apply":
            continue
        found: Mapping[str, Any] | None = each.get("fieldsV1") or {}
        for name in path:
            found = None if found is None else found.get(f"f:{name}")
        if found is not None and set(leaves(found)) - left_aside:
            return True
    return False


def leaves(fields: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Yield the paths of the leaves of a field set that is at this path in `managedFields`."""
    inner = {key: each for key, each in fields.items() if key != "."}
    if not inner:
        yield path
    for key, each in inner.items():
        yield from leaves(each, (*path, key))


def path_text(path: Iterable[str]) -> str:
    """Return the path of a field in `managedFields` as text, such as `spec.template.spec.containers[name=server]`."""
    shown = ""
    for step in path:
        kind, _, name = step.partition(":")
        shown += f"[{_item(name)}]" if kind in "kvi" else f".{name}"
    return shown.removeprefix(".")


def _item(key: str) -> str:
    """Return the key of a list item as text, such as `name=server`."""
    try:
        read = json.loads(key)
    except ValueError:
        return key
    return ",".join(f"{name}={each}" for name, each in read.items()) if isinstance(read, Mapping) else str(read)


def last_writer(raw: Json, *path: str) -> str:
    """Return the field manager that last wrote the field at this path; empty where managedFields do not name one."""
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
