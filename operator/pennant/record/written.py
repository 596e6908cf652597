"""YAML that every reader, also kubectl, takes for the same values."""

import re
from typing import Any

import yaml

from pennant.api.meta import Json

# Go's YAML, which kubectl uses, makes numbers and booleans of texts that PyYAML writes without quotes.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?0[xXoObB][0-9a-fA-F_]+")
_BOOLEAN = frozenset({"y", "Y", "n", "N"})


def lines(value: Json, width: int) -> list[str]:
    """Return a value as lines of YAML, which are broken near this width."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=width, allow_unicode=True).rstrip("\n").split("\n")


def _style(value: str) -> str | None:
    if not value.replace("\n", "").isprintable():
        # YAML 1.1 takes some of these signs for the end of a line; in double quotes they are escaped.
        return '"'
    if "\n" in value:
        return "|"
    return "'" if _NUMBER.fullmatch(value) is not None or value in _BOOLEAN else None


class _Dumper(yaml.SafeDumper):
    """Writes lists below their names without a further indentation, and texts so that kubectl reads texts."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value that occurs twice in full."""
        return True

    def represent_text(self, value: str) -> yaml.ScalarNode:
        """Return a text, in quotes where kubectl would make a number or a boolean of it."""
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))


_Dumper.add_representer(str, _Dumper.represent_text)
