"""What verbs print: tables in the manner of kubectl, YAML, JSON and names."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from pennant.api import API_VERSION
from pennant.cli.names import RESOURCE

NONE = "<none>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a header in columns, three spaces apart, as kubectl prints them."""
    cells = [list(header), *(list(each) for each in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def document(value: Any, output: str) -> str:
    """Return a value as `json` or `yaml`."""
    if output == "json":
        return json.dumps(value, indent=4)
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False)).rstrip()


def wrapped(kind: str, items: Sequence[Any], **metadata: Any) -> dict[str, Any]:
    """Return items as an object of the API group, so that programs know what they read."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "items": list(items)}


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


def say(text: str) -> None:
    """Print a result."""
    click.echo(text)


def warn(text: str) -> None:
    """Print a warning to standard error, as kubectl does."""
    click.echo(f"Warning: {text}", err=True)
