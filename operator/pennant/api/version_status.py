"""The status of a ModelVersion: what is computed from its record, which deployments served or quarantined it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.conditions import Condition
from pennant.api.meta import (
    ANY_WORD,
    ATOMIC,
    ApiModel,
    ContentDigest,
    LabelValue,
    Line,
    Open,
    RevisionNumber,
    Sentence,
    ShortHash,
    Timestamp,
    VersionName,
    Word,
    listed,
)
from pennant.api.reasons import ReasonWord

ELEMENTS = 9
"""Number of elements of a complete record."""
MAX_REASONS = 16
MAX_SERVED = 32


class Completeness(ApiModel):
    """Which elements of a complete record the version has."""

    present: Annotated[int, Field(ge=0, le=ELEMENTS)]
    """Number of the nine elements that are present."""
    missing: Annotated[tuple[Word, ...], Field(max_length=ELEMENTS, json_schema_extra=ATOMIC)] = ()
    """Elements that are missing: Artifacts, TrainingData, Hyperparameters, Code, Metrics, CreatedAt, Author, Reason or
    Environment."""


class Bump(Open, StrEnum):
    """The part of a semantic version to increment."""

    MAJOR = "Major"
    MINOR = "Minor"
    PATCH = "Patch"
    NONE = "None"
    UNKNOWN = "Unknown"


class ComputedBump(ApiModel):
    """The semantic version bump that the differences from the parent require."""

    parent: VersionName
    """Version with which the record was compared."""
    bump: Annotated[Bump, ANY_WORD]
    """Part of the semantic version to increment: Major, Minor, Patch, None or Unknown."""
    reasons: Annotated[tuple[Line, ...], Field(max_length=MAX_REASONS, json_schema_extra=ATOMIC)] = ()
    """Differences that require the bump, or what is missing to determine it."""


class ServedBy(ApiModel):
    """A period in which a ModelDeployment served this version."""

    deployment: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the ModelDeployment."""
    revision: RevisionNumber
    """Revision of the ModelDeployment that served the version."""
    from_: Annotated[Timestamp, Field(alias="from")]
    """Time when its first pod became available."""
    verified_at: Timestamp | None = None
    """Time when the revision was verified. A ModelDeployment that is created again may fall back to such a version."""
    until: Timestamp | None = None
    """Time when another revision replaced it, or the ModelDeployment was found deleted. Not set while it serves."""


class QuarantinedBy(ApiModel):
    """A ModelDeployment in which this version failed or was undone, and which does not serve it."""

    deployment: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the ModelDeployment."""
    digest: ContentDigest
    """Digest of the content that failed or was undone."""
    inputs_hash: ShortHash | None = None
    """`inputsHash` of the only pod template with which the content is quarantined. Not set: with every pod template."""
    reason: ReasonWord
    """Reason: MetricBreach, ProgressDeadlineExceeded, PodsUnavailable, DigestMismatch, ArtifactRefused or Undone."""
    message: Sentence
    """Reason in a sentence, with the measured values."""
    since: Timestamp
    """Time when it failed or was undone."""
    revision: RevisionNumber
    """Revision of the ModelDeployment that failed or was undone."""
    tag: LabelValue | None = None
    """Tag that the ModelDeployment followed at that time. Not set: `spec.version` named the version."""
    tagged: ContentDigest | None = None
    """Digest of the content that had the tag at that time, if it was another one."""


class ModelVersionStatus(ApiModel):
    """Status of the version."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The `metadata.generation` for which the status was computed; -1: it was not computed yet."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=listed("map", "type"))] = ()
    """Conditions of the version: Ready and Complete; and Expired, if `spec.retention` of the ModelDeployments of its
    model would let it go."""
    completeness: Completeness | None = None
    """Which elements of a complete record the version has."""
    record_digest: ContentDigest | None = None
    """sha256 of the immutable part of the spec (all but tags, description, owner and retention), as JSON with sorted
    keys and without white space. It is that of what is stored: 0.05 and "0.05" have different digests."""
    computed_bump: ComputedBump | None = None
    """Semantic version bump that the differences from `spec.parent` require. Not set if `spec.parent` is not set."""
    serving: Line | None = None
    """Names of the ModelDeployments that serve the version now."""
    served_by: Annotated[tuple[ServedBy, ...], Field(max_length=MAX_SERVED, json_schema_extra=ATOMIC)] = ()
    """Periods in which ModelDeployments served the version, oldest first. Only the newest ones are kept."""
    quarantined_by: Annotated[
        # Atomic: one ModelDeployment may be there several times, with a pod template each.
        tuple[QuarantinedBy, ...], Field(max_length=100, json_schema_extra=ATOMIC)
    ] = ()
    """ModelDeployments that quarantine the version. Other ModelDeployments may still serve it."""
