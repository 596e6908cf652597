"""The newest known state of everything that the operator watches, fed by events, lists and answers to own writes.

No I/O happens here: `gateway.py` and `relist.py` read, this remembers.

Rule: R96.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core.facts.observation import Invalid, Key, Snapshot, Version, Workload
from pennant.kube.cache.folding import folded_if_large, size_if_large, unfolded
from pennant.kube.cache.freshness import Freshness
from pennant.kube.cache.kind_cache import KindCache
from pennant.kube.cache.version_index import Records, ignore_changes
from pennant.kube.codec import translate
from pennant.kube.codec.metadata import Identity, identity
from pennant.kube.codec.translate import OwnedDeployment, Recorded
from pennant.kube.http.resources import Kind

_log = logging.getLogger(__name__)

Keys = frozenset[Key]
Model = tuple[str, str]
"""Namespace and name of a model."""
NO_KEYS: Keys = frozenset()
ROOM_FOR_REVISIONS = 16 * 1024 * 1024
"""Characters of the large revisions that are kept; all others are."""


def versions_in(namespace: str) -> tuple[Kind, str]:
    """Return what is untrusted when the ModelVersions of one namespace are."""
    return Kind.MODEL_VERSION, namespace


class Store:
    """Knows ModelDeployments, ModelVersions and Deployments, and finds what belongs together."""

    def __init__(self, records: Records | None = None, changed: Callable[[Key], None] = ignore_changes) -> None:
        """Keep the records of versions, and who served them, in `records`.

        Tell `changed` of each ModelDeployment that must be looked at anew. Whatever is taken in is news but once: an
        event tells nothing any more when an answer came before it. So it is told here, and not by who took it in.
        """
        self.records = records or Records()
        self._changed = changed
        self.freshness = Freshness()
        """Trusts a ModelDeployment by its key, and all ModelVersions at once by their kind.

        It doubts those of one namespace by `versions_in`.
        """
        self._deployments = KindCache[Snapshot]()
        """Their large pod templates are in `_templates`."""
        self._templates: dict[Key, bytes] = {}
        self._versions = KindCache[tuple[Model, Version]]()
        self._workloads = KindCache[OwnedDeployment]()
        self._caches: dict[Kind, KindCache[Snapshot] | KindCache[tuple[Model, Version]] | KindCache[OwnedDeployment]]
        self._caches = {
            Kind.MODEL_DEPLOYMENT: self._deployments,
            Kind.MODEL_VERSION: self._versions,
            Kind.DEPLOYMENT: self._workloads,
        }
        self._put: dict[Kind, Callable[[Identity, Json], Keys]] = {
            Kind.MODEL_DEPLOYMENT: self._put_deployment,
            Kind.MODEL_VERSION: self._put_version,
            Kind.DEPLOYMENT: self._put_workload,
        }
        self._versions_of: dict[Model, dict[str, Version]] = {}
        self._deployments_of: dict[Model, set[Key]] = {}
        self._revisions: dict[str, dict[int, Recorded]] = {}
        self._large_revisions: OrderedDict[str, dict[int, int]] = OrderedDict()
        """Of ModelDeployments with large revisions: the size of each by its number; those that were read last are last.
        """
        self._taken: dict[str, frozenset[int]] = {}
        self._sent: dict[Key, ModelDeploymentStatus] = {}
        self._compared: dict[Key, tuple[str, str, bool]] = {}
        """Of Deployments: uid and stored template that were compared with a record, and whether they hold all of it."""

    def heard(self, kind: str, event_type: str | None, raw: Json, *, by: Key | None = None) -> Keys:
        """Take in an event, a listed object or an answer; return the ModelDeployments that it may concern.

        What is known already, or older than what is known, concerns none. All but `by` are told: that is the
        ModelDeployment whose own pass learned this, and goes on with it.
        """
        return self._tell(self._heard(Kind(kind), event_type, raw), by)

    def _heard(self, kind: Kind, event_type: str | None, raw: Json) -> Keys:
        who = identity(raw)
        if event_type == "DELETED":
            return self._dropped(kind, who.key, self._caches[kind].delete_at(who))
        if not self._caches[kind].is_news(who):
            return NO_KEYS
        try:
            return self._put[kind](who, raw)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            # Nothing lets such an object in; if one is there, it must not stand in the way of others, nor must what it
            # was before be taken for what it is.
            _log.warning("%s %s cannot be read: %r", kind, who.key, error)
            return self._dropped(kind, who.key, self._caches[kind].delete_at(who))

    def gone(self, kind: Kind, key: Key, resource_version: int, *, by: Key | None = None) -> Keys:
        """Take in that a quorum read did not find the object; return whom it may concern, and tell all but `by`.

        `resource_version` is that of the read, or the one that was known before it: newer states are kept.
        """
        return self._tell(self._dropped(kind, key, self._caches[kind].remove(key, resource_version)), by)

    def forget_all(self, kind: Kind) -> Keys:
        """Forget all objects of a kind, because the API server begins a new history; return whom it may concern.

        Nothing is served from memory until it was read anew: a part of the truth is not the truth.
        """
        self.mark_all_stale()
        shelf = self._caches[kind]
        concerned = [self.gone(kind, key, shelf.resource_version(key)) for key in shelf]
        shelf.clear()
        return NO_KEYS.union(*concerned)

    def _tell(self, concerned: Keys, by: Key | None) -> Keys:
        for key in concerned:
            if key != by:
                self._changed(key)
        return concerned

    def keys(self, kind: Kind, namespace: str = "") -> tuple[Key, ...]:
        """Return the names of all known objects of a kind, or of those in one namespace."""
        return tuple(key for key in self._caches[kind] if namespace in ("", key.namespace))

    def count(self, kind: Kind) -> int:
        """Return how many objects of a kind are known."""
        return len(self._caches[kind])

    def resource_version(self, kind: Kind, key: Key) -> int:
        """Return the resourceVersion that is known of an object; 0 where it is not known."""
        return self._caches[kind].resource_version(key)

    def newest(self, kind: Kind) -> int:
        """Return the highest resourceVersion that is known of a kind."""
        return self._caches[kind].newest()

    def uid(self, key: Key) -> str | None:
        """Return the uid of a ModelDeployment; None where it is not known."""
        found = self._deployments.get(key)
        return None if found is None else found.uid

    def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it, as far as it is known."""
        found = self._deployments.get(key)
        if found is None:
            return None
        spec, versions = found.spec, tuple[Version, ...]()
        if not isinstance(spec, Invalid):
            versions = tuple(self._versions_of.get((key.namespace, spec.model), {}).values())
            if (large := self._templates.get(key)) is not None:
                spec = spec.model_copy(update={"template": unfolded(large)})
        revisions = self._revisions.get(found.uid, {})
        return replace(
            found,
            spec=spec,
            versions=versions,
            revisions=tuple(revisions[number].revision for number in sorted(revisions)),
            workload=self._workload(key, found.uid),
            taken=self._taken.get(found.uid, frozenset()),
        )

    def _workload(self, key: Key, uid: str) -> Workload | None:
        placed = self._workloads.get(key)
        if placed is None:
            return None
        seen = placed.seen_by(uid)
        return replace(seen, as_recorded=self._compared.get(key) == (seen.uid, seen.stored_template, True))

    def may_be_put_back(self, key: Key) -> bool:
        """Whether somebody else may have put the template of an earlier revision back, which is still to be looked at.

        That is where the Deployment is not as it was left, and carries the hash of another recorded template.
        """
        found, placed = self._deployments.get(key), self._workloads.get(key)
        if found is None or placed is None or found.status.applied is None or not found.status.history:
            return False
        seen = placed.workload
        if seen.template_hash == found.status.history[-1].template_hash:
            return False
        if seen.stored_template == found.status.applied.template_hash:
            return False
        is_known = self._compared.get(key, ())[:2] == (seen.uid, seen.stored_template)
        return not is_known and self.template(key, seen.template_hash) is not None

    def template(self, key: Key, template_hash: str) -> Json | None:
        """Return the recorded pod template of this hash of a ModelDeployment; None where there is none."""
        recorded = self._revisions.get(self.uid(key) or "", {}).values()
        templates = (each.revision.template for each in recorded if each.revision.entry.template_hash == template_hash)
        return next(templates, None)

    def compared(self, key: Key, seen: Workload, *, as_recorded: bool) -> None:
        """Take note of whether the pod template of a Deployment holds all of the recorded one whose hash it carries."""
        self._compared[key] = (seen.uid, seen.stored_template, as_recorded)

    def unread(self, key: Key) -> Key | None:
        """Return the name of the version that a ModelDeployment names and whose record was not read; None: all was."""
        found = self._deployments.get(key)
        if found is None or isinstance(found.spec, Invalid) or found.spec.version is None:
            return None
        versions = self._versions_of.get((key.namespace, found.spec.model), {}).values()
        pinned = (each for each in versions if each.version == found.spec.version and each.spec is translate.NOT_READ)
        return next((Key(key.namespace, each.name) for each in pinned), None)

    def read_version(self, raw: Json, *, by: Key) -> None:
        """Take in a version whole, if it is not older than what is known of it, for the pass of `by`."""
        who = identity(raw)
        if who.resource_version >= self.resource_version(Kind.MODEL_VERSION, who.key):
            self._tell(self._put_version(who, raw), by)

    def specs(self) -> Iterator[tuple[Key, ModelDeploymentSpec]]:
        """Yield what all known ModelDeployments ask for, but those that cannot be read."""
        for key in self._deployments:
            found = self._deployments.get(key)
            if found is not None and not isinstance(found.spec, Invalid):
                yield key, found.spec

    def has_revisions(self, uid: str) -> bool:
        """Whether the revisions of the ModelDeployment with this uid are known."""
        return uid in self._revisions

    def put_revisions(self, uid: str, recorded: Iterable[Recorded]) -> None:
        """Keep these as all revisions of the ModelDeployment with this uid."""
        self._revisions[uid] = {each.revision.entry.revision: each for each in recorded}
        self._large_revisions.pop(uid, None)
        self._make_room(uid, *self._revisions[uid].values())

    def take_numbers(self, uid: str, numbers: Iterable[int]) -> None:
        """Keep in mind that these numbers cannot be given to revisions of the ModelDeployment with this uid."""
        self._taken[uid] = self._taken.get(uid, frozenset()).union(numbers)

    def add_revision(self, uid: str, recorded: Recorded) -> None:
        """Add a revision that was just created, if the others are known."""
        if uid in self._revisions:
            self._revisions[uid][recorded.revision.entry.revision] = recorded
            self._make_room(uid, recorded)

    def _make_room(self, uid: str, *added: Recorded) -> None:
        """Forget the large revisions that were read longest ago, but for those of `uid`; they can be read again.

        `added` are those of `uid` that are new: a size is computed once, for that takes time.
        """
        sizes = self._large_revisions.pop(uid, {})
        for each in (each.revision for each in added):
            if size := size_if_large(each.template, each.record):
                sizes[each.entry.revision] = size
        if sizes:
            self._large_revisions[uid] = sizes
        while len(self._large_revisions) > 1 and self._room_taken() > ROOM_FOR_REVISIONS:
            self._forget_revisions(next(iter(self._large_revisions)))

    def _room_taken(self) -> int:
        return sum(sum(sizes.values()) for sizes in self._large_revisions.values())

    def _forget_revisions(self, uid: str) -> None:
        self._revisions.pop(uid, None)
        self._large_revisions.pop(uid, None)

    def find_revision(self, uid: str, number: int) -> Recorded | None:
        """Return a revision, if it is known."""
        return self._revisions.get(uid, {}).get(number)

    def drop_revision(self, uid: str, number: int) -> None:
        """Forget a revision that was just deleted."""
        self._revisions.get(uid, {}).pop(number, None)
        self._large_revisions.get(uid, {}).pop(number, None)

    def sending(self, key: Key, status: ModelDeploymentStatus) -> None:
        """Take note of a status that is about to be written by this process."""
        self._sent[key] = status

    def mark_stale(self, key: Key) -> None:
        """Have a ModelDeployment read from a quorum again before it is served."""
        self.freshness.mark_stale(key)
        if uid := self.uid(key):
            self._forget_revisions(uid)

    def mark_all_stale(self) -> None:
        """Have everything read from a quorum again before it is served."""
        self.freshness.mark_all_stale()
        self._revisions.clear()
        self._large_revisions.clear()

    def _put_deployment(self, who: Identity, raw: Json) -> Keys:
        before, after = self._deployments.get(who.key), self._folded(translate.model_deployment(raw))
        self._deployments.put(who, after)
        self.records.put_deployment(who.key, translate.named(raw)[0], after.status.history)
        if before is not None:
            self._unindex_deployment(before, keep_revisions=before.uid == after.uid)
            if not self._is_own(before, after):
                # Somebody else decided here, and knew things that may not be known to this process yet.
                self.mark_stale(who.key)
                self.freshness.mark_stale(versions_in(who.key.namespace))
        if (model := _model_of(after)) is not None:
            self._deployments_of.setdefault(model, set()).add(who.key)
        return frozenset({who.key})

    def _folded(self, read: Snapshot) -> Snapshot:
        """Return the ModelDeployment without its pod template where that is large, which is kept apart then."""
        self._templates.pop(read.key, None)
        if isinstance(read.spec, Invalid) or (large := folded_if_large(read.spec.template)) is None:
            return read
        self._templates[read.key] = large
        return replace(read, spec=read.spec.model_copy(update={"template": {}}))

    def _is_own(self, before: Snapshot, after: Snapshot) -> bool:
        """Whether the status is the one that was known, or that this process wrote."""
        sent = self._sent.get(after.key)
        if sent is not None and after.status == sent:
            del self._sent[after.key]
            return True
        return after.status == before.status

    def _unindex_deployment(self, dropped: Snapshot, *, keep_revisions: bool) -> None:
        if not keep_revisions:
            self._forget_revisions(dropped.uid)
            self._taken.pop(dropped.uid, None)
        if (model := _model_of(dropped)) is not None:
            self._deployments_of[model].discard(dropped.key)

    def _put_version(self, who: Identity, raw: Json) -> Keys:
        name, version = translate.named(raw)
        model = (who.key.namespace, name)
        after = translate.version(raw, is_asked_for=self._is_asked_for(model, version))
        before_of, before = self._versions.get(who.key) or (model, None)
        self._versions.put(who, (model, after))
        self.records.put(who, raw)
        self._versions_of.setdefault(model, {})[after.name] = after
        if before is not None and replace(before, resource_version=after.resource_version) == after:
            return NO_KEYS
        concerned = frozenset(self._deployments_of.get(model, ()))
        if before_of != model:
            del self._versions_of[before_of][after.name]
            concerned |= self._deployments_of.get(before_of, set())
        return concerned

    def _is_asked_for(self, model: Model, version: str) -> bool:
        specs = (found.spec for key in self._deployments_of.get(model, ()) if (found := self._deployments.get(key)))
        return any(not isinstance(each, Invalid) and each.version == version for each in specs)

    def _put_workload(self, who: Identity, raw: Json) -> Keys:
        before, after = self._workloads.get(who.key), translate.placed(raw)
        self._workloads.put(who, after)
        return self._owner(who.key) if before is None or after.differs(before) else NO_KEYS

    def _owner(self, key: Key) -> Keys:
        return frozenset({key}) if self._deployments.get(key) is not None else NO_KEYS

    def _dropped(
        self, kind: Kind, key: Key, dropped: Snapshot | tuple[Model, Version] | OwnedDeployment | None
    ) -> Keys:
        match dropped:
            case None:
                return NO_KEYS
            case Snapshot():
                self._unindex_deployment(dropped, keep_revisions=False)
                self._sent.pop(key, None)
                self._templates.pop(key, None)
                self.records.drop_deployment(key)
                return frozenset({key})
            case OwnedDeployment():
                self._compared.pop(key, None)
                # It may live on without the label that it is watched by.
                self.freshness.mark_stale(key)
                return self._owner(key)
            case (model, Version() as version):
                del self._versions_of[model][version.name]
                self.records.drop(key)
                return frozenset(self._deployments_of.get(model, ()))


def _model_of(snapshot: Snapshot) -> Model | None:
    """Return the model that a ModelDeployment follows; None where its spec cannot be read."""
    if isinstance(snapshot.spec, Invalid):
        return None
    return snapshot.key.namespace, snapshot.spec.model
