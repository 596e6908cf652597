"""What is doubtful about the containers of a ModelDeployment, whatever its version is."""

import re
from collections.abc import Iterator
from typing import Any

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.cli.manifests.documents import Path, Problem

REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$\(([-._A-Za-z][-._A-Za-z0-9]*)\)")
"""A reference to a variable, as Kubernetes expands it: `$$(NAME)` is none."""
CONTAINERS: Path = ("spec", "template", "spec", "containers")


def doubts(spec: ModelDeploymentSpec) -> Iterator[Problem]:
    """Yield that it is not said which container gets the model, and ports of the Service that no container has."""
    first, *others = (str(each["name"]) for each in spec.template["spec"]["containers"])
    if others and spec.container is None:
        said = f"spec.container is not set, so the first of {len(others) + 1} containers gets the model: {first}"
        yield Problem(CONTAINERS, f"{said}; a patch can change their order, so set spec.container")
    ports = tuple(_named_ports(spec.template["spec"]))
    for number, port in enumerate(spec.service.ports if spec.service is not None else ()):
        wanted = (str(port.target_port), port.protocol.value)
        if isinstance(port.target_port, str) and wanted not in ports:
            listed = ", ".join(f"{name} ({protocol})" for name, protocol in dict.fromkeys(ports))
            said = f"no container of spec.template has a {wanted[1]} port with the name {wanted[0]}"
            there = f"there are {listed}" if listed else "none of their ports has a name"
            yield Problem(("spec", "service", "ports", number, "targetPort"), f"{said}; {there}")


def references(container: Json) -> list[str]:
    """Return the variables to which the command, the arguments and the variables of a container refer, in order."""
    texts = [*(container.get("command") or ()), *(container.get("args") or ())]
    texts += [each.get("value") for each in container.get("env") or ()]
    named = [name for text in texts if isinstance(text, str) for name in REFERENCE.findall(text)]
    return list(dict.fromkeys(named))


def _named_ports(pod: Json) -> Iterator[tuple[Any, Any]]:
    """Yield name and protocol of the ports to which a Service can refer: those of sidecars are among them."""
    sidecars = [each for each in pod.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    for container in (*pod["containers"], *sidecars):
        for port in container.get("ports") or ():
            if port.get("name"):
                yield port["name"], port.get("protocol") or "TCP"
