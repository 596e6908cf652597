"""How a ModelVersion was made: author, data sets, code, environment, training run, registry."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.meta import (
    COMMIT_PATTERN,
    ApiModel,
    DatasetName,
    Digest,
    Line,
    RegistryKey,
    Timestamp,
    Uri,
    Word,
    listed,
)
from pennant.api.number import Parameter


class AuthorKind(StrEnum):
    """Kind of the author of a version."""

    USER = "User"
    SERVICE_ACCOUNT = "ServiceAccount"
    PIPELINE = "Pipeline"


class Author(ApiModel):
    """Author of a version."""

    name: Word
    """Name of the user, service account or pipeline."""
    email: Line | None = None
    """E-mail address of the author."""
    kind: AuthorKind | None = None
    """Kind of the author: User, ServiceAccount or Pipeline."""


class DatasetRole(StrEnum):
    """Use of a data set."""

    TRAINING = "Training"
    VALIDATION = "Validation"
    TEST = "Test"
    REFERENCE = "Reference"


class Dataset(ApiModel):
    """A data set with which the version was trained or measured."""

    name: DatasetName
    """Name of the data set as its registry has it, unique in this ModelVersion."""
    role: DatasetRole
    """Use of the data set: Training, Validation, Test or Reference."""
    uri: Uri | None = None
    """URI of the data set."""
    digest: Digest | None = None
    """Digest of the data set."""
    version: Line | None = None
    """Version of the data set, such as a revision or a snapshot."""
    rows: Annotated[int, Field(ge=0)] | None = None
    """Number of rows."""


class Code(ApiModel):
    """The code that trained the version: a commit or a tag of a repository, or a file such as a notebook."""

    repository: Uri | None = None
    """URL of the source repository."""
    commit: Annotated[str, Field(min_length=7, max_length=64, pattern=COMMIT_PATTERN)] | None = None
    """Hash of the commit: 7 to 64 lower-case hexadecimal digits."""
    tag: Line | None = None
    """Tag of the repository. A tag can be moved: set `commit` as well, if it is known."""
    uri: Uri | None = None
    """URI of the file, such as a notebook or an archive, if the code is in no repository."""
    digest: Digest | None = None
    """Digest of the file."""
    path: Line | None = None
    """Path of the entry point in the repository."""
    dirty: bool | None = None
    """Whether the working tree had uncommitted changes."""

    RULES: ClassVar = (
        (
            "has(self.uri) || (has(self.repository) && (has(self.commit) || has(self.tag)))",
            "set repository with commit or tag, or uri",
        ),
    )

    @model_validator(mode="after")
    def _found_somewhere(self) -> "Code":
        if self.uri is None and (self.repository is None or (self.commit is None and self.tag is None)):
            raise ValueError(self.RULES[0][1])
        return self


class Preprocessing(ApiModel):
    """Preprocessing of the input of the model."""

    uri: Uri | None = None
    """URI of the code or of the fitted transformer."""
    digest: Digest | None = None
    """Digest of the code or of the fitted transformer."""
    commit: Annotated[str, Field(min_length=7, max_length=64, pattern=COMMIT_PATTERN)] | None = None
    """Hash of the commit of the code."""


class Hyperparameter(ApiModel):
    """A hyperparameter of the training."""

    name: RegistryKey
    """Name of the hyperparameter, as its registry has it."""
    value: Parameter
    """Value of the hyperparameter: a text, or a number such as `6` or `2e-05`."""


class Framework(ApiModel):
    """A library with which the version was trained."""

    name: Word
    """Name of the library."""
    version: Word
    """Version of the library."""


class Environment(ApiModel):
    """The software environment in which the version was trained."""

    language: Word | None = None
    """Programming language, such as `Python`."""
    language_version: Word | None = None
    """Version of the programming language."""
    lock_uri: Uri | None = None
    """URI of the lock file with the versions of all libraries."""
    lock_digest: Digest | None = None
    """Digest of the lock file."""
    image: Uri | None = None
    """Container image in which the version was trained."""
    image_digest: Digest | None = None
    """Digest of the container image."""
    frameworks: Annotated[tuple[Framework, ...], Field(max_length=64, json_schema_extra=listed("map", "name"))] = ()
    """Main libraries with their versions."""


class Training(ApiModel):
    """The training run that created the version."""

    experiment: Line | None = None
    """Name of the experiment."""
    run: Line | None = None
    """Identifier of the run."""
    run_uri: Uri | None = None
    """URI where the run can be viewed."""
    pipeline: Line | None = None
    """Name of the pipeline."""
    started_at: Timestamp | None = None
    """Time when the run began."""
    finished_at: Timestamp | None = None
    """Time when the run ended."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the random number generator."""


class Source(ApiModel):
    """The registry from which the record was imported."""

    registry: Word
    """Kind of registry, such as `MLflow`."""
    instance: Uri | None = None
    """URI of the registry."""
    model_name: Line | None = None
    """Name of the model in the registry."""
    version: Line | None = None
    """Version in the registry."""
    id: Line | None = None
    """Identifier of the version in the registry."""
    uri: Uri | None = None
    """URI where the version can be viewed in the registry."""
    imported_at: Timestamp | None = None
    """Time when the record was imported."""
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
    """Other data of the registry, as strings."""
