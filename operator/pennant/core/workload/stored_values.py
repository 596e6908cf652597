"""Whether an object is stored with all values that the operator wrote.

The API server fills in defaults, normalises quantities and leaves out empty values, and admission adds sidecars,
variables, tolerations and annotations. These are no differences. A value of the operator that was changed or is missing
is one.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pennant.api.meta import clip

# The keys by which the API server merges lists; other lists are compared in order.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "claims": ("name",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "protocol"),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_KEY_DEFAULTS = {"protocol": "TCP"}
# Lists that must be equal: an added item changes the command.
_EXACT = frozenset({"args", "command"})
_QUANTITIES = frozenset({"divisor", "limits", "overhead", "requests", "sizeLimit"})
_QUANTITY = re.compile(r"([+-]?[0-9]{0,20}\.?[0-9]{0,20})([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?", re.ASCII)
_SUFFIXES = {
    **{suffix: Fraction(1000) ** power for suffix, power in zip("numkMGTPE", (-3, -2, -1, *range(1, 7)), strict=True)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
    "": Fraction(1),
}
_NANO = 10**9
# Paths that may hold secrets; MODEL_... have values of the record.
_SECRET = re.compile(r"\.(annotations|args|command|httpHeaders|volumeAttributes)\b|\.env\[name=(?!MODEL_)")
LONGEST_VALUE = 80
"""Characters of a value in a message."""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not stored as the operator wrote it."""

    path: str
    """Path of the field, such as `spec.template.spec.containers[name=server].image`."""
    asked: Any
    stored: Any

    def __str__(self) -> str:
        """Return a sentence with both values, without those that may be secret."""
        if self.stored is _ABSENT:
            return f"{self.path} is missing"
        if _SECRET.search(self.path) or any(isinstance(each, dict | list) for each in (self.asked, self.stored)):
            return f"{self.path} has another value than the operator wrote"
        return f"{self.path} is {_shown(self.stored)}, but the operator wrote {_shown(self.asked)}"


def difference(asked: Any, stored: Any, path: str = "") -> Difference | None:
    """Return the first field of `asked` that differs in `stored`; None: none differs."""
    return next(_differences(asked, stored, path, are_quantities=False), None)


def _differences(asked: Any, stored: Any, path: str, *, are_quantities: bool) -> Iterator[Difference]:
    match asked, stored:
        case dict(), dict():
            for name, each in asked.items():
                within = f"{path}.{name}" if path else name
                amounts = are_quantities or name in _QUANTITIES
                yield from _differences(each, stored.get(name, _ABSENT), within, are_quantities=amounts)
        case list(), list():
            yield from _of_lists(asked, stored, path)
        case _ if stored is _ABSENT and _is_empty(asked):
            return
        case _ if asked == stored or (are_quantities and _amount(asked) == _amount(stored) is not None):
            return
        case _:
            yield Difference(path, asked, stored)


def _of_lists(asked: Sequence[Any], stored: Sequence[Any], path: str) -> Iterator[Difference]:
    name = path.rpartition(".")[2]
    keys = _KEYS.get(name)
    if name in _EXACT:
        if asked != stored:
            yield Difference(path, asked, stored)
    elif keys is not None and all(isinstance(each, dict) for each in (*asked, *stored)):
        known = {_key(each, keys): each for each in stored}
        for each in asked:
            key = _key(each, keys)
            shown = ",".join(f"{field}={value}" for field, value in zip(keys, key, strict=True) if value is not None)
            yield from _differences(each, known.get(key, _ABSENT), f"{path}[{shown}]", are_quantities=False)
    else:
        left = iter(stored)
        for number, each in enumerate(asked):
            if not any(difference(each, other) is None for other in left):
                yield Difference(f"{path}[{number}]", each, _ABSENT)
                return


def _key(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(each, _KEY_DEFAULTS.get(each)) for each in keys)


def _is_empty(value: Any) -> bool:
    """Return whether the API server leaves out this value."""
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    return not value


def _amount(value: Any) -> int | None:
    """Return a quantity in billionths, rounded up as the API server does; None: it is no quantity."""
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or not any(each.isdigit() for each in found[1]):
        return None
    suffix = found[2] or ""
    factor = _SUFFIXES[suffix] if suffix in _SUFFIXES else Fraction(10) ** int(suffix[1:])
    return math.ceil(Fraction(found[1]) * factor * _NANO)


def _shown(value: Any) -> str:
    return clip(f'"{value}"' if isinstance(value, str) else str(value), LONGEST_VALUE)
