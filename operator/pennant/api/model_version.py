"""ModelVersion: the complete, immutable record of one version of a machine-learning model."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.meta import (
    ATOMIC,
    COMMIT_PATTERN,
    LABEL_PATTERN,
    MEANINGS,
    VARIABLE_PATTERN,
    ApiModel,
    Decimal,
    Digest,
    Label,
    Line,
    Message,
    SemanticVersion,
    Text,
    Timestamp,
    Uri,
    Word,
    listed,
)

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


class AuthorKind(StrEnum):
    """What kind of actor made a version."""

    USER = "User"
    SERVICE_ACCOUNT = "ServiceAccount"
    PIPELINE = "Pipeline"


class DatasetRole(StrEnum):
    """What a data set was used for."""

    TRAINING = "Training"
    VALIDATION = "Validation"
    TEST = "Test"
    REFERENCE = "Reference"


class Split(StrEnum):
    """The part of the data that a metric was computed on."""

    TRAIN = "Train"
    VALIDATION = "Validation"
    TEST = "Test"


class Direction(StrEnum):
    """Which way a metric is better."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"


class MetricCategory(StrEnum):
    """What a metric speaks of."""

    PERFORMANCE = "Performance"
    FAIRNESS = "Fairness"
    LATENCY = "Latency"
    ROBUSTNESS = "Robustness"
    COST = "Cost"


class RiskTier(StrEnum):
    """How much depends on the model."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"


class Author(ApiModel):
    """Who made a version."""

    name: Word
    """Name of the person, service account or pipeline."""
    email: Line | None = None
    """Where to reach the author."""
    kind: AuthorKind | None = None
    """User, ServiceAccount or Pipeline."""


class Format(ApiModel):
    """File format of an artefact."""

    name: Word
    """Name of the format, such as `onnx`, `safetensors` or `skops`."""
    version: Line | None = None
    """Version of the format."""


class Artifact(ApiModel):
    """A file, or a directory of files, that the model consists of."""

    name: Label
    """Name of the artefact, unique in this version."""
    uri: Uri
    """Where the artefact is."""
    digest: Digest | None = None
    """Digest of its bytes, as `<algorithm>:<value>`, preferably sha256."""
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Size in bytes."""
    format: Format | None = None
    """Its file format."""
    manifest_uri: Uri | None = None
    """Where the list of its files is, when there are many."""
    manifest_digest: Digest | None = None
    """Digest of that list."""


class Dataset(ApiModel):
    """A data set that the version was made or measured with."""

    name: Label
    """Name of the data set, unique in this version."""
    role: DatasetRole
    """Training, Validation, Test or Reference."""
    uri: Uri | None = None
    """Where the data set is."""
    digest: Digest | None = None
    """Digest of its bytes."""
    version: Line | None = None
    """Its own version, such as a revision or a snapshot."""
    rows: Annotated[int, Field(ge=0)] | None = None
    """Number of rows."""


class Code(ApiModel):
    """The code that trained the version."""

    repository: Uri
    """URL of the repository."""
    commit: Annotated[str, Field(min_length=7, max_length=64, pattern=COMMIT_PATTERN)]
    """Hash of the commit."""
    path: Line | None = None
    """Path of the entry point in the repository."""
    dirty: bool | None = None
    """Whether the working tree had changes that are in no commit."""


class Preprocessing(ApiModel):
    """What is done to the input before the model sees it."""

    uri: Uri | None = None
    """Where the code or the fitted transformer is."""
    digest: Digest | None = None
    """Digest of its bytes."""
    commit: Annotated[str, Field(min_length=7, max_length=64, pattern=COMMIT_PATTERN)] | None = None
    """Hash of its commit."""


class Hyperparameter(ApiModel):
    """One setting of the training."""

    name: Word
    """Name of the setting."""
    value: Annotated[str, Field(max_length=512)]
    """Its value, as a string."""


class Framework(ApiModel):
    """A library that the model depends on."""

    name: Word
    """Name of the library."""
    version: Word
    """Its version."""


class Environment(ApiModel):
    """The software in which the version was trained."""

    language: Word | None = None
    """Programming language."""
    language_version: Word | None = None
    """Its version."""
    lock_uri: Uri | None = None
    """Where the lock file with all library versions is."""
    lock_digest: Digest | None = None
    """Digest of the lock file."""
    image: Uri | None = None
    """Container image of the training."""
    image_digest: Digest | None = None
    """Digest of that image."""
    frameworks: Annotated[tuple[Framework, ...], Field(max_length=64, json_schema_extra=listed("map", "name"))] = ()
    """The main libraries with their versions."""


class Tensor(ApiModel):
    """One input or output of the model."""

    name: Word
    """Its name."""
    type: Word
    """Its data type."""
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Its dimensions; -1 is one that varies."""
    required: bool | None = None
    """Whether a request must have it."""


class Signature(ApiModel):
    """What the model takes and gives."""

    digest: Digest | None = None
    """Digest of the signature."""
    inputs: Annotated[tuple[Tensor, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))] = ()
    """What a request must have."""
    outputs: Annotated[tuple[Tensor, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))] = ()
    """What an answer has."""


class Training(ApiModel):
    """The run that made the version."""

    experiment: Line | None = None
    """Name of the experiment."""
    run: Line | None = None
    """Identifier of the run."""
    run_uri: Uri | None = None
    """Where the run can be looked at."""
    pipeline: Line | None = None
    """Name of the pipeline."""
    started_at: Timestamp | None = None
    """When the run began."""
    finished_at: Timestamp | None = None
    """When the run ended."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the random numbers."""


class RecordedMetric(ApiModel):
    """One number that was measured when the version was made."""

    name: Word
    """Name of the metric."""
    value: Decimal
    """Its value, as a decimal string."""
    dataset: Label | None = None
    """Name of the data set that it was computed on."""
    split: Split | None = None
    """Train, Validation or Test."""
    slice: Line | None = None
    """The part of the population, where it is only one."""
    direction: Direction | None = None
    """Which way it is better: Maximize or Minimize."""
    unit: Word | None = None
    """Its unit."""
    category: MetricCategory | None = None
    """Performance, Fairness, Latency, Robustness or Cost."""


class Document(ApiModel):
    """A document about the version."""

    name: Label
    """Name of the document, unique in this version."""
    uri: Uri
    """Where it is."""
    digest: Digest | None = None
    """Digest of its bytes."""


class ModelCard(ApiModel):
    """The model card."""

    uri: Uri
    """Where it is."""
    digest: Digest | None = None
    """Digest of its bytes."""


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


class Source(ApiModel):
    """The registry that the record was imported from."""

    registry: Word
    """Kind of registry, such as `MLflow`."""
    instance: Uri | None = None
    """Which registry of that kind."""
    model_name: Line | None = None
    """Name of the model there."""
    version: Line | None = None
    """Version there."""
    id: Line | None = None
    """Identifier there."""
    uri: Uri | None = None
    """Where it can be looked at."""
    imported_at: Timestamp | None = None
    """When it was imported."""
    annotations: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]],
        WithJsonSchema(
            {
                "type": "object",
                "maxProperties": 64,
                "additionalProperties": {"type": "string", "maxLength": 1024},
            }
        ),
    ] = Field(default_factory=dict)
    """What the registry knows besides."""


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
