"""What an export of Neptune has of an object: its attributes by their paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value, or the last one of a series."""

    type: str
    value: Any
    step: Decimal | None = None
    count: int = 1
    """Number of values of a series."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """All attributes of an object."""

    project: str
    """As Neptune had it: workspace and project."""
    id: str
    values: Mapping[str, Attribute]
    """By their paths, such as `sys/id`."""

    def text(self, *paths: str) -> str:
        """Return the first value that is a text; empty: there is none."""
        found = (self.values[each].value for each in paths if each in self.values)
        return next((str(each) for each in found if isinstance(each, str) and each), "")
