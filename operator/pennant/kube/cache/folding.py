"""JSON that is kept folded up until it is looked at: to Python it is up to twenty times as large as its text."""

import json
import zlib
from typing import Any

LARGE = 32 * 1024
"""Characters of text from which it is worth the time to fold something up and to unfold it for each look."""


def text(value: object) -> bytes:
    """Return the text of a JSON value, which is the same for equal ones."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def folded(value: object) -> bytes:
    """Return a JSON value folded up; equal ones are equal."""
    return zlib.compress(text(value), 1)


def unfolded(value: bytes) -> Any:
    """Return what was folded up."""
    return json.loads(zlib.decompress(value))


def size_if_large(*values: object) -> int:
    """Return how long the text of JSON values is together; 0 where that is not large."""
    size = sum(len(text(each)) for each in values)
    return size if size > LARGE else 0


def folded_if_large(value: object) -> bytes | None:
    """Return a JSON value folded up; None where it is not large."""
    said = text(value)
    return zlib.compress(said, 1) if len(said) > LARGE else None
