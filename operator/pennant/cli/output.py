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
COMMAND = re.compile("(?P<before> *(Try|Or ): )(?P<line>.*?) +# (?P<does>.*)")
HANGING = re.compile(r" *([-✖✔] |[0-9]+\. |[^:]{1,40}: {2,})?")
"""What stands before the words of a line: an indentation, a sign or a number, or a label with its spaces."""
BRANCHES = str.maketrans({"├": "│", "└": " ", "─": " ", "…": " "})


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None: it is none, so no line is wrapped."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return rows under a header in columns, three spaces apart, as kubectl prints them.

    Where they are wider than `width`, the last column is wrapped, or the last columns stand below the others if no room
    is left.
    """
    cells = [list(header), *(list(each) for each in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    room = None if width is None else width - sum(each + len(GAP) for each in widths[:-1])
    if width is None or room is None or widths[-1] <= room:
        return "\n".join(_joined(row, widths) for row in cells)
    if room >= NARROWEST:
        return "\n".join(line for row in cells for line in _beside(row, widths, room))
    kept = next((n for n in range(len(header) - 1, 1, -1) if sum(widths[:n]) + len(GAP) * (n - 1) <= width), 1)
    lines: list[str] = []
    for number, row in enumerate(cells):
        lines.append(_joined(row[:kept], widths[:kept]))
        indent = f"{_branch(row[0])}    "
        if kept == len(header) - 1:
            lines += wrapped_text(row[-1], width, indent) if row[-1] else []
        elif number:
            lines += _labelled(header[kept:], row[kept:], width, indent)
    return "\n".join(lines)


def _beside(row: Sequence[str], widths: Sequence[int], room: int) -> list[str]:
    """Return the lines of a row whose last cell is wrapped."""
    *others, last = row
    first, *more = textwrap.wrap(last, room, break_on_hyphens=False) or [""]
    rest = [_branch(others[0]), *[""] * (len(others) - 1)]
    return [_joined([*others, first], widths), *(_joined([*rest, each], widths) for each in more)]


def _labelled(header: Sequence[str], cells: Sequence[str], width: int, indent: str) -> list[str]:
    """Return the lines for the cells that have no room in their columns, each with its header; empty ones are left out.

    A cell that needs a line for itself or more has no other one beside it.
    """
    lines: list[str] = []
    has_room = False
    for label, cell in zip(header, cells, strict=True):
        said = f"{label}: {cell}"
        if cell in ("", NONE):
            continue
        if has_room and len(lines[-1]) + len(GAP) + len(said) <= width:
            lines[-1] += f"{GAP}{said}"
            continue
        more = wrapped_text(said, width, indent, f"{indent}  ")
        lines, has_room = lines + more, len(more) == 1
    return lines


def wrapped_text(text: str, width: int, indent: str, below: str | None = None) -> list[str]:
    """Return the lines of a text, the first one after an indentation, and the others after `below`, or the same."""
    rest = indent if below is None else below
    room = max(width, len(rest) + NARROWEST)
    return textwrap.wrap(text, room, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False)


def folded(text: str, width: int | None) -> str:
    """Return a text whose lines are wrapped to `width`, each below its first word; None: no line is wrapped.

    A command line is not broken, so that it can be copied; what it does stands below it.
    """
    return text if width is None else "\n".join(part for line in text.splitlines() for part in _parts(line, width))


def _parts(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    if (command := COMMAND.match(line)) is not None:
        indent = " " * len(command["before"])
        return [f"{command['before']}{command['line']}", *wrapped_text(command["does"], width, f"{indent}# ")]
    found = HANGING.match(line)
    first = found[0] if found is not None else ""
    rest = line.removeprefix(first)
    if first.strip() and any(len(each) > width - len(first) for each in rest.split()):
        return [first.rstrip(), *wrapped_text(rest, width, " " * (len(first) - len(first.lstrip()) + 4))]
    return wrapped_text(rest, width, first, " " * len(first))


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
    if any(len(each) > room for each in value.split()):
        # A digest stays whole, so that it can be copied.
        return "\n".join((f"{label}:", *wrapped_text(value, width, "    ")))
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
