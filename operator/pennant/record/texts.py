"""Small files that others wrote: read with limits, parsed as JSON, YAML or TOML, and flattened to names with values.

A YAML file means what kubectl takes it for, except that `y` and `n` are texts: a time is a text, not an object.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pennant.record.errors import RegisterError

LARGEST = 16 * 1024 * 1024
"""Bytes of a file with metrics, parameters, pinned libraries or metadata."""
DEEPEST = 32
MOST_VALUES = 200_000
"""Values of a file after its aliases are replaced: a few lines of aliases can stand for more than a memory."""
TIMESTAMP = "tag:yaml.org,2002:timestamp"
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOADER: Any = type(
    "_Loader",
    (_BASE,),
    {
        "yaml_implicit_resolvers": {
            sign: [each for each in resolvers if each[0] != TIMESTAMP]
            for sign, resolvers in _BASE.yaml_implicit_resolvers.items()
        }
    },
)


def text_of(path: Path, largest: int = LARGEST) -> str:
    """Return the text of a file; raises `RegisterError` where it cannot be read or is too large."""
    try:
        if not path.is_file():
            raise RegisterError(f"{path} is no file" if path.exists() else f"{path} does not exist")
        if (size := path.stat().st_size) > largest:
            raise RegisterError(f"{path} has {size} bytes; at most {largest} are read")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegisterError(f"{path} is no text in UTF-8: {error.reason}") from error
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror}") from error


def values_of(path: Path) -> Any:
    """Return what a file holds, by its suffix: JSON, TOML, or otherwise YAML."""
    return parsed(text_of(path), path.suffix.lower(), str(path))


def parsed(text: str, suffix: str, name: str) -> Any:
    """Return the value of a text; raises `RegisterError` where it is broken, too deep or too large."""
    try:
        match suffix:
            case ".json":
                value = json.loads(text, object_pairs_hook=_distinct)
            case ".toml":
                value = tomllib.loads(text)
            case _:
                value = yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        raise RegisterError(f"{name} is no YAML: {' '.join(str(error).split())}") from error
    except (ValueError, TypeError) as error:
        raise RegisterError(f"{name} cannot be read: {error}") from error
    except RecursionError:
        raise RegisterError(f"{name} is nested too deeply") from None
    _bound(value, name)
    return value


def documents_of(path: Path) -> list[Any]:
    """Return the documents of a YAML or JSON file."""
    try:
        found = list(yaml.load_all(text_of(path), _LOADER))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise RegisterError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise RegisterError(f"{path} is nested too deeply") from None
    for each in found:
        _bound(each, str(path))
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is written twice")
        found[name] = value
    return found


def _bound(value: Any, name: str) -> None:
    """Raise `RegisterError` where a value is nested too deeply, or has too many values; aliases count each time."""
    level, count = [value], 0
    for _ in range(DEEPEST + 1):
        nested: list[Any] = []
        for each in level:
            if isinstance(each, dict | list):
                nested += each.values() if isinstance(each, dict) else each
                if count + len(nested) > MOST_VALUES:
                    raise RegisterError(f"{name} has more than {MOST_VALUES} values")
        if not nested:
            return
        count += len(nested)
        level = nested
    raise RegisterError(f"{name} is nested in more than {DEEPEST} levels")


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return a value that must be an object."""
    if not isinstance(value, Mapping):
        raise RegisterError(f"{name} must hold an object with names and values, and holds {type(value).__name__}")
    return value


def flattened(value: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of nested objects with its name, such as `train.lr`; a list is one value."""
    for key, each in value.items():
        name = f"{prefix}{key}"
        if isinstance(each, Mapping):
            yield from flattened(each, f"{name}.")
        else:
            yield name, each
