"""Writes of the Deployment of a ModelDeployment, each with a precondition."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload
from pennant.core.facts.observation import Invalid, Snapshot, Workload
from pennant.core.workload.stored_values import difference
from pennant.kube.cache.store import Store
from pennant.kube.codec import decode, ignored_drift
from pennant.kube.codec.deployment_problem import in_fields_of_the_spec
from pennant.kube.http import writes
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Altered, Conflict, Refused

LEFT_TO_OTHERS = "others"
"""Takes the place of `Applied.fields_hash` where fields were left to others: no Deployment is as it was left then."""
_ATTEMPTS = 4
_DRY_RUN = {"dryRun": "All"}
_KIND = Kind.DEPLOYMENT


class DeploymentWriter:
    """Applies Deployments, and puts the responses into the store before it returns."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store

    async def write(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        """Apply the Deployment and return it as it is stored.

        Raises `Altered` where the stored object differs from the manifest, and otherwise any error of the port.
        """
        seen, asked_for = action.expected, action
        action = await self._leaving_ignored(owner, action)
        if seen is None or action.template is None:
            raw = await self._apply(owner, action, seen)
        else:
            raw = await self._replace_template(owner, action, seen)
            raw = await self._apply_after(owner, action, raw)
        asked = {name: action.manifest["metadata"].get(name) or {} for name in ("labels", "annotations")}
        spec = {**action.manifest["spec"], "template": action.template or action.manifest["spec"]["template"]}
        if (found := difference({"metadata": asked, "spec": spec}, raw)) is not None:
            raise Altered(str(found))
        workload = decode.deployment(raw).seen_by(owner.uid)
        if action != asked_for:
            # What is left to others is not as the operator wrote it. It counts as changed once it is not ignored.
            return replace(workload, fields_hash=LEFT_TO_OTHERS, generation=0)
        self._store.workloads.set_written(owner.key, workload)
        return workload

    async def _leaving_ignored(self, owner: Snapshot, action: ApplyWorkload) -> ApplyWorkload:
        """Return the write without the fields that `spec.ignoreDrift` leaves to others.

        Where the pod template is replaced, it keeps their values.

        Rule: R105.
        """
        ignored = None if isinstance(owner.spec, Invalid) else owner.spec.ignore_drift
        if ignored is None or action.expected is None:
            return action
        raw = await self._client.get(_KIND, owner.key.namespace, owner.key.name)
        if raw is None or raw["metadata"]["resourceVersion"] != action.expected.resource_version:
            raise Conflict(f"the Deployment {owner.key.name} changed before it was written")
        kept = ignored_drift.kept(raw, ignored)
        template = action.template
        if template is not None:
            template = ignored_drift.with_values({"spec": {"template": template}}, kept)["spec"]["template"]
        return replace(action, manifest=ignored_drift.without(action.manifest, kept), template=template)

    async def dry_run(self, owner: Snapshot, action: ApplyWorkload) -> None:
        """Send the first request of `write` as a dry run: the API server validates it and stores nothing."""
        seen, action = action.expected, await self._leaving_ignored(owner, action)
        if seen is None or action.template is None:
            await self._send_apply(action, seen, **_DRY_RUN)
        else:
            await self._send_template(owner, action, seen, **_DRY_RUN)

    async def tried_beside(self, owner: Snapshot, manifest: Json) -> Json:
        """Return the Deployment as it would be created, by a dry run under a generated name: its own is in use."""
        metadata = {name: each for name, each in manifest["metadata"].items() if name != "name"}
        body = {**manifest, "metadata": {**metadata, "generateName": f"{owner.key.name}-"}}
        path = RESOURCES[_KIND].path(owner.key.namespace)
        with _in_fields_of_the_spec():
            return await self._client.request(ApiVerb.CREATE, _KIND, path, params=_DRY_RUN, body=body)

    async def _apply(self, owner: Snapshot, action: ApplyWorkload, seen: Workload | None) -> Json:
        raw = await self._send_apply(action, seen)
        self._store.update(_KIND, None, raw, by=owner.key)
        return raw

    async def _send_apply(self, action: ApplyWorkload, seen: Workload | None, **options: str) -> Json:
        with _in_fields_of_the_spec():
            return await writes.apply(self._client, _KIND, action.manifest, seen, **options)

    async def _replace_template(self, owner: Snapshot, action: ApplyWorkload, seen: Workload) -> Json:
        """Replace the whole pod template: an apply would keep the fields that other managers own too.

        This comes before the apply, so that no pod is made of a mixture of both templates. The API server notes the
        fields that it changes under the operation Update as well, so the next time they count as owned by others.
        """
        raw = await self._send_template(owner, action, seen)
        self._store.update(_KIND, None, raw, by=owner.key)
        return raw

    async def _send_template(self, owner: Snapshot, action: ApplyWorkload, seen: Workload, **options: str) -> Json:
        operations: list[Json] = [
            {"op": "replace", "path": "/spec/template", "value": action.template},
            {"op": "add", "path": "/spec/paused", "value": action.manifest["spec"]["paused"]},
        ]
        with _in_fields_of_the_spec():
            return await writes.patch(
                self._client, _KIND, owner.key.namespace, owner.key.name, seen, operations, **options
            )

    async def _apply_after(self, owner: Snapshot, action: ApplyWorkload, replaced: Json) -> Json:
        """Apply the Deployment after its template was replaced; repeat where only its status changed meanwhile."""
        current: Json | None = replaced
        for _ in range(_ATTEMPTS):
            if current is None or current["metadata"]["generation"] != replaced["metadata"]["generation"]:
                break
            try:
                return await self._apply(owner, action, decode.deployment(current).workload)
            except Conflict:
                current = await self._client.get(_KIND, owner.key.namespace, owner.key.name)
        raise Conflict(f"the Deployment {owner.key.name} changed while it was written")


@contextmanager
def _in_fields_of_the_spec() -> Iterator[None]:
    """Name the fields of a refused Deployment as the ModelDeployment has them."""
    try:
        yield
    except Refused as error:
        raise type(error)(in_fields_of_the_spec(str(error))) from error
