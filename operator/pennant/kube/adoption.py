"""The writes that take over a Deployment that existed before: it is deleted, and its ReplicaSets and pods stay."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pennant.api import GROUP
from pennant.api.adoption import LONGEST_SELECTOR, MOST_EARLIER, AdoptedReplicaSet, Adoption, AdoptionPhase
from pennant.api.meta import SENTENCE, Json, clip
from pennant.core.facts.decision import PrepareAdoption
from pennant.core.facts.observation import Snapshot, Workload
from pennant.core.rollout.revision import LABELS, template_hash
from pennant.core.workload import deployment_manifest
from pennant.core.workload.stored_values import difference
from pennant.kube.codec.metadata import controller_uid
from pennant.kube.codec.pods import POD_TEMPLATE_HASH, revision_of
from pennant.kube.http import writes
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Refused

ADOPTED_LABEL = f"{GROUP}/adopted-by"
AT_A_TIME = 16
"""Pods that are labelled at the same time."""
_SET_BY_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_REVISION = "deployment.kubernetes.io/revision"


class Adopter:
    """The writes of an adoption, each with a precondition."""

    def __init__(self, client: Client, try_beside: Callable[[Snapshot, Json], Awaitable[Json]]) -> None:
        """`try_beside` returns the Deployment of a manifest as it would be created, by a dry run."""
        self._client, self._try = client, try_beside

    async def prepare(self, owner: Snapshot, action: PrepareAdoption) -> Adoption:
        """Keep the manifest of the existing Deployment, and return what becomes of its ReplicaSets and pods.

        The manifest of the Deployment that replaces it is sent in a dry run, for its defaults and what admission
        makes of it: both templates are then compared as the Deployment controller does.
        """
        existing = await self._existing(owner, action.expected)
        tried = await self._try(owner, action.manifest)
        selector = _selector(existing)
        sets = await self._client.all_of(Kind.REPLICA_SET, owner.key.namespace, labelSelector=selector)
        own = sorted(
            (each for each in sets if controller_uid(each) == existing["metadata"]["uid"]),
            key=revision_of,
            reverse=True,
        )
        template = _compared(existing["spec"]["template"])
        serving = next((each for each in own if _compared(each["spec"]["template"]) == template), None)
        manifest = await self._keep(owner, existing)
        return Adoption(
            phase=AdoptionPhase.PREPARED,
            uid=existing["metadata"]["uid"],
            generation=existing["metadata"].get("generation", 0),
            selector=selector,
            manifest=manifest,
            serving=None if serving is None else _named(serving),
            earlier=tuple(each["metadata"]["uid"] for each in own if each is not serving)[:MOST_EARLIER],
            template_hash=template_hash(action.manifest["spec"]["template"]),
            replaces_pods=clip(_why_replaced(existing["spec"]["template"], tried["spec"]["template"], own), SENTENCE),
            since=action.since,
        )

    async def release(self, owner: Snapshot, seen: Workload) -> None:
        """Delete the existing Deployment, and let its ReplicaSets stay; no error where it is deleted already."""
        kind, key = Kind.DEPLOYMENT, owner.key
        await writes.delete(self._client, kind, key.namespace, key.name, seen, propagationPolicy="Orphan")

    async def label(self, owner: Snapshot, adoption: Adoption, manifest: Json) -> None:
        """Label the ReplicaSets, the serving one first, and then its pods; what is labelled already is left alone.

        The pod template of the serving ReplicaSet gets the labels as well if its pods are kept: it is then equal to
        that of the new Deployment. The older ones only get the label that the selector needs.
        """
        template, selected = manifest["spec"]["template"], deployment_manifest.selector(owner.key.name)
        keeps = not adoption.replaces_pods and adoption.template_hash == template_hash(template)
        labels = _ours(template) if keeps else selected
        found = await self._client.all_of(Kind.REPLICA_SET, owner.key.namespace, labelSelector=adoption.selector)
        by_uid = {each["metadata"]["uid"]: each for each in found}
        if any(controller_uid(each) == adoption.uid for each in found):
            raise Conflict(f"the ReplicaSets of Deployment {owner.key.name} still belong to it")
        serving = by_uid.get(adoption.serving.uid) if adoption.serving is not None else None
        if serving is not None and _is_free(serving):
            spec = {"template": {"metadata": {"labels": labels}}} if keeps else {}
            await self._label(Kind.REPLICA_SET, serving, labels, spec)
            await self._label_pods(owner, adoption.selector, serving, labels)
        for uid in adoption.earlier:
            if (earlier := by_uid.get(uid)) is not None and _is_free(earlier):
                await self._label(Kind.REPLICA_SET, earlier, selected)

    async def _label_pods(self, owner: Snapshot, selector: str, serving: Json, labels: Mapping[str, str]) -> None:
        pods = await self._client.all_of(Kind.POD, owner.key.namespace, labelSelector=selector)
        own = [each for each in pods if controller_uid(each) == serving["metadata"]["uid"]]
        for begin in range(0, len(own), AT_A_TIME):
            some = own[begin : begin + AT_A_TIME]
            done = await asyncio.gather(*(self._label(Kind.POD, each, labels) for each in some), return_exceptions=True)
            # All are over before one is raised.
            for error in filter(None, done):
                raise error

    async def _label(self, kind: Kind, raw: Json, labels: Mapping[str, str], spec: Json | None = None) -> None:
        metadata = raw["metadata"]
        change = {"metadata": {"labels": dict(labels)}, **({"spec": spec} if spec else {})}
        if difference(change, raw) is None:
            return
        identified = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "labels": dict(labels)}
        path = RESOURCES[kind].path(metadata["namespace"], metadata["name"])
        body = {**change, "metadata": identified}
        await self._client.request(ApiVerb.PATCH, kind, path, body=body, content_type=MERGE)

    async def _existing(self, owner: Snapshot, seen: Workload) -> Json:
        raw = await self._client.get(Kind.DEPLOYMENT, owner.key.namespace, owner.key.name)
        found = None if raw is None else (raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
        if raw is None or found != (seen.uid, seen.resource_version):
            raise Conflict(f"the Deployment {owner.key.name} changed")
        return raw

    async def _keep(self, owner: Snapshot, existing: Json) -> str:
        """Keep the manifest in a ControllerRevision, and return its name; one of an earlier attempt is replaced."""
        kind, namespace, name = Kind.CONTROLLER_REVISION, owner.key.namespace, f"{owner.key.name}-adopted"
        labels = {**deployment_manifest.MANAGED_BY, ADOPTED_LABEL: owner.key.name}
        body = {
            "apiVersion": RESOURCES[kind].api_version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "ownerReferences": [deployment_manifest.owner_reference(owner)],
            },
            "revision": 1,
            "data": _manifest(existing),
        }
        found = await self._client.all_of(kind, namespace, fieldSelector=f"metadata.name={name}")
        for each in found:
            is_ours = labels.items() <= (each["metadata"].get("labels") or {}).items()
            if not is_ours or controller_uid(each) not in ("", owner.uid):
                raise Refused(f"ControllerRevision {name} exists and belongs to another object; delete or rename it")
            if each["data"] == body["data"] and controller_uid(each) == owner.uid:
                return name
            await writes.delete(self._client, kind, namespace, name, writes.State.of(each))
        await self._client.request(ApiVerb.CREATE, kind, RESOURCES[kind].path(namespace), body=body)
        return name


def _manifest(existing: Json) -> Json:
    """Return a Deployment as it can be created again: without what the API server sets and the controller writes."""
    metadata = {name: each for name, each in existing["metadata"].items() if name not in _SET_BY_SERVER}
    annotations = {name: each for name, each in (metadata.pop("annotations", None) or {}).items() if name != _REVISION}
    if annotations:
        metadata["annotations"] = annotations
    kept = {name: each for name, each in existing.items() if name not in ("metadata", "status")}
    return {**kept, "apiVersion": RESOURCES[Kind.DEPLOYMENT].api_version, "kind": Kind.DEPLOYMENT, "metadata": metadata}


def _selector(existing: Json) -> str:
    """Return the label selector of a Deployment as text, as far as it consists of `matchLabels` and is not too long.

    A part of it finds more objects, of which only those of known owners are used.
    """
    terms = [f"{name}={value}" for name, value in (existing["spec"]["selector"].get("matchLabels") or {}).items()]
    while len(text := ",".join(terms)) > LONGEST_SELECTOR:
        terms.pop()
    return text


def _compared(template: Json) -> Json:
    """Return a pod template without what the Deployment controller does not compare."""
    metadata = {name: each for name, each in template["metadata"].items() if name != "creationTimestamp"}
    labels = {name: each for name, each in (metadata.get("labels") or {}).items() if name != POD_TEMPLATE_HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _ours(template: Json) -> dict[str, str]:
    """Return the labels of the operator in a pod template."""
    return {name: each for name, each in template["metadata"]["labels"].items() if name in LABELS}


def _why_replaced(existing: Json, tried: Json, own: Sequence[Json]) -> str:
    """Return why pods of the existing template are replaced by those of the other one; empty: they are not.

    Both are as they are stored. The labels of the operator are no difference, because pods get them.
    """
    wanted, known = _compared(tried), _compared(existing)
    twin = next((each for each in own if _compared(each["spec"]["template"]) == wanted), None)
    if twin is not None and wanted != known:
        # The Deployment controller takes the oldest ReplicaSet that fits.
        return f"ReplicaSet {twin['metadata']['name']}, which was taken over before, has the same pod template"
    known["metadata"]["labels"] |= _ours(tried)
    if wanted == known:
        return ""
    path = "spec.template"
    found = difference(wanted, known, path)
    if found is not None:
        return f"{found.path} is not as in the existing one"
    added = difference(known, wanted, path)
    return f"{added.path if added is not None else path} of the existing one is not in spec.template"


def _named(raw: Json) -> AdoptedReplicaSet:
    return AdoptedReplicaSet(name=raw["metadata"]["name"], uid=raw["metadata"]["uid"])


def _is_free(raw: Json) -> bool:
    """Return whether nobody owns an object, and it is not being deleted."""
    return not raw["metadata"].get("ownerReferences") and "deletionTimestamp" not in raw["metadata"]
