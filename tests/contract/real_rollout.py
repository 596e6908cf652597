"""A rollout by the real kube-controller-manager, whose pods nobody schedules and a test makes ready."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp

from contract.rollouts import NAME, Told
from pennant.api.meta import Json
from pennant.kube.http.client import JSON, MERGE
from rig import Rig

CONTROLLERS = "kube-controller-manager"
QUIET = 0.2
"""Seconds without news after which it is looked whether all is at rest."""
PATIENCE = 20.0


class RealRollout:
    """A Deployment in a namespace of its own."""

    def __init__(self, rig: Rig, session: aiohttp.ClientSession, namespace: str) -> None:
        self.told: list[Told] = []
        self._rig, self._session, self._namespace = rig, session, namespace
        self._heard_at = 0.0
        self._exists, self._away = False, False

    async def create(self, spec: Json) -> None:
        labels = {"matchLabels": {"app": NAME}}
        await self._ask(
            "POST", self._path("deployments"), {"metadata": {"name": NAME}, "spec": {**spec, "selector": labels}}
        )
        self._exists = True

    async def change(self, spec: Json) -> None:
        await self._ask("PATCH", self._path("deployments", NAME), {"spec": spec}, MERGE)

    async def ready(self, template: str, is_ready: bool) -> None:
        chosen, *_ = [each for each in await self._pods(template) if _is_ready(each) is not is_ready]
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        condition = {"type": "Ready", "status": str(is_ready), "lastTransitionTime": now}
        await self._tell(chosen, {"phase": "Running", "conditions": [condition]})

    async def evict(self, template: str) -> None:
        pod, *_ = await self._pods(template)
        await self._tell(pod, {"phase": "Failed", "reason": "Evicted", "conditions": []})

    async def limit_pods(self, number: int | None) -> None:
        if number is None:
            await self._ask("DELETE", self._path("resourcequotas", "pods"))
            await self._until(self._all_are_created)
            return
        body = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(number)}}}
        await self._ask("POST", self._path("resourcequotas"), body)
        await self._until(self._is_counted)

    async def have_controllers(self, away: bool) -> None:
        act = self._rig.stop_part if away else self._rig.start_part
        # In this very thread: a part ends with the one that started it.
        act(CONTROLLERS)
        self._away = away

    async def pass_a_second(self) -> None:
        await asyncio.sleep(1)

    async def come_to_rest(self) -> None:
        """Wait until every count is the one of what it counts, and nothing has been heard for a while."""
        loop = asyncio.get_running_loop()
        begun = loop.time()

        async def is_at_rest() -> bool:
            if loop.time() - max(self._heard_at, begun) < QUIET:
                return False
            return self._away or await self._all_is_counted()

        await self._until(is_at_rest)

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while not await holds():
            assert loop.time() - begun < PATIENCE, f"{holds.__name__} does not come to hold; told: {self.told[-1:]}"
            await asyncio.sleep(QUIET / 10)

    async def _is_counted(self) -> bool:
        """Return whether the quota is heeded, as it is once its controller has counted."""
        found = await self._ask("GET", self._path("resourcequotas", "pods"))
        return bool(found["status"].get("used"))

    async def _all_are_created(self) -> bool:
        """Return whether no ReplicaSet waits for pods that were refused."""
        sets = (await self._ask("GET", self._path("replicasets")))["items"]
        return all(each["status"].get("replicas", 0) >= each["spec"]["replicas"] for each in sets)

    async def _all_is_counted(self) -> bool:
        if not self._exists:
            return True
        deployment = await self._ask("GET", self._path("deployments", NAME))
        sets = (await self._ask("GET", self._path("replicasets")))["items"]
        pods = await self._pods()
        for each in sets:
            own = [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["uid"] == each["metadata"]["uid"]]
            counts = (len(own), sum(_is_ready(pod) for pod in own))
            if not _is_observed(each) or _counts(each, "replicas", "readyReplicas") != counts:
                return False
        names = ("replicas", "readyReplicas", "availableReplicas")
        totals = [sum(numbers) for numbers in zip((0, 0, 0), *(_counts(each, *names) for each in sets), strict=True)]
        return _is_observed(deployment) and [*_counts(deployment, *names)] == totals

    async def watch(self, begun: asyncio.Event) -> None:
        """Hear of the Deployment, until cancelled."""
        found = await self._ask("GET", self._path("deployments"))
        path = f"{self._path('deployments')}?watch=1&resourceVersion={found['metadata']['resourceVersion']}"
        async with self._session.get(path, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            begun.set()
            async for line in answer.content:
                raw = json.loads(line)["object"]
                self._heard_at = asyncio.get_running_loop().time()
                if (told := _told(raw)) not in self.told[-1:]:
                    self.told.append(told)

    async def make_namespace(self) -> None:
        await self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": self._namespace}})

    async def delete_namespace(self) -> None:
        await self._ask("DELETE", f"/api/v1/namespaces/{self._namespace}")

    async def _pods(self, template: str = "") -> list[Json]:
        """Return the pods that count for their ReplicaSets, of one template or of all."""
        selector = f"?labelSelector=pennant.dev/version={template}" if template else ""
        found = await self._ask("GET", f"{self._path('pods')}{selector}")
        pods: list[Json] = found["items"]
        return [each for each in pods if "deletionTimestamp" not in each["metadata"] and _phase(each) != "Failed"]

    async def _tell(self, pod: Json, status: Json) -> None:
        """Report of a pod as its kubelet would."""
        await self._ask("PATCH", f"{self._path('pods', pod['metadata']['name'])}/status", {"status": status}, MERGE)

    def _path(self, plural: str, name: str = "") -> str:
        api = "/apis/apps/v1" if plural in ("deployments", "replicasets") else "/api/v1"
        return f"{api}/namespaces/{self._namespace}/{plural}{f'/{name}' if name else ''}"

    async def _ask(self, method: str, path: str, body: Json | None = None, content_type: str = JSON) -> Any:
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            content = await answer.json()
            assert answer.status < 300, content
            return content


@asynccontextmanager
async def real_rollout(rig: Rig) -> AsyncIterator[RealRollout]:
    """Make a namespace for a rollout, and watch it."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(rig.ca_file)))
    headers = {"Authorization": f"Bearer {rig.admin_token}"}
    async with aiohttp.ClientSession(rig.api_server, connector=connector, headers=headers) as session:
        rollout = RealRollout(rig, session, f"rollout-{uuid4().hex[:8]}")
        await rollout.make_namespace()
        begun = asyncio.Event()
        watching = asyncio.create_task(rollout.watch(begun))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        try:
            yield rollout
        finally:
            watching.cancel()
            # A watch that still reads when the session closes leaves its connection open.
            await asyncio.wait((watching,))
            await rollout.delete_namespace()


def _phase(pod: Json) -> str:
    return str(pod["status"].get("phase", ""))


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _is_observed(raw: Json) -> bool:
    return bool((raw.get("status") or {}).get("observedGeneration", 0) == raw["metadata"]["generation"])


def _counts(raw: Json, *names: str) -> tuple[int, ...]:
    status = raw.get("status") or {}
    return tuple(status.get(each, 0) for each in names)


def _told(raw: Json) -> Told:
    status = raw.get("status") or {}
    conditions = status.get("conditions") or ()
    return Told(
        observed=_is_observed(raw),
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        unavailable=status.get("unavailableReplicas", 0),
        conditions=frozenset((each["type"], each["status"], each["reason"]) for each in conditions),
    )
