"""What a ModelVersion's status says: what is computed from the record, and what happened to the version."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.conditions import Condition
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    ApiModel,
    ContentDigest,
    Label,
    Line,
    Open,
    RevisionNumber,
    SemanticVersion,
    Sentence,
    ShortHash,
    Timestamp,
    Word,
    listed,
)
from pennant.api.reasons import ReasonWord

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


class Bump(Open, StrEnum):
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
    bump: Annotated[Bump, ANY_WORD]
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
    verified_at: Timestamp | None = None
    """When it became known good there; a ModelDeployment that is created anew goes back to such a version."""
    until: Timestamp | None = None
    """When another revision took its place, or the ModelDeployment was seen to be gone; none while it serves."""


class QuarantinedBy(ApiModel):
    """A ModelDeployment that found this version bad and will not serve it."""

    deployment: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the ModelDeployment."""
    digest: ContentDigest
    """Digest of the content that was found bad."""
    inputs_hash: ShortHash | None = None
    """The only pod template that is meant, by the `inputsHash` of its revision; none: the content with every one."""
    reason: ReasonWord
    """MetricBreach, ProgressDeadlineExceeded, PodsUnavailable or Undone."""
    message: Sentence
    """Why, with the numbers."""
    since: Timestamp
    """When it was found bad."""
    revision: RevisionNumber
    """The revision of the ModelDeployment that was found bad."""
    tag: Label | None = None
    """The tag that the ModelDeployment followed then; none: it named the version."""
    tagged: ContentDigest | None = None
    """Digest of the content that had the tag then, where that was another one."""


class ModelVersionStatus(ApiModel):
    """What became of the version."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The `metadata.generation` that this status was computed from; -1 before the first time."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=listed("map", "type"))] = ()
    """Ready and Complete."""
    completeness: Completeness | None = None
    """Which elements of a complete record are there."""
    record_digest: ContentDigest | None = None
    """sha256 of the JSON of the spec without tags, description, owner and retention: sorted keys, no white space."""
    computed_bump: ComputedBump | None = None
    """Which part of the semantic version has to grow, against `spec.parent`; none where no parent is named."""
    serving: Line | None = None
    """The ModelDeployments that serve it now, by name."""
    served_by: Annotated[tuple[ServedBy, ...], Field(max_length=MOST_SERVED, json_schema_extra=ATOMIC)] = ()
    """When it was served by which ModelDeployment, oldest first; of many the newest."""
    quarantined_by: Annotated[
        # Atomic: one ModelDeployment may be there several times, with a pod template each.
        tuple[QuarantinedBy, ...], Field(max_length=100, json_schema_extra=ATOMIC)
    ] = ()
    """The ModelDeployments that found this version bad. A quarantined version is a record like any other."""
