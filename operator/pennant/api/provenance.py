"""The parts of a ModelVersion that say how it was made: author, data, code, environment, training, registry."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, WithJsonSchema

from pennant.api.meta import COMMIT_PATTERN, ApiModel, Digest, Label, Line, Timestamp, Uri, Word, listed


class AuthorKind(StrEnum):
    """What kind of actor made a version."""

    USER = "User"
    SERVICE_ACCOUNT = "ServiceAccount"
    PIPELINE = "Pipeline"


class Author(ApiModel):
    """Who made a version."""

    name: Word
    """Name of the person, service account or pipeline."""
    email: Line | None = None
    """Where to reach the author."""
    kind: AuthorKind | None = None
    """User, ServiceAccount or Pipeline."""


class DatasetRole(StrEnum):
    """What a data set was used for."""

    TRAINING = "Training"
    VALIDATION = "Validation"
    TEST = "Test"
    REFERENCE = "Reference"


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
