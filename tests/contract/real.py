"""The backend on a real API server: the gateway may do what the table of permissions says, users may do anything."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from pennant.kube.cache.listing import relist
from pennant.kube.cache.read_through import ReadThroughCache
from pennant.kube.cache.store import Store
from pennant.kube.cluster import KubernetesCluster
from pennant.kube.events import EventRecorder
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.permissions import SERVED
from pennant.kube.versions import KubernetesVersions

BY_HAND = {"fieldManager": "kubectl"}
OPERATOR = "pennant-contract"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class WallClock:
    """The time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class RealBackend:
    """One namespace of a real API server."""

    namespace: str
    admin: Client
    client: Client
    store: Store
    cluster: KubernetesCluster
    versions: KubernetesVersions
    told: list[Key]
    """The ModelDeployments that are to be looked at anew, in the order in which they were told."""

    @property
    def key(self) -> Key:
        return Key(self.namespace, "fraud")

    async def deploy(self, spec: Json) -> None:
        await self.put(Kind.MODEL_DEPLOYMENT, "fraud", spec)

    async def publish(self, record: Json, tags: Sequence[str] = ()) -> None:
        name = f"{record['model']}-{record['version']}"
        await self.put(Kind.MODEL_VERSION, name, {**record, "tags": list(tags)})

    async def retract(self, version: str) -> None:
        await self.delete(Kind.MODEL_VERSION, f"fraud-{version}")

    async def withdraw(self) -> None:
        await self.delete(Kind.MODEL_DEPLOYMENT, "fraud")

    async def let_go(self) -> None:
        path = RESOURCES[Kind.MODEL_DEPLOYMENT].path(self.namespace, "fraud")
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"}
        await self.admin.request(ApiVerb.DELETE, Kind.MODEL_DEPLOYMENT, path, body=body)
        async with asyncio.timeout(30):
            while await self.admin.get(Kind.MODEL_DEPLOYMENT, self.namespace, "fraud") is not None:
                await asyncio.sleep(0.05)

    async def occupy(self) -> None:
        container = {"name": "foreign", "image": "registry.example/foreign:1"}
        template = {"metadata": {"labels": {"app": "foreign"}}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "selector": {"matchLabels": {"app": "foreign"}}, "template": template}
        await self.put(Kind.DEPLOYMENT, "fraud", spec)

    async def deploy_by_hand(self, template: Json, replicas: int) -> None:
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "fraud"}}, "template": template}
        await self.put(Kind.DEPLOYMENT, "fraud", spec)

    async def workload_image(self) -> str:
        raw = await self.admin.get(Kind.DEPLOYMENT, self.namespace, "fraud")
        assert raw is not None
        return str(raw["spec"]["template"]["spec"]["containers"][0]["image"])

    async def touch_workload(self) -> None:
        await self.merge(Kind.DEPLOYMENT, "fraud", {"metadata": {"annotations": {"by": "hand"}}})

    async def catch_up(self) -> None:
        await relist(self.client, self.store, self.namespace)

    async def put(self, kind: Kind, name: str, spec: Json) -> Json:
        """Create an object, or merge into its spec."""
        if await self.admin.get(kind, self.namespace, name) is not None:
            return await self.merge(kind, name, {"spec": spec})
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": RESOURCES[kind].api_version, "kind": kind, "metadata": metadata, "spec": spec}
        path = RESOURCES[kind].path(self.namespace)
        return await self.admin.request(ApiVerb.CREATE, kind, path, params=BY_HAND, body=body)

    async def merge(self, kind: Kind, name: str, change: Json) -> Json:
        """Change an object by hand."""
        path = RESOURCES[kind].path(self.namespace, name)
        return await self.admin.request(ApiVerb.PATCH, kind, path, params=BY_HAND, body=change, content_type=MERGE)

    async def delete(self, kind: Kind, name: str) -> Json:
        """Delete an object and leave what it owns to the garbage collector."""
        return await self.admin.request(ApiVerb.DELETE, kind, RESOURCES[kind].path(self.namespace, name))

    async def get(self, kind: Kind, name: str) -> Json:
        """Return an object that is there."""
        raw = await self.admin.get(kind, self.namespace, name)
        assert raw is not None
        return raw


@asynccontextmanager
async def real_backend(kubeconfig: Path, scratch: Path) -> AsyncIterator[RealBackend]:
    """Make a namespace, and a service account whose token the gateway uses."""
    namespace = f"contract-{uuid4().hex[:8]}"
    async with Client(Connection(str(kubeconfig))) as admin:
        await _create(admin, "/api/v1/namespaces", "v1", "Namespace", {"name": namespace})
        token = await _operator_token(admin, namespace)
        restricted = _with_token(kubeconfig, token, scratch / "operator.kubeconfig")
        told: list[Key] = []
        store = Store(changed=told.append)
        async with Client(Connection(str(restricted))) as client:
            cache, events = ReadThroughCache(client, store, namespace), EventRecorder(client, WallClock(), "contract")
            cluster, versions = KubernetesCluster(client, cache, events), KubernetesVersions(client, cache, events)
            yield RealBackend(namespace, admin, client, store, cluster, versions, told)


async def _operator_token(admin: Client, namespace: str) -> str:
    at = {"name": OPERATOR, "namespace": namespace}
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    await _create(admin, account, "v1", "ServiceAccount", at)
    rbac = "rbac.authorization.k8s.io/v1"
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(verbs)}
        for (group, resource), verbs in SERVED.items()
    ]
    roles = f"{RBAC}/namespaces/{namespace}/roles"
    await _create(admin, roles, rbac, "Role", at, rules=rules)
    await _create(
        admin,
        f"{RBAC}/namespaces/{namespace}/rolebindings",
        rbac,
        "RoleBinding",
        at,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": OPERATOR},
        subjects=[{"kind": "ServiceAccount", **at}],
    )
    path = f"{account}/{OPERATOR}/token"
    answer = await _create(admin, path, "authentication.k8s.io/v1", "TokenRequest", {}, spec={})
    return str(answer["status"]["token"])


async def _create(
    admin: Client, path: str, api_version: str, kind: str, metadata: Mapping[str, str], **rest: Any
) -> Json:
    # The kind is for telemetry only, and these are not among the operator's.
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
    return await admin.request(ApiVerb.CREATE, Kind.EVENT, path, body=body)


def _with_token(kubeconfig: Path, token: str, target: Path) -> Path:
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    target.write_text(yaml.safe_dump(config))
    return target
