"""One pod's life on the node, and its status."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rig.node import environment
from rig.node.api import Api, Gone
from rig.node.container import Container, timestamp

STATUS_SECONDS = 0.02


class PodRunner:
    """Runs the containers of one pod and tells the API server of them."""

    def __init__(
        self, api: Api, pod: Mapping[str, Any], pod_ip: str, host_ip: str, directory: Path, backoff_base_seconds: float
    ) -> None:
        """Describe the pod; nothing is started yet."""
        self._api, self.pod, self._pod_ip, self._host_ip = api, pod, pod_ip, host_ip
        self._directory, self._backoff_base = directory, backoff_base_seconds
        self._containers: list[Container] = []
        self._refused: dict[str, dict[str, Any]] = {}
        self._begun = timestamp()
        self._transitions: dict[str, tuple[str, str]] = {}
        self._changed = asyncio.Event()
        self._deleted = asyncio.Event()
        self._grace = float(pod["spec"].get("terminationGracePeriodSeconds", 30))

    @property
    def path(self) -> str:
        """Path of the pod at the API server."""
        metadata = self.pod["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

    def delete(self, grace_seconds: float) -> None:
        """Begin to end the pod."""
        self._grace = grace_seconds
        self._deleted.set()

    async def run(self, bad_images: tuple[str, ...]) -> None:
        """Run the pod until it is deleted."""
        self._prepare(bad_images)
        running = [asyncio.create_task(each.run()) for each in self._containers]
        telling = asyncio.create_task(self._tell())
        self._changed.set()
        try:
            await self._deleted.wait()
            for each in self._containers:
                each.ready = False
            self._changed.set()
            await asyncio.gather(*(each.stop(self._grace) for each in self._containers))
        finally:
            for task in (*running, telling):
                task.cancel()
            await asyncio.gather(*running, telling, return_exceptions=True)
            for each in self._containers:
                await each.stop(0)
        await self._api.delete(self.path, self.pod["metadata"]["uid"])

    def _prepare(self, bad_images: tuple[str, ...]) -> None:
        for spec in self.pod["spec"]["containers"]:
            image = spec.get("image", "")
            if image.startswith(bad_images):
                message = f"the test node does not have the image {image}"
                self._refused[spec["name"]] = {"reason": "ErrImagePull", "message": message}
                continue
            try:
                environment.check(self.pod)
                variables = environment.environment(self.pod, spec, self._pod_ip)
                command = environment.command(spec, variables)
            except environment.Unsupported as error:
                self._refused[spec["name"]] = {"reason": "CreateContainerConfigError", "message": str(error)}
                continue
            policy = self.pod["spec"].get("restartPolicy", "Always")
            place = self._directory / spec["name"]
            self._containers.append(
                Container(spec, command, variables, self._pod_ip, place, policy, self._changed.set, self._backoff_base)
            )

    async def _tell(self) -> None:
        """Write the status whenever it is another one; changes that come together are written together."""
        written: dict[str, Any] = {}
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.sleep(STATUS_SECONDS)
            status = self.status()
            if status == written:
                continue
            try:
                await self._api.patch(f"{self.path}/status", {"metadata": self._uid(), "status": status})
                written = status
            except Gone:
                return
            except OSError:
                # The API server is away: what is true now is told when it is back.
                await asyncio.sleep(0.5)
                self._changed.set()

    def _uid(self) -> dict[str, str]:
        return {"uid": self.pod["metadata"]["uid"]}

    def status(self) -> dict[str, Any]:
        """Return the pod's status."""
        statuses = [each.status() for each in self._containers]
        statuses += [self._refused_status(name, waiting) for name, waiting in self._refused.items()]
        ready = bool(statuses) and all(each["ready"] for each in statuses) and not self._deleted.is_set()
        return {
            "phase": self._phase(statuses),
            "hostIP": self._host_ip,
            "hostIPs": [{"ip": self._host_ip}],
            "podIP": self._pod_ip,
            "podIPs": [{"ip": self._pod_ip}],
            "startTime": self._begun,
            "conditions": [
                self._condition("PodReadyToStartContainers", True),
                self._condition("Initialized", True),
                self._condition("ContainersReady", ready),
                self._condition("Ready", ready),
            ],
            "containerStatuses": statuses,
        }

    def _refused_status(self, name: str, waiting: dict[str, Any]) -> dict[str, Any]:
        image = next(each.get("image", "") for each in self.pod["spec"]["containers"] if each["name"] == name)
        return {
            "name": name,
            "image": image,
            "imageID": "",
            "ready": False,
            "started": False,
            "restartCount": 0,
            "state": {"waiting": waiting},
            "lastState": {},
        }

    def _phase(self, statuses: list[dict[str, Any]]) -> str:
        ended = [each["state"].get("terminated") for each in statuses]
        if statuses and all(ended):
            return "Succeeded" if all(each and each["exitCode"] == 0 for each in ended) else "Failed"
        return "Pending" if self._refused and not self._containers else "Running"

    def _condition(self, kind: str, holds: bool) -> dict[str, Any]:
        status = "True" if holds else "False"
        if self._transitions.get(kind, ("", ""))[0] != status:
            self._transitions[kind] = (status, timestamp())
        condition = {"type": kind, "status": status, "lastTransitionTime": self._transitions[kind][1]}
        return condition if holds else condition | {"reason": "ContainersNotReady"}
