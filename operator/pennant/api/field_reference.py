"""The text of `docs/reference/fields/*.md`: each field of a kind, from its schema, its models and an example object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pennant.api.crd import SAME, Schema, crds
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import MEANINGS, ApiModel
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus

MODELS: Mapping[str, tuple[type[ApiModel], type[ApiModel]]] = {
    "ModelVersion": (ModelVersionSpec, ModelVersionStatus),
    "ModelDeployment": (ModelDeploymentSpec, ModelDeploymentStatus),
}
HEAD = """\
<!-- Generated from operator/pennant/api by `python -m pennant generate --write`. Do not edit. -->
# Fields of {kind}

{summary}

`[]` after a name means each item of a list. A field without a default may be left out, unless it is required.
`kubectl explain {plural}.spec` prints the same descriptions. The examples are from one
[complete object](../examples/{file}), which the schema accepts. The operator alone writes `status`.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind, as its page lists it."""

    path: str
    """From the root of the object, such as `spec.analysis.metrics[].name`."""
    schema: Schema
    """Of the CustomResourceDefinition."""
    is_required: bool
    default: object
    """What an absent field means; None: the description says it, or there is no default."""

    @property
    def name(self) -> str:
        """The last part of the path, without the mark of a list."""
        return self.path.rpartition(".")[2].removesuffix("[]")

    @property
    def item(self) -> Schema:
        """The schema of an item of the list, or of the field if it is none."""
        item: Schema = self.schema.get("items", self.schema)
        return item

    @property
    def members(self) -> Mapping[str, Schema]:
        """The fields of the object, or of each object in the list; empty for any other type."""
        members: Mapping[str, Schema] = self.item.get("properties", {})
        return members


def pages(examples: Mapping[str, str]) -> dict[str, str]:
    """Return the page of each kind by the name of its file; `examples` has complete objects as YAML by kind."""
    return {f"{kind.lower()}.md": page(kind, examples[kind]) for kind in MODELS}


def page(kind: str, example: str) -> str:
    """Return the page of one kind as Markdown."""
    file = f"{kind.lower()}.yaml"
    root = crds()[f"{kind.lower()}s.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    head = HEAD.format(kind=kind, plural=f"{kind.lower()}s", file=file, summary=root["description"].partition(": ")[2])
    documents = list(yaml.load_all(example, _Loader))
    found = fields(kind)
    sections = [_section(found, each, documents) for each in found if each.members]
    return "\n".join((head, *_refusals(_rules(root)), *sections))


def fields(kind: str) -> tuple[Field, ...]:
    """Return all fields of a kind, an object before its members."""
    root = crds()[f"{kind.lower()}s.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec, status = MODELS[kind]
    return (
        *_walked("spec", root["properties"]["spec"], _Raw.of(spec), is_required=True),
        *_walked("status", root["properties"]["status"], _Raw.of(status), is_required=False),
    )


def example_of(path: str, documents: Sequence[object]) -> object:
    """Return a value at a path in the documents, if possible one of a single line; None: there is none."""
    values = [value for each in documents for value in _values(each, path.split("."))]
    return next((each for each in values if "\n" not in str(each).strip()), values[0] if values else None)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A node of pydantic's schema, which has the defaults that a structural schema must not have."""

    node: Mapping[str, Any]
    definitions: Mapping[str, Any]

    @classmethod
    def of(cls, model: type[ApiModel]) -> "_Raw":
        whole = model.model_json_schema(by_alias=True)
        return cls(whole, whole.get("$defs", {}))

    @property
    def resolved(self) -> Mapping[str, Any]:
        node = self.node
        while "$ref" in node or "anyOf" in node:
            if "$ref" in node:
                node = self.definitions[str(node["$ref"]).removeprefix("#/$defs/")]
            else:
                node = next(each for each in node["anyOf"] if each.get("type") != "null")
        return node

    def member(self, name: str) -> "_Raw":
        node = self.resolved
        item = _Raw(node["items"], self.definitions).resolved if "items" in node else node
        return _Raw(item.get("properties", {}).get(name, {}), self.definitions)


def _walked(path: str, schema: Schema, raw: _Raw, *, is_required: bool) -> Iterator[Field]:
    mark = "[]" if schema.get("type") == "array" else ""
    default = raw.node.get("default")
    field = Field(path + mark, schema, is_required, default if isinstance(default, str | int) else None)
    yield field
    required = field.item.get("required", ())
    for name, member in field.members.items():
        yield from _walked(f"{field.path}.{name}", member, raw.member(name), is_required=name in required)


def _section(found: Sequence[Field], field: Field, documents: Sequence[object]) -> str:
    prefix = f"{field.path}."
    members = [each for each in found if each.path.startswith(prefix) and "." not in each.path.removeprefix(prefix)]
    texts = [
        field.schema.get("description", ""),
        "" if field.item is field.schema else field.item.get("description", ""),
    ]
    text = "\n\n".join(dict.fromkeys(filter(None, texts)))
    rules = [*_rules(field.schema), *([] if field.item is field.schema else _rules(field.item))]
    listed = [_line(each, documents) for each in members]
    level = "##" if "." not in field.path else "###"
    return "\n".join((f"{level} `{field.path}`", "", text, "", *listed, "", *_refusals(rules)))


def _line(field: Field, documents: Sequence[object]) -> str:
    facts = [_type(field)]
    if field.is_required:
        facts.append("required")
    if field.default not in (None, ""):
        facts.append(f"default {_code(_yaml(field.default))}")
    text = field.schema.get("description", "")
    for mark in ("", "`"):
        text = text.removesuffix(f" Default: {mark}{_yaml(field.default)}{mark}.")
    bounds = _bounds(field.schema)
    parts = [text, *([f"Limits: {'; '.join(bounds)}."] if bounds else [])]
    name = f"`{field.name}`"
    if field.members:
        anchor = "".join(each for each in field.path.lower() if each.isalnum())
        name = f"[{name}](#{anchor})"
    else:
        example = _yaml(example_of(field.path, documents))
        parts.append(f"Example: {_code(' '.join(example.split()))}")
    return f"- **{name}** ({', '.join(facts)}): {' '.join(parts)}"


def _type(field: Field) -> str:
    item = field.item
    if item.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "type" not in item:
        return "number or string"
    name = "time" if item.get("format") == "date-time" else str(item["type"])
    name = "map of strings" if "additionalProperties" in item else name
    return f"list of {name}s" if field.item is not field.schema else name


def _bounds(schema: Schema) -> list[str]:
    texts = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        texts.append(f"at least {low}" if high is None else f"{low} to {high}")
    if "enum" in schema:
        texts.append("one of " + ", ".join(f"`{each}`" for each in schema["enum"]))
    if "maxLength" in schema:
        texts.append(f"at most {schema['maxLength']} characters")
    if "maxItems" in schema and "items" in schema:
        texts.append(f"at most {schema['maxItems']} items")
    if "maxProperties" in schema and "type" in schema:
        texts.append(f"at most {schema['maxProperties']} entries")
    if keys := schema.get("x-kubernetes-list-map-keys"):
        texts.append("unique by " + " and ".join(f"`{each}`" for each in keys))
    rules = _rules(schema)
    if "pattern" in schema:
        return texts + (rules or [MEANINGS.get(schema["pattern"], f"pattern {_code(schema['pattern'])}")])
    is_leaf = "properties" not in schema and "properties" not in schema.get("items", {})
    return texts + [f'refused with "{each}"' for each in rules if is_leaf]


def _rules(schema: Schema) -> list[str]:
    """Return what the CEL rules of a node say to who violates them; a rule of the whole spec names immutable fields."""
    found = schema.get("x-kubernetes-validations", ())
    return [each["message"] for each in found if each["rule"] != SAME]


def _refusals(rules: Sequence[str]) -> list[str]:
    listed = [f"- {each}" for each in rules]
    return (
        ["The API server refuses an object that breaks a rule, with one of these messages:", "", *listed, ""]
        if rules
        else []
    )


def _values(node: object, path: Sequence[str]) -> Iterator[object]:
    if not path:
        yield node
        return
    name = path[0]
    child = node.get(name.removesuffix("[]")) if isinstance(node, Mapping) else None
    if child is None:
        return
    # The list itself is the example of a list; its items have the members.
    if name.endswith("[]") and len(path) > 1:
        for each in child:
            yield from _values(each, path[1:])
    else:
        yield from _values(child, path[1:])


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _yaml(value: object) -> str:
    """Return the value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").strip()


class _Loader(yaml.SafeLoader):
    """Reads a time as the text that stands there."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
