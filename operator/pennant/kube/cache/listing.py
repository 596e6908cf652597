"""Quorum reads into the store: the first filling, the repair of lost events, and the second look after a doubt.

A watch may lose deletions, and one day an event; a list is the whole truth at one resourceVersion.
"""

import asyncio
import logging

from pennant.core.facts.observation import Key
from pennant.kube.cache.store import NO_KEYS, Keys, Store
from pennant.kube.codec.metadata import identity
from pennant.kube.http.client import Client
from pennant.kube.http.resources import MANAGED_BY, Kind

AT_A_TIME = 25
_log = logging.getLogger(__name__)
_SELECTORS = {Kind.DEPLOYMENT: {"labelSelector": MANAGED_BY}}


async def relist(client: Client, store: Store, namespace: str = "") -> Keys:
    """Make the store know what a quorum knows of all namespaces or one; return whom the news may concern.

    Raises `Unavailable`; then the store has learned a part, which is no harm.
    """
    mark = store.freshness.mark()
    kinds = (Kind.MODEL_DEPLOYMENT, Kind.MODEL_VERSION, Kind.DEPLOYMENT)
    concerned = await asyncio.gather(*(relist_kind(client, store, kind, namespace) for kind in kinds))
    for key in store.keys(Kind.MODEL_DEPLOYMENT, namespace):
        # A Deployment that was not found may still exist without our label; only a read by name can tell.
        if store.resource_version(Kind.DEPLOYMENT, key):
            store.freshness.mark_fresh(key, mark)
    return NO_KEYS.union(*concerned)


async def relist_kind(client: Client, store: Store, kind: Kind, namespace: str = "") -> Keys:
    """Make the store know what a quorum knows of one kind; return whom the news may concern."""
    mark, newest = store.freshness.mark(), store.newest(kind)
    concerned, listed, resource_version = NO_KEYS, set[Key](), 0
    async for page in client.pages(kind, namespace, **_SELECTORS.get(kind, {})):
        if not resource_version:
            resource_version = int(page["metadata"]["resourceVersion"])
            if resource_version < newest:
                _log.warning("%s: the API server is older than what it told; starting anew", kind)
                concerned |= store.forget_all(kind)
                mark = store.freshness.mark()
        for number, raw in enumerate(page["items"]):
            if number % AT_A_TIME == 0:
                # Ten thousand objects that are news take a second; what others have to do comes in between.
                await asyncio.sleep(0)
            listed.add(identity(raw).key)
            concerned |= store.heard(kind, None, raw)
    for key in store.keys(kind, namespace):
        if key in listed:
            continue
        if kind in _SELECTORS:
            # It may have lost the label that it is selected by, or never had it.
            concerned |= await refresh(client, store, kind, key)
        else:
            concerned |= store.gone(kind, key, resource_version)
    store.freshness.mark_fresh(kind, mark)
    return concerned


async def refresh(client: Client, store: Store, kind: Kind, key: Key, *, by: Key | None = None) -> Keys:
    """Make the store know what a quorum knows of one object; return whom that may concern, and tell all but `by`."""
    known = store.resource_version(kind, key)
    raw = await client.get(kind, key.namespace, key.name)
    return store.gone(kind, key, known, by=by) if raw is None else store.heard(kind, None, raw, by=by)
