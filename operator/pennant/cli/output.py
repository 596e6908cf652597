"""What verbs print: tables in the manner of kubectl, YAML, JSON and names."""

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from pennant.api import API_VERSION
from pennant.api.meta import Json
from pennant.cli.names import RESOURCE

NONE = "<none>"
GAP = "   "
NARROWEST = 20
"""Columns that a wrapped text has at least."""
BRANCHES = str.maketrans({"├": "│", "└": " ", "─": " ", "…": " "})


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None: it is none, so no line is wrapped."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return rows under a header in columns, three spaces apart, as kubectl prints them.

    Where they are wider than `width`, the last column is wrapped, or stands below the others if no room is left.
    """
    cells = [list(header), *(list(each) for each in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    room = None if width is None else width - sum(each + len(GAP) for each in widths[:-1])
    if width is None or room is None or widths[-1] <= room:
        return "\n".join(_joined(row, widths) for row in cells)
    below = room < NARROWEST
    lines: list[str] = []
    for row in cells:
        *others, last = row
        branch = _branch(others[0])
        first, *more = [""] if below else textwrap.wrap(last, room, break_on_hyphens=False) or [""]
        lines.append(_joined([*others, first], widths))
        if below and last:
            lines += wrapped_text(last, width, f"{branch}    ")
        lines += [_joined([branch, *[""] * (len(others) - 1), each], widths) for each in more]
    return "\n".join(lines)


def wrapped_text(text: str, width: int, indent: str) -> list[str]:
    """Return the lines of a text, each after an indentation."""
    return textwrap.wrap(text, max(width, len(indent) + NARROWEST), initial_indent=indent, subsequent_indent=indent)


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _branch(cell: str) -> str:
    """Return the lines of a tree that go on below a cell, such as `│  ` of `├──# revision:3`."""
    found = re.match("[├└│─… ]*", cell)
    return (found[0] if found else "").translate(BRANCHES)


def pairs(rows: Sequence[tuple[str, str]], width: int | None = None) -> str:
    """Return labels with their values below each other; a value that is wider than `width` is wrapped."""
    widest = max(len(label) for label, _ in rows) + 3
    return "\n".join(_pair(label, value, widest, width) for label, value in rows)


def _pair(label: str, value: str, widest: int, width: int | None) -> str:
    if width is None or widest + len(value) <= width:
        return f"{label + ':':{widest}}{value}"
    room = max(width - widest, NARROWEST)
    first, *more = textwrap.wrap(value, room, break_on_hyphens=False)
    return "\n".join((f"{label + ':':{widest}}{first}", *(f"{'':{widest}}{each}" for each in more)))


def document(value: Any, output: str) -> str:
    """Return a value as `json` or `yaml`."""
    if output == "json":
        return json.dumps(value, indent=4)
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False)).rstrip()


def wrapped(kind: str, items: Sequence[Any], **metadata: Any) -> dict[str, Any]:
    """Return items as an object of the API group, so that programs know what they read."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "items": list(items)}


def head(kind: str, **metadata: Any) -> dict[str, Any]:
    """Return the beginning of an object of the API group that is no list."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}


def documents(values: Sequence[Any], output: str) -> str:
    """Return one value as `json` or `yaml`; several as the list that kubectl prints."""
    return document(values[0] if len(values) == 1 else listed(values), output)


def listed(values: Sequence[Any]) -> dict[str, Any]:
    """Return values as the list that kubectl prints."""
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": list(values)}


def full_name(name: str) -> str:
    """Return the name as kubectl prints it, such as `modeldeployment.pennant.dev/fraud`."""
    return f"{RESOURCE}/{name}"


def moment(at: datetime | None) -> str:
    """Return a time as the API has it, in whole seconds."""
    return NONE if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def age(seconds: float) -> str:
    """Return a span as kubectl's AGE column has it: `45s`, `12m`, `3h5m`, `2d`."""
    total = max(int(seconds), 0)
    if total < 120:
        return f"{total}s"
    if total < 600:
        return f"{total // 60}m{total % 60}s" if total % 60 else f"{total // 60}m"
    if total < 3 * 3600:
        return f"{total // 60}m"
    if total < 8 * 3600:
        return f"{total // 3600}h{total % 3600 // 60}m" if total % 3600 >= 60 else f"{total // 3600}h"
    if total < 48 * 3600:
        return f"{total // 3600}h"
    return f"{total // 86400}d"


def tell(line: str, raw: Json, output: str | None) -> None:
    """Print what was done to an object: a line, or with `-o` the object itself or its name."""
    match output:
        case None:
            click.echo(line)
        case "name":
            click.echo(line.partition(" ")[0])
        case _:
            click.echo(document(raw, output))


def merged(value: Any, patch: Any) -> Any:
    """Return a value with a JSON merge patch (RFC 7396) applied, as the API server would."""
    if not isinstance(patch, dict):
        return patch
    known = value if isinstance(value, dict) else {}
    changed = {name: merged(known.get(name), each) for name, each in patch.items() if each is not None}
    return {**{name: each for name, each in known.items() if name not in patch}, **changed}


def warn(text: str) -> None:
    """Print a warning to standard error, as kubectl does."""
    click.echo(f"Warning: {text}", err=True)
