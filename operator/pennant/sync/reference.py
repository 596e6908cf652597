"""The text of `docs/reference/sync.md`: the settings of `pennant sync`, and the fields of its file."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pennant.runtime.settings_reference import entries
from pennant.sync.config import RegistrySettings, SyncFile
from pennant.sync.settings import SyncSettings

HEAD = """\
<!-- Generated from operator/pennant/sync by `python -m pennant generate --write`. Do not edit. -->
# Settings of sync

Each setting of `pennant sync` is a flag and an environment variable; the flag overrides the variable. The chart sets
them, and writes the file that `--config` names, from [its values](../../charts/pennant/README.md). What it does is in
[how to sync from a registry](../how-to/sync-from-a-registry.md).
"""
FILE = """\
## Fields of the file

Unknown fields are refused. An example with all fields:

```yaml
{example}```
"""
MANY = "[]"


def page() -> str:
    """Return the page as Markdown."""
    fields = (*_fields(SyncFile, ""), *_fields(RegistrySettings, f"registries{MANY}."))
    return "\n".join((HEAD, *entries(SyncSettings), FILE.format(example=_example()), *fields))


def example() -> dict[str, Any]:
    """Return the file that the examples of the fields make."""
    registry = {_alias(name, field): each for name, field, each in _examples(RegistrySettings)}
    return {"resyncSeconds": 300, "registries": [registry]}


def _example() -> str:
    return yaml.safe_dump(example(), sort_keys=False, allow_unicode=True)


def _examples(kind: type[BaseModel]) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, field in kind.model_fields.items():
        if field.examples:
            yield name, field, field.examples[0]


def _fields(kind: type[BaseModel], below: str) -> Iterator[str]:
    schema = kind.model_json_schema()["properties"]
    for name, field in kind.model_fields.items():
        alias = _alias(name, field)
        description = " ".join((field.description or "").split())
        lines = [f"- **Values:** {_values(schema[alias])}"]
        if field.is_required():
            lines.append("- **Required**")
        elif (default := field.get_default(call_default_factory=True)) not in (None, (), {}):
            lines.append(f"- **Default:** `{_text(default)}`")
        if field.examples:
            lines.append(f"- **Example:** `{alias}: {_text(field.examples[0])}`")
        yield "\n".join((f"### `{below}{alias}`", "", description, "", *lines, ""))


def _alias(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _text(value: Any) -> str:
    """Return a value as YAML writes it in one line."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True).removesuffix("...\n").strip()


def _values(node: Mapping[str, Any]) -> str:
    only = next((each for each in node.get("anyOf", ()) if each.get("type") != "null"), node)
    if "enum" in only:
        return ", ".join(f"`{each}`" for each in only["enum"])
    match only.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "array":
            return "a list"
        case "object":
            return "an object"
        case "number" | "integer":
            low = only.get("minimum", only.get("exclusiveMinimum"))
            return f"a number from {low:g} to {only['maximum']:g}"
    return {"path": "a path", "date-time": "a time"}.get(only.get("format", ""), "text")
