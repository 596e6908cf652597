"""What the API server asks for by the schema of a CustomResourceDefinition, and the models do not.

The models ignore unknown fields, keep lists as they are, and read times in more forms than RFC 3339.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from pennant.api.meta import MEANINGS, Json
from pennant.cli.manifests.documents import Path, Problem

_DATE_TIME = re.compile(
    r"^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"
)
NO_TIME = "must be a time such as 2026-01-02T03:04:05Z"
OPEN = "x-kubernetes-preserve-unknown-fields"


def problems(schema: Json, value: Any, path: Path) -> Iterator[Problem]:
    """Yield what a schema refuses in a value, and in all that it holds."""
    if isinstance(value, dict) and schema.get("type") == "object":
        yield from _object(schema, value, path)
    elif isinstance(value, list) and schema.get("type") == "array":
        yield from _list(schema, value, path)
    elif isinstance(value, str):
        yield from _string(schema, value, path)
    elif isinstance(value, int) and "type" in schema and not -(2**63) <= value < 2**63:
        yield Problem(path, "must be a number of at most 64 bits")


def _object(schema: Json, value: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield Problem((*path, name), "must be set")
    if len(value) > schema.get("maxProperties", len(value)):
        yield Problem(path, f"must have at most {schema['maxProperties']} fields, and has {len(value)}")
    for name, each in value.items():
        if name in known:
            yield from problems(known[name], each, (*path, name))
        elif isinstance(others, Mapping):
            yield from problems(others, each, (*path, name))
        elif not schema.get(OPEN):
            yield Problem((*path, name), unknown_field(name, known, path))


PLACES = {
    "strategy": "it is spec.rollout.strategy",
    "progressDeadlineSeconds": "it is spec.rollout.progressDeadlineSeconds",
    "minReadySeconds": "it is spec.rollout.minReadySeconds",
    "maxSurge": "it is spec.rollout.maxSurge",
    "maxUnavailable": "it is spec.rollout.maxUnavailable",
    "metrics": "it is spec.analysis.metrics",
    "selector": "the operator selects the pods by the label pennant.dev/modeldeployment",
    "containers": "it is spec.template.spec.containers",
    "image": "it is the image of a container of spec.template.spec.containers",
}
"""Fields of the spec of a Deployment and of other kinds, and where they are in a ModelDeployment."""


def unknown_field(name: str, known: Mapping[str, Any] | frozenset[str], path: Path = ()) -> str:
    """Return that there is no such field, with its place elsewhere or the nearest one that there is."""
    if path == ("spec",) and "template" in known and name in PLACES:
        return f"unknown field; {PLACES[name]}"
    if near := nearest(name, known):
        return f"unknown field; did you mean {near}?"
    return f"unknown field; there are {', '.join(sorted(known))}"


def nearest(name: str, known: Mapping[str, Any] | frozenset[str] | list[str]) -> str | None:
    """Return the word that was probably meant; None where none is near."""
    by_case = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
    return by_case[found[0]] if found else None


def _list(schema: Json, value: list[Any], path: Path) -> Iterator[Problem]:
    items = schema["items"]
    for limit, word, is_beyond in (
        ("minItems", "at least", len(value) < schema.get("minItems", 0)),
        ("maxItems", "at most", len(value) > schema.get("maxItems", len(value))),
    ):
        if is_beyond:
            yield Problem(path, f"must have {word} {schema[limit]} item(s), and has {len(value)}")
    for number, each in enumerate(value):
        yield from problems(items, each, (*path, number))
    yield from duplicates(schema, value, path)


def duplicates(schema: Json, value: list[Any], path: Path) -> Iterator[Problem]:
    """Yield the items that a list may hold only once, and holds again."""
    key = _identity(schema)
    seen: dict[str, int] = {}
    for number, each in enumerate(value):
        if key is None or (known := key(each)) is None:
            continue
        if known in seen:
            yield Problem((*path, number), f"duplicate of item {seen[known]}: {known}")
        seen.setdefault(known, number)


def _identity(schema: Json) -> Callable[[Any], str | None] | None:
    """Return what makes two items of a list the same; None where a list may hold an item twice."""
    match schema.get("x-kubernetes-list-type"):
        case "map":
            names = schema["x-kubernetes-list-map-keys"]

            def keys(item: Any) -> str | None:
                if not isinstance(item, dict) or not all(name in item for name in names):
                    return None
                return ", ".join(f"{name} {json.dumps(item[name], default=str)}" for name in names)

            return keys
        case "set":
            return lambda item: json.dumps(item, sort_keys=True, default=str)
    return None


def _string(schema: Json, value: str, path: Path) -> Iterator[Problem]:
    if schema.get("format") == "date-time" and not is_time(value):
        yield Problem(path, NO_TIME)
    pattern = schema.get("pattern", "")
    if pattern in MEANINGS and re.search(pattern, value) is None:
        yield Problem(path, MEANINGS[pattern])
    elif len(value) > schema.get("maxLength", len(value)):
        yield Problem(path, f"must have at most {schema['maxLength']} characters, and has {len(value)}")


def is_time(text: str) -> bool:
    """Return whether a text is a time of RFC 3339."""
    found = _DATE_TIME.match(text)
    if found is None:
        return False
    try:
        date.fromisoformat(found[1])
    except ValueError:
        return False
    return True
