"""Equal parts of JSON values kept once: the revisions of one ModelDeployment differ in little."""

from collections.abc import Hashable
from typing import Any


class Pool:
    """Replaces equal parts by one and the same object, for as long as the pool itself is kept.

    What comes out must not be changed in place.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def shared(self, value: Any) -> Any:
        """Return an equal JSON value, of parts that were seen before where there are such."""
        # The pool keeps every part alive, so that its id stays its own and says all that is to be compared.
        key: Hashable
        match value:
            case dict():
                value = {self.shared(name): self.shared(each) for name, each in value.items()}
                key = (dict, *((id(name), id(each)) for name, each in value.items()))
            case list():
                value = [self.shared(each) for each in value]
                key = (list, *(id(each) for each in value))
            case _:
                key = (type(value), value)
        return self._known.setdefault(key, value)
