"""Manifests as YAML that every reader of YAML takes for the same values, with comments."""

from collections.abc import Mapping, Sequence
from typing import Any

from pennant.cli.output import wrapped_text
from pennant.record import written

WIDTH = 120
UNBROKEN = 1 << 20


def manifest(value: Mapping[str, Any], comments: Mapping[str, Sequence[str]]) -> str:
    """Return a manifest as YAML without the end of its last line.

    `comments` are those of fields of the spec, each a paragraph above its field.
    """
    lines: list[str] = []
    is_spec = False
    for line in written.lines(value, UNBROKEN):
        is_spec = line == "spec:" or (is_spec and not line[:1].strip())
        is_field = is_spec and line.startswith("  ") and line[2:3].isalpha()
        for paragraph in comments.get(line[2:].partition(":")[0], ()) if is_field else ():
            lines += wrapped_text(paragraph, WIDTH, "  # ")
        lines.append(line)
    return "\n".join(lines)
