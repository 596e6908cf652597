"""The Services of ModelDeployments, found by the label with the name of their ModelDeployment."""

from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from pennant.core.facts.service import ServiceSeen
from pennant.kube.cache.kind_cache import KindCache
from pennant.kube.codec import services
from pennant.kube.codec.metadata import Identity
from pennant.kube.codec.services import LabelledService


class ServiceIndex:
    """Known Services, and which of them name a ModelDeployment."""

    def __init__(self) -> None:
        """Start without any Service."""
        self.cache = KindCache[LabelledService]()
        self._of: dict[Key, set[Key]] = {}

    def put(self, who: Identity, raw: Json) -> frozenset[Key]:
        """Put in a Service; return the ModelDeployments that it names, before and now."""
        before, after = self.cache.get(who.key), services.service(raw)
        if before is not None:
            self.drop(who.key, before)
        self.cache.put(who, after)
        self._of.setdefault(after.owner, set()).add(who.key)
        return frozenset({after.owner} if before is None else {before.owner, after.owner})

    def drop(self, key: Key, removed: LabelledService) -> frozenset[Key]:
        """Take out a Service that the cache no longer has; return the ModelDeployment that it named."""
        named = self._of.get(removed.owner, set())
        named.discard(key)
        if not named:
            self._of.pop(removed.owner, None)
        return frozenset({removed.owner})

    def keys(self, owner: Key) -> tuple[Key, ...]:
        """Return the keys of the Services that name this ModelDeployment."""
        return tuple(sorted(self._of.get(owner, ())))

    def of(self, owner: Key, uid: str) -> tuple[ServiceSeen, ...]:
        """Return the Services of a ModelDeployment, without those that belong to something else."""
        labelled = (self.cache.get(each) for each in self.keys(owner))
        seen = (each.seen_by(uid) for each in labelled if each is not None)
        return tuple(each for each in seen if each is not None)
