"""Which version holds a tag. None and several are normal while a tag is being moved."""

from collections.abc import Iterable
from dataclasses import dataclass

from pennant.core.observation import Invalid, Version


@dataclass(frozen=True, slots=True)
class Held:
    """Exactly one valid version carries the tag."""

    version: Version


@dataclass(frozen=True, slots=True)
class Unassigned:
    """No version carries the tag."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several versions carry the tag."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HolderInvalid:
    """The only versions that carry the tag cannot be read."""

    name: str
    problem: str


Holder = Held | Unassigned | Ambiguous | HolderInvalid


def resolve(versions: Iterable[Version], tag: str) -> Holder:
    """Return who holds the tag, among the versions that are not being deleted."""
    carriers = sorted(
        (each for each in versions if tag in each.tags and not each.deleting),
        key=lambda each: each.name,
    )
    valid = [each for each in carriers if not isinstance(each.spec, Invalid)]
    match valid:
        case [only]:
            return Held(only)
        case [_, *_]:
            return Ambiguous(tuple(each.name for each in valid))
    for each in carriers:
        if isinstance(each.spec, Invalid):
            return HolderInvalid(each.name, each.spec.problem)
    return Unassigned()
