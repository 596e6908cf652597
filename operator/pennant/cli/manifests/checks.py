"""What is wrong with one ModelVersion or ModelDeployment, as the API server and the operator would say it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from pennant.api import API_VERSION, GROUP
from pennant.api.crd import crds
from pennant.api.meta import LONGEST_NAME, MEANINGS, SUBDOMAIN_PATTERN, ApiModel, Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests import labels, openapi, pod_template, schema
from pennant.cli.manifests.documents import Path, Problem
from pennant.cli.manifests.openapi import Kubernetes
from pennant.core.facts import command
from pennant.kube.codec.validation_message import (
    LARGEST_RECORD,
    LARGEST_TEMPLATE,
    NO_STRING,
    requirement,
    too_deep,
    too_large,
)

VERSION, DEPLOYMENT = "ModelVersion", "ModelDeployment"
MODELS: Mapping[str, type[ApiModel]] = {VERSION: ModelVersionSpec, DEPLOYMENT: ModelDeploymentSpec}
TOP = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
METADATA = frozenset(
    {
        *("name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "uid"),
        *("resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
        *("managedFields", "selfLink"),
    }
)
LONGEST_VERSION_NAME = 63
COUNTED = frozenset({"too_short", "too_long"})
"""Errors about the length of a list. The models count valid items only; the schema counts them all."""


def is_ours(value: Any) -> bool:
    """Return whether a document is, or is meant to be, an object of this API group."""
    if not isinstance(value, dict):
        return False
    group = str(value.get("apiVersion", "")).partition("/")[0]
    return group == GROUP or value.get("kind") in MODELS


def type_problem(value: Json) -> Problem | None:
    """Return what is wrong with the apiVersion or the kind; None: both are right."""
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind not in MODELS:
        near = schema.nearest(str(kind), list(MODELS)) if kind is not None else None
        listed = f"did you mean {near}?" if near else f"there are {VERSION} and {DEPLOYMENT}"
        return Problem(("kind",), f"no such kind in {GROUP}; {listed}")
    if version != API_VERSION:
        return Problem(("apiVersion",), f"must be {API_VERSION}")
    return None


def problems(value: Json, kubernetes: Callable[[], Kubernetes] = openapi.bundled) -> Iterator[Problem]:
    """Yield what is wrong with an object, by its schema, its rules, its name and its pod template.

    `kubernetes` is called only for a pod template: the schema of pod templates is large.
    """
    kind = value["kind"]
    for name in value.keys() - TOP:
        yield Problem((name,), schema.unknown_field(name, TOP))
    yield from _metadata(value)
    spec = without_nulls(value.get("spec"))
    if spec is None:
        yield Problem(("spec",), "must be set")
        return
    if (large := too_large(*_bounded(kind, spec))) is not None or (large := too_deep(spec)) is not None:
        where, _, said = large.partition(": ")
        yield Problem(tuple(where.split(".")) if "[" not in where else ("spec",), said)
        return
    yield from _spec(kind, spec, kubernetes)


def warnings(value: Json) -> Iterator[Problem]:
    """Yield what is allowed in an object and is probably not meant."""
    if value.get("status"):
        yield Problem(("status",), "is ignored: only the operator writes it; leave it out")
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if value.get("kind") == DEPLOYMENT and isinstance(annotations, dict):
        read = command.read({name: str(each) for name, each in annotations.items()})
        if isinstance(read, command.Malformed):
            yield Problem(("metadata", "annotations"), read.problem)


def _bounded(kind: str, spec: Any) -> tuple[object, int, str]:
    if kind == VERSION:
        return spec, LARGEST_RECORD, "spec"
    return (spec.get("template") if isinstance(spec, dict) else None), LARGEST_TEMPLATE, "spec.template"


def without_nulls(value: Any) -> Any:
    """Return JSON without the fields that are null: the API server takes them for absent."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def _spec(kind: str, spec: Any, kubernetes: Callable[[], Kubernetes]) -> Iterator[Problem]:
    """Yield what is wrong with a spec: of a field only what the most specific of the three says that knows it."""
    told = set[Path]()
    by_kubernetes = _in_deployment(kubernetes, spec) if kind == DEPLOYMENT else _in_version(spec)
    for problems_of in (by_kubernetes, schema.problems(_schema(kind), spec, ("spec",)), _by_model(kind, spec)):
        found = [each for each in problems_of if each.path not in told]
        told |= {each.path for each in found}
        yield from found


def _in_deployment(kubernetes: Callable[[], Kubernetes], spec: Any) -> Iterator[Problem]:
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict):
        yield from pod_template.problems(kubernetes(), template)
    for field in ("metadata", "service") if isinstance(spec, dict) else ():
        yield from labels.problems(spec.get(field), ("spec", field))


def _in_version(spec: Any) -> Iterator[Problem]:
    """Yield which quantities of `serving.resources` Kubernetes refuses: the schema only says that they are strings."""
    found = spec
    for step in ("serving", "resources"):
        found = found.get(step) if isinstance(found, dict) else None
    for name in ("requests", "limits"):
        listed = found.get(name) if isinstance(found, dict) else None
        for resource, each in listed.items() if isinstance(listed, dict) else ():
            if isinstance(each, str) and not pod_template.is_quantity(each):
                path: Path = ("spec", "serving", "resources", name, resource)
                yield Problem(path, pod_template.NO_QUANTITY)


def _by_model(kind: str, spec: Any) -> Iterator[Problem]:
    try:
        MODELS[kind].model_validate(spec)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if each["type"] in COUNTED:
                continue
            said = requirement(each)
            if each["type"] == "enum" and isinstance(each["input"], str):
                choices = re.findall(r"'([^']+)'", str(each["ctx"]["expected"]))
                near = schema.nearest(each["input"], choices)
                said = f"{said}; did you mean {near}?" if near else said
            yield Problem(("spec", *each["loc"]), said)


@cache
def _schema(kind: str) -> Json:
    found: Json = crds()[f"{kind.lower()}s.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec: Json = found["properties"]["spec"]
    return spec


def _metadata(value: Json) -> Iterator[Problem]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        yield Problem(("metadata",), "must be an object with a name")
        return
    for name in metadata.keys() - METADATA:
        yield Problem(("metadata", name), schema.unknown_field(name, METADATA))
    for field in ("labels", "annotations"):
        yield from _strings(metadata.get(field), ("metadata", field))
    yield from labels.problems(metadata, ("metadata",))
    name = metadata.get("name")
    if not isinstance(name, str):
        said = "must be set" if name is None else NO_STRING
        yield Problem(("metadata", "name"), said)
        return
    yield from (_version_name(name, value.get("spec")) if value["kind"] == VERSION else _deployment_name(name))


def _strings(value: Any, path: Path) -> Iterator[Problem]:
    if value is not None and not isinstance(value, dict):
        yield Problem(path, "must be an object")
        return
    for name, each in (value or {}).items():
        if not isinstance(each, str):
            yield Problem((*path, name), NO_STRING)


def _version_name(name: str, spec: Any) -> Iterator[Problem]:
    """Check what the rules of the root of the schema ask for; these have no model."""
    model, version = (spec.get(each) if isinstance(spec, dict) else None for each in ("model", "version"))
    if isinstance(model, str) and isinstance(version, str) and name != f"{model}-{version}":
        said = f"metadata.name must be {model}-{version}, made of spec.model and spec.version"
        yield Problem(("metadata", "name"), said)
    if len(name) > LONGEST_VERSION_NAME:
        said = f"metadata.name must have at most {LONGEST_VERSION_NAME} characters; choose a shorter spec.model"
        yield Problem(("metadata", "name"), said)


def _deployment_name(name: str) -> Iterator[Problem]:
    if len(name) > LONGEST_NAME:
        said = f"metadata.name must have at most {LONGEST_NAME} characters; revisions are named after it"
        yield Problem(("metadata", "name"), said)
    if re.fullmatch(SUBDOMAIN_PATTERN, name) is None:
        said = f"metadata.name must be a lowercase RFC 1123 subdomain: {MEANINGS[SUBDOMAIN_PATTERN]}"
        yield Problem(("metadata", "name"), said)
