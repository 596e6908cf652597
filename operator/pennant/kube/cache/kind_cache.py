"""The newest known object of each name, of one kind; what is older than that is refused.

resourceVersions are integers that grow within a kind, in every API server there is.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pennant.core.facts.observation import Key
from pennant.kube.codec.metadata import Identity

T = TypeVar("T")
MAX_TOMBSTONES = 4096


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    uid: str
    resource_version: int
    value: T


class KindCache(Generic[T]):
    """Objects by namespace and name, and the last resourceVersion of those that were deleted."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry[T]] = {}
        self._tombstones: OrderedDict[str, int] = OrderedDict()

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> T | None:
        """Return the object, if it is known."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def resource_version(self, key: Key) -> int:
        """Return the resourceVersion that is known; 0 where the object is not."""
        entry = self._entries.get(key)
        return 0 if entry is None else entry.resource_version

    def newest(self) -> int:
        """Return the highest resourceVersion that is known."""
        return max((each.resource_version for each in self._entries.values()), default=0)

    def is_news(self, identity: Identity) -> bool:
        """Whether this is newer than what is known of the name, and not from before its deletion."""
        if identity.resource_version <= self.resource_version(identity.key):
            return False
        return identity.resource_version >= self._tombstones.get(identity.uid, 0)

    def put(self, identity: Identity, value: T) -> None:
        """Keep an object that is news."""
        self._entries[identity.key] = _Entry(identity.uid, identity.resource_version, value)

    def delete_at(self, identity: Identity) -> T | None:
        """Remove the object that was deleted at this resourceVersion; return it if it was there.

        States from before are refused from now on. That very state is not: an object that no longer matches a
        selector is reported as deleted, with the resourceVersion of the state in which it goes on living.
        """
        self._tombstones[identity.uid] = max(identity.resource_version, self._tombstones.get(identity.uid, 0))
        self._tombstones.move_to_end(identity.uid)
        if len(self._tombstones) > MAX_TOMBSTONES:
            self._tombstones.popitem(last=False)
        entry = self._entries.get(identity.key)
        if entry is None or entry.resource_version > identity.resource_version:
            return None
        return self._entries.pop(identity.key).value

    def remove(self, key: Key, resource_version: int) -> T | None:
        """Remove the object that a quorum read did not find, if nothing newer than this came meanwhile."""
        entry = self._entries.get(key)
        if entry is None or entry.resource_version > resource_version:
            return None
        return self.delete_at(Identity(key, entry.uid, resource_version + 1))

    def clear(self) -> None:
        """Forget everything, graves as well."""
        self._entries.clear()
        self._tombstones.clear()
