"""Paths of `spec.ignoreDrift.fields` that match no field of a Deployment, and how to write them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.cli.manifests.documents import Problem
from pennant.cli.manifests.openapi import TEMPLATE, Kubernetes
from pennant.cli.manifests.schema import nearest

_ROLLING: Json = {"maxSurge": {}, "maxUnavailable": {}}
DEPLOYMENT: Json = {
    "properties": {
        **{name: {} for name in ("replicas", "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit")},
        "strategy": {"properties": {"type": {}, "rollingUpdate": {"properties": _ROLLING}}},
        "template": {"$ref": TEMPLATE},
    }
}
"""The fields of the spec of a Deployment that can be left to others."""
OURS = re.compile(rf"spec\.(selector|paused|template\.metadata\.labels\.{re.escape(GROUP)}/)")
"""Fields that the operator always corrects."""
_FIELD, _ITEM = re.compile(r"\.([^.\[\]]*)"), re.compile(r"\[([^\]]*)\]")
_DEFAULTS = {"protocol": "TCP"}


def doubts(deployment: Json, kubernetes: Callable[[], Kubernetes]) -> Iterator[Problem]:
    """Yield the paths of a ModelDeployment that match nothing, each with the right form."""
    try:
        spec = ModelDeploymentSpec.model_validate(deployment.get("spec"))
    except ValidationError:
        return
    for number, path in enumerate(spec.ignore_drift.fields if spec.ignore_drift is not None else ()):
        if said := doubt(path, spec.template, kubernetes()):
            yield Problem(("spec", "ignoreDrift", "fields", number), said)


def doubt(path: str, template: Json, kubernetes: Kubernetes) -> str:
    """Return why a path matches nothing, and what to write; empty: it is the path of a field."""
    if OURS.match(path):
        return f"{path} is never left to others: the operator always corrects it"
    right, rest, schema = "spec", path.removeprefix("spec"), DEPLOYMENT
    node: Any = {"template": template}
    while rest:
        schema = kubernetes.resolved(schema)
        if "additionalProperties" in schema and rest.startswith("."):
            right, rest = right + rest, ""
        elif "items" in schema:
            keys = sorted(schema.get("x-kubernetes-list-map-keys") or ())
            if not keys:
                return _corrected(path, right, f"items of {right} have no keys")
            item = _ITEM.match(rest)
            node, key = _item(node, keys, item[1] if item else "0")
            right, rest, schema = f"{right}[{key}]", rest[item.end() :] if item else rest, schema["items"]
        else:
            step, known = _FIELD.match(rest), schema.get("properties", {})
            if not known:
                return _corrected(path, right, f"{right} has no fields")
            if step is None or step[1] not in known:
                return _unknown(path, right, step[1] if step else rest, known)
            node = node.get(step[1]) if isinstance(node, Mapping) else None
            right, rest, schema = f"{right}.{step[1]}", rest[step.end() :], known[step[1]]
    return "" if right == path else _corrected(path, right, "items of lists are named by their keys")


def _corrected(path: str, right: str, why: str) -> str:
    return f"{path} matches nothing, because {why}; write {right}"


def _unknown(path: str, right: str, name: str, known: Json) -> str:
    where = "paths begin at fields of the spec of a Deployment" if right == "spec" else f"{right} has no field {name}"
    near = nearest(name, known)
    fix = f"did you mean {right}.{near}?" if near else f"there are {', '.join(sorted(known))}"
    return f"{path} matches nothing: {where}; {fix}"


def _item(listed: Any, keys: list[str], written: str) -> tuple[Any, str]:
    """Return an item of a list of the template, if it has it, and the keys by which managedFields name it."""
    items = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    by_key = {_key(each, keys): each for each in items}
    if [each.partition("=")[0] for each in written.split(",")] == keys:
        return by_key.get(written), written
    if len(keys) == 1 and re.fullmatch(r"[A-Za-z][-\w]*", written):
        return by_key.get(f"{keys[0]}={written}"), f"{keys[0]}={written}"
    number = int(written) if written.isdecimal() else 0
    if number < len(items):
        return items[number], _key(items[number], keys)
    return None, ",".join(f"{each}=<{each}>" for each in keys)


def _key(item: Mapping[str, Any], keys: list[str]) -> str:
    return ",".join(f"{each}={item.get(each, _DEFAULTS.get(each, f'<{each}>'))}" for each in keys)
