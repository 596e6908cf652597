"""Which tags of a repository are versions, of which model, and what order they have. Nothing is read here."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from pennant.core.versions.semver import Precedence, is_semantic, precedence_key
from pennant.registries.git.repository import Tag
from pennant.registries.names import kept
from pennant.registries.protocol import RegistryError, Selection

FORMS = "v1.2.3, churn/v1.2.3, churn-1.2.3 and churn@1.2.3"
"""Tags that are versions, for messages."""
SHOWN = 5
"""Models that a message names."""
SEPARATORS = "/@_-"
"""Signs between the name of a model and a version, or another name."""
_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = (
    rf"(?:v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
    rf"|v{_NUMBER}(?:\.{_NUMBER})?|\d{{4}}-\d{{2}}-\d{{2}})"
)
_TAG = re.compile(rf"(?:(?P<model>.+?)[{SEPARATORS}])?(?P<version>{_VERSION})")


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag that is a version."""

    model: str
    version: str
    tag: Tag

    @property
    def at(self) -> datetime:
        """When it was made."""
        return self.tag.at


@dataclass(frozen=True, slots=True)
class Models:
    """The versions of a repository by their models, and the names that may move from version to version."""

    versions: Mapping[str, Sequence[Tagged]]
    """The oldest first."""
    parents: Mapping[str, Mapping[str, str]]
    """By model and version: the version that it follows."""
    others: Mapping[str, Sequence[str]]
    """Tags that are no versions, by their commits."""

    def aliases(self, one: Tagged) -> tuple[str, ...]:
        """Return the names of other tags of the commit, such as `production` or `churn/production`.

        If the repository has several models, only those with the name of the model before them are meant.
        """
        starts = tuple(f"{one.model}{sign}" for sign in SEPARATORS)
        names = self.others.get(one.tag.target, ())
        own = {each[len(starts[0]) :] for each in names if each.startswith(starts)}
        general = {each for each in names if not each.startswith(starts)} if len(self.versions) == 1 else set()
        return tuple(sorted({*own, *general} - {""}))

    def unclaimed(self, one: Tagged) -> tuple[str, ...]:
        """Return the other tags of the commit that are no aliases, because they do not say of which model they are."""
        if len(self.versions) == 1:
            return ()
        starts = tuple(f"{model}{sign}" for model in self.versions for sign in SEPARATORS)
        return tuple(sorted(each for each in self.others.get(one.tag.target, ()) if not each.startswith(starts)))

    @property
    def named(self) -> str:
        """The models with a tag of each, for messages."""
        shown = [f"{model} ({listed[0].tag.name})" for model, listed in list(self.versions.items())[:SHOWN]]
        return ", ".join([*shown, *(["..."] if len(self.versions) > SHOWN else [])])


def models(tags: Iterable[Tag], name: str) -> Models:
    """Return what the tags of a repository say; `name` is that of the model whose tags have no name in them."""
    found: dict[str, list[Tagged]] = {}
    others: dict[str, list[str]] = {}
    for each in tags:
        parts = _TAG.fullmatch(each.name)
        if parts is None:
            others.setdefault(each.target, []).append(each.name)
        else:
            model = parts["model"] or name
            found.setdefault(model, []).append(Tagged(model, parts["version"], each))
    versions = {model: ordered(found[model]) for model in sorted(found)}
    return Models(versions, {model: parents(listed) for model, listed in versions.items()}, others)


class Dated(Protocol):
    """A version with a name and a time."""

    @property
    def version(self) -> str:
        """The name, as the registry has it."""
        ...

    @property
    def at(self) -> datetime:
        """When it was made."""
        ...


One = TypeVar("One", bound=Dated)
_FIRST = Precedence(-1, 0, 0, False, ())


def precedence(version: str) -> Precedence | None:
    """Return the place of a version in the order of semantic versions; None: it has none."""
    try:
        name = kept(version)
    except RegistryError:
        return None
    return precedence_key(name) if is_semantic(name) else None


def ordered(versions: Iterable[One]) -> list[One]:
    """Return versions by their time, the oldest first."""
    return sorted(versions, key=lambda each: (each.at, precedence(each.version) or _FIRST, each.version))


def newest(versions: Sequence[One]) -> One | None:
    """Return the version that comes last in the order of semantic versions, or else in time."""
    return max(ordered(versions), key=lambda each: precedence(each.version) or _FIRST, default=None)


def parents(versions: Iterable[One], ends: Mapping[str, datetime] | None = None) -> Mapping[str, str]:
    """Return by version the highest one of the lower versions that were there when it was made.

    `ends` are the times since which versions do not count any more.
    """
    gone = ends or {}
    found: dict[str, str] = {}
    before: list[tuple[Precedence, str]] = []
    for each in ordered(versions):
        if (own := precedence(each.version)) is None:
            continue
        place = bisect_left(before, own, key=lambda pair: pair[0])
        lower = (
            name
            for _, name in (before[index] for index in range(place - 1, -1, -1))
            if name not in gone or gone[name] > each.at
        )
        if (parent := next(lower, None)) is not None:
            found[each.version] = parent
        before.insert(place, (own, each.version))
    return found


def chosen(versions: Sequence[One], selection: Selection, aliased: frozenset[str]) -> list[One]:
    """Return the versions that are asked for, the oldest first; `aliased` are those with an alias."""
    if selection.since is not None:
        return [each for each in ordered(versions) if each.at >= selection.since]
    if selection.is_all:
        return ordered(versions)
    last = newest(versions)
    return [each for each in ordered(versions) if each is last or each.version in aliased]
