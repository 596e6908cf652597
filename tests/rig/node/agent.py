"""The node itself: it registers, renews its lease, and runs the pods that are bound to it."""

import asyncio
import logging
import platform
from collections.abc import Mapping
from functools import partial
from typing import Any

from rig.node.api import Expired, Gone, Unavailable
from rig.node.clock import micro_timestamp, timestamp
from rig.node.host import Host
from rig.node.pod import PodRunner

log = logging.getLogger(__name__)
RENEW_SECONDS = 10
RECONNECT_SECONDS = 0.2
CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "200"}
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
_Pod = Mapping[str, Any]


class Addresses:
    """The addresses of one block that pods get, each to one pod at a time."""

    def __init__(self, block: str) -> None:
        """Take the block `127.x.y`, of which .1 is the node's own."""
        self._free = [f"{block}.{number}" for number in range(2, 255)]

    def take(self, wanted: str | None) -> str:
        """Return the wanted address where it is free, else the one that has been free longest.

        So that nobody meets a stranger on an address that was somebody else's a moment ago.
        """
        address = wanted if wanted in self._free else self._free[0]
        self._free.remove(address)
        return address

    def give_back(self, address: str) -> None:
        """Take an address back."""
        self._free.append(address)


class Agent:
    """One test node."""

    def __init__(self, host: Host) -> None:
        """Describe the node; nothing is started yet."""
        self._host = host
        self._addresses = Addresses(host.address_block)
        self._pods: dict[str, PodRunner] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready_since = timestamp()

    async def run(self) -> None:
        """Be a node until cancelled; then end all processes."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_registered())
                group.create_task(self._follow_pods())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stay_registered(self) -> None:
        name = self._host.name
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": ARCHITECTURE,
                },
            },
        }
        while True:
            try:
                await self._host.api.apply(f"/api/v1/nodes/{name}", node)
                await self._host.api.apply(f"/api/v1/nodes/{name}/status", node | {"status": self._status()})
                await self._renew_lease()
            except (Unavailable, Gone) as error:
                log.warning("not registered: %s", error)
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                await asyncio.sleep(RENEW_SECONDS)

    async def _renew_lease(self) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._host.name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": self._host.name, "leaseDurationSeconds": 40, "renewTime": micro_timestamp()},
        }
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self._host.name}"
        await self._host.api.apply(path, lease)

    def _status(self) -> dict[str, Any]:
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "RigNodeReady",
            "message": "the test node runs",
            "lastHeartbeatTime": timestamp(),
            "lastTransitionTime": self._ready_since,
        }
        return {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "addresses": [{"type": "InternalIP", "address": self._host.ip}],
            "conditions": [ready],
            "nodeInfo": {
                **dict.fromkeys(("bootID", "machineID", "systemUUID", "kubeProxyVersion"), ""),
                "kubeletVersion": "rig-node",
                "containerRuntimeVersion": "process://1",
                "kernelVersion": platform.release(),
                "osImage": "test node",
                "operatingSystem": "linux",
                "architecture": ARCHITECTURE,
            },
        }

    async def _follow_pods(self) -> None:
        while True:
            try:
                listed = await self._host.api.pods_of(self._host.name)
                self._compare(listed["items"])
                version = listed["metadata"]["resourceVersion"]
                async for event in self._host.api.watch_pods_of(self._host.name, version):
                    self._heard(event["type"], event["object"])
            except (Unavailable, Expired) as error:
                log.warning("pods are listed anew: %r", error)
                await asyncio.sleep(RECONNECT_SECONDS)

    def _compare(self, pods: list[_Pod]) -> None:
        """Forget the pods that a list no longer has, and look at all others."""
        for uid in self._pods.keys() - {each["metadata"]["uid"] for each in pods}:
            self._forget(uid)
        # Those first that had an address before this node started: they keep it.
        for each in sorted(pods, key=lambda pod: "podIP" not in pod.get("status", {})):
            self._look_at(each)

    def _heard(self, event: str, pod: _Pod) -> None:
        if event == "DELETED":
            self._forget(pod["metadata"]["uid"])
        else:
            self._look_at(pod)

    def _look_at(self, pod: _Pod) -> None:
        metadata = pod["metadata"]
        leaves = "deletionTimestamp" in metadata
        is_over = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if metadata["uid"] not in self._pods and (leaves or not is_over):
            self._start(pod)
        if leaves:
            self._pods[metadata["uid"]].delete(metadata["deletionGracePeriodSeconds"], metadata["generation"])

    def _forget(self, uid: str) -> None:
        # Only now: until its deletion is heard of, there may be older news of a pod whose runner has ended.
        if (runner := self._pods.pop(uid, None)) is not None:
            runner.forget()

    def _start(self, pod: _Pod) -> None:
        metadata, address = pod["metadata"], self._addresses.take(pod.get("status", {}).get("podIP"))
        self._pods[metadata["uid"]] = runner = PodRunner(self._host, pod, address)
        task = asyncio.create_task(runner.run(), name=f"{metadata['namespace']}/{metadata['name']}")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, address))
        log.info("%s runs on %s", task.get_name(), address)

    def _ended(self, address: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._addresses.give_back(address)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            log.error("%s was given up", task.get_name(), exc_info=error)
        else:
            log.info("%s has ended", task.get_name())
