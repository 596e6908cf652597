"""Joins what several sources say of one record. The first source has precedence, and each contradiction is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import Json, clip
from pennant.api.number import equal_texts
from pennant.core.facts.digest import comparable


@dataclass(frozen=True, slots=True)
class Part:
    """What one source says: fields of `spec` of a ModelVersion."""

    source: str
    """As a user knows it, such as `git`, `dvc.lock` or `--author`."""
    spec: Json
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """One record of all parts."""

    spec: dict[str, Any]
    warnings: tuple[str, ...]
    """The warnings of all parts, and what they contradict each other in."""


IDENTITY: Mapping[str, tuple[str, ...]] = {
    "artifacts": ("name",),
    "datasets": ("name",),
    "hyperparameters": ("name",),
    "environment.frameworks": ("name",),
    "reports": ("name",),
    "serving.env": ("name",),
    "metrics": ("name", "dataset", "split", "slice"),
}
"""Lists whose items are joined, and the fields that make two items the same. Of any other list the first one counts."""


def merged(parts: Iterable[Part]) -> Merged:
    """Return the record of all parts."""
    spec: dict[str, Any] = {}
    joining = _Joining()
    warnings: list[str] = []
    for each in parts:
        joining.join(spec, each.spec, each.source, "")
        warnings += each.warnings
    return Merged(spec, tuple(dict.fromkeys([*warnings, *joining.contradictions])))


class _Joining:
    """Joins parts, and knows which source a value is from."""

    def __init__(self) -> None:
        self.contradictions: list[str] = []
        self._sources: dict[str, str] = {}

    def join(self, known: dict[str, Any], more: Json, source: str, path: str) -> None:
        for name, value in more.items():
            if value is not None:
                self._field(known, name, value, source, f"{path}.{name}" if path else name)

    def _field(self, known: dict[str, Any], name: str, value: Any, source: str, path: str) -> None:
        keys = IDENTITY.get(path)
        if isinstance(value, Mapping):
            self.join(known.setdefault(name, {}), value, source, path)
        elif keys is not None:
            self._items(known.setdefault(name, []), value, keys, source, path)
        elif name not in known:
            known[name] = value
            self._sources[path] = source
        elif not _same(known[name], value):
            self._contradict(path, known[name], value, source)

    def _items(
        self, known: list[dict[str, Any]], more: Iterable[Json], keys: tuple[str, ...], source: str, path: str
    ) -> None:
        there = {_identity(each, keys): each for each in known}
        for each in more:
            identity = _identity(each, keys)
            if identity not in there:
                there[identity] = {}
                known.append(there[identity])
            self.join(there[identity], each, source, f"{path}[{'/'.join(filter(None, identity))}]")

    def _contradict(self, path: str, counts: Any, other: Any, source: str) -> None:
        first = self._sources.get(path, "the options")
        self.contradictions.append(
            clip(f"{path} is {_shown(counts)} by {first} and {_shown(other)} by {source}; the first is recorded", 400)
        )


def _identity(item: Json, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(item.get(key) or "") for key in keys)


def _same(one: Any, other: Any) -> bool:
    if one == other or equal_texts(str(one), str(other)):
        return True
    return isinstance(one, str) and isinstance(other, str) and ":" in one and comparable(one) == comparable(other)


def _shown(value: Any) -> str:
    return clip(str(value), 120)
