"""What the API server asks of `spec.template` of a ModelDeployment, once the operator makes a Deployment of it.

The schema of a ModelDeployment leaves the template open, so `kubectl apply` accepts a mistake in it, also as a dry run.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.cli.manifests import labels, pod_rules
from pennant.cli.manifests import schema as crd_schema
from pennant.cli.manifests.documents import Path, Problem
from pennant.cli.manifests.openapi import CONTAINER, POD, TEMPLATE, Kubernetes
from pennant.kube.codec.validation_message import TYPES

PATH: Path = ("spec", "template")
NO_QUANTITY = "must be a quantity such as 500m, 2 or 4Gi; suffixes are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei"
NO_INT_OR_STRING = "must be an integer, or a string in quotes"
_QUANTITY = re.compile(
    r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?", flags=re.ASCII
)
_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, TYPES["string_type"]),
    "boolean": (bool, TYPES["bool_type"]),
    "integer": ((int, float), TYPES["int_type"]),
    "object": (dict, TYPES["dict_type"]),
    "array": (list, TYPES["list_type"]),
}
_BITS = {"int32": 32, "int64": 64}
_RECORD = re.compile(r"\$\{(model|version)\}")
"""What the operator fills in, in values of labels and annotations."""
_TWICE = frozenset({"env", "ports"})
"""Lists of a container of which the operator uses the last item of a name. `pods.doubts` warns of it."""


def problems(kubernetes: Kubernetes, template: Any) -> Iterator[Problem]:
    """Yield what Kubernetes refuses in a pod template without nulls."""
    yield from _problems(kubernetes, {"$ref": TEMPLATE}, template, PATH)
    metadata, pod = (template.get(each) if isinstance(template, dict) else None for each in ("metadata", "spec"))
    yield from labels.problems(_filled(metadata), (*PATH, "metadata"))
    if isinstance(pod, dict):
        yield from pod_rules.problems(pod, (*PATH, "spec"))


def _filled(metadata: Any) -> Any:
    """Return metadata whose labels have a word for the values of the record, which are right in a label."""
    listed = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(listed, dict):
        return metadata
    filled = {key: _RECORD.sub("x", each) if isinstance(each, str) else each for key, each in listed.items()}
    return {**metadata, "labels": filled}


def is_quantity(value: object) -> bool:
    """Return whether a value is a number or a text that Kubernetes reads as a quantity."""
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _problems(kubernetes: Kubernetes, schema: Json, value: Any, path: Path) -> Iterator[Problem]:
    schema = kubernetes.resolved(schema)
    if (said := _wrong_value(schema, value)) is not None:
        yield Problem(path, said)
    elif isinstance(value, dict):
        yield from _object(kubernetes, schema, value, path)
    elif isinstance(value, list):
        yield from _list(kubernetes, schema, value, path)


def _wrong_value(schema: Json, value: Any) -> str | None:
    """Return what the value must be instead; None: it is right, as far as the value itself goes."""
    form, kind = str(schema.get("format", "")), str(schema.get("type", ""))
    if form in _FORMATS:
        holds, said = _FORMATS[form]
        return None if holds(value) else said
    if kind in _TYPES:
        types, said = _TYPES[kind]
        is_bool = isinstance(value, bool) and kind != "boolean"
        if is_bool or not isinstance(value, types) or (isinstance(value, float) and not value.is_integer()):
            return said
    if form in _BITS and not -(2 ** (_BITS[form] - 1)) <= value < 2 ** (_BITS[form] - 1):
        return f"must be a number of at most {_BITS[form]} bits"
    if "enum" in schema and value not in schema["enum"]:
        return _no_choice(value, [each for each in schema["enum"] if each])
    return None


def _is_int_or_string(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    return isinstance(value, str) and crd_schema.is_time(value)


_FORMATS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "quantity": (is_quantity, NO_QUANTITY),
    "int-or-string": (_is_int_or_string, NO_INT_OR_STRING),
    "date-time": (_is_time, crd_schema.NO_TIME),
}


def _no_choice(value: str, choices: list[str]) -> str:
    near = crd_schema.nearest(value, choices)
    *others, last = (f"'{each}'" for each in choices)
    return f"must be {', '.join(others)} or {last}" + (f"; did you mean {near}?" if near else "")


def _object(kubernetes: Kubernetes, schema: Json, value: Json, path: Path) -> Iterator[Problem]:
    known, others = schema.get("properties"), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield Problem((*path, name), "must be set")
    for name, each in value.items():
        if known is not None and name in known:
            yield from _problems(kubernetes, known[name], each, (*path, name))
        elif others is not None:
            yield from _problems(kubernetes, others, each, (*path, name))
        elif known is not None:
            yield Problem((*path, name), _unknown_field(kubernetes, name, known))


def _unknown_field(kubernetes: Kubernetes, name: str, known: Mapping[str, Any]) -> str:
    """Return that there is no such field here, with the place where there is one, or the nearest name."""
    if name in kubernetes.schemas[POD]["properties"]:
        return f"unknown field; it is spec.template.spec.{name}"
    if name in kubernetes.schemas[CONTAINER]["properties"]:
        return "unknown field; it is a field of a container in spec.template.spec.containers"
    return crd_schema.unknown_field(name, known)


def _list(kubernetes: Kubernetes, schema: Json, value: list[Any], path: Path) -> Iterator[Problem]:
    for number, each in enumerate(value):
        yield from _problems(kubernetes, schema["items"], each, (*path, number))
    if path[-1] not in _TWICE:
        yield from crd_schema.duplicates(schema, value, path)
