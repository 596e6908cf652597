"""The header of a safetensors file: eight bytes with its length, then JSON with the place of each tensor."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from pennant.record.errors import RegisterError
from pennant.record.merging import Part

LONGEST_HEADER = 100_000_000
"""Bytes; the format allows no more."""


def read(path: Path, name: str) -> Part:
    """Return the format of an artefact; raises `RegisterError` where the file is broken or not whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or not 2 <= length <= min(LONGEST_HEADER, size - 8):
            raise RegisterError(f"{path} is no whole safetensors file: its header would have {length} bytes")
        text = file.read(length)
    _check(_parsed(path, text), size - 8 - length, path)
    return Part(f"the header of {name}", {"artifacts": [{"name": name, "format": {"name": "safetensors"}}]})


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RegisterError(f"{path} is no safetensors file: its header is no JSON") from error
    if not isinstance(value, dict):
        raise RegisterError(f"{path} is no safetensors file: its header is no object")
    return value


def _check(header: dict[str, Any], size: int, path: Path) -> None:
    """Raise `RegisterError` unless the tensors fill the file: no gap, no overlap, nothing missing at the end."""
    spans = []
    for tensor, each in header.items():
        if tensor == "__metadata__":
            continue
        span = each.get("data_offsets") if isinstance(each, dict) else None
        if not (isinstance(span, list) and len(span) == 2 and all(type(end) is int and end >= 0 for end in span)):
            raise RegisterError(f"{path} is no safetensors file: a tensor has no data_offsets")
        spans.append((span[0], span[1]))
    spans.sort()
    ends = [(0, 0), *spans, (size, size)]
    if any(after[0] != before[1] for before, after in pairwise(ends)):
        raise RegisterError(
            f"{path} is no whole safetensors file: its tensors do not fill the {size} bytes after the header"
        )
