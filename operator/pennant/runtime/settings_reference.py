"""The text of `docs/reference/settings.md`, generated from `runtime/settings.py`, and entries for other settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from pennant.runtime.settings import Settings

HEAD = """\
<!-- Generated from operator/pennant/runtime/settings.py by `python -m pennant generate --write`. Do not edit. -->
# Settings of the operator

Each setting of `pennant run` is a flag and an environment variable; the flag overrides the variable. `pennant run
--help` prints the same descriptions. The chart sets them from [its values](../../charts/pennant/README.md). The file
that `--metric-sources` names is described in [metrics and alerts](../metrics.md#configure-a-source).
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join((HEAD, *entries(Settings)))


def entries(kind: type[BaseSettings]) -> Iterator[str]:
    """Yield an entry for each setting of a process."""
    schema, prefix = kind.model_json_schema()["properties"], str(kind.model_config["env_prefix"])
    for name, field in kind.model_fields.items():
        yield _entry(name, field, schema[_key(name, schema)], prefix)


def _key(name: str, schema: Mapping[str, Any]) -> str:
    """Return the name of a field in the schema: its alias, if it has one."""
    return name if name in schema else next(each for each in schema if each.lower().endswith(name))


def _entry(name: str, field: FieldInfo, node: Mapping[str, Any], prefix: str) -> str:
    flag = f"--{name.replace('_', '-')}"
    example = str(field.examples[0]) if field.examples else ""
    variables = f"`{prefix}{name.upper()}`" + (", then `KUBECONFIG`" if name == "kubeconfig" else "")
    lines = [f"- **Environment variable:** {variables}", f"- **Values:** {_values(node)}"]
    if field.is_required():
        lines.append("- **Required**")
    elif field.default not in (None, ""):
        lines.append(f"- **Default:** `{str(field.default).lower() if field.default is True else field.default}`")
    lines.append(f"- **Example:** `{_given(flag, example)}`")
    description = " ".join((field.description or "").split())
    return "\n".join((f"## `{flag}`", "", description, "", *lines, ""))


def _given(flag: str, example: str) -> str:
    """Return the flag with its value; a flag that is on or off has none."""
    return {"true": flag, "false": flag.replace("--", "--no-", 1)}.get(example, f"{flag}={example}")


def _values(node: Mapping[str, Any]) -> str:
    only = next((each for each in node.get("anyOf", ()) if each.get("type") != "null"), node)
    if "enum" in only:
        return ", ".join(f"`{each}`" for each in only["enum"])
    if only["type"] == "boolean":
        return "`true`, `false`"
    low = only.get("minimum", only.get("exclusiveMinimum"))
    if low is None:
        return "a path" if only.get("format") == "path" else "text"
    kind = "an integer" if only["type"] == "integer" else "a number"
    above = "above" if "exclusiveMinimum" in only else "from"
    return f"{kind} {above} {low:g} to {only['maximum']:g}" if low < 1e5 else kind
