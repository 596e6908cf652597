"""The emptyDirs of a pod: directories that its containers share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rig.node.environment import mounts
from rig.node.host import Host

Object = Mapping[str, Any]


def link(host: Host, pod: Object, container: Object, directory: Path) -> None:
    """Let a link lead from the working directory of a container to each emptyDir that it mounts."""
    for each in mounts(pod, container):
        volume, place = host.volume_directory(pod, each["name"]), directory / each["mountPath"].strip("/")
        volume.mkdir(parents=True, exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(volume, target_is_directory=True)
