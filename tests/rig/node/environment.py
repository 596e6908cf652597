"""A container's command line and environment, as Kubernetes defines them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_POD_FEATURES = ("hostNetwork", "activeDeadlineSeconds")
_CONTAINER_FEATURES = ("envFrom", "lifecycle", "workingDir", "restartPolicyRules", "volumeDevices")
_MOUNT_FEATURES = ("subPath", "subPathExpr")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


class Unsupported(Exception):
    """The pod asks for something that this test node does not do."""


class BadImage(Exception):
    """The image counts as one that cannot be pulled."""


@dataclass(frozen=True, slots=True)
class Images:
    """What stands for images: a command of this machine for each, or None for one that cannot be pulled."""

    commands: Mapping[str, tuple[str, ...] | None]
    bad_prefixes: tuple[str, ...]

    def command(self, image: str) -> tuple[str, ...]:
        """Return the image's own command, empty where nobody gave one; raises `BadImage`."""
        command = self.commands.get(image, ())
        if command is None or image.startswith(self.bad_prefixes):
            raise BadImage(f'failed to pull image "{image}": the test node counts it as bad')
        return command


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with `$(NAME)` replaced; unknown names stay, and `$$` is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match.group(0) == "$$":
            return "$"
        return variables.get(match.group(1), match.group(0))

    return _REFERENCE.sub(replace, text)


def environment(pod: Object, container: Object, pod_ip: str) -> dict[str, str]:
    """Return the declared variables, each of which may refer to those before it; raises `Unsupported`."""
    variables: dict[str, str] = {}
    for each in container.get("env") or ():
        if "valueFrom" in each:
            variables[each["name"]] = _field(pod, each["name"], each["valueFrom"], pod_ip)
        else:
            variables[each["name"]] = expanded(each.get("value") or "", variables)
    return variables


def command(container: Object, variables: Mapping[str, str], images: Images) -> list[str]:
    """Return the command line; raises `BadImage`, and `Unsupported` where nobody says what to run."""
    image = container.get("image", "")
    own = images.command(image)
    if not container.get("command") and not own:
        raise Unsupported(f"the test node has no images, and knows no command that stands for {image}: set command")
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    return [*(() if container.get("command") else own), *(expanded(each, variables) for each in words)]


def check(pod: Object, container: Object) -> None:
    """Raise `Unsupported` for what would otherwise be ignored in silence."""
    asked = [name for name in _POD_FEATURES if pod["spec"].get(name)]
    asked += [f"volume {each['name']}" for each in pod["spec"].get("volumes") or () if not _is_harmless(each)]
    asked += [name for name in _CONTAINER_FEATURES if container.get(name)]
    if container.get("restartPolicy") and not _is_sidecar(pod, container):
        asked.append(f"restartPolicy {container['restartPolicy']}")
    asked += [
        f"volumeMounts.{name}" for name in _MOUNT_FEATURES if any(name in each for each in mounts(pod, container))
    ]
    for name in _PROBES:
        probe = container.get(name) or {}
        if "grpc" in probe:
            asked.append(f"{name}.grpc")
        if probe.get("httpGet", {}).get("scheme") == "HTTPS":
            asked.append(f"{name}.httpGet.scheme HTTPS")
    if asked:
        raise Unsupported(f"the test node does not support {', '.join(asked)}")


def mounts(pod: Object, container: Object) -> list[Object]:
    """Return the mounts of volumes that containers share: emptyDirs and claims. Others hold what no test needs."""
    volumes = pod["spec"].get("volumes") or ()
    shared = {each["name"] for each in volumes if "emptyDir" in each or "persistentVolumeClaim" in each}
    return [each for each in container.get("volumeMounts") or () if each["name"] in shared]


def _is_sidecar(pod: Object, container: Object) -> bool:
    others = {each["name"] for each in pod["spec"].get("initContainers") or ()}
    return container["restartPolicy"] == "Always" and container["name"] in others


def _is_harmless(volume: Object) -> bool:
    sources = volume.get("projected", {}).get("sources") or ()
    return (
        "emptyDir" in volume
        or "persistentVolumeClaim" in volume
        or any("serviceAccountToken" in each for each in sources)
    )


def _field(pod: Object, name: str, source: Object, pod_ip: str) -> str:
    path = source.get("fieldRef", {}).get("fieldPath", "")
    metadata = pod["metadata"]
    plain = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "status.podIP": pod_ip,
    }
    if path in plain:
        return str(plain[path])
    if match := _KEYED.fullmatch(path):
        return str((metadata.get(match.group(1)) or {}).get(match.group(2), ""))
    raise Unsupported(f"the test node does not support env {name} from {path or ', '.join(source)}")
