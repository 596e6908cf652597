"""What Kubernetes knows of pod templates: a part of the OpenAPI document of its API server.

`pod_template.json` is that part of one release. `lint --openapi` reads the document of the user's own cluster instead.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pennant.api.meta import Json

DOCUMENT = "/openapi/v3/apis/apps/v1"
"""The path of the document on an API server."""
BUNDLED = "pod_template.json"
TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
POD = "io.k8s.api.core.v1.PodSpec"
CONTAINER = "io.k8s.api.core.v1.Container"
_FORMATS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
}
"""Definitions that accept several types; releases of Kubernetes write them in different ways."""
_KEPT = ("type", "format", "required", "enum", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """The fields of pod templates in one release of Kubernetes."""

    version: str
    """The release, such as `1.37`."""
    schemas: Mapping[str, Json]
    """The definitions that a pod template consists of, by name."""

    def resolved(self, schema: Json) -> Json:
        """Return the definition that a schema refers to, or the schema itself."""
        return self.schemas[schema["$ref"]] if "$ref" in schema else schema


@cache
def bundled() -> Kubernetes:
    """Return the fields of pod templates in the release that comes with this program."""
    read = json.loads((files(__package__) / BUNDLED).read_text())
    return Kubernetes(read["version"], read["schemas"])


def parsed(text: str) -> Kubernetes:
    """Return the fields of pod templates in an OpenAPI document; raises `ValueError` if it is no such document."""
    try:
        document = json.loads(text)
        found = document["components"]["schemas"]
        version = str(document["info"]["version"])
        return Kubernetes(version.removeprefix("v"), _reachable(found))
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is no OpenAPI v3 document with the schema of pod templates") from error


def text(kubernetes: Kubernetes) -> str:
    """Return the content of `pod_template.json`: a line for each definition."""
    lines = ",\n".join(f"{json.dumps(name)}: {_compact(each)}" for name, each in sorted(kubernetes.schemas.items()))
    return f'{{"version": {json.dumps(kubernetes.version)}, "schemas": {{\n{lines}\n}}}}\n'


def _compact(schema: Json) -> str:
    return json.dumps(schema, separators=(",", ":"), sort_keys=True)


def _reachable(schemas: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    pending = [TEMPLATE]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = {"format": _FORMATS[name]} if name in _FORMATS else _reduced(schemas[name])
            pending += _references(found[name])
    return found


def _references(schema: Json) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"]
    inner = (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties"))
    for each in inner:
        if isinstance(each, dict):
            yield from _references(each)


def _reduced(schema: Json) -> Json:
    """Return a schema without descriptions, defaults and what else says nothing about which values are right."""
    (whole,) = schema.get("allOf") or (schema,)
    if "$ref" in whole:
        return {"$ref": whole["$ref"].rpartition("/")[2]}
    found: dict[str, Any] = {name: whole[name] for name in _KEPT if name in whole}
    if "properties" in whole:
        found["properties"] = {name: _reduced(each) for name, each in whole["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(whole.get(name), dict):
            found[name] = _reduced(whole[name])
    return found
