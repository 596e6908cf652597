"""Errors of objects that users wrote, as one sentence for their status; and limits of size and nesting."""

import json
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pennant.api.meta import MEANINGS, clip

_NESTED = (dict, list)
DEEPEST = 64
"""Levels of nesting that are accepted; a pod template with every field has about a dozen."""
LARGEST_TEMPLATE = 256 * 1024
"""Bytes of a pod template. With its managed fields a larger one comes near to etcd's limit of 1.5 MiB an object."""
LARGEST_RECORD = 512 * 1024
"""Bytes of a version's record. Each revision stores it again, beside the pod template."""
NO_STRING = "must be a string; put numbers and words such as yes in quotes"
_PATH_LEVELS = 5
TYPES: Mapping[str, str] = {
    "missing": "must be set",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": NO_STRING,
    "int_type": "must be an integer, without quotes",
    "bool_type": "must be true or false, without quotes",
}
"""What a value must be, by the type of the error."""


def problem(error: ValidationError, root: str = "spec", only: Container[str] | None = None) -> str:
    """Return the first error with the path of its field, and the number of further errors.

    `only` restricts this to errors in these top-level fields; empty where there are none.
    """
    found = error.errors(include_url=False, include_input=False)
    counted = [each for each in found if only is None or not each["loc"] or each["loc"][0] in only]
    if not counted:
        return ""
    first, *more = counted
    path, message = field_path(first["loc"]), requirement(first)
    # The message of a validator of the whole model names its fields.
    names_itself = first["type"] == "value_error" and not path
    sentence = message if names_itself else f"{root}{path}: {message}"
    return clip(f"{sentence} (and {len(more)} more)" if more else sentence)


def requirement(error: ErrorDetails) -> str:
    """Return what a value must be, without the path of its field."""
    return (
        TYPES.get(error["type"])
        or MEANINGS.get(error.get("ctx", {}).get("pattern", ""))
        or re.sub(r"^(\w+ should|Value error,) ", _must, error["msg"])
    )


def field_path(steps: Iterable[str | int]) -> str:
    """Return a path as Kubernetes writes it, such as `.metrics[0].query`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in steps)


def _must(start: re.Match[str]) -> str:
    return "" if start[0].startswith("Value") else "must "


def too_deep(value: object, root: str = "spec") -> str | None:
    """Return the error of JSON that is nested in more than `DEEPEST` levels; None where it is not.

    Pod templates and ControllerRevisions have no schema for what is in them, and the API server stores up to 10,000
    levels. Python's functions that recurse (validation, comparison, copies) would fail in the middle of a pass. This
    loop has no recursion, and takes 0.2 ms for a record of 2 KB.
    """
    nested = [value] if type(value) in _NESTED else []
    for _ in range(DEEPEST):
        nested = [each for node in nested for each in _children(node) if type(each) in _NESTED]
        if not nested:
            return None
    return _deep_path(value, root)


def too_large(value: object, largest: int, root: str = "spec") -> str | None:
    """Return the error of JSON whose text has more bytes than `largest`; None where it has not.

    This is the first check, because the others take longer: events of the largest objects of one namespace must not
    keep the process from reconciling the others.
    """
    try:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
    except RecursionError:
        return None
    if size <= largest:
        return None
    return f"{root}: must be at most {largest // 1024} KiB as JSON, and is {-(-size // 1024)} KiB"


def _children(node: Any) -> Iterable[object]:
    return node.values() if type(node) is dict else node


def _deep_path(value: object, root: str) -> str | None:
    pending = [(value, root, 0)]
    while pending:
        node, path, depth = pending.pop()
        if depth > DEEPEST:
            return clip(f"{path}: must have at most {DEEPEST} levels of nesting")
        if isinstance(node, Mapping):
            children = [(f".{name}", each) for name, each in node.items()]
        else:
            children = [(f"[{number}]", each) for number, each in enumerate(node)] if isinstance(node, list) else []
        pending += [(each, path if depth >= _PATH_LEVELS else path + name, depth + 1) for name, each in children]
    return None
