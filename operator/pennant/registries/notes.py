"""What could not be carried over, collected while a record is made."""

from typing import Any

from pennant.api.meta import clip


class Notes:
    """Sentences about what a record does not have, without repetitions."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    @property
    def said(self) -> tuple[str, ...]:
        """The sentences in their order."""
        return tuple(self._said)

    def add(self, sentence: str) -> None:
        """Keep a sentence."""
        self._said[clip(sentence, 400)] = None

    def line(self, value: Any, longest: int, what: str) -> str:
        """Return a value as text, cut to what fits; a cut is noted."""
        text = str(value)
        if len(text) > longest:
            self.add(f"{what} has {len(text)} characters, and the record the first {longest}")
        return text[:longest]
