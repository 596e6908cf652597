"""Rules of Kubernetes for the pods of a Deployment that its schema does not have, as far as people break them often."""

import re
from collections.abc import Iterator
from typing import Any

from pennant.api.meta import LABEL_PATTERN, MEANINGS, Json
from pennant.cli.manifests.documents import Path, Problem

CONTAINERS = ("initContainers", "containers")
_NOT_IN_A_DEPLOYMENT = ("activeDeadlineSeconds", "ephemeralContainers")


def problems(pod: Json, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with the spec of a pod; fields of a wrong type are left to the schema."""
    policy = pod.get("restartPolicy")
    if isinstance(policy, str) and policy != "Always":
        yield Problem((*path, "restartPolicy"), "must be Always in the pods of a Deployment; leave it out")
    for name in _NOT_IN_A_DEPLOYMENT:
        if name in pod:
            yield Problem((*path, name), "must not be set in the pods of a Deployment; leave it out")
    yield from _names(pod, path)
    yield from _mounts(pod, path)


def _names(pod: Json, path: Path) -> Iterator[Problem]:
    for field in (*CONTAINERS, "volumes"):
        for number, each in _objects(pod, field):
            name = each.get("name")
            if isinstance(name, str) and re.search(LABEL_PATTERN, name) is None:
                yield Problem((*path, field, number, "name"), MEANINGS[LABEL_PATTERN])


def _mounts(pod: Json, path: Path) -> Iterator[Problem]:
    """Yield the mounts whose volume is not there."""
    there = [str(each.get("name")) for _, each in _objects(pod, "volumes")]
    listed = f"there are {', '.join(there)}" if there else "there are none"
    for field in CONTAINERS:
        for number, container in _objects(pod, field):
            for position, mount in _objects(container, "volumeMounts"):
                if isinstance(name := mount.get("name"), str) and name not in there:
                    said = f"no volume of spec.template.spec.volumes has this name; {listed}"
                    yield Problem((*path, field, number, "volumeMounts", position, "name"), said)


def _objects(value: Json, field: str) -> Iterator[tuple[int, dict[str, Any]]]:
    listed = value.get(field)
    for number, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict):
            yield number, each
