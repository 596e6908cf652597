"""Quorum reads into the store: complete lists of each kind, and single objects.

A watch may miss events, such as deletions while its connection was broken. A list is complete at its resourceVersion.
"""

import asyncio
import logging

from pennant.core.facts.observation import Key
from pennant.kube.cache.models import NO_KEYS, Keys
from pennant.kube.cache.store import Store
from pennant.kube.codec.metadata import identity
from pennant.kube.http.client import Client
from pennant.kube.http.resources import MANAGED_BY, Kind

AT_A_TIME = 25
"""Objects that are decoded before other tasks run."""
_log = logging.getLogger(__name__)
_SELECTORS = {kind: {"labelSelector": MANAGED_BY} for kind in (Kind.DEPLOYMENT, Kind.SERVICE)}


async def relist(client: Client, store: Store, namespace: str = "") -> Keys:
    """List ModelDeployments, ModelVersions, Deployments and Services of one namespace, or of all, into the store.

    Returns the ModelDeployments that changes affect. Raises `Unavailable`; what was read until then stays in the store.
    """
    mark = store.freshness.mark()
    kinds = (Kind.MODEL_DEPLOYMENT, Kind.MODEL_VERSION, Kind.DEPLOYMENT, Kind.SERVICE)
    affected = await asyncio.gather(*(relist_kind(client, store, kind, namespace) for kind in kinds))
    for key in store.keys(Kind.MODEL_DEPLOYMENT, namespace):
        # A Deployment that the list lacks may exist without our label; only a read by name can show that.
        if store.resource_version(Kind.DEPLOYMENT, key):
            store.freshness.mark_fresh(key, mark)
    return NO_KEYS.union(*affected)


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
    for key in store.keys(kind, namespace):
        if key in listed:
            continue
        if kind in _SELECTORS:
            # It may have lost the label that the list selects, or may never have had it.
            affected |= await refresh(client, store, kind, key)
        else:
            affected |= store.remove(kind, key, resource_version)
    store.freshness.mark_fresh(kind, mark)
    return affected


async def refresh(client: Client, store: Store, kind: Kind, key: Key, *, by: Key | None = None) -> Keys:
    """Read one object into the store; return the ModelDeployments that a change affects.

    `by` is as in `Store.update`.
    """
    known = store.resource_version(kind, key)
    raw = await client.get(kind, key.namespace, key.name)
    return store.remove(kind, key, known, by=by) if raw is None else store.update(kind, None, raw, by=by)
