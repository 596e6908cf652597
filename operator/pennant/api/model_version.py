"""ModelVersion: the complete, immutable record of one version of a machine-learning model."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.artifacts import Artifact, Document, ModelCard, Signature
from pennant.api.meta import (
    ATOMIC,
    LABEL_PATTERN,
    MEANINGS,
    VARIABLE_PATTERN,
    ApiModel,
    Label,
    Line,
    Message,
    SemanticVersion,
    Text,
    Timestamp,
    Uri,
    listed,
)
from pennant.api.provenance import Author, Code, Dataset, Environment, Hyperparameter, Preprocessing, Source, Training
from pennant.api.recorded_metric import RecordedMetric

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


class RiskTier(StrEnum):
    """How much depends on the model."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"


class ServingVariable(ApiModel):
    """An environment variable of the model's container."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=VARIABLE_PATTERN)]
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value, as in a container's `env`: `$(NAME)` refers to an earlier variable, such as `$(MODEL_URI)`, and `$$`
    is a dollar sign."""


class Resources(ApiModel):
    """Compute resources of the model's container, as in a pod."""

    requests: Quantities | None = None
    """What it needs at least."""
    limits: Quantities | None = None
    """What it may use at most."""


class Serving(ApiModel):
    """What this version needs of its server; it overrides the template of the ModelDeployment."""

    image: Uri | None = None
    """Image of the model's container."""
    env: Annotated[tuple[ServingVariable, ...], Field(max_length=64, json_schema_extra=listed("map", "name"))] = ()
    """Environment variables of the model's container."""
    resources: Resources | None = None
    """Compute resources of the model's container."""


class Risk(ApiModel):
    """How much depends on the model."""

    tier: RiskTier
    """Low, Medium, High or Critical."""


class Retention(ApiModel):
    """How long the version must be kept."""

    minimum_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    """Days for which it must be kept; may only be raised."""
    legal_hold: bool | None = None
    """Whether it must be kept until a person says otherwise; may only be set."""


Tag = Label
MUTABLE = frozenset({"tags", "description", "owner", "retention"})


class ModelVersionSpec(ApiModel):
    """The record. It cannot be changed, but for tags, description, owner and retention."""

    model: Label
    """Name of the model."""
    version: SemanticVersion
    """Semantic version without build metadata, in lower case."""
    tags: Annotated[tuple[Tag, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """What this version is for, such as `production` or `staging`. May be changed: to promote is to move a tag."""
    description: Text | None = None
    """What the version is. May be changed."""
    reason: Message | None = None
    """Why the version was made."""
    author: Author | None = None
    """Who made it."""
    created_at: Timestamp | None = None
    """When it was made."""
    parent: SemanticVersion | None = None
    """The version of this model that it was derived from."""
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, max_length=16, json_schema_extra=listed("map", "name"))
    ]
    """What the model consists of. The first one is what the server gets as MODEL_URI and MODEL_DIGEST."""
    datasets: Annotated[tuple[Dataset, ...], Field(max_length=32, json_schema_extra=listed("map", "name"))] = ()
    """What it was made and measured with."""
    code: Code | None = None
    """The code that trained it."""
    preprocessing: Preprocessing | None = None
    """What is done to the input before the model sees it."""
    hyperparameters: Annotated[
        tuple[Hyperparameter, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))
    ] = ()
    """The settings of the training."""
    environment: Environment | None = None
    """The software in which it was trained."""
    schema_: Annotated[Signature | None, Field(alias="schema")] = None
    """What it takes and gives."""
    training: Training | None = None
    """The run that made it."""
    metrics: Annotated[tuple[RecordedMetric, ...], Field(max_length=256, json_schema_extra=ATOMIC)] = ()
    """What was measured when it was made."""
    reports: Annotated[tuple[Document, ...], Field(max_length=32, json_schema_extra=listed("map", "name"))] = ()
    """Evaluation reports and the like."""
    model_card: ModelCard | None = None
    """Its model card."""
    serving: Serving | None = None
    """What it needs of its server."""
    license: Line | None = None
    """Its licence, as an SPDX expression."""
    intended_use: Text | None = None
    """What it may be used for."""
    risk: Risk | None = None
    """How much depends on it."""
    owner: Line | None = None
    """Who answers for it. May be changed."""
    retention: Retention | None = None
    """How long it must be kept. May only be lengthened."""
    source: Source | None = None
    """Where it was imported from."""

    @model_validator(mode="after")
    def _unique_tags(self) -> "ModelVersionSpec":
        if len(set(self.tags)) != len(self.tags):
            raise ValueError(UNIQUE_TAGS[1])
        return self

    RULES: ClassVar[tuple[tuple[str, str], ...]] = ()


UNIQUE_TAGS = (
    "!has(self.tags) || self.tags.all(t, self.tags.exists_one(o, o == t))",
    "spec.tags must not name a tag twice",
)
# An item of the list has no rule of its own: the list is atomic.
TAG_WORDS = (
    f"!has(self.tags) || self.tags.all(t, t.matches('{LABEL_PATTERN}'))",
    f"each of spec.tags {MEANINGS[LABEL_PATTERN]}",
)
LENGTHENED = (
    (
        "!has(oldSelf.retention) || !has(oldSelf.retention.minimumDays) || (has(self.retention) && "
        "has(self.retention.minimumDays) && self.retention.minimumDays >= oldSelf.retention.minimumDays)",
        "spec.retention.minimumDays may only be raised",
    ),
    (
        "!has(oldSelf.retention) || !has(oldSelf.retention.legalHold) || !oldSelf.retention.legalHold || "
        "(has(self.retention) && has(self.retention.legalHold) && self.retention.legalHold)",
        "spec.retention.legalHold may only be set; a hold is released by whoever may delete the object",
    ),
)


def _unchanged(name: str, required: bool) -> tuple[str, str]:
    """Return the rule that a field stays as it is; on the parent, so that removing and adding it is no way around."""
    same = f"self.{name} == oldSelf.{name}"
    # What is required is there, but in an object that is older than the requirement.
    absent = f"!has(oldSelf.{name})" if required else f"!has(self.{name}) && !has(oldSelf.{name})"
    rule = f"{absent} || has(self.{name}) && has(oldSelf.{name}) && {same}"
    return rule, f"spec.{name} is immutable; create a new ModelVersion"


def _fields(model: type[ApiModel]) -> Mapping[str, bool]:
    return {field.alias or name: field.is_required() for name, field in model.model_fields.items()}


ModelVersionSpec.RULES = (
    UNIQUE_TAGS,
    TAG_WORDS,
    *LENGTHENED,
    *(_unchanged(name, required) for name, required in _fields(ModelVersionSpec).items() if name not in MUTABLE),
)
