"""Which version holds a tag. None and several are normal while a tag is being moved."""

from collections.abc import Iterable
from dataclasses import dataclass

from pennant.api.model_deployment import AmbiguousTag, ModelDeploymentSpec
from pennant.core.facts.observation import Invalid, Version
from pennant.core.versions.semver import precedence_key


@dataclass(frozen=True, slots=True)
class Selected:
    """One valid version is meant: it alone carries the tag, is the newest of those that do, or is named."""

    version: Version
    others: tuple[str, ...] = ()
    """Names of older versions that carry the tag as well."""


@dataclass(frozen=True, slots=True)
class Unassigned:
    """No version carries the tag.

    Rule: R3.
    """


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several versions carry the tag.

    Rule: R4.
    """

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SelectedInvalid:
    """The only versions that carry the tag cannot be read."""

    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The version that is named does not exist."""

    version: str


Selection = Selected | Unassigned | Ambiguous | SelectedInvalid | NotFound


def select(versions: Iterable[Version], spec: ModelDeploymentSpec) -> Selection:
    """Return which version the spec asks for, by its tag or by name.

    Rule: R2.
    """
    if spec.version is not None:
        return pinned(versions, spec.version)
    return resolve(versions, spec.tag, spec.promotion.on_ambiguous_tag)


def pinned(versions: Iterable[Version], named: str) -> Selection:
    """Return the version of this name, among those that are not being deleted.

    Rule: R6.
    """
    found = sorted(
        (each for each in versions if each.version == named and not each.deleting), key=lambda each: each.name
    )
    valid = next((each for each in found if not isinstance(each.spec, Invalid)), None)
    return Selected(valid) if valid is not None else _invalid(found) or NotFound(named)


def resolve(versions: Iterable[Version], tag: str, on_ambiguous: AmbiguousTag = AmbiguousTag.HOLD) -> Selection:
    """Return who holds the tag, among the versions that are not being deleted.

    Rule: R1.
    """
    carriers = sorted(
        (each for each in versions if tag in each.tags and not each.deleting),
        key=lambda each: each.name,
    )
    valid = [each for each in carriers if not isinstance(each.spec, Invalid)]
    match valid:
        case [only]:
            return Selected(only)
        case [_, *_] if on_ambiguous is AmbiguousTag.NEWEST:
            *older, newest = sorted(valid, key=lambda each: precedence_key(each.version))
            return Selected(newest, tuple(sorted(each.name for each in older)))
        case [_, *_]:
            return Ambiguous(tuple(each.name for each in valid))
    return _invalid(carriers) or Unassigned()


def _invalid(versions: Iterable[Version]) -> SelectedInvalid | None:
    """Return the first version that cannot be read."""
    found = ((each.name, each.spec) for each in versions)
    return next((SelectedInvalid(name, spec.problem) for name, spec in found if isinstance(spec, Invalid)), None)
