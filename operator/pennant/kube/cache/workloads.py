"""The Deployments of ModelDeployments, with the results of comparing those that others changed."""

from pennant.api.meta import Json
from pennant.core.facts.observation import Invalid, Key, Snapshot, Workload
from pennant.kube.cache.kind_cache import KindCache
from pennant.kube.codec import comparison, decode
from pennant.kube.codec.comparison import Compared
from pennant.kube.codec.decode import OwnedDeployment
from pennant.kube.codec.metadata import Identity


class WorkloadCache:
    """Known Deployments by the ModelDeployment of their name; `owner` is that ModelDeployment, without what it owns."""

    def __init__(self) -> None:
        """Start without any Deployment."""
        self.cache = KindCache[OwnedDeployment]()
        self._compared: dict[Key, Compared] = {}
        self._written: dict[Key, tuple[str, ...]] = {}
        """What this process wrote last, as `_content`."""

    def put(self, who: Identity, raw: Json) -> bool:
        """Put in a Deployment; return whether more than its resourceVersion is new."""
        before, after = self.cache.get(who.key), decode.deployment(raw)
        self.cache.put(who, after)
        if self._written.get(who.key) != _content(after.workload):
            # Others changed it: should it be like this again, they have put it back.
            self._written.pop(who.key, None)
        return before is None or after.differs(before)

    def drop(self, key: Key) -> None:
        """Forget what is known of a Deployment that the cache no longer has."""
        self._compared.pop(key, None)
        self._written.pop(key, None)

    def of(self, owner: Snapshot) -> Workload | None:
        """Return the Deployment of a ModelDeployment; None where none is known."""
        owned = self.cache.get(owner.key)
        if owned is None:
            return None
        seen, known = owned.seen_by(owner.uid), self._compared.get(owner.key)
        if known is None or known.of != comparison.state(owner, seen):
            return seen
        return known.seen(seen)

    def needs_comparison(self, owner: Snapshot | None) -> bool:
        """Return whether the Deployment must be compared with a recorded revision, and was not yet.

        Not if it is as this process wrote it: then the status is behind, and not the Deployment changed by others.
        """
        owned = None if owner is None else self.cache.get(owner.key)
        if owner is None or owned is None or not comparison.is_due(owner, owned.workload):
            return False
        if self._written.get(owner.key) == _content(owned.workload):
            return False
        known = self._compared.get(owner.key)
        return known is None or known.of != comparison.state(owner, owned.workload)

    def set_written(self, key: Key, workload: Workload) -> None:
        """Keep what this process wrote last, with no field left to others."""
        self._written[key] = _content(workload)

    def set_compared(self, key: Key, compared: Compared) -> None:
        """Keep the result of a comparison for as long as the Deployment has this state."""
        self._compared[key] = compared

    def is_to_adopt(self, owner: Snapshot | None) -> bool:
        """Return whether the Deployment of this name belongs to another, and is to be taken over or being deleted."""
        owned = None if owner is None else self.cache.get(owner.key)
        if owner is None or owned is None or owned.controller_uid == owner.uid or isinstance(owner.spec, Invalid):
            return False
        return owner.spec.adopt or owner.status.adoption is not None


def _content(workload: Workload) -> tuple[str, ...]:
    """Return what a write of the operator determines of a Deployment."""
    return workload.uid, workload.stored_template, workload.fields_hash
