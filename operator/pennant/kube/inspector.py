"""Single reads for a command line that runs with a user's credentials: no cache, no watch, no writes."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from pennant.api.meta import Json
from pennant.core.facts.observation import Invalid, Key, Revision, Snapshot, Version, Workload
from pennant.core.rollout.revision import DEPLOYMENT_LABEL
from pennant.core.rollout.short_history import with_revisions
from pennant.kube.codec import comparison, decode, revisions
from pennant.kube.codec.metadata import identity
from pennant.kube.codec.sharing import Pool
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.errors import Forbidden
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.permissions import Right, described

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Inspector:
    """Reads ModelDeployments as the operator sees them.

    Every read raises `Unavailable`, and its subclass `Forbidden` with the name of the permission that is missing.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return a ModelDeployment with all that belongs to it; None where it does not exist.

        There are four requests: get the ModelDeployment and the Deployment, list the ControllerRevisions and the
        ModelVersions (lists in pages). The objects may change in between. The result equals that of
        `KubernetesCluster.snapshot`, except that Services and a record which only another ModelDeployment targets are
        not read, and that `taken` lacks the numbers that failed creations have found.
        """
        raw = await self._get(Kind.MODEL_DEPLOYMENT, key)
        found = None if raw is None else _decoded(Kind.MODEL_DEPLOYMENT, raw, decode.model_deployment)
        if found is None:
            return None
        versions, own, deployment = await asyncio.gather(
            self._versions(found), self._revisions(found), self._get(Kind.DEPLOYMENT, key)
        )
        kept = tuple(each.revision for each in sorted(own.revisions, key=lambda each: each.revision.entry.revision))
        return replace(
            with_revisions(found, kept),
            versions=versions,
            workload=None if deployment is None else _workload(found, deployment, kept),
            taken=own.taken,
        )

    async def snapshots(self, namespace: str = "", selector: str = "") -> tuple[Snapshot, ...]:
        """Return the ModelDeployments of one namespace, or of all, sorted by namespace and name.

        `selector` is a label selector. The snapshots have the short history, and no versions, revisions and
        Deployments.
        """
        raws = await self._list(Kind.MODEL_DEPLOYMENT, namespace, **({"labelSelector": selector} if selector else {}))
        found = _all_decoded(Kind.MODEL_DEPLOYMENT, raws, decode.model_deployment)
        return tuple(sorted(found, key=lambda each: (each.key.namespace, each.key.name)))

    async def records(self, owner: Snapshot) -> tuple[Json, ...]:
        """Return the ControllerRevisions of a ModelDeployment as the API server has them: its own, or to adopt."""
        raws = await self._labelled(owner)
        return tuple(
            raw
            for raw in raws
            if (number := revisions.revision_number(raw)) is not None
            and raw["metadata"]["name"] == revisions.revision_name(owner.key, number)
            and revisions.is_listed_for(raw, owner.key, owner.uid)
        )

    async def _versions(self, owner: Snapshot) -> tuple[Version, ...]:
        if isinstance(spec := owner.spec, Invalid):
            return ()
        raws = await self._list(Kind.MODEL_VERSION, owner.key.namespace, fieldSelector=f"spec.model={spec.model}")

        def version(raw: Json) -> Version:
            return decode.model_version(raw, is_targeted=decode.model_and_version(raw)[1] == spec.version)

        return tuple(_all_decoded(Kind.MODEL_VERSION, raws, version))

    async def _revisions(self, owner: Snapshot) -> revisions.OwnRevisions:
        return revisions.sort_out(await self._labelled(owner), owner.key, owner.uid, Pool())

    async def _labelled(self, owner: Snapshot) -> list[Json]:
        label = f"{DEPLOYMENT_LABEL}={owner.key.name}"
        return await self._list(Kind.CONTROLLER_REVISION, owner.key.namespace, labelSelector=label)

    async def _get(self, kind: Kind, key: Key) -> Json | None:
        return await permitted(ApiVerb.GET, kind, key.namespace, self._client.get(kind, key.namespace, key.name))

    async def _list(self, kind: Kind, namespace: str, **selectors: str) -> list[Json]:
        return await permitted(ApiVerb.LIST, kind, namespace, self._client.all_of(kind, namespace, **selectors))


async def permitted(verb: ApiVerb, kind: Kind, namespace: str, request: Coroutine[Any, Any, T]) -> T:
    """Return the result of a request; `Forbidden` names the permission that it needs."""
    try:
        return await request
    except Forbidden as error:
        right = Right(namespace, RESOURCES[kind].plural, RESOURCES[kind].group, verb)
        raise Forbidden(f"permission is missing: {described([right])} ({error})") from error


def _workload(owner: Snapshot, raw: Json, kept: tuple[Revision, ...]) -> Workload | None:
    owned = _decoded(Kind.DEPLOYMENT, raw, decode.deployment)
    if owned is None:
        return None
    seen = owned.seen_by(owner.uid)
    if not comparison.is_due(owner, seen):
        return seen
    return comparison.compared(replace(owner, revisions=kept), raw, seen).seen(seen)


def _all_decoded(kind: Kind, raws: Iterable[Json], decoder: Callable[[Json], T]) -> Iterator[T]:
    return (each for raw in raws if (each := _decoded(kind, raw, decoder)) is not None)


def _decoded(kind: Kind, raw: Json, decoder: Callable[[Json], T]) -> T | None:
    """Return an object decoded; None, with a log line, where it cannot be read: then it counts as absent."""
    try:
        return decoder(raw)
    except decode.UNREADABLE as error:
        _log.warning("%s %s cannot be read: %r", kind, identity(raw).key, error)
        return None
