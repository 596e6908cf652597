"""What is computed from a version's record, and from what happened to it: the parts of a ModelVersion's status."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.meta import ATOMIC, ApiModel, Line, RevisionNumber, SemanticVersion, Timestamp, Word

ELEMENTS = 9
"""A complete record has so many elements."""
MOST_REASONS = 16
MOST_SERVED = 32


class Completeness(ApiModel):
    """How much of a complete record is there."""

    present: Annotated[int, Field(ge=0, le=ELEMENTS)]
    """How many of the nine elements are there."""
    missing: Annotated[tuple[Word, ...], Field(max_length=ELEMENTS, json_schema_extra=ATOMIC)] = ()
    """The elements that are missing: Artifacts, TrainingData, Hyperparameters, Code, Metrics, CreatedAt, Author, Reason
    or Environment."""


class Bump(StrEnum):
    """Which part of a semantic version has to grow."""

    MAJOR = "Major"
    MINOR = "Minor"
    PATCH = "Patch"
    NONE = "None"
    UNKNOWN = "Unknown"


class ComputedBump(ApiModel):
    """Which part of the semantic version has to grow, going by what differs from the parent."""

    parent: SemanticVersion
    """The version that the record was compared with."""
    bump: Bump
    """Major, Minor, Patch, None or Unknown."""
    reasons: Annotated[tuple[Line, ...], Field(max_length=MOST_REASONS, json_schema_extra=ATOMIC)] = ()
    """What differs, or what cannot be told."""


class ServedBy(ApiModel):
    """A time for which a ModelDeployment served this version."""

    deployment: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the ModelDeployment."""
    revision: RevisionNumber
    """The revision of the ModelDeployment that put the version in place."""
    from_: Annotated[Timestamp, Field(alias="from")]
    """When its first pod became available."""
    until: Timestamp | None = None
    """When another revision took its place, or the ModelDeployment was seen to be gone; none while it serves."""
