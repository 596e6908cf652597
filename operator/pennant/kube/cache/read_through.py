"""Snapshots from the store, after a quorum read of whatever is stale or was never read.

Rule: R95.
"""

import asyncio
import logging

from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout import integrity
from pennant.core.rollout.revision import DEPLOYMENT_LABEL
from pennant.kube.cache.listing import refresh, relist_kind
from pennant.kube.cache.store import Store, versions_in
from pennant.kube.codec import comparison, decode, revisions
from pennant.kube.codec.revisions import StoredRevision
from pennant.kube.codec.sharing import Pool
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind

_log = logging.getLogger(__name__)


class ReadThroughCache:
    """Reads from the API server into a store, and only where the store may be behind.

    `KubernetesCluster` and `KubernetesVersions` share one.
    """

    def __init__(self, client: Client, store: Store, namespace: str = "") -> None:
        """Read all namespaces, or the one that is named."""
        self.store = store
        self._client = client
        self._namespace = namespace
        self._listing = asyncio.Lock()

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it; None where it does not exist.

        Raises `Unavailable`.
        """
        before = self.store.snapshot(key)
        if before is not None and before.uid in self.store.revisions and integrity.is_behind(before):
            self.store.mark_behind(key)
        # A Deployment that is taken over has not the label that the watch selects. Both are read, because a newer
        # Deployment beside an older status would look like one that has to be written again.
        if key not in self.store.freshness or self.store.workloads.is_to_adopt(self.store.known(key)):
            await self._read_deployments(key)
        await self.ensure_versions(key.namespace)
        if (unread := self.store.unread_version(key)) is not None:
            await self._read_version(unread, key)
        uid = self.store.uid(key)
        if uid is not None and uid not in self.store.revisions:
            await self._read_revisions(key, uid)
        else:
            known = self.store.snapshot(key)
            if uid is not None and known is not None and not integrity.is_whole(known):
                # ControllerRevisions are not watched, so a restored one is only found by reading them again.
                await self._read_revisions(key, uid)
        if self.store.workloads.needs_comparison(self.store.known(key)):
            await self._compare(key)
            if uid is not None and uid not in self.store.revisions:
                # They were forgotten meanwhile, to make room for others.
                await self._read_revisions(key, uid)
        return self.store.snapshot(key)

    async def ensure_versions(self, namespace: str) -> None:
        """List all ModelVersions, or those of one namespace, where they are stale; raises `Unavailable`."""
        freshness = self.store.freshness
        # A pass that waits here needs no list of its own.
        async with self._listing:
            if Kind.MODEL_VERSION not in freshness:
                await relist_kind(self._client, self.store, Kind.MODEL_VERSION, self._namespace)
            if freshness.is_stale(versions_in(namespace)):
                mark = freshness.mark()
                await relist_kind(self._client, self.store, Kind.MODEL_VERSION, namespace)
                freshness.mark_fresh(versions_in(namespace), mark)

    async def name_is_freed(self, owner: Snapshot, number: int) -> bool:
        """Return whether the ControllerRevision that has the name of this revision is about to be garbage-collected.

        If it is not, and is no revision of this ModelDeployment either, the number is taken from now on.
        """
        name = revisions.revision_name(owner.key, number)
        selector = f"metadata.name={name}"
        found = await self._client.all_of(Kind.CONTROLLER_REVISION, owner.key.namespace, fieldSelector=selector)
        if any(revisions.is_collected(raw, owner.key, owner.uid) for raw in found):
            return True
        known = (revisions.is_listed_for(raw, owner.key, owner.uid) and revisions.decode_revision(raw) for raw in found)
        if not all(known):
            _log.warning("%s is not a revision of %s, so the number %d is not used", name, owner.key, number)
            self.store.revisions.take(owner.uid, (number,))
        return False

    async def _read_deployments(self, key: Key) -> None:
        """Read the ModelDeployment and the Deployment of this name."""
        mark = self.store.freshness.mark()
        await asyncio.gather(
            refresh(self._client, self.store, Kind.MODEL_DEPLOYMENT, key, by=key),
            refresh(self._client, self.store, Kind.DEPLOYMENT, key, by=key),
            *(refresh(self._client, self.store, Kind.SERVICE, each, by=key) for each in self.store.services.keys(key)),
        )
        self.store.freshness.mark_fresh(key, mark)

    async def _read_version(self, name: Key, by: Key) -> None:
        """Read a ModelVersion whose record was left out of the store."""
        raw = await self._client.get(Kind.MODEL_VERSION, name.namespace, name.name)
        if raw is None:
            self.store.remove(Kind.MODEL_VERSION, name, self.store.resource_version(Kind.MODEL_VERSION, name), by=by)
        else:
            self.store.update_version(raw, by=by)

    async def _read_revisions(self, key: Key, uid: str) -> None:
        label = f"{DEPLOYMENT_LABEL}={key.name}"
        pages = self._client.pages(Kind.CONTROLLER_REVISION, key.namespace, labelSelector=label)
        pool, found, taken = Pool(), list[StoredRevision](), set[int]()
        async for page in pages:
            # A page is decoded before the next one is read: it may have several megabytes.
            own = revisions.sort_out(page["items"], key, uid, pool)
            found += own.revisions
            taken |= own.taken
        self.store.revisions.put(uid, found)
        self.store.revisions.take(uid, taken)

    async def _compare(self, key: Key) -> None:
        """Compare the Deployment with a recorded revision.

        The store keeps only the hash of a Deployment's template, so the Deployment is read again.
        """
        kind = Kind.DEPLOYMENT
        raw = await self._client.get(kind, key.namespace, key.name)
        if raw is None:
            self.store.remove(kind, key, self.store.resource_version(kind, key), by=key)
            return
        self.store.update(kind, None, raw, by=key)
        if (known := self.store.snapshot(key)) is not None:
            self.store.workloads.set_compared(key, comparison.compared(known, raw, decode.deployment(raw).workload))
