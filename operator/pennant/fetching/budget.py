"""How many bytes the artefacts may take: `spec.delivery.sizeLimit`."""

import re

from pennant.api.meta import SIZE_PATTERN
from pennant.fetching.errors import Refused

_FACTORS: dict[str, int] = {
    **{unit: int(1000**power) for power, unit in enumerate(("", "k", "M", "G", "T", "P"))},
    **{f"{unit}i": int(1024**power) for power, unit in enumerate("KMGTP", 1)},
}


def bytes_of(text: str) -> int:
    """Return the bytes of a size such as `20Gi`; raises `ValueError`."""
    if re.fullmatch(SIZE_PATTERN.strip("^$"), text) is None:
        raise ValueError(f"{text} is no size, such as 20Gi")
    digits = re.match("[0-9]+", text)
    assert digits is not None, "the pattern begins with a digit"
    return int(digits[0]) * _FACTORS[text[digits.end() :]]


class Budget:
    """The bytes that are left of a limit."""

    def __init__(self, limit: str | None) -> None:
        """Begin with the whole limit; None: there is none."""
        self._limit, self._left = limit, bytes_of(limit) if limit is not None else None

    def take(self, count: int) -> None:
        """Count bytes on disk; raises `Refused` where the limit is passed."""
        if self._left is None:
            return
        self._left -= count
        if self._left < 0:
            raise Refused(f"the artefacts have more than {self._limit}, which is spec.delivery.sizeLimit")

    def give_back(self, count: int) -> None:
        """Count bytes that are deleted."""
        if self._left is not None:
            self._left += count
