"""The number of a new version, by the differences between its record and its parent's; and whether it is a duplicate.

The first version is 1.0.0. Where it is not known whether a difference requires a larger bump, because a record lacks a
digest or a field, the bump is Minor at least, and the reasons say what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import Bump
from pennant.core.versions.bump import computed_bump
from pennant.core.versions.differences import COMPARISONS, Difference, Undetermined
from pennant.core.versions.semver import RECIPE, Precedence, is_semantic, precedence_key
from pennant.record.errors import Duplicate, RegisterError

FIRST = "1.0.0"
LEVELS = (Bump.NONE, Bump.PATCH, Bump.MINOR, Bump.MAJOR)
UNNAMED = "0.0.0-new"
"""The version of a record before its number is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """The versions of the model that exist already."""

    records: tuple[ModelVersionSpec, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    """Versions whose records are invalid, each with the reason: no record is compared with them."""

    @property
    def versions(self) -> frozenset[str]:
        """All versions that are taken."""
        return frozenset(each.version for each in self.records) | self.others.keys()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user said of the number."""

    version: str | None = None
    parent: str | None = None
    bump: Bump | None = None
    """The smallest part of the number to increment."""


@dataclass(frozen=True, slots=True)
class Number:
    """The version, and why it is this one."""

    version: str
    parent: str | None
    bump: Bump | None
    """What was incremented; None: the number does not follow from a parent."""
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def number(spec: Json, known: Known, wish: Wish) -> Number:
    """Return the version of a record; raises `Duplicate` where a version has the same content.

    `spec` has no version yet, and is valid otherwise.
    """
    record = ModelVersionSpec.model_validate({**spec, "version": wish.version or UNNAMED})
    _refuse_duplicate(record, known, wish)
    if wish.version in known.versions:
        raise RegisterError(f"{record.model} has a version {wish.version} already; choose another --version")
    parent = _parent(record.model, known, wish)
    if parent is None:
        return _first(record.model, known, wish)
    level, reasons = _level(record, parent)
    if wish.version is not None:
        return _chosen(wish.version, parent, level, reasons)
    if wish.bump is not None and LEVELS.index(wish.bump) < LEVELS.index(certain(record, parent)):
        raise RegisterError(
            f"--bump {wish.bump.lower()} is less than what the differences from {parent.version} require, "
            f"{certain(record, parent)}: {'; '.join(reasons)}. Leave --bump out, or choose the number with --version"
        )
    if wish.bump is not None and wish.bump is not level:
        level, reasons = wish.bump, (*reasons, f"--bump {wish.bump.lower()} was given")
    if not is_semantic(parent.version):
        raise RegisterError(
            f"{parent.version} is no semantic version, so no number follows it ({RECIPE}); give --version"
        )
    version, passed = _next_free(parent.version, level, known)
    notes = tuple(f"{each} exists already" for each in passed)
    return Number(version, parent.version, level, (*reasons, *notes))


def certain(record: ModelVersionSpec, parent: ModelVersionSpec) -> Bump:
    """Return the bump that the known differences require, whatever is not known."""
    found = [each for compare in COMPARISONS for each in compare(parent, record) if isinstance(each, Difference)]
    return max((each.bump for each in found), key=LEVELS.index, default=Bump.NONE)


def _level(record: ModelVersionSpec, parent: ModelVersionSpec) -> tuple[Bump, tuple[str, ...]]:
    """Return the bump of a record and its reasons; Minor at least where a larger difference is possible."""
    computed = computed_bump(record, parent)
    reasons = tuple(each.replace(UNNAMED, "the new version") for each in computed.reasons)
    if computed.bump is not Bump.UNKNOWN:
        # Only metrics or documents differ, and the user asked for a version of its own.
        return (Bump.PATCH if computed.bump is Bump.NONE else computed.bump), reasons
    possible = [
        each.bump for compare in COMPARISONS for each in compare(parent, record) if isinstance(each, Undetermined)
    ]
    level = max(certain(record, parent), Bump.MINOR, key=LEVELS.index)
    largest = max(possible, key=LEVELS.index)
    return level, (*reasons, f"so the bump is not known; it is taken as {level}, and may be {largest}")


def _refuse_duplicate(record: ModelVersionSpec, known: Known, wish: Wish) -> None:
    for each in sorted(known.records, key=lambda one: _order(one.version), reverse=True):
        computed = computed_bump(record, each)
        if computed.bump is not Bump.NONE or _finalises(wish.version, each.version):
            continue
        name = f"{record.model}-{each.version}"
        if any(said.startswith("duplicate of") for said in computed.reasons):
            raise Duplicate(
                f"this is a duplicate of {name}: artefacts, data, parameters, code and environment are the "
                "same. Nothing was registered",
                each.version,
            )
        if wish.bump is None and wish.version is None:
            raise Duplicate(
                f"this equals {name}: only metrics or documents differ, and a record is immutable. Nothing was "
                "registered; to register it nevertheless, give --bump patch",
                each.version,
            )


def _finalises(version: str | None, candidate: str) -> bool:
    """Return whether a version is the release of a release candidate: the same number without `-rc.1`."""
    if version is None or not (is_semantic(version) and is_semantic(candidate)):
        return False
    new, old = precedence_key(version), precedence_key(candidate)
    return new[:3] == old[:3] and new.is_release and not old.is_release


def _parent(model: str, known: Known, wish: Wish) -> ModelVersionSpec | None:
    """Return the parent: the one that was named, or else the highest version below the new one."""
    by_version = {each.version: each for each in known.records}
    if wish.parent is not None:
        if wish.parent in known.others:
            raise RegisterError(f"{model}-{wish.parent} is invalid: {known.others[wish.parent]}")
        if wish.parent not in by_version:
            raise RegisterError(f"{model} has no version {wish.parent}; there are: {_listed(known)}")
        return by_version[wish.parent]
    ordered = sorted((each for each in by_version if is_semantic(each)), key=precedence_key)
    if wish.version is not None and is_semantic(wish.version):
        below = [each for each in ordered if precedence_key(each) < precedence_key(wish.version)]
        ordered = below or ordered
    return by_version[ordered[-1]] if ordered else None


def _first(model: str, known: Known, wish: Wish) -> Number:
    if wish.version is not None:
        return Number(wish.version, None, None, ("the version was chosen, and there is no parent",))
    if known.others and not known.records:
        version, why = next(iter(known.others.items()))
        raise RegisterError(
            f"the versions of {model} are invalid, so no number follows from them ({version}: {why}); check them with "
            "`pennant lint`, or give --version"
        )
    if known.versions:
        raise RegisterError(
            f"no version of {model} is a semantic one ({_listed(known)}), so no number follows from them; give "
            "--version, and --parent to compare with one of them"
        )
    return Number(FIRST, None, None, (f"the first version of {model}",))


def _chosen(version: str, parent: ModelVersionSpec, level: Bump, reasons: tuple[str, ...]) -> Number:
    """Return the version that the user chose, with a warning where the differences require a higher one."""
    warnings: tuple[str, ...] = ()
    if is_semantic(version) and is_semantic(parent.version) and not _finalises(version, parent.version):
        required = _bumped(parent.version, level)
        if precedence_key(version)[:3] < precedence_key(required)[:3]:
            said = f"which the differences from {parent.version} require ({level})"
            warnings = (f"{version} is lower than {required}, {said}: {'; '.join(reasons)}",)
    return Number(version, parent.version, level, (*reasons, "the version was chosen"), warnings)


def _next_free(parent: str, level: Bump, known: Known) -> tuple[str, list[str]]:
    """Return the next number that no version has, and those that were passed over."""
    version, passed = _bumped(parent, level), list[str]()
    while version in known.versions:
        passed.append(version)
        version = _bumped(version, level)
    return version, passed


def _bumped(version: str, level: Bump) -> str:
    """Return a version with a part of it incremented. A release candidate becomes its release if that is enough."""
    prefix = "v" if version.startswith("v") else ""
    key: Precedence = precedence_key(version)
    major, minor, patch = key[:3]
    is_candidate = not key.is_release
    if level is Bump.MAJOR:
        found = (major if is_candidate and not (minor or patch) else major + 1, 0, 0)
    elif level is Bump.MINOR:
        found = (major, minor if is_candidate and not patch else minor + 1, 0)
    else:
        found = (major, minor, patch if is_candidate else patch + 1)
    return prefix + ".".join(map(str, found))


def _order(version: str) -> tuple[int, Sequence[object]]:
    return (1, precedence_key(version)) if is_semantic(version) else (0, (version,))


def _listed(known: Known) -> str:
    found = sorted(known.versions, key=_order, reverse=True)
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "") or "none"
