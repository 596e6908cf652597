"""Which version a ModelDeployment targets, by tag or by name. None or several are normal while a tag is moved."""

from collections.abc import Iterable
from dataclasses import dataclass

from pennant.api.model_deployment import AmbiguousTag, ModelDeploymentSpec
from pennant.core.facts.observation import Invalid, Version
from pennant.core.versions.semver import is_semantic, precedence_key


@dataclass(frozen=True, slots=True)
class Selected:
    """The target version: the only valid one with the tag, the newest of them, or the named one."""

    version: Version
    others: tuple[str, ...] = ()
    """Names of older ModelVersions that have the tag too."""


@dataclass(frozen=True, slots=True)
class Unassigned:
    """No version has the tag.

    Rule: R3.
    """


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several valid versions have the tag.

    Rule: R4.
    """

    names: tuple[str, ...]
    """Names of their ModelVersions, sorted."""
    unordered: tuple[str, ...] = ()
    """Those of them without a semantic version, because of which none is the newest; empty: the newest is not asked
    for."""


@dataclass(frozen=True, slots=True)
class SelectedInvalid:
    """No valid version is selected, and an invalid one has the tag or the name."""

    name: str
    """The name of its ModelVersion."""
    problem: str
    """Why it is invalid."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """No version is the one that `spec.version` names."""

    version: str


Selection = Selected | Unassigned | Ambiguous | SelectedInvalid | NotFound


def select(versions: Iterable[Version], spec: ModelDeploymentSpec) -> Selection:
    """Return the target version of a spec: by `spec.version` if it is set, otherwise by `spec.tag`.

    Rule: R2.
    """
    if spec.version is not None:
        return pinned(versions, spec.version)
    return resolve(versions, spec.tag, spec.promotion.on_ambiguous_tag)


def pinned(versions: Iterable[Version], named: str) -> Selection:
    """Return the version `named`, such as `1.0.0`, among those that are not being deleted.

    Rule: R6.
    """
    found = sorted(
        (each for each in versions if each.version == named and not each.deleting), key=lambda each: each.name
    )
    valid = next((each for each in found if not isinstance(each.spec, Invalid)), None)
    return Selected(valid) if valid is not None else _invalid(found) or NotFound(named)


def resolve(versions: Iterable[Version], tag: str, on_ambiguous: AmbiguousTag = AmbiguousTag.HOLD) -> Selection:
    """Return which version has the tag, among those that are not being deleted.

    Rule: R1.
    """
    tagged = sorted(
        (each for each in versions if tag in each.tags and not each.deleting),
        key=lambda each: each.name,
    )
    valid = [each for each in tagged if not isinstance(each.spec, Invalid)]
    match valid:
        case [only]:
            return Selected(only)
        case [_, *_] if on_ambiguous is AmbiguousTag.NEWEST:
            if unordered := tuple(each.name for each in valid if not is_semantic(each.version)):
                return Ambiguous(tuple(each.name for each in valid), unordered)
            *older, newest = sorted(valid, key=lambda each: precedence_key(each.version))
            return Selected(newest, tuple(sorted(each.name for each in older)))
        case [_, *_]:
            return Ambiguous(tuple(each.name for each in valid))
    return _invalid(tagged) or Unassigned()


def _invalid(versions: Iterable[Version]) -> SelectedInvalid | None:
    """Return the first invalid version; None: there is none."""
    found = ((each.name, each.spec) for each in versions)
    return next((SelectedInvalid(name, spec.problem) for name, spec in found if isinstance(spec, Invalid)), None)
