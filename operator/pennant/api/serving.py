"""How a version must be served: `spec.serving` of a ModelVersion."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.meta import ATOMIC, VARIABLE_PATTERN, ApiModel, Uri, listed

Quantity = Annotated[str, Field(max_length=32)]
Quantities = Annotated[
    dict[str, Quantity],
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 16,
            "additionalProperties": {"type": "string", "maxLength": 32},
        }
    ),
]


class KeyReference(ApiModel):
    """A key of a Secret or ConfigMap in the namespace of the ModelDeployment."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the object."""
    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Key in the object."""
    optional: bool | None = None
    """Whether pods start without the object or the key."""


class FieldReference(ApiModel):
    """A field of the pod."""

    field_path: Annotated[str, Field(min_length=1, max_length=253)]
    """Path of the field, such as `status.podIP`."""


class ValueSource(ApiModel):
    """Source of the value of an environment variable, as in a container: exactly one of its fields."""

    secret_key_ref: KeyReference | None = None
    """Key of a Secret."""
    config_map_key_ref: KeyReference | None = None
    """Key of a ConfigMap."""
    field_ref: FieldReference | None = None
    """Field of the pod."""

    RULES: ClassVar = (
        (
            "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef)].filter(x, x).size() == 1",
            "set exactly one of secretKeyRef, configMapKeyRef and fieldRef",
        ),
    )

    @model_validator(mode="after")
    def _one_source(self) -> "ValueSource":
        if sum(each is not None for each in (self.secret_key_ref, self.config_map_key_ref, self.field_ref)) != 1:
            raise ValueError(self.RULES[0][1])
        return self


class ServingVariable(ApiModel):
    """An environment variable of the model's container: a value, or where its value comes from."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=VARIABLE_PATTERN)]
    """Name of the environment variable."""
    value: Annotated[str, Field(max_length=4096)] | None = None
    """Value of the environment variable, as in the `env` of a container: `$(NAME)` is replaced by the value of an
    earlier variable, such as `$(MODEL_URI)`, and `$$` by a single `$`. Default: empty."""
    value_from: ValueSource | None = None
    """Source of the value, instead of `value`, such as a key of a Secret."""

    RULES: ClassVar = (("!(has(self.value) && has(self.valueFrom))", "set at most one of value and valueFrom"),)

    @model_validator(mode="after")
    def _one_value(self) -> "ServingVariable":
        if self.value is not None and self.value_from is not None:
            raise ValueError(self.RULES[0][1])
        return self


class Resources(ApiModel):
    """Compute resources of the container that gets the model, as in a pod."""

    requests: Quantities | None = None
    """Minimum amount of each resource, such as `cpu` or `memory`."""
    limits: Quantities | None = None
    """Maximum amount of each resource."""


Argument = Annotated[str, Field(max_length=4096)]
Arguments = Annotated[tuple[Argument, ...], Field(max_length=64, json_schema_extra=ATOMIC)]


class Serving(ApiModel):
    """How this version must be served. The values override those of `spec.template` of the ModelDeployment."""

    image: Uri | None = None
    """Image of the container that gets the model."""
    args: Arguments | None = None
    """Arguments of the container that gets the model, instead of those of the template."""
    env: Annotated[tuple[ServingVariable, ...], Field(max_length=64, json_schema_extra=listed("map", "name"))] = ()
    """Environment variables of the container that gets the model."""
    resources: Resources | None = None
    """Compute resources of the container that gets the model."""

    def parts(self) -> Iterator[tuple[str, "ServingPart"]]:
        """Yield each field that is set, as its path below `spec.serving`, and the part that permits it."""
        if self.image is not None:
            yield "image", ServingPart.IMAGE
        if self.args is not None:
            yield "args", ServingPart.ARGS
        for each in self.env:
            part = ServingPart.ENV if each.value_from is None else ServingPart.ENV_VALUE_FROM
            yield f"env[{each.name}]", part
        if self.resources is not None:
            yield "resources", ServingPart.RESOURCES


class ServingPart(StrEnum):
    """A part of `spec.serving` of a version that a ModelDeployment may permit."""

    RESOURCES = "Resources"
    IMAGE = "Image"
    ARGS = "Args"
    ENV = "Env"
    ENV_VALUE_FROM = "EnvValueFrom"
