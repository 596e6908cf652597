"""What all pods of a node share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from rig.node.api import Api
from rig.node.environment import Images


@dataclass(frozen=True, slots=True)
class Host:
    """The node as a container sees it."""

    api: Api
    web: aiohttp.ClientSession
    """Asks the probes."""
    name: str
    address_block: str
    """The first three numbers of the addresses of pods, such as 127.64.1."""
    directory: Path
    images: Images
    backoff_base_seconds: float

    @property
    def ip(self) -> str:
        """The node's own address."""
        return f"{self.address_block}.1"

    def pod_directory(self, pod: Mapping[str, Any]) -> Path:
        """Return where the containers of a pod work and log."""
        metadata = pod["metadata"]
        return self.directory / f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"

    def volume_directory(self, pod: Mapping[str, Any], volume: str) -> Path:
        """Return the directory of an emptyDir or a claim of a pod. No container has a name that begins with a dot."""
        volumes = {each["name"]: each for each in pod["spec"].get("volumes") or ()}
        if (claim := volumes.get(volume, {}).get("persistentVolumeClaim")) is not None:
            return self.directory / ".claims" / f"{pod['metadata']['namespace']}_{claim['claimName']}"
        return self.pod_directory(pod) / ".volumes" / volume
