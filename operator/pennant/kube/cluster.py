"""The port `Cluster` on a real API server: snapshots from the store, writes with preconditions.

What a write answers goes into the store before the caller goes on, so that no later snapshot is older than it.
A write that was refused for its precondition, or whose fate is unknown, has the next snapshot read from a quorum.

Rule: R16.
Rule: R95.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pennant.api import API_VERSION
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload, Event, MirrorQuarantine
from pennant.core.facts.observation import Key, Revision, Snapshot, Workload
from pennant.core.facts.pods import Pods
from pennant.core.rollout import integrity
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, TEMPLATE_HASH_LABEL, with_restart
from pennant.core.workload import deployment_manifest
from pennant.core.workload.stored_values import difference
from pennant.kube.cache.listing import refresh, relist_kind
from pennant.kube.cache.sharing import Pool
from pennant.kube.cache.store import Store, versions_in
from pennant.kube.codec import translate
from pennant.kube.codec.metadata import controller_uid, sole_owner
from pennant.kube.codec.pods import pods, replica_set_of
from pennant.kube.codec.translate import Recorded
from pennant.kube.events import Regarding, record
from pennant.kube.http.client import APPLY, JSON_PATCH, MERGE, Client, Verb
from pennant.kube.http.errors import Missing
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Altered, Clock, Conflict, Ending, PortError, Refused, Unavailable

_log = logging.getLogger(__name__)

# No object ever has it: etcd's first revision is empty. An apply with it creates, and conflicts with whatever exists,
# even where every field that we set would agree and an apply without precondition would quietly take over.
_NO_OBJECT = "1"
_ATTEMPTS = 4


class KubernetesCluster:
    """Implements `ports.Cluster`."""

    def __init__(
        self, client: Client, store: Store, clock: Clock, *, namespace: str = "", instance: str = "operator"
    ) -> None:
        """Serve all namespaces or one; `instance` is the name that Events report this process by."""
        self._client = client
        self._store = store
        self._clock = clock
        self._namespace = namespace
        self.instance = instance
        self._listing = asyncio.Lock()

    def invalidate(self) -> None:
        """Read everything from a quorum before it is served again: for the start and for taking over."""
        self._store.mark_all_stale()

    async def snapshot(self, key: Key) -> Snapshot | None:
        """Return what is known; None where the ModelDeployment does not exist."""
        if key not in self._store.freshness:
            await self._look_again(key)
        await self.know_versions(key.namespace)
        if (unread := self._store.unread(key)) is not None:
            await self._read_version(unread, key)
        uid = self._store.uid(key)
        if uid is not None and not self._store.has_revisions(uid):
            await self._load_revisions(key, uid)
        else:
            known = self._store.snapshot(key)
            if uid is not None and known is not None and not integrity.is_whole(known):
                # Nobody tells of a record that was put right: none is watched.
                await self._load_revisions(key, uid)
        if self._store.may_be_put_back(key):
            await self._compare(key)
            if uid is not None and not self._store.has_revisions(uid):
                # Others needed the room meanwhile.
                await self._load_revisions(key, uid)
        return self._store.snapshot(key)

    async def pods(self, owner: Snapshot, template_hash: str) -> Pods:
        """Return the pods whose label `pennant.dev/template-hash` has this value, and their ReplicaSet.

        Both are quorum reads. The pods are read last: what they show is never older than what their ReplicaSet counts.
        """
        if owner.workload is None:
            return Pods(template_hash, None)
        selector = f"{DEPLOYMENT_LABEL}={owner.key.name},{TEMPLATE_HASH_LABEL}={template_hash}"
        sets = await self._all(Kind.REPLICA_SET, owner.key.namespace, selector)
        found = await self._all(Kind.POD, owner.key.namespace, selector)
        return pods(template_hash, replica_set_of(sets, owner.workload.uid), found)

    async def _all(self, kind: Kind, namespace: str, selector: str) -> list[Json]:
        pages = self._client.pages(kind, namespace, labelSelector=selector)
        return [raw async for page in pages for raw in page["items"]]

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        """Create the ControllerRevision; `Conflict` where the name is taken."""
        kind, path = Kind.CONTROLLER_REVISION, RESOURCES[Kind.CONTROLLER_REVISION].path(owner.key.namespace)
        body = translate.controller_revision(owner, revision)
        with self._doubting(owner.key):
            try:
                raw = await self._client.request(Verb.CREATE, kind, path, body=body)
            except Conflict as error:
                if await self._is_about_to_go(owner, revision.entry.revision):
                    raise Ending(str(error)) from error
                raise
        if (created := translate.recorded(raw)) is None:
            # It would be created again and again, under one number after the other.
            name = raw["metadata"]["name"]
            with suppress(PortError):
                await self._delete(owner, name, raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
            raise Refused(f"ControllerRevision {name} was changed on its way, and is no record any more")
        self._store.add_revision(owner.uid, created)
        # The newest hash stands for all before it, and is evidence where nobody can change it any more.
        entry = created.revision.entry
        told = {"key": owner.key, "revision": entry.revision, "hash": entry.hash}
        _log.info("Revision recorded", extra=told)

    async def adopt_revision(self, owner: Snapshot, revision: int) -> None:
        """Make the ModelDeployment the owner of a ControllerRevision that belongs to no object that is there."""
        known = self._store.find_revision(owner.uid, revision)
        if known is None:
            raise Conflict(f"revision {revision} is not known")
        name = translate.revision_name(owner.key, revision)
        with self._doubting(owner.key):
            raw = await self._adopt(owner, Kind.CONTROLLER_REVISION, name, known.uid, known.resource_version)
        if (adopted := translate.recorded(raw)) is not None:
            self._store.add_revision(owner.uid, adopted)

    async def adopt_workload(self, owner: Snapshot, seen: Workload) -> None:
        """Make the ModelDeployment the owner of this Deployment, which belongs to no object that is there."""
        with self._doubting(owner.key):
            raw = await self._adopt(owner, Kind.DEPLOYMENT, owner.key.name, seen.uid, seen.resource_version)
        self._store.heard(Kind.DEPLOYMENT, None, raw, by=owner.key)

    async def _adopt(self, owner: Snapshot, kind: Kind, name: str, uid: str, resource_version: str) -> Json:
        """Replace the owners of an object: what belongs to nobody has none, or one that is not there any more."""
        references = [deployment_manifest.owner_reference(owner)]
        body = {"metadata": {"uid": uid, "resourceVersion": resource_version, "ownerReferences": references}}
        path = RESOURCES[kind].path(owner.key.namespace, name)
        try:
            return await self._client.request(Verb.PATCH, kind, path, body=body, content_type=MERGE)
        except Missing as error:
            # The garbage collector was faster.
            raise Conflict(str(error)) from error

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        """Note the progress of a revision on its ControllerRevision, which is otherwise never changed."""
        kind = Kind.CONTROLLER_REVISION
        known = self._store.find_revision(owner.uid, entry.revision)
        if known is None:
            raise Conflict(f"revision {entry.revision} is not known")
        annotations = {translate.PROGRESS_ANNOTATION: translate.progress(entry)}
        metadata = {"uid": known.uid, "resourceVersion": known.resource_version, "annotations": annotations}
        path = RESOURCES[kind].path(owner.key.namespace, translate.revision_name(owner.key, entry.revision))
        with self._doubting(owner.key):
            try:
                body = {"metadata": metadata}
                raw = await self._client.request(Verb.PATCH, kind, path, body=body, content_type=MERGE)
            except Missing as error:
                raise Conflict(str(error)) from error
        if (marked := translate.recorded(raw)) is not None:
            self._store.add_revision(owner.uid, marked)

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        """Delete the ControllerRevision; one that is already gone is no error."""
        known = self._store.find_revision(owner.uid, revision)
        if known is None:
            return
        name = translate.revision_name(owner.key, revision)
        with self._doubting(owner.key):
            await self._delete(owner, name, known.uid, known.resource_version)
        self._store.drop_revision(owner.uid, revision)

    async def _delete(self, owner: Snapshot, name: str, uid: str, resource_version: str) -> None:
        """Delete exactly this state of a ControllerRevision, if it is still there."""
        kind = Kind.CONTROLLER_REVISION
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        try:
            await self._client.request(Verb.DELETE, kind, RESOURCES[kind].path(owner.key.namespace, name), body=body)
        except Missing:
            _log.debug("%s is already gone", name)

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        """Apply the Deployment and return it as it is now; `Altered` where it is not what was asked for."""
        seen = action.seen
        with self._doubting(owner.key):
            if seen is None or action.template is None:
                raw = await self._apply(owner, action, seen)
            else:
                raw = await self._replace(owner, action, seen)
                raw = await self._apply_over(owner, action, raw)
        asked = {name: action.manifest["metadata"].get(name) or {} for name in ("labels", "annotations")}
        spec = {**action.manifest["spec"], "template": action.template or action.manifest["spec"]["template"]}
        if (found := difference({"metadata": asked, "spec": spec}, raw)) is not None:
            raise Altered(str(found))
        return translate.placed(raw).seen_by(owner.uid)

    async def _apply(self, owner: Snapshot, action: ApplyWorkload, seen: Workload | None) -> Json:
        kind = Kind.DEPLOYMENT
        precondition = {"resourceVersion": _NO_OBJECT}
        if seen is not None:
            precondition = {"uid": seen.uid, "resourceVersion": seen.resource_version}
        metadata = {**action.manifest["metadata"], **precondition}
        raw = await self._client.request(
            Verb.PATCH,
            kind,
            RESOURCES[kind].path(owner.key.namespace, metadata["name"]),
            params={"force": "false" if seen is None else "true"},
            body={**action.manifest, "metadata": metadata},
            content_type=APPLY,
        )
        self._store.heard(kind, None, raw, by=owner.key)
        return raw

    async def _replace(self, owner: Snapshot, action: ApplyWorkload, seen: Workload) -> Json:
        """Replace the pod template whole, so that nothing of an older one is left, whoever owns it.

        It comes before the apply: pods are made of what was asked for, and of nothing in between. What it changes
        belongs to this write as well as to the apply, and so counts as owned by others the next time.
        """
        kind = Kind.DEPLOYMENT
        body: list[Json] = [
            {"op": "replace", "path": "/metadata/uid", "value": seen.uid},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": seen.resource_version},
            {"op": "replace", "path": "/spec/template", "value": action.template},
            {"op": "add", "path": "/spec/paused", "value": action.manifest["spec"]["paused"]},
        ]
        path = RESOURCES[kind].path(owner.key.namespace, owner.key.name)
        raw = await self._client.request(Verb.PATCH, kind, path, body=body, content_type=JSON_PATCH)
        self._store.heard(kind, None, raw, by=owner.key)
        return raw

    async def _apply_over(self, owner: Snapshot, action: ApplyWorkload, replaced: Json) -> Json:
        """Apply the Deployment right after its template was replaced: its controller writes the status meanwhile."""
        kind, name = Kind.DEPLOYMENT, owner.key.name
        current: Json | None = replaced
        for _ in range(_ATTEMPTS):
            if current is None or current["metadata"]["generation"] != replaced["metadata"]["generation"]:
                break
            try:
                return await self._apply(owner, action, translate.placed(current).workload)
            except Conflict:
                current = await self._client.get(kind, owner.key.namespace, name)
        raise Conflict(f"the Deployment {name} changed while it was written")

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        """Replace the status of the ModelDeployment."""
        kind = Kind.MODEL_DEPLOYMENT
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {
                "name": owner.key.name,
                "namespace": owner.key.namespace,
                "uid": owner.uid,
                "resourceVersion": owner.resource_version,
            },
            "status": translate.status_to_write(owner, status),
        }
        path = RESOURCES[kind].path(owner.key.namespace, owner.key.name, "status")
        self._store.sending(owner.key, status)
        with self._doubting(owner.key):
            raw = await self._client.request(Verb.UPDATE, kind, path, body=body)
        self._store.heard(kind, None, raw, by=owner.key)

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        """Replace `status.quarantinedBy` of the ModelVersion."""
        kind, version = Kind.MODEL_VERSION, action.version
        body = {
            "metadata": {"uid": version.uid, "resourceVersion": version.resource_version},
            "status": {"quarantinedBy": [each.to_json() for each in action.quarantined_by]},
        }
        path = RESOURCES[kind].path(owner.key.namespace, version.name, "status")
        try:
            raw = await self._client.request(Verb.PATCH, kind, path, body=body, content_type=MERGE)
        except (Conflict, Unavailable):
            await refresh(self._client, self._store, kind, Key(owner.key.namespace, version.name), by=owner.key)
            raise
        self._store.heard(kind, None, raw, by=owner.key)

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        """Record a Kubernetes Event on the ModelDeployment; one that is lost is logged, no more."""
        regarding = Regarding(Kind.MODEL_DEPLOYMENT, owner.key, owner.uid, owner.resource_version)
        await record(self._client, regarding, event, self._clock.now(), self.instance)

    async def _look_again(self, key: Key) -> None:
        mark = self._store.freshness.mark()
        await asyncio.gather(
            refresh(self._client, self._store, Kind.MODEL_DEPLOYMENT, key, by=key),
            refresh(self._client, self._store, Kind.DEPLOYMENT, key, by=key),
        )
        self._store.freshness.mark_fresh(key, mark)

    async def _compare(self, key: Key) -> None:
        """Find out whether the Deployment's pod template is the recorded one whose hash it carries.

        Templates are large, so none is kept for that; it is read again in the rare case that somebody puts one back.
        """
        kind = Kind.DEPLOYMENT
        raw = await self._client.get(kind, key.namespace, key.name)
        if raw is None:
            self._store.gone(kind, key, self._store.resource_version(kind, key), by=key)
            return
        self._store.heard(kind, None, raw, by=key)
        workload = translate.placed(raw).workload
        template = self._store.template(key, workload.template_hash)
        # A restart on top of it does not make it another one.
        found = template is not None and difference(with_restart(template, ""), raw["spec"]["template"]) is None
        self._store.compared(key, workload, as_recorded=found)

    async def know_versions(self, namespace: str) -> None:
        """Read all ModelVersions from a quorum, or those of one namespace, where they are not to be trusted."""
        freshness = self._store.freshness
        # One list serves all who wait for it.
        async with self._listing:
            if Kind.MODEL_VERSION not in freshness:
                await relist_kind(self._client, self._store, Kind.MODEL_VERSION, self._namespace)
            if freshness.is_stale(versions_in(namespace)):
                mark = freshness.mark()
                await relist_kind(self._client, self._store, Kind.MODEL_VERSION, namespace)
                freshness.mark_fresh(versions_in(namespace), mark)

    async def _read_version(self, name: Key, by: Key) -> None:
        """Read the record of a version that is asked for by name; most of those without a tag are kept without."""
        raw = await self._client.get(Kind.MODEL_VERSION, name.namespace, name.name)
        if raw is None:
            self._store.gone(Kind.MODEL_VERSION, name, self._store.resource_version(Kind.MODEL_VERSION, name), by=by)
        else:
            self._store.read_version(raw, by=by)

    async def _load_revisions(self, key: Key, uid: str) -> None:
        label = f"{DEPLOYMENT_LABEL}={key.name}"
        pages = self._client.pages(Kind.CONTROLLER_REVISION, key.namespace, labelSelector=label)
        pool, found, taken = Pool(), list[Recorded](), set[int]()
        async for page in pages:
            # Each page is let go before the next one is read: a revision may be as large as any object.
            for raw in page["items"]:
                number = translate.revision_number(raw)
                if number is None or not _is_named_after(raw, key):
                    continue
                if controller_uid(raw) == uid:
                    each = translate.recorded(raw, pool)
                elif _is_left_behind(raw, key, uid):
                    # What belongs to nobody may be ours again; the decision says so.
                    each = translate.orphaned(raw, pool)
                else:
                    continue
                if each is None:
                    taken.add(number)
                else:
                    found.append(each)
        self._store.put_revisions(uid, found)
        self._store.take_numbers(uid, taken)

    async def _is_about_to_go(self, owner: Snapshot, number: int) -> bool:
        """Return whether what has the name of a revision is that of a predecessor, which is being collected.

        A number whose name something has that is, and stays, no revision of this object is passed over from now on.
        """
        name = translate.revision_name(owner.key, number)
        pages = self._client.pages(Kind.CONTROLLER_REVISION, owner.key.namespace, fieldSelector=f"metadata.name={name}")
        found = [raw async for page in pages for raw in page["items"]]
        if any(_is_going(raw, owner) for raw in found):
            return True
        if not all(_is_of(raw, owner) and translate.recorded(raw) for raw in found):
            _log.warning("%s is no record of %s, so revision %d is passed over", name, owner.key, number)
            self._store.take_numbers(owner.uid, (number,))
        return False

    @contextmanager
    def _doubting(self, key: Key) -> Iterator[None]:
        """Have the ModelDeployment read anew after a write that failed, or that may have."""
        try:
            yield
        except (Conflict, Unavailable):
            self._store.mark_stale(key)
            raise


def _is_named_after(raw: Json, owner: Key) -> bool:
    """Return whether a ControllerRevision has a name that a revision of this ModelDeployment can have."""
    number = translate.revision_number(raw)
    return number is not None and raw["metadata"]["name"] == translate.revision_name(owner, number)


def _is_left_behind(raw: Json, owner: Key, uid: str) -> bool:
    """Return whether a ControllerRevision belongs to nobody: its owner is gone, or it came without one."""
    left_by = sole_owner(raw, owner)
    return left_by is not None and left_by != uid and "deletionTimestamp" not in raw["metadata"]


def _is_of(raw: Json, owner: Snapshot) -> bool:
    """Return whether a ControllerRevision is found among those of a ModelDeployment, or may become one of them."""
    labelled = (raw["metadata"].get("labels") or {}).get(DEPLOYMENT_LABEL) == owner.key.name
    return labelled and (controller_uid(raw) == owner.uid or _is_left_behind(raw, owner.key, owner.uid))


def _is_going(raw: Json, owner: Snapshot) -> bool:
    """Return whether a ControllerRevision is that of a predecessor of this name, and is about to be collected."""
    references = raw["metadata"].get("ownerReferences") or ()
    return any((each["kind"], each["name"]) == (Kind.MODEL_DEPLOYMENT, owner.key.name) for each in references) and (
        controller_uid(raw) != owner.uid
    )
