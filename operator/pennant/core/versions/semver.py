"""The order of semantic versions (SemVer 2.0.0). Versions have no build metadata, and may begin with `v`.

A version that is none, such as a date or the hash of a commit, has no order.
"""

import re
from functools import total_ordering
from typing import NamedTuple

from pennant.api.meta import SEMVER_PATTERN


@total_ordering
class _Identifier:
    """One identifier of a pre-release: numbers are compared as numbers and come before words."""

    def __init__(self, text: str) -> None:
        self._key = (0, int(text), "") if text.isdigit() else (1, 0, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identifier) and self._key == other._key

    def __lt__(self, other: "_Identifier") -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)


class Precedence(NamedTuple):
    """The sort key of a version."""

    major: int
    minor: int
    patch: int
    is_release: bool
    prerelease: tuple[_Identifier, ...]


RECIPE = "write 3 as 3.0.0, and a date as 2024.5.1"
"""How to name a version so that it has an order."""


def is_semantic(version: str) -> bool:
    """Return whether a version is a semantic one, also with a `v` before it."""
    return re.fullmatch(SEMVER_PATTERN, version.removeprefix("v")) is not None


def precedence_key(version: str) -> Precedence:
    """Return the sort key of a semantic version, lowest precedence first (SemVer 2.0.0, section 11).

    Raises `ValueError` for any other version.
    """
    if not is_semantic(version):
        raise ValueError(f"{version} is no semantic version")
    core, dash, prerelease = version.removeprefix("v").partition("-")
    major, minor, patch = (int(each) for each in core.split("."))
    identifiers = tuple(_Identifier(each) for each in prerelease.split(".")) if dash else ()
    return Precedence(major, minor, patch, not dash, identifiers)
