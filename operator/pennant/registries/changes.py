"""What differs between the record that is there and what its registry says now.

A record is immutable. If both have a field with different values, the version changed under its number. A field that
only one of them has is no contradiction: a run may be deleted, and metrics may be logged later. Tags, description,
owner and retention are the user's. The annotations of the source are those of the time of the import.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.record import immutable
from pennant.registries.digest import aligned
from pennant.registries.protocol import RegistryError

OF_THE_IMPORT = frozenset({"importedAt", "annotations"})
OF_THE_BYTES = ("manifestDigest", "digest", "sizeBytes")
"""Fields of an artefact that an import without `--verify` may not know."""
INSTANCE = "source.instance"
MOST_PATHS = 8
"""Fields that a sentence names."""
_KEYS = ("name", "dataset", "split", "slice")


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths of fields."""

    changed: tuple[str, ...]
    """Both have the field, with different values."""
    only_there: tuple[str, ...]
    """Only the record that exists has it."""
    only_found: tuple[str, ...]
    """Only the registry has it."""


def changes(there: Json, found: Json) -> Changes:
    """Return how two specs differ; raises `RegistryError` where the one that exists cannot be read."""
    try:
        old = _known(there)
    except ValidationError as error:
        raise RegistryError("the record that exists is not valid; correct or remove it") from error
    old, new = aligned(old, _known(found))
    listed = list(_differences(_comparable(old), _comparable(new), ""))
    return Changes(*(tuple(path for kind, path in listed if kind == each) for each in ("changed", "there", "found")))


def _known(spec: Json) -> dict[str, Any]:
    return ModelVersionSpec.model_validate(spec).model_dump(mode="json", by_alias=True, exclude_none=True)


def _comparable(known: Mapping[str, Any]) -> Mapping[str, Any]:
    source = {name: each for name, each in known.get("source", {}).items() if name not in OF_THE_IMPORT}
    return {name: each for name, each in {**immutable(known), "source": source}.items() if each not in ([], {})}


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        if old != new:
            yield "changed", path
        return
    for name in (*before, *(each for each in after if each not in before)):
        inner = f"{path}[{name}]" if not isinstance(old, Mapping) else f"{path}.{name}" if path else name
        if name not in after:
            if not (inner.startswith("artifacts[") and name in OF_THE_BYTES):
                yield "there", inner
        elif name not in before:
            yield "found", inner
        else:
            yield from _differences(before[name], after[name], inner)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of an object, or the items of a list by their names; None: it has no parts with names."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str) and all(_is_named(each) for each in value):
        keyed = {"/".join(str(each[key]) for key in _KEYS if each.get(key)): each for each in value}
        return keyed if len(keyed) == len(value) else None
    return None


def _is_named(each: Any) -> bool:
    return isinstance(each, Mapping) and bool(each.get("name"))


def _is_of_the_bytes(path: str) -> bool:
    return path.startswith("artifacts[") and path.rpartition(".")[2] in OF_THE_BYTES


def paths(names: Sequence[str]) -> str:
    """Return the paths of fields as a list that a sentence can have."""
    rest = len(names) - MOST_PATHS
    listed = ", ".join(f"spec.{each}" for each in names[:MOST_PATHS])
    return f"{listed} and {rest} more" if rest > 0 else listed


def contradiction(name: str, where: str, found: Changes) -> str:
    """Return the error for a version that changed under its number."""
    moved = (
        ". If the registry has another address now, or its directory was moved, import from the place of the record"
        if any(each == INSTANCE or (each.startswith("artifacts[") and each.endswith(".uri")) for each in found.changed)
        else ""
    )
    return (
        f"the registry says something else than {where}, in {paths(found.changed)}{moved}. A record does not change: "
        f"register a new version in the registry, or, if nothing serves {name}, delete it and import it again"
    )


def addition(name: str, found: Changes) -> str:
    """Return what a user should know of a record that is kept; empty: there is nothing."""
    said = []
    of_bytes = tuple(each for each in found.only_found if _is_of_the_bytes(each))
    others = tuple(each for each in found.only_found if each not in of_bytes)
    if of_bytes:
        said.append(
            f"the record was made without --verify, so it lacks {paths(of_bytes)}, and it does not change; to have "
            "them, delete it if nothing serves it, and import it again with --verify"
        )
    if others:
        said.append(f"the registry now also has {paths(others)}, and the record does not change")
    if found.only_there:
        said.append(f"the registry no longer has {paths(found.only_there)}, and the record keeps it")
    return f"{name}: {'; '.join(said)}" if said else ""
