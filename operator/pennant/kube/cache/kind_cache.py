"""The newest known object of each name, of one kind; older states are refused.

resourceVersions are compared as integers that grow within a kind; every API server that is backed by etcd keeps to it.
"""

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pennant.core.facts.observation import Key
from pennant.kube.codec.metadata import Identity

T = TypeVar("T")
MAX_TOMBSTONES = 4096
"""Deleted objects whose late events are recognised."""


@dataclass(frozen=True, slots=True)
class _State:
    uid: str
    resource_version: int


class KindCache(Generic[T]):
    """Objects by namespace and name, and tombstones: the resourceVersions at which objects were deleted, by uid."""

    def __init__(self, values: MutableMapping[Key, T] | None = None) -> None:
        """Keep the objects in `values`; None: in a dict."""
        self._states: dict[Key, _State] = {}
        self._values: MutableMapping[Key, T] = {} if values is None else values
        self._tombstones: OrderedDict[str, int] = OrderedDict()

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._states))

    def __len__(self) -> int:
        return len(self._states)

    def get(self, key: Key) -> T | None:
        """Return the object; None where it is not known."""
        return self._values.get(key)

    def uid(self, key: Key) -> str | None:
        """Return the uid of an object; None where it is not known."""
        state = self._states.get(key)
        return None if state is None else state.uid

    def resource_version(self, key: Key) -> int:
        """Return the known resourceVersion; 0 where the object is not known."""
        state = self._states.get(key)
        return 0 if state is None else state.resource_version

    def newest(self) -> int:
        """Return the highest known resourceVersion; 0 where no object is known."""
        return max((each.resource_version for each in self._states.values()), default=0)

    def is_newer(self, identity: Identity) -> bool:
        """Return whether this state is newer than the known one, and not from before the object's deletion."""
        if identity.resource_version <= self.resource_version(identity.key):
            return False
        return identity.resource_version >= self._tombstones.get(identity.uid, 0)

    def put(self, identity: Identity, value: T) -> None:
        """Replace the object; the caller has checked `is_newer`."""
        self._states[identity.key] = _State(identity.uid, identity.resource_version)
        self._values[identity.key] = value

    def delete_at(self, identity: Identity) -> T | None:
        """Remove an object that was deleted at this resourceVersion; return it, or None where it was not known.

        States from before are refused from now on, but not this one: a watch with a label selector reports an object
        that lost the label as deleted, with the resourceVersion of the state in which it still exists.
        """
        self._tombstones[identity.uid] = max(identity.resource_version, self._tombstones.get(identity.uid, 0))
        self._tombstones.move_to_end(identity.uid)
        if len(self._tombstones) > MAX_TOMBSTONES:
            self._tombstones.popitem(last=False)
        state = self._states.get(identity.key)
        if state is None or state.resource_version > identity.resource_version:
            return None
        del self._states[identity.key]
        return self._values.pop(identity.key)

    def remove(self, key: Key, resource_version: int) -> T | None:
        """Remove an object that a quorum read did not find, unless its known state is newer than this."""
        state = self._states.get(key)
        if state is None or state.resource_version > resource_version:
            return None
        return self.delete_at(Identity(key, state.uid, resource_version + 1))

    def clear(self) -> None:
        """Forget all objects and tombstones."""
        self._states.clear()
        self._values.clear()
        self._tombstones.clear()
