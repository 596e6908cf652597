"""Fields of the Deployment that others changed and `spec.ignoreDrift` leaves alone.

Rule: R105.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api import GROUP
from pennant.api.ignore_drift import IgnoreDrift
from pennant.api.meta import Json
from pennant.core.rollout.revision import RESTARTED_AT
from pennant.core.workload.stored_values import difference
from pennant.kube.codec.metadata import Path, leaves, path_text
from pennant.kube.http.resources import FIELD_MANAGER

_TEMPLATE = ("f:spec", "f:template")
_RESTART = (*_TEMPLATE, "f:metadata", "f:annotations", f"f:{RESTARTED_AT}")
_LABELS = (*_TEMPLATE, "f:metadata", "f:labels")
_OURS = (("f:spec", "f:selector"), ("f:spec", "f:paused"))
"""Fields that are never left to others."""
_ABSENT = object()
_DEFAULTS = {"protocol": "TCP"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A field that is left to another field manager."""

    path: Path
    value: Any


def kept(raw: Json, ignored: IgnoreDrift | None) -> tuple[Kept, ...]:
    """Return the fields of a Deployment that others own and `spec.ignoreDrift` names, with their values."""
    if ignored is None:
        return ()
    found = {
        path: value
        for manager, path in _owned_by_others(raw)
        if (manager in ignored.field_managers or _is_named(path, ignored.fields)) and not _is_ours(path)
        if (value := _value(raw, path)) is not _ABSENT
    }
    return tuple(Kept(path, value) for path, value in found.items())


def without(manifest: Json, fields: Iterable[Kept]) -> Json:
    """Return a manifest without these fields, so that applying it leaves them to their owners."""
    # The keys of an item go last, and with them the item, if nothing else of it is left.
    for each in sorted(fields, key=lambda field: _is_key(field.path)):
        manifest = _removed(manifest, each.path)
    return manifest


def with_values(manifest: Json, fields: Iterable[Kept]) -> Json:
    """Return a manifest that has these fields with the values of their owners."""
    for each in fields:
        manifest = _set(manifest, each.path, each.value)
    return manifest


def is_all(raw: Json, manifest: Json, ignored: IgnoreDrift) -> bool:
    """Return whether nothing but ignored fields differs between a Deployment and the manifest that it should have."""
    left = kept(raw, ignored)
    if difference(without({"spec": manifest["spec"]}, left), raw) is not None:
        return False
    known = {each.path for each in left} | {_RESTART}
    others = (path for _, path in _owned_by_others(raw) if path[:2] == _TEMPLATE and path not in known)
    return all(_value(manifest, path) is not _ABSENT for path in others if _value(raw, path) not in (_ABSENT, None))


def editor(raw: Json, manifest: Json, ignored: IgnoreDrift) -> tuple[str, tuple[str, ...]] | None:
    """Return the field manager that last changed what is not ignored, and the paths; None: nobody did, or it is gone.

    A field counts as changed if the manifest that the Deployment should have lacks it, or has another value.
    """
    left = {each.path for each in kept(raw, ignored)} | {_RESTART}
    found: dict[str, list[Path]] = {}
    for manager, path in _owned_by_others(raw):
        if path not in left and _value(raw, path) not in (_ABSENT, None, _value(manifest, path)):
            found.setdefault(manager, []).append(path)
    if not found:
        return None
    entries = raw["metadata"].get("managedFields") or ()
    last = max((each for each in entries if each.get("manager") in found), key=lambda each: str(each.get("time", "")))
    return last["manager"], tuple(path_text(path) for path in found[last["manager"]])


def _owned_by_others(raw: Json) -> Iterator[tuple[str, Path]]:
    """Yield the fields of the spec that other field managers own, each with its manager."""
    for entry in raw["metadata"].get("managedFields") or ():
        manager, owned = str(entry.get("manager", "")), (entry.get("fieldsV1") or {}).get("f:spec")
        if manager != FIELD_MANAGER and isinstance(owned, Mapping):
            yield from ((manager, path) for path in leaves(owned, ("f:spec",)))


def _is_named(path: Path, names: Sequence[str]) -> bool:
    shown = path_text(path)
    return any(shown == name or shown.startswith((f"{name}.", f"{name}[")) for name in names)


def _is_ours(path: Path) -> bool:
    label = path[len(_LABELS)] if path[: len(_LABELS)] == _LABELS and len(path) > len(_LABELS) else ""
    return label.startswith(f"f:{GROUP}/") or any(path[: len(each)] == each for each in _OURS)


def _is_key(path: Path) -> bool:
    """Return whether a field is a key of the list item that it belongs to."""
    return len(path) > 1 and path[-2].startswith("k:") and path[-1].removeprefix("f:") in _keys(path[-2])


def _keys(step: str) -> Mapping[str, Any]:
    """Return the keys of a list item, from a step such as `k:{"name":"server"}`."""
    keys: Mapping[str, Any] = json.loads(step.removeprefix("k:"))
    return keys


def _is_item(item: object, keys: Mapping[str, Any]) -> bool:
    return isinstance(item, Mapping) and all(item.get(name, _DEFAULTS.get(name)) == each for name, each in keys.items())


def _value(node: Any, path: Path) -> Any:
    for step in path:
        if step.startswith("k:") and isinstance(node, list):
            node = next((each for each in node if _is_item(each, _keys(step))), _ABSENT)
        elif step.startswith("f:") and isinstance(node, Mapping):
            node = node.get(step.removeprefix("f:"), _ABSENT)
        else:
            return _ABSENT
    return node


def _removed(node: Any, path: Path) -> Any:
    """Return a node without the field at this path, and without parents that become empty."""
    if _value(node, path) is _ABSENT:
        return node
    step, *inner = path
    child = _value(node, (step,))
    left = _removed(child, tuple(inner)) if inner else None
    if isinstance(node, list):
        keys = _keys(step)
        is_gone = not left or (left.keys() <= keys.keys() and _is_key(path[-2:]))
        return [left if each is child else each for each in node if each is not child or not is_gone]
    name = step.removeprefix("f:")
    return {key: left if key == name else each for key, each in node.items() if key != name or left}


def _set(node: Any, path: Path, value: Any) -> Any:
    """Return a node with this value at this path."""
    if not path:
        return value
    step, *inner = path
    if step.startswith("k:"):
        keys, items = _keys(step), node if isinstance(node, list) else []
        child = next((each for each in items if _is_item(each, keys)), None)
        fresh = _set(dict(keys) if child is None else child, tuple(inner), value)
        return [*items, fresh] if child is None else [fresh if each is child else each for each in items]
    name, fields = step.removeprefix("f:"), node if isinstance(node, Mapping) else {}
    return {**fields, name: _set(fields.get(name), tuple(inner), value)}
