"""The order of semantic versions (SemVer 2.0.0). Versions have no build metadata."""

from functools import total_ordering
from typing import NamedTuple


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


def precedence_key(version: str) -> Precedence:
    """Return the sort key of a valid version, lowest precedence first (SemVer 2.0.0, section 11)."""
    core, dash, prerelease = version.partition("-")
    major, minor, patch = (int(each) for each in core.split("."))
    identifiers = tuple(_Identifier(each) for each in prerelease.split(".")) if dash else ()
    return Precedence(major, minor, patch, not dash, identifiers)
