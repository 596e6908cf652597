"""The schema that Kustomize needs to merge patches into ModelDeployments as it does into Deployments.

Kustomize replaces its own schema by the one of `openapi:`, so this one has the kinds of Kubernetes too. It is the
OpenAPI document of an API server without all that says nothing about how lists are merged.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api import API_VERSION, GROUP
from pennant.api.crd import crds

Schema = Mapping[str, Any]
DOCUMENT = "/openapi/v2"
KUBERNETES = "io.k8s."
MERGE_KEY, STRATEGY = "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy"
KINDS = "x-kubernetes-group-version-kind"
PREFIX = "#/definitions/"
TEMPLATE = {"$ref": f"{PREFIX}io.k8s.api.core.v1.PodTemplateSpec"}


def text(document: Schema) -> str:
    """Return the content of the file, a line for each definition, from the document at `DOCUMENT`."""
    found = {name: each for name, each in document["definitions"].items() if name.startswith(KUBERNETES)}
    merging = _merging(found)
    reduced = {name: _reduced(found[name], merging) for name in merging} | _our_kinds()
    kinds = [name for name, each in reduced.items() if KINDS in each and not name.endswith("List")]
    lines = (f"{json.dumps(name)}: {_compact(reduced[name])}" for name in sorted(_reachable(kinds, reduced)))
    return '{"definitions": {\n' + ",\n".join(lines) + "\n}}\n"


def _compact(schema: Schema) -> str:
    return json.dumps(schema, separators=(",", ":"), sort_keys=True)


def _inner(schema: Schema) -> Iterator[Schema]:
    for each in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(each, dict):
            yield each


def _references(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(PREFIX)
    for each in _inner(schema):
        yield from _references(each)


def _says_how(schema: Schema) -> bool:
    return STRATEGY in schema or any(_says_how(each) for each in _inner(schema))


def _merging(definitions: Mapping[str, Schema]) -> set[str]:
    """Return the definitions in which, at any depth, something says how it is merged."""
    found = {name for name, each in definitions.items() if _says_how(each)}
    while more := {name for name in definitions.keys() - found if found & set(_references(definitions[name]))}:
        found |= more
    return found


def _reachable(names: list[str], schemas: Mapping[str, Schema]) -> set[str]:
    found: set[str] = set()
    pending = [*names]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _references(schemas[name])
    return found


def _reduced(schema: Schema, merging: set[str]) -> dict[str, Any]:
    """Return the part of a schema that says how values are merged; empty: it says nothing."""
    found: dict[str, Any] = {name: schema[name] for name in (MERGE_KEY, STRATEGY) if name in schema}
    if schema.get("$ref", "").removeprefix(PREFIX) in merging:
        found["$ref"] = schema["$ref"]
    properties = {name: _reduced(each, merging) for name, each in schema.get("properties", {}).items()}
    if properties := {name: each for name, each in properties.items() if each}:
        found |= {"type": "object", "properties": properties}
    for name in ("items", "additionalProperties"):
        inner = _reduced(schema[name], merging) if isinstance(schema.get(name), dict) else {}
        if inner or (name == "items" and STRATEGY in found):
            found |= {name: inner, "type": "array" if name == "items" else "object"}
    if KINDS in schema and "properties" in found:
        found[KINDS] = schema[KINDS]
    return found


def _our_kinds() -> dict[str, Any]:
    """Return a definition for each of our kinds: lists by key merge by it, and pod templates as in Kubernetes."""
    _, _, version = API_VERSION.partition("/")
    found = {}
    for crd in crds().values():
        kind = crd["spec"]["names"]["kind"]
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        of_spec = _reduced(_merged_by_key(spec), set())
        if kind == "ModelDeployment":
            of_spec["properties"]["template"] = TEMPLATE
        metadata = {"$ref": f"{PREFIX}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
        found[f"dev.pennant.{version}.{kind}"] = {
            "type": "object",
            "properties": {"metadata": metadata, "spec": of_spec},
            KINDS: [{"group": GROUP, "kind": kind, "version": version}],
        }
    return found


def _merged_by_key(schema: Schema) -> dict[str, Any]:
    """Return a schema whose lists by one key have that key as Kustomize reads it."""
    found = dict(schema)
    keys = found.get("x-kubernetes-list-map-keys", [])
    if len(keys) == 1:
        found |= {MERGE_KEY: keys[0], STRATEGY: "merge"}
    if "properties" in found:
        found["properties"] = {name: _merged_by_key(each) for name, each in found["properties"].items()}
    if isinstance(found.get("items"), dict):
        found["items"] = _merged_by_key(found["items"])
    return found
