"""Values kept compressed, except for the few that were used last.

A history of 50 revisions takes 200 KB as Python objects (tracemalloc), 6 KB compressed, and its ControllerRevisions
340 KB and 10 KB. At rest nothing reads most of them, and to unpack one takes 0.5 and 1.2 ms.

Rule: R222.
"""

import pickle
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Iterator, MutableMapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST_UNPACKED = 4
"""Values that stay unpacked: a pass reads its own several times, mostly without waiting in between."""
_LEVEL = 1
_PROTOCOL = pickle.HIGHEST_PROTOCOL


class Packed(MutableMapping[K, V], Generic[K, V]):
    """A mapping of values that are not changed in place: a changed value is put again.

    The bytes are made and read by this process only, so pickle is safe here.
    """

    def __init__(self, most_unpacked: int = MOST_UNPACKED) -> None:
        """Keep at most this number of values unpacked."""
        self._most_unpacked = most_unpacked
        self._unpacked: OrderedDict[K, V] = OrderedDict()
        """The value that was used last is last."""
        self._packed: dict[K, bytes | None] = {}
        """All keys; None: the value was put and not packed yet."""

    def __getitem__(self, key: K) -> V:
        if key in self._unpacked:
            self._unpacked.move_to_end(key)
            return self._unpacked[key]
        packed = self._packed[key]
        assert packed is not None, "a value is unpacked, packed or both"
        value: V = pickle.loads(zlib.decompress(packed))
        self._keep_unpacked(key, value)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._packed[key] = None
        self._keep_unpacked(key, value)

    def __delitem__(self, key: K) -> None:
        del self._packed[key]
        self._unpacked.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._packed

    def __iter__(self) -> Iterator[K]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def _keep_unpacked(self, key: K, value: V) -> None:
        self._unpacked[key] = value
        self._unpacked.move_to_end(key)
        while len(self._unpacked) > self._most_unpacked:
            oldest, unpacked = self._unpacked.popitem(last=False)
            if self._packed[oldest] is None:
                self._packed[oldest] = zlib.compress(pickle.dumps(unpacked, _PROTOCOL), _LEVEL)
