"""What repairs the store where a watch missed an event, such as a deletion while its connection was broken.

`relist` reads whole objects by a quorum. `compare` lists only the metadata, from the API server's watch cache, and
reads the objects that differ. Each list is complete at its resourceVersion, also one that is older than the newest
state: what it lacks was deleted, unless the store has a newer state of it.

Rule: R220.
"""

import asyncio
import logging
from collections.abc import Container
from itertools import groupby
from sys import intern

from pennant.core.facts.observation import Key
from pennant.core.rollout.revision import DEPLOYMENT_LABEL
from pennant.kube.cache.models import NO_KEYS, Keys
from pennant.kube.cache.store import Store
from pennant.kube.codec import revisions
from pennant.kube.codec.metadata import identity
from pennant.kube.codec.sharing import Pool
from pennant.kube.http.client import Client
from pennant.kube.http.errors import Behind
from pennant.kube.http.resources import MANAGED_BY, Kind

AT_A_TIME = 25
"""Objects that are decoded before other tasks run."""
_log = logging.getLogger(__name__)
KINDS = (Kind.MODEL_DEPLOYMENT, Kind.MODEL_VERSION, Kind.DEPLOYMENT, Kind.SERVICE)
MOST_SINGLE_READS = 100
"""Objects of a kind, or ModelDeployments with revisions, that are read one by one; if more differ, all are listed."""
_SELECTORS = {kind: {"labelSelector": MANAGED_BY} for kind in (Kind.DEPLOYMENT, Kind.SERVICE)}


async def resync(client: Client, store: Store, namespace: str = "", *, with_revisions: bool = True) -> Keys:
    """Bring the store up to date: by `relist` where a kind was not read since the store became stale.

    Takes, returns and raises as `relist`.
    """
    if any(kind not in store.freshness for kind in KINDS):
        return await relist(client, store, namespace, with_revisions=with_revisions)
    return NO_KEYS.union(*await asyncio.gather(*(compare(client, store, kind, namespace) for kind in KINDS)))


async def relist(client: Client, store: Store, namespace: str = "", *, with_revisions: bool = True) -> Keys:
    """List all kinds of one namespace, or of all, into the store.

    With `with_revisions` ControllerRevisions are listed too, unless few are unknown: those are read when a pass needs
    them. Returns the ModelDeployments that changes affect. Raises `Unavailable`; what was read until then stays in the
    store.
    """
    mark = store.freshness.mark()
    # One after the other: the pages of one kind at a time are in memory.
    affected = [await relist_kind(client, store, kind, namespace) for kind in KINDS]
    if with_revisions:
        await _list_revisions(client, store, namespace)
    for key in store.keys(Kind.MODEL_DEPLOYMENT, namespace):
        # A Deployment that the list lacks may exist without our label; only a read by name can show that.
        if store.resource_version(Kind.DEPLOYMENT, key):
            store.freshness.mark_fresh(key, mark)
    return NO_KEYS.union(*affected)


async def _list_revisions(client: Client, store: Store, namespace: str) -> None:
    """List the ControllerRevisions of all ModelDeployments whose revisions are not known.

    A list for each ModelDeployment takes longer: the API server goes through all of the namespace for each.

    Rule: R221.
    """
    uids = {key: store.uid(key) for key in store.keys(Kind.MODEL_DEPLOYMENT, namespace)}
    unknown = [uid for uid in uids.values() if uid is not None and uid not in store.revisions]
    if len(unknown) <= MOST_SINGLE_READS:
        return
    store.revisions.begin_list(unknown)
    async for page in client.pages(Kind.CONTROLLER_REVISION, namespace, labelSelector=DEPLOYMENT_LABEL):
        # The list is in the order of names, so those of one ModelDeployment are mostly side by side.
        for key, raws in groupby(page["items"], revisions.labelled_owner):
            if (uid := uids.get(key)) is None or uid in store.revisions:
                continue
            own = revisions.sort_out(raws, key, uid, Pool())
            store.revisions.add_listed(uid, own.revisions)
            store.revisions.take(uid, own.taken)
            await asyncio.sleep(0)
    store.revisions.end_list()


async def relist_kind(client: Client, store: Store, kind: Kind, namespace: str = "") -> Keys:
    """List one kind into the store; return the ModelDeployments that changes affect."""
    mark, newest = store.freshness.mark(), store.newest(kind)
    affected, listed, resource_version = NO_KEYS, set[Key](), 0
    async for page in client.pages(kind, namespace, **_SELECTORS.get(kind, {})):
        if not resource_version:
            resource_version = int(page["metadata"]["resourceVersion"])
            if resource_version < newest:
                # etcd was restored from a backup.
                _log.warning("%s: resourceVersions went back; everything is read again", kind)
                affected |= store.forget_all(kind)
                mark = store.freshness.mark()
        for number, raw in enumerate(page["items"]):
            if number % AT_A_TIME == 0:
                # Ten thousand changed objects take a second to decode; other tasks run in between.
                await asyncio.sleep(0)
            listed.add(identity(raw).key)
            affected |= store.update(kind, None, raw)
    affected |= await _remove_others(client, store, kind, namespace, listed, resource_version)
    store.freshness.mark_fresh(kind, mark)
    return affected


async def compare(client: Client, store: Store, kind: Kind, namespace: str = "") -> Keys:
    """Compare the metadata of one kind with the store, and read what differs; return the affected ModelDeployments.

    Nothing becomes fresh by this: the watch cache need not have the newest state of each object.
    """
    newest = store.newest(kind)
    try:
        found = await client.metadata(kind, namespace, not_older_than=newest, **_SELECTORS.get(kind, {}))
    except Behind:
        if await client.probe(kind, namespace) >= newest:
            # The watch cache will catch up. To list all objects would delay it further.
            raise
        return await relist_kind(client, store, kind, namespace)
    listed, differing = set[Key](), list[Key]()
    for each in found.items:
        key = Key(intern(each.namespace), each.name)
        listed.add(key)
        known = store.resource_version(kind, key)
        if each.resource_version < known <= found.resource_version:
            _log.warning("%s %s went back to an older state; everything is read again", kind, key)
            store.forget_all(kind)
            return await relist_kind(client, store, kind, namespace)
        if each.resource_version > known:
            differing.append(key)
    if len(differing) > MOST_SINGLE_READS:
        return await relist_kind(client, store, kind, namespace)
    affected = NO_KEYS.union(*await asyncio.gather(*(refresh(client, store, kind, key) for key in differing)))
    return affected | await _remove_others(client, store, kind, namespace, listed, found.resource_version)


async def _remove_others(
    client: Client, store: Store, kind: Kind, namespace: str, listed: Container[Key], resource_version: int
) -> Keys:
    """Remove the objects that a list of this resourceVersion lacks; return the affected ModelDeployments."""
    affected = NO_KEYS
    for key in store.keys(kind, namespace):
        if key in listed:
            continue
        if kind in _SELECTORS:
            # It may have lost the label that the list selects, or may never have had it.
            affected |= await refresh(client, store, kind, key)
        else:
            affected |= store.remove(kind, key, resource_version)
    return affected


async def refresh(client: Client, store: Store, kind: Kind, key: Key, *, by: Key | None = None) -> Keys:
    """Read one object into the store; return the ModelDeployments that a change affects.

    `by` is as in `Store.update`.
    """
    known = store.resource_version(kind, key)
    raw = await client.get(kind, key.namespace, key.name)
    return store.remove(kind, key, known, by=by) if raw is None else store.update(kind, None, raw, by=by)
