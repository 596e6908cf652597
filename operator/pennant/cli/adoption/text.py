"""Manifests as YAML that every reader of YAML takes for the same values, with comments."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pennant.cli.manifests.documents import TAG, Document, documents
from pennant.cli.output import wrapped_text

WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Quotes each string that kubectl would take for another type, such as `y`, and uses no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value again that occurs twice."""
        return True


def _string(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(TAG + "str", text, style=_style(text))


def _style(text: str) -> str | None:
    if not text.replace("\n", "").isprintable():
        # Other readers take some of these signs for the end of a line.
        return '"'
    return "|" if "\n" in text else None if _is_plain(text) else "'"


def _is_plain(text: str) -> bool:
    """Return whether kubectl takes this text, without quotes, for the same string."""
    return [each.value for each in documents(text, "") if isinstance(each, Document)] == [text]


_Dumper.add_representer(str, _string)


def manifest(value: Mapping[str, Any], comments: Mapping[str, Sequence[str]]) -> str:
    """Return a manifest as YAML without the end of its last line.

    `comments` are those of fields of the spec, each a paragraph above its field.
    """
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1 << 20, allow_unicode=True)
    lines: list[str] = []
    is_spec = False
    for line in text.removesuffix("\n").split("\n"):
        is_spec = line == "spec:" or (is_spec and not line[:1].strip())
        is_field = is_spec and line.startswith("  ") and line[2:3].isalpha()
        for paragraph in comments.get(line[2:].partition(":")[0], ()) if is_field else ():
            lines += wrapped_text(paragraph, WIDTH, "  # ")
        lines.append(line)
    return "\n".join(lines)
