"""The newest known state of all ModelDeployments, ModelVersions, Deployments and Services; it makes no requests itself.

Watches, lists and the responses to the operator's own writes update it. `read_through.py` and `listing.py` make the
quorum reads.

Rule: R96.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import Json
from pennant.core.analysis.kinds.alert import reads_alerts
from pennant.core.facts.observation import Invalid, Key, Snapshot, Version
from pennant.core.rollout.short_history import with_revisions
from pennant.core.versions.retention import VersionFact
from pennant.kube.cache.folding import LargeTemplates
from pennant.kube.cache.freshness import Freshness
from pennant.kube.cache.kind_cache import KindCache
from pennant.kube.cache.models import NO_KEYS, Head, Keys, Model, ModelIndex, model_of
from pennant.kube.cache.packed import Packed
from pennant.kube.cache.revisions import OwnedRevisions
from pennant.kube.cache.services import ServiceIndex
from pennant.kube.cache.version_index import VersionIndex, ignore_changes
from pennant.kube.cache.workloads import WorkloadCache
from pennant.kube.codec import decode
from pennant.kube.codec.decode import OwnedDeployment
from pennant.kube.codec.metadata import Identity, identity
from pennant.kube.codec.services import LabelledService
from pennant.kube.http.resources import Kind

_log = logging.getLogger(__name__)


AnyCache = (
    KindCache[Snapshot] | KindCache[tuple[Model, Version]] | KindCache[OwnedDeployment] | KindCache[LabelledService]
)


Removed = Snapshot | tuple[Model, Version] | OwnedDeployment | LabelledService | None
"""What was known of an object; None: nothing."""


def ignore_deletion(_: Snapshot) -> None:
    """Do nothing with a deletion."""


def versions_in(namespace: str) -> tuple[Kind, str]:
    """Return the name under which `Store.freshness` holds the ModelVersions of one namespace."""
    return Kind.MODEL_VERSION, namespace


class Store:
    """Holds the objects, and joins those that belong together into a snapshot."""

    def __init__(
        self,
        versions: VersionIndex | None = None,
        changed: Callable[[Key], None] = ignore_changes,
        stamped: bool = False,
        gone: Callable[[Snapshot], None] = ignore_deletion,
    ) -> None:
        """Keep the specs and the statuses of ModelVersions in `versions`.

        `changed` is called with the key of each ModelDeployment that must be reconciled, once for each state of an
        object: after the response of a write, the watch event of the same write does not call it. `stamped` is as
        `is_stamped` in `decode`. `gone` is called with the last known state of a ModelDeployment that was deleted.
        """
        self.versions = versions or VersionIndex()
        self._is_stamped = stamped
        self._changed, self._gone = changed, gone
        self.freshness = Freshness()
        """By the key of a ModelDeployment, `Kind.MODEL_VERSION` (all ModelVersions) or `versions_in` a namespace."""
        self.revisions = OwnedRevisions()
        self._deployments = KindCache[Snapshot](Packed())
        self._heads: dict[Key, Head] = {}
        self._templates = LargeTemplates()
        self._versions = KindCache[tuple[Model, Version]]()
        self.workloads = WorkloadCache()
        self.services = ServiceIndex()
        self._caches: dict[Kind, AnyCache] = {
            Kind.MODEL_DEPLOYMENT: self._deployments,
            Kind.MODEL_VERSION: self._versions,
            Kind.DEPLOYMENT: self.workloads.cache,
            Kind.SERVICE: self.services.cache,
        }
        self._put: dict[Kind, Callable[[Identity, Json], Keys]] = {
            Kind.MODEL_DEPLOYMENT: self._put_deployment,
            Kind.MODEL_VERSION: self._put_version,
            Kind.DEPLOYMENT: self._put_workload,
            Kind.SERVICE: self._put_service,
        }
        self._models = ModelIndex()
        self._expected_status: dict[Key, ModelDeploymentStatus] = {}
        """Statuses that this process wrote, and whose response or event did not arrive yet."""

    def update(self, kind: str, event_type: str | None, raw: Json, *, by: Key | None = None) -> Keys:
        """Store an object from an event, a list or a response; return the ModelDeployments that it affects.

        `event_type` is that of a watch event, None otherwise. An object that is not newer than the known state affects
        none. `by` is the ModelDeployment whose own pass read the object: it is returned, but `changed` is not called
        for it.
        """
        return self._notify(self._update(Kind(kind), event_type, raw), by)

    def _update(self, kind: Kind, event_type: str | None, raw: Json) -> Keys:
        who = identity(raw)
        if event_type == "DELETED":
            return self._deleted(kind, who.key, self._caches[kind].delete_at(who))
        if not self._caches[kind].is_newer(who):
            return NO_KEYS
        try:
            return self._put[kind](who, raw)
        except decode.UNREADABLE as error:
            # The schemas allow no such object. If there is one, it must not block others, and its former state must
            # not be taken for the present one.
            _log.warning("%s %s cannot be read: %r", kind, who.key, error)
            return self._removed(kind, who.key, self._caches[kind].delete_at(who))

    def remove(self, kind: Kind, key: Key, resource_version: int, *, by: Key | None = None) -> Keys:
        """Remove an object that a quorum read did not find; return the ModelDeployments that this affects.

        `resource_version` is that of the list, or the one that was known before a get: newer states are kept. `by` is
        as in `update`.
        """
        return self._notify(self._deleted(kind, key, self._caches[kind].remove(key, resource_version)), by)

    def forget_all(self, kind: Kind) -> Keys:
        """Forget all objects of a kind, because resourceVersions went back; return the affected ModelDeployments.

        Everything is stale after this, because the other kinds are of the same API server.
        """
        self.mark_all_stale()
        cache = self._caches[kind]
        # They are not deleted: most will be read again.
        removed = ((key, cache.remove(key, cache.resource_version(key))) for key in cache)
        affected = [self._notify(self._removed(kind, key, each), None) for key, each in removed]
        cache.clear()
        return NO_KEYS.union(*affected)

    def _notify(self, affected: Keys, by: Key | None) -> Keys:
        for key in affected:
            if key != by:
                self._changed(key)
        return affected

    def keys(self, kind: Kind, namespace: str = "") -> tuple[Key, ...]:
        """Return the keys of all known objects of a kind, or of those in one namespace."""
        return tuple(key for key in self._caches[kind] if namespace in ("", key.namespace))

    def count(self, kind: Kind) -> int:
        """Return the number of known objects of a kind."""
        return len(self._caches[kind])

    def resource_version(self, kind: Kind, key: Key) -> int:
        """Return the known resourceVersion of an object; 0 where it is not known."""
        return self._caches[kind].resource_version(key)

    def newest(self, kind: Kind) -> int:
        """Return the highest known resourceVersion of a kind; 0 where no object is known."""
        return self._caches[kind].newest()

    def uid(self, key: Key) -> str | None:
        """Return the uid of a ModelDeployment; None where it is not known."""
        return self._deployments.uid(key)

    def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all known objects that belong to it; None where it is not known."""
        found = self._deployments.get(key)
        if found is None:
            return None
        spec, versions = found.spec, tuple[Version, ...]()
        if not isinstance(spec, Invalid):
            versions = self._models.versions((key.namespace, spec.model))
            if not found.status.history:
                # Only a ModelDeployment that lost its history may go back to a version that was verified before.
                versions = tuple(self.versions.with_periods(Key(key.namespace, each.name), each) for each in versions)
            spec = self._templates.restored(key, spec)
        return replace(
            with_revisions(found, self.revisions.of(found.uid)),
            spec=spec,
            versions=versions,
            workload=self.workloads.of(found),
            services=self.services.of(key, found.uid),
            taken=self.revisions.taken(found.uid),
        )

    def known(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment without what belongs to it, with the stored short history; None: it is not known."""
        return self._deployments.get(key)

    def unread_version(self, key: Key) -> Key | None:
        """Return the key of the ModelVersion that `spec.version` names, if its record was left out; otherwise None."""
        head = self._heads.get(key)
        if head is None or head.model is None or head.version is None:
            return None
        versions = self._models.versions(head.model)
        pinned = (each for each in versions if each.version == head.version and each.spec is decode.NOT_READ)
        return next((Key(key.namespace, each.name) for each in pinned), None)

    def update_version(self, raw: Json, *, by: Key) -> None:
        """Put in a ModelVersion with its record, unless it is older than the known state; `by` is as in `update`."""
        who = identity(raw)
        if who.resource_version >= self.resource_version(Kind.MODEL_VERSION, who.key):
            self._notify(self._put_version(who, raw), by)

    def readers_of_alerts(self, names: frozenset[str]) -> Iterator[Key]:
        """Yield the ModelDeployments with a metric that selects one of these alerts."""
        for key, head in tuple(self._heads.items()):
            if reads_alerts(head.alerts, names):
                yield key

    def models(self) -> Iterator[Model]:
        """Yield the models that have ModelDeployments."""
        yield from self._models.deployed()

    def deployments_of(self, model: Model) -> Iterator[Snapshot]:
        """Yield the ModelDeployments of a model, and those of the namespace whose spec is invalid."""
        for key in sorted(self._models.possible_deployments(model)):
            if (found := self._deployments.get(key)) is not None:
                yield found

    def followers(self, key: Key) -> Keys:
        """Return the ModelDeployments of the model that a ModelVersion belongs to."""
        found = self._versions.get(key)
        return NO_KEYS if found is None else self._models.deployments(found[0])

    def version_facts(self, model: Model, now: datetime) -> Iterator[VersionFact]:
        """Yield what retention knows of the ModelVersions of a model."""
        for each in self._models.versions(model):
            if (found := self.version_fact(Key(model[0], each.name), now)) is not None:
                yield found

    def version_fact(self, key: Key, now: datetime) -> VersionFact | None:
        """Return what retention knows of one ModelVersion; None where it is not known."""
        found = self._versions.get(key)
        return None if found is None else self.versions.fact(key, found[1], now)

    def expect(self, key: Key, status: ModelDeploymentStatus) -> None:
        """Note the status that this process is about to write: its event must not mark the ModelDeployment stale."""
        self._expected_status[key] = status

    def mark_stale(self, key: Key) -> None:
        """Require a quorum read of a ModelDeployment, its Deployment and its revisions before the next snapshot."""
        self.freshness.mark_stale(key)
        if uid := self.uid(key):
            self.revisions.forget(uid)

    def mark_behind(self, key: Key) -> None:
        """Require a quorum read of all that belongs to a ModelDeployment: another process wrote something of it.

        That process may have read objects that this one has not read yet, so the ModelVersions are read as well.
        """
        self.mark_stale(key)
        self.freshness.mark_stale(versions_in(key.namespace))

    def mark_all_stale(self) -> None:
        """Require a quorum read of everything before the next snapshot."""
        self.freshness.mark_all_stale()
        self.revisions.forget_all()

    def _put_deployment(self, who: Identity, raw: Json) -> Keys:
        read = decode.model_deployment(raw, is_stamped=self._is_stamped)
        before, after = self._deployments.get(who.key), self._templates.move(read)
        self._deployments.put(who, after)
        self._heads[who.key] = Head.of(after)
        self.versions.put_deployment(who.key, decode.model_and_version(raw)[0], after.status.history)
        if before is not None:
            self._unindex(before, keep_revisions=before.uid == after.uid)
            if not self._is_expected(before, after):
                self.mark_behind(who.key)
        self._models.add_deployment(self._heads[who.key].model, who.key)
        return frozenset({who.key})

    def _is_expected(self, before: Snapshot, after: Snapshot) -> bool:
        """Return whether the status is unchanged, or is the one that this process wrote."""
        expected = self._expected_status.get(after.key)
        if expected is not None and after.status == expected:
            del self._expected_status[after.key]
            return True
        return after.status == before.status

    def _unindex(self, removed: Snapshot, *, keep_revisions: bool) -> None:
        if not keep_revisions:
            self.revisions.forget_owner(removed.uid)
        self._models.remove_deployment(model_of(removed), removed.key)

    def _put_version(self, who: Identity, raw: Json) -> Keys:
        name, version = decode.model_and_version(raw)
        model = (who.key.namespace, name)
        after = decode.model_version(
            raw,
            is_targeted=self._is_targeted(model, version),
            is_stamped=self._is_stamped,
            with_periods=False,
        )
        before_of, before = self._versions.get(who.key) or (model, None)
        self._versions.put(who, (model, after))
        self.versions.put(who, raw)
        self._models.put_version(model, after)
        if before is not None and replace(before, resource_version=after.resource_version) == after:
            return NO_KEYS
        affected = self._models.deployments(model)
        if before is not None and before_of != model:
            self._models.remove_version(before_of, before)
            affected |= self._models.deployments(before_of)
        return affected

    def _is_targeted(self, model: Model, version: str) -> bool:
        return any(self._heads[key].version == version for key in self._models.deployments(model))

    def _put_workload(self, who: Identity, raw: Json) -> Keys:
        return self._owner(who.key) if self.workloads.put(who, raw) else NO_KEYS

    def _put_service(self, who: Identity, raw: Json) -> Keys:
        return NO_KEYS.union(*map(self._owner, self.services.put(who, raw)))

    def _owner(self, key: Key) -> Keys:
        return frozenset({key}) if key in self._heads else NO_KEYS

    def _deleted(self, kind: Kind, key: Key, deleted: Removed) -> Keys:
        if isinstance(deleted, Snapshot):
            self._gone(with_revisions(deleted, self.revisions.of(deleted.uid)))
        return self._removed(kind, key, deleted)

    def _removed(self, kind: Kind, key: Key, removed: Removed) -> Keys:
        match removed:
            case None:
                return NO_KEYS
            case Snapshot():
                self._unindex(removed, keep_revisions=False)
                self._expected_status.pop(key, None)
                del self._heads[key]
                self._templates.remove(key)
                self.versions.remove_deployment(key)
                return frozenset({key})
            case OwnedDeployment():
                self.workloads.drop(key)
                # It may still exist without the label that the watch selects.
                self.freshness.mark_stale(key)
                return self._owner(key)
            case LabelledService():
                return NO_KEYS.union(*map(self._owner, self.services.drop(key, removed)))
            case (model, Version() as version):
                self._models.remove_version(model, version)
                self.versions.remove(key)
                return self._models.deployments(model)
