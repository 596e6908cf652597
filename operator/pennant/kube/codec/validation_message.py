"""What is wrong with something that was read, as one sentence for the user who wrote it."""

import json
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from pennant.api.meta import MEANINGS, clip

_NESTED = (dict, list)
DEEPEST = 64
"""Levels of nesting that are read; a whole pod template has about a dozen."""
LARGEST_TEMPLATE = 256 * 1024
"""Bytes of a pod template. A Deployment with a larger one could hardly be stored, with who owns which field of it."""
LARGEST_RECORD = 512 * 1024
"""Bytes of a version's record. It is stored once more in each revision, beside the pod template."""
_PATH_LEVELS = 5
_SAID: Mapping[str, str] = {
    "missing": "must be set",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a string; a number or a word like yes needs quotes",
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false, without quotes",
}


def problem(error: ValidationError, root: str = "spec", only: Container[str] | None = None) -> str:
    """Return the first error with the path of its field, and how many more there are.

    Where `only` names fields, errors in others do not count; empty where there are none then.
    """
    found = error.errors(include_url=False, include_input=False)
    counted = [each for each in found if only is None or not each["loc"] or each["loc"][0] in only]
    if not counted:
        return ""
    first, *more = counted
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in first["loc"])
    said = (
        _SAID.get(first["type"])
        or MEANINGS.get(first.get("ctx", {}).get("pattern", ""))
        or re.sub(r"^(\w+ should|Value error,) ", _mended, first["msg"])
    )
    # A rule of the whole names its fields itself.
    names_itself = first["type"] == "value_error" and not path
    sentence = said if names_itself else f"{root}{path}: {said}"
    return clip(f"{sentence} (and {len(more)} more)" if more else sentence)


def _mended(start: re.Match[str]) -> str:
    return "" if start[0].startswith("Value") else "must "


def too_deep(value: object, root: str = "spec") -> str | None:
    """Return what is wrong with JSON that is nested so deeply that nobody wrote it by hand; None: nothing is.

    It is asked of each object that is read, ten thousand of them at a time.
    """
    nested = [value] if type(value) in _NESTED else []
    for _ in range(DEEPEST):
        nested = [each for node in nested for each in _children(node) if type(each) in _NESTED]
        if not nested:
            return None
    return _said_too_deep(value, root)


def too_large(value: object, largest: int, root: str = "spec") -> str | None:
    """Return what is wrong with JSON whose text has more than this many bytes; None: nothing is.

    It is asked before anything that takes longer: to look through the largest objects of one namespace, again and
    again, would leave no time for the others.
    """
    try:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
    except RecursionError:
        return None
    if size <= largest:
        return None
    return f"{root}: must not be larger than {largest // 1024} KiB as JSON, and has {-(-size // 1024)} KiB"


def _children(node: Any) -> Iterable[object]:
    return node.values() if type(node) is dict else node


def _said_too_deep(value: object, root: str) -> str | None:
    pending = [(value, root, 0)]
    while pending:
        node, path, depth = pending.pop()
        if depth > DEEPEST:
            return clip(f"{path}: must not be nested in more than {DEEPEST} levels")
        if isinstance(node, Mapping):
            children = [(f".{name}", each) for name, each in node.items()]
        else:
            children = [(f"[{number}]", each) for number, each in enumerate(node)] if isinstance(node, list) else []
        pending += [(each, path if depth >= _PATH_LEVELS else path + name, depth + 1) for name, each in children]
    return None
