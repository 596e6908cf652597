"""ModelVersion: the complete, immutable record of one version of a machine-learning model."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api.artifacts import Artifact, BaseModelReference, Document, ModelCard, Signature
from pennant.api.meta import (
    ATOMIC,
    LABEL_VALUE_PATTERN,
    MEANINGS,
    ApiModel,
    LabelValue,
    Line,
    Message,
    Subdomain,
    Text,
    Timestamp,
    VersionName,
    listed,
    validated,
)
from pennant.api.provenance import Author, Code, Dataset, Environment, Hyperparameter, Preprocessing, Source, Training
from pennant.api.recorded_metric import RecordedMetric
from pennant.api.serving import Serving


class RiskTier(StrEnum):
    """Risk of the use of the model."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"


class Risk(ApiModel):
    """Risk of the use of the model."""

    tier: RiskTier
    """Risk tier: Low, Medium, High or Critical."""


class Retention(ApiModel):
    """How long the version must be kept, whatever `spec.retention` of a ModelDeployment says."""

    minimum_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    """Number of days for which the operator keeps the version, from its last use: the end of the last period in which a
    ModelDeployment served it, or its creation if none did. It can only be increased."""
    legal_hold: bool | None = None
    """Whether the operator keeps the version until further notice. It can be set, but not unset."""


Tag = LabelValue
MUTABLE = frozenset({"tags", "description", "owner", "retention"})
UNIQUE_TAGS = ("self.all(t, self.exists_one(o, o == t))", "spec.tags must not name a tag twice")
# An item of the list has no rule of its own: the list is atomic.
TAG_WORDS = (f"self.all(t, t.matches('{LABEL_VALUE_PATTERN}'))", f"each of spec.tags {MEANINGS[LABEL_VALUE_PATTERN]}")


class ModelVersionSpec(ApiModel):
    """The record of the version. It is immutable, except for tags, description, owner and retention."""

    model: Subdomain
    """Name of the model. Immutable."""
    version: VersionName
    """Version, as its registry names it: a semantic version such as `1.4.0`, a number, a date or a hash, in lower case
    and in quotes where YAML would read a number or a date. Semantic versions have an order. Immutable."""
    tags: Annotated[
        tuple[Tag, ...], Field(max_length=16, json_schema_extra=ATOMIC | validated(UNIQUE_TAGS, TAG_WORDS))
    ] = ()
    """Tags of the version, such as `production` or `staging`. Mutable: move a tag to promote a version. A
    ModelDeployment serves the version that has its tag."""
    description: Text | None = None
    """Description of the version. Mutable."""
    reason: Message | None = None
    """Reason for which the version was created."""
    author: Author | None = None
    """Author of the version."""
    created_at: Timestamp | None = None
    """Time when the version was created."""
    parent: VersionName | None = None
    """Version of the same model from which this one was derived. `status.computedBump` compares the two."""
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, max_length=16, json_schema_extra=listed("map", "name"))
    ]
    """Artefacts of the model. The server gets the URI and the digest of the first one as the environment variables
    MODEL_URI and MODEL_DIGEST, and those of each as MODEL_URI_<ARTIFACT> if there are several."""
    base_model: BaseModelReference | None = None
    """Model from which this one was fine-tuned, or which its adapter needs."""
    datasets: Annotated[tuple[Dataset, ...], Field(max_length=32, json_schema_extra=listed("map", "name"))] = ()
    """Data sets with which the version was trained and measured."""
    code: Code | None = None
    """Code that trained the version."""
    preprocessing: Preprocessing | None = None
    """Preprocessing of the input of the model."""
    hyperparameters: Annotated[
        tuple[Hyperparameter, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))
    ] = ()
    """Hyperparameters of the training."""
    environment: Environment | None = None
    """Software environment in which the version was trained."""
    schema_: Annotated[Signature | None, Field(alias="schema")] = None
    """Inputs and outputs of the model."""
    training: Training | None = None
    """Training run that created the version."""
    metrics: Annotated[tuple[RecordedMetric, ...], Field(max_length=4096, json_schema_extra=ATOMIC)] = ()
    """Metrics that were measured when the version was created. `promotion.gates` of a ModelDeployment compares them."""
    reports: Annotated[tuple[Document, ...], Field(max_length=32, json_schema_extra=listed("map", "name"))] = ()
    """Documents about the version, such as evaluation reports."""
    model_card: ModelCard | None = None
    """Model card of the version."""
    serving: Serving | None = None
    """How the version must be served."""
    license: Line | None = None
    """Licence of the model, as an SPDX expression."""
    intended_use: Text | None = None
    """Intended use of the model."""
    risk: Risk | None = None
    """Risk of the use of the model."""
    owner: Line | None = None
    """Owner of the version. Mutable."""
    retention: Retention | None = None
    """How long the version must be kept. It can only be extended."""
    source: Source | None = None
    """Registry from which the record was imported."""

    @model_validator(mode="after")
    def _unique_tags(self) -> "ModelVersionSpec":
        if len(set(self.tags)) != len(self.tags):
            raise ValueError(UNIQUE_TAGS[1])
        return self

    RULES: ClassVar = (
        (
            "!has(oldSelf.retention) || !has(oldSelf.retention.minimumDays) || (has(self.retention) && "
            "has(self.retention.minimumDays) && self.retention.minimumDays >= oldSelf.retention.minimumDays)",
            "spec.retention.minimumDays may only be raised",
        ),
        (
            "!has(oldSelf.retention) || !has(oldSelf.retention.legalHold) || !oldSelf.retention.legalHold || "
            "(has(self.retention) && has(self.retention.legalHold) && self.retention.legalHold)",
            "spec.retention.legalHold may only be set; to release the hold, delete the ModelVersion",
        ),
    )
