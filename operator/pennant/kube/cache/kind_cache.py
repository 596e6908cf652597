"""The newest known object of each name, of one kind; older states are refused.

resourceVersions are compared as integers that grow within a kind; every API server that is backed by etcd keeps to it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pennant.core.facts.observation import Key
from pennant.kube.codec.metadata import Identity

T = TypeVar("T")
MAX_TOMBSTONES = 4096
"""Deleted objects whose late events are recognised."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    uid: str
    resource_version: int
    value: T


class KindCache(Generic[T]):
    """Objects by namespace and name, and tombstones: the resourceVersions at which objects were deleted, by uid."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry[T]] = {}
        self._tombstones: OrderedDict[str, int] = OrderedDict()

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> T | None:
        """Return the object; None where it is not known."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def resource_version(self, key: Key) -> int:
        """Return the known resourceVersion; 0 where the object is not known."""
        entry = self._entries.get(key)
        return 0 if entry is None else entry.resource_version

    def newest(self) -> int:
        """Return the highest known resourceVersion; 0 where no object is known."""
        return max((each.resource_version for each in self._entries.values()), default=0)

    def is_newer(self, identity: Identity) -> bool:
        """Return whether this state is newer than the known one, and not from before the object's deletion."""
        if identity.resource_version <= self.resource_version(identity.key):
            return False
        return identity.resource_version >= self._tombstones.get(identity.uid, 0)

    def put(self, identity: Identity, value: T) -> None:
        """Replace the object; the caller has checked `is_newer`."""
        self._entries[identity.key] = _Entry(identity.uid, identity.resource_version, value)

    def delete_at(self, identity: Identity) -> T | None:
        """Remove an object that was deleted at this resourceVersion; return it, or None where it was not known.

        States from before are refused from now on, but not this one: a watch with a label selector reports an object
        that lost the label as deleted, with the resourceVersion of the state in which it still exists.
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
        """Remove an object that a quorum read did not find, unless its known state is newer than this."""
        entry = self._entries.get(key)
        if entry is None or entry.resource_version > resource_version:
            return None
        return self.delete_at(Identity(key, entry.uid, resource_version + 1))

    def clear(self) -> None:
        """Forget all objects and tombstones."""
        self._entries.clear()
        self._tombstones.clear()
