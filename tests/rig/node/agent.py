"""The node itself: it registers, renews its lease, and runs the pods that are bound to it."""

import asyncio
import platform
from pathlib import Path
from typing import Any

from rig.node.api import Api, Expired, Gone
from rig.node.container import timestamp
from rig.node.pod import PodRunner

LEASE_SECONDS = 10
RECONNECT_SECONDS = 0.2
CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "500"}


class Agent:
    """One test node."""

    def __init__(
        self,
        api: Api,
        name: str,
        directory: Path,
        address_block: str,
        bad_images: tuple[str, ...],
        backoff_base_seconds: float,
    ) -> None:
        """Run pods in a directory, on addresses of a block `127.x.y`."""
        self._api, self._name, self._directory, self._block = api, name, directory, address_block
        self._bad_images, self._backoff_base = bad_images, backoff_base_seconds
        self._pods: dict[str, tuple[PodRunner, asyncio.Task[None]]] = {}
        self._addresses = [f"{address_block}.{number}" for number in range(254, 1, -1)]

    async def run(self) -> None:
        """Be a node until cancelled; then end all pods."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_registered())
                group.create_task(self._follow_pods())
        finally:
            for _, task in self._pods.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._pods.values()), return_exceptions=True)

    async def _stay_registered(self) -> None:
        while True:
            try:
                await self._register()
                await asyncio.sleep(LEASE_SECONDS)
            except (OSError, Gone):
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _register(self) -> None:
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": _labels(self._name)},
            "spec": {},
        }
        await self._create("/api/v1/nodes", node)
        await self._api.patch(f"/api/v1/nodes/{self._name}/status", {"status": self._status()})
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": self._name, "leaseDurationSeconds": 40, "renewTime": _micro_time()},
        }
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        if not await self._create(leases, lease):
            await self._api.patch(f"{leases}/{self._name}", {"spec": lease["spec"]})

    async def _create(self, path: str, body: dict[str, Any]) -> bool:
        try:
            await self._api.request("POST", path, body)
        except Gone:
            return False
        return True

    def _status(self) -> dict[str, Any]:
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "RigNodeReady",
            "message": "the test node runs",
            "lastHeartbeatTime": timestamp(),
        }
        return {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "addresses": [{"type": "InternalIP", "address": f"{self._block}.1"}],
            "conditions": [ready],
            "nodeInfo": {
                **dict.fromkeys(("bootID", "machineID", "systemUUID", "kubeProxyVersion"), ""),
                "kubeletVersion": "rig-node",
                "containerRuntimeVersion": "process://1",
                "kernelVersion": platform.release(),
                "osImage": "test node",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        }

    async def _follow_pods(self) -> None:
        selector = f"spec.nodeName={self._name}"
        while True:
            try:
                listed = await self._api.request("GET", f"/api/v1/pods?fieldSelector={selector}")
                self._compare(listed["items"])
                version = listed["metadata"]["resourceVersion"]
                async for event in self._api.watch("/api/v1/pods", selector, version):
                    self._heard(event["type"], event["object"])
            except (OSError, Gone, Expired):
                await asyncio.sleep(RECONNECT_SECONDS)

    def _compare(self, pods: list[dict[str, Any]]) -> None:
        """End the pods that a list no longer has, and look at all others."""
        listed = {each["metadata"]["uid"] for each in pods}
        for uid in self._pods.keys() - listed:
            self._pods[uid][0].delete(0)
        for each in pods:
            self._heard("MODIFIED", each)

    def _heard(self, event: str, pod: dict[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        if event == "DELETED":
            if uid in self._pods:
                self._pods[uid][0].delete(0)
        elif "deletionTimestamp" in pod["metadata"]:
            if uid not in self._pods:
                self._start(uid, pod)
            self._pods[uid][0].delete(float(pod["metadata"].get("deletionGracePeriodSeconds", 30)))
        elif uid not in self._pods and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            self._start(uid, pod)

    def _start(self, uid: str, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        address = self._addresses.pop()
        place = self._directory / f"{metadata['namespace']}_{metadata['name']}_{uid}"
        runner = PodRunner(self._api, pod, address, f"{self._block}.1", place, self._backoff_base)
        task = asyncio.create_task(runner.run(self._bad_images))
        self._pods[uid] = (runner, task)
        task.add_done_callback(lambda _: self._ended(uid, address))

    def _ended(self, uid: str, address: str) -> None:
        del self._pods[uid]
        # The address that was free longest is used next, so that nobody meets a stranger on a known one.
        self._addresses.insert(0, address)


def _labels(name: str) -> dict[str, str]:
    return {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}


def _micro_time() -> str:
    return timestamp().replace("Z", ".000000Z")
