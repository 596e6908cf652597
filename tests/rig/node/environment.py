"""A container's command line and environment, as Kubernetes defines them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

Pod = Mapping[str, Any]
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


class Unsupported(Exception):
    """The pod asks for something that this test node does not do."""


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with `$(NAME)` replaced; unknown names stay, and `$$` is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match.group(0) == "$$":
            return "$"
        return variables.get(match.group(1), match.group(0))

    return _REFERENCE.sub(replace, text)


def environment(pod: Pod, container: Mapping[str, Any], pod_ip: str) -> dict[str, str]:
    """Return the declared variables, each of which may refer to those before it; raises `Unsupported`."""
    variables: dict[str, str] = {}
    if container.get("envFrom"):
        raise Unsupported(f"container {container['name']}: envFrom")
    for each in container.get("env") or ():
        if "valueFrom" in each:
            variables[each["name"]] = _from(pod, each["valueFrom"], pod_ip)
        else:
            variables[each["name"]] = expanded(each.get("value") or "", variables)
    return variables


def command(container: Mapping[str, Any], variables: Mapping[str, str]) -> list[str]:
    """Return the command line; raises `Unsupported` without a command, for there is no image to take one from."""
    if not container.get("command"):
        raise Unsupported(f"container {container['name']}: a test node runs commands, not images; set command")
    words = [*container["command"], *(container.get("args") or ())]
    return [expanded(each, variables) for each in words]


def check(pod: Pod) -> None:
    """Raise `Unsupported` for what would otherwise be ignored in silence."""
    if pod["spec"].get("initContainers"):
        raise Unsupported("initContainers")
    for volume in pod["spec"].get("volumes") or ():
        if not volume.get("name", "").startswith("kube-api-access-"):
            raise Unsupported(f"volume {volume.get('name')}")


def _from(pod: Pod, source: Mapping[str, Any], pod_ip: str) -> str:
    path = source.get("fieldRef", {}).get("fieldPath")
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
    if path and (match := _KEYED.fullmatch(path)):
        return str((metadata.get(match.group(1)) or {}).get(match.group(2), ""))
    raise Unsupported(f"valueFrom {', '.join(source)} {path or ''}".strip())
