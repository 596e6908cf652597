"""YAML text and the documents in it, with the place of each value, by ruamel.yaml."""

import io
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

WIDEST = 1 << 20
"""Characters of a line before it would be folded: never."""


class Unparsable(Exception):
    """The text is no YAML; the message says where."""


def loader(text: str) -> YAML:
    """Return a loader and dumper that keeps comments, order, quotes and the indentation of a text."""
    from ruamel.yaml.util import load_yaml_guess_indent

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = WIDEST
    try:
        _, indent, offset = load_yaml_guess_indent(text)
    except (YAMLError, ValueError, AttributeError, IndexError, TypeError):
        indent, offset = None, None
    if indent is not None:
        yaml.indent(mapping=2, sequence=indent, offset=offset or 0)
    return yaml


def documents(text: str) -> Iterator[Any]:
    """Yield the objects of a text, and those in its lists, with the places of their values.

    Raises `Unparsable`.
    """
    for each in parsed(text):
        items = each.get("items") if isinstance(each, dict) and str(each.get("kind", "")).endswith("List") else None
        yield from items if isinstance(items, list) else (each,)


def parsed(text: str) -> list[Any]:
    """Return the documents of a text."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    try:
        return list(yaml.load_all(text))
    except (YAMLError, ValueError) as error:
        raise Unparsable(" ".join(str(error).split())) from error


def dumped(text: str, data: list[Any]) -> str:
    """Return documents as text, in the style of the text that they come from."""
    yaml, stream = loader(text), io.StringIO()
    yaml.explicit_start = text.lstrip().startswith("---")
    yaml.dump_all(data, stream)
    return stream.getvalue()
