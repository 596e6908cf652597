"""JSON values kept as compressed text.

A pod template of 225 KB with many short environment variables takes 1.8 MB as Python objects (tracemalloc), 20 KB
compressed. A namespace full of such ModelDeployments must not exhaust the memory of the operator.
"""

import json
import zlib
from dataclasses import replace
from typing import Any

from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core.facts.observation import Invalid, Key, Snapshot

LARGE = 32 * 1024
"""Characters of JSON text above which a pod template is folded: usual ones need not be parsed for each snapshot."""


def text(value: object) -> bytes:
    """Return the JSON text of a value; equal values have the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def folded(value: object) -> bytes:
    """Return the compressed JSON text of a value; equal values have the same."""
    return zlib.compress(text(value), 1)


def unfolded(value: bytes) -> Any:
    """Return the value of `folded`."""
    return json.loads(zlib.decompress(value))


def size_if_large(*values: object) -> int:
    """Return the length of the JSON text of all values together; 0 where that is at most `LARGE`."""
    size = sum(len(text(each)) for each in values)
    return size if size > LARGE else 0


class LargeTemplates:
    """The pod templates of ModelDeployments that are larger than `LARGE`, folded."""

    def __init__(self) -> None:
        self._folded: dict[Key, bytes] = {}

    def move(self, read: Snapshot) -> Snapshot:
        """Keep the pod template of a ModelDeployment if it is large, and return the ModelDeployment without it."""
        self._folded.pop(read.key, None)
        if isinstance(read.spec, Invalid) or len(found := text(read.spec.template)) <= LARGE:
            return read
        self._folded[read.key] = zlib.compress(found, 1)
        return replace(read, spec=read.spec.model_copy(update={"template": {}}))

    def restored(self, key: Key, spec: ModelDeploymentSpec) -> ModelDeploymentSpec:
        """Return the spec with its pod template."""
        large = self._folded.get(key)
        return spec if large is None else spec.model_copy(update={"template": unfolded(large)})

    def remove(self, key: Key) -> None:
        """Forget the pod template of a ModelDeployment."""
        self._folded.pop(key, None)
