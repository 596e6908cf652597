"""Generates the CustomResourceDefinitions from the models.

pydantic's JSON schema is not structural: it has references, titles, `anyOf` with null and constants. What the API
server accepts is a tree of single types: references are resolved, and an optional field is one that is not required.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pennant.api import GROUP, VERSION
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import LONGEST_NAME, MEANINGS, RULES, STORED_DEFAULT, ApiModel
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import MUTABLE, ModelVersionSpec
from pennant.api.number import item_word_rules, word_rules
from pennant.api.version_status import ModelVersionStatus

Schema = dict[str, Any]
SAME = "self == oldSelf"
"""The CEL rule of an immutable field."""
_IMMUTABLE = " is immutable; create a new ModelVersion"
_DROPPED = frozenset({"title", "default", "$defs", "additionalProperties"})


def crds() -> dict[str, Schema]:
    """Return the CustomResourceDefinitions by the name of their file."""
    return {"modelversions.yaml": model_version(), "modeldeployments.yaml": model_deployment()}


def model_version() -> Schema:
    """Return the CustomResourceDefinition of ModelVersion."""
    rules = [
        _at_creation(
            "self.metadata.name == self.spec.model + '-' + self.spec.version",
            "metadata.name must be <spec.model>-<spec.version>",
            messageExpression="'metadata.name must be ' + self.spec.model + '-' + self.spec.version"
            " + ', made of spec.model and spec.version'",
            reason="FieldValueInvalid",
        ),
        _at_creation(
            "self.metadata.name.size() <= 63",
            "metadata.name must have at most 63 characters; choose a shorter spec.model",
        ),
    ]
    columns = [
        _column("Model", ".spec.model"),
        _column("Version", ".spec.version"),
        _column("Tags", ".spec.tags"),
        _column("Complete", '.status.conditions[?(@.type=="Complete")].status'),
        _column("Serving", ".status.serving"),
        _column("Quarantined-By", ".status.quarantinedBy[*].deployment", priority=1),
        _column("Age", ".metadata.creationTimestamp", "date"),
    ]
    version = {
        "schema": _root("ModelVersion", _record(), ModelVersionStatus, rules, _summary(ModelVersionSpec)),
        "additionalPrinterColumns": columns,
        "selectableFields": [{"jsonPath": ".spec.model"}, {"jsonPath": ".spec.version"}],
        "subresources": {"status": {}},
    }
    return _crd("ModelVersion", "mver", version)


def model_deployment() -> Schema:
    """Return the CustomResourceDefinition of ModelDeployment."""
    rules = [
        _at_creation(
            f"self.metadata.name.size() <= {LONGEST_NAME}",
            f"metadata.name must have at most {LONGEST_NAME} characters; revisions are named after it",
        ),
    ]
    columns = [
        _column("Model", ".spec.model"),
        _column("Tag", ".status.desired.tag"),
        _column("Desired", ".status.desired.version"),
        _column("Serving", ".status.serving.version"),
        _column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        _column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
        _column("Revision", ".status.serving.revision", "integer", priority=1),
        _column("Replicas", ".status.replicas", "integer", priority=1),
        _column("Age", ".metadata.creationTimestamp", "date"),
    ]
    version = {
        "schema": _root(
            "ModelDeployment",
            structural(ModelDeploymentSpec),
            ModelDeploymentStatus,
            rules,
            _summary(ModelDeploymentSpec),
        ),
        "additionalPrinterColumns": columns,
        "selectableFields": [{"jsonPath": path} for path in (".spec.model", ".spec.tag", ".status.serving.version")],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    }
    return _crd("ModelDeployment", "mdep", version)


def _record() -> Schema:
    """Return the schema of the spec of a ModelVersion, with the rules that keep its record as it is.

    The rule of each immutable field compares its values. It is evaluated where both the old and the new object have the
    field, so a rule of the whole spec finds the fields that were added or removed. To compare all values there costs
    more: the API server goes through the schema of the spec for each field that a rule names. `dyn` makes the names of
    the fields iterable. A required field is missing only in an object that is older than the requirement.
    """
    spec = structural(ModelVersionSpec)
    for name, schema in spec["properties"].items():
        if name not in MUTABLE:
            schema.setdefault("x-kubernetes-validations", []).append(_rule(SAME, f"spec.{name}{_IMMUTABLE}"))
    may_go, may_come = sorted(MUTABLE), sorted(MUTABLE.union(spec["required"]))
    goes, comes = f"f in {may_go} || f in dyn(self)", f"f in {may_come} || f in dyn(oldSelf)"
    wrong = f"(dyn(self).filter(f, !({comes})) + dyn(oldSelf).filter(f, !({goes})))[0]"
    kept = {
        "rule": f"dyn(self).all(f, {comes}) && dyn(oldSelf).all(f, {goes})",
        "message": f"each field of spec but {', '.join(sorted(MUTABLE))}{_IMMUTABLE}",
        "messageExpression": f"'spec.' + {wrong} + '{_IMMUTABLE}'",
    }
    spec["x-kubernetes-validations"].append(kept)
    return spec


def structural(model: type[ApiModel], *, is_written_by_users: bool = True) -> Schema:
    """Return the structural schema of a model; a spec has CEL rules too."""
    whole = model.model_json_schema(by_alias=True)
    models = {each.__name__: each for each in _models(model)}
    return _inlined(_Source(whole.get("$defs", {}), models, is_written_by_users), whole, model.__name__)


def _crd(kind: str, short_name: str, version: Schema) -> Schema:
    plural = f"{kind.lower()}s"
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short_name],
        "categories": ["pennant"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Namespaced",
            "versions": [{"name": VERSION, "served": True, "storage": True, **version}],
        },
    }


def _root(kind: str, spec: Schema, status: type[ApiModel], rules: list[Schema], description: str) -> Schema:
    seen = structural(status, is_written_by_users=False)
    seen["properties"]["observedGeneration"]["default"] = -1
    # Without it a new object would count as observed by tools that compare generations.
    seen["default"] = {"observedGeneration": -1}
    return {
        "openAPIV3Schema": {
            "type": "object",
            "description": f"{kind}: {description}",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string", "description": "Version of the schema of the object."},
                "kind": {"type": "string", "description": "Kind of the object."},
                "metadata": {"type": "object"},
                "spec": spec,
                "status": seen,
            },
            "x-kubernetes-validations": rules,
        }
    }


def _summary(model: type[ApiModel]) -> str:
    return _one_line(model.__doc__ or "")


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": path}
    return column | ({"priority": priority} if priority else {})


def _models(model: type[ApiModel]) -> set[type[ApiModel]]:
    """Return the model and the models of its fields, recursively."""
    found = {model}
    pending: list[Any] = [field.annotation for field in model.model_fields.values()]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, ApiModel):
            if annotation not in found:
                found |= _models(annotation)
        else:
            pending.extend(getattr(annotation, "__args__", ()))
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    """What a schema is made from."""

    defs: Mapping[str, Any]
    models: Mapping[str, type[ApiModel]]
    has_rules: bool
    """Whether CEL rules can compare a node with its old value."""


def _inlined(source: _Source, node: Mapping[str, Any], name: str = "") -> Schema:
    """Return a schema node with resolved references, without what a structural schema must not have."""
    if "$ref" in node:
        target = str(node["$ref"]).removeprefix("#/$defs/")
        merged = {**source.defs[target], **{key: value for key, value in node.items() if key != "$ref"}}
        return _inlined(source, merged, target)
    if "anyOf" in node:
        only = [each for each in node["anyOf"] if each.get("type") != "null"]
        if len(only) != 1:
            raise ValueError(f"{name}: a field has one type, not {only}")
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _inlined(source, {**only[0], **rest}, name)
    schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if "description" in schema:
        schema["description"] = _one_line(schema["description"])
    if "properties" in node:
        schema["properties"] = {key: _inlined(source, each) for key, each in node["properties"].items()}
    if "items" in node:
        keyed = node.get("x-kubernetes-list-type") == "map"
        schema["items"] = _inlined(replace(source, has_rules=source.has_rules and keyed), node["items"])
    if isinstance(node.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _inlined(source, node["additionalProperties"])
    if STORED_DEFAULT in schema:
        schema["default"] = schema.pop(STORED_DEFAULT)
    if schema.get("type") == "integer" and "format" not in schema:
        schema["format"] = "int64"
    return schema | _rules(source, schema, name)


def _rules(source: _Source, schema: Schema, name: str) -> Schema:
    """Return the CEL rules of a node: its own, and one whose message explains its pattern."""
    model = source.models.get(name)
    # To compare an object as a whole costs more than most of its own rules.
    found = [_rule(*each, is_costly=False) for each in (model.rules() if model is not None else ())]
    rules: list[tuple[str, ...]] = [*schema.pop(RULES, ())]
    if source.has_rules:
        rules += word_rules(schema.get("properties", {}))
        if schema.get("x-kubernetes-list-type") == "atomic":
            rules += item_word_rules(schema["items"].get("properties", {}))
    pattern = str(schema.get("pattern"))
    # CEL does not see the value of a field without a type.
    if pattern in MEANINGS and "type" in schema:
        rules.append((f"self.matches('{pattern}')".replace("\\", "\\\\"), MEANINGS[pattern]))
    if schema.get("x-kubernetes-int-or-string"):
        # Kubernetes 1.33 estimates that a comparison with the old value costs as much as that of the longest text. The
        # rules of these fields are as old as the fields, so that no object breaks them.
        found += [{"rule": rule, "message": message} for rule, message in rules]
    else:
        found += [_rule(*each) for each in rules]
    return {"x-kubernetes-validations": found} if found and source.has_rules else {}


_UNCHANGED = "oldSelf.hasValue() && self == oldSelf.value()"


def _rule(rule: str, message: str, field_path: str = "", *, is_costly: bool = True) -> Schema:
    """Return a CEL rule that accepts an unchanged value. One that is costly is not evaluated for such a value.

    An object may be older than a rule that it violates. The API server ignores such a rule when another part of the
    spec is written, but not when the status is: the operator could not report the violation in a condition.
    """
    if "oldSelf" in rule:
        return {"rule": rule, "message": message}
    parts = (_UNCHANGED, rule) if is_costly else (rule, _UNCHANGED)
    whole: Schema = {"rule": " || ".join(f"({each})" for each in parts), "message": message, "optionalOldSelf": True}
    return whole | ({"fieldPath": field_path} if field_path else {})


def _at_creation(rule: str, message: str, **more: str) -> Schema:
    """Return a rule of the root that applies to creation only: later it could only prevent writes of the status."""
    return {"rule": f"oldSelf.hasValue() || {rule}", "message": message, "optionalOldSelf": True, **more}


def _one_line(text: str) -> str:
    return " ".join(text.split())
