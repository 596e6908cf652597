"""The schema of an export: the history of a ModelDeployment, one revision of it, or one version, as a JSON document.

`pennant export` writes one document, and the archive of the operator has one in each line.

Rule: R140.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from pennant.api.commands import AnsweredCommand, LastCommand
from pennant.api.history import HistoryEntry, QuarantineEntry
from pennant.api.meta import ApiModel, ContentDigest, Line, RevisionNumber, Timestamp
from pennant.api.version_status import QuarantinedBy, ServedBy

KIND = "Export"
FORMAT = 1
"""Version of the format. It increases when an older release would restore a document wrongly."""
DIGEST = "digest"
"""The field that the digest does not cover."""
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
Words = dict[str, str]
Raw = dict[str, Any]


class Part(ApiModel):
    """A part of the document. A field has one name only, so that what is checked is what is restored."""

    model_config = ConfigDict(populate_by_name=False)


class Source(Part):
    """Where an export comes from."""

    server: Annotated[str, Field(max_length=2048)]
    """Address of the API server."""
    namespace: ObjectName
    """Namespace of the objects."""
    release: Line
    """Release of Pennant that wrote the document."""


class ExportedRevision(Part):
    """What a ControllerRevision stores."""

    revision: RevisionNumber
    """Number of the revision."""
    data: Raw
    """Data of the ControllerRevision as it is stored: the history entry with its hashes, the pod template, and the
    record of the version."""
    progress: Raw | None = None
    """Progress of the revision: the annotation `pennant.dev/progress`. Not set: it had none."""


class Omission(Part):
    """A revision of the history whose ControllerRevision is not in the document."""

    revision: RevisionNumber
    """Number of the revision."""
    problem: Annotated[str, Field(max_length=4096)]
    """Why it must not be used: it is missing, or was changed."""


class ExportedDeployment(Part):
    """A ModelDeployment and its history."""

    name: ObjectName
    """Name of the ModelDeployment."""
    labels: Words = Field(default_factory=dict)
    """Its labels."""
    annotations: Words = Field(default_factory=dict)
    """Its annotations, without commands and without those of `kubectl apply`."""
    spec: Raw | None = None
    """Its spec. Not set in the archive, where a document has one revision."""
    deleted_at: Timestamp | None = None
    """In the archive: time when the operator found the ModelDeployment deleted. Its current revision ended then."""
    history: tuple[HistoryEntry, ...] = ()
    """The history entries, oldest first, each with its hashes and its progress."""
    quarantine: tuple[QuarantineEntry, ...] = ()
    """The contents that must not be deployed."""
    last_command: LastCommand | None = None
    """Result of the newest command. It is evidence, and is not restored."""
    commands: tuple[AnsweredCommand, ...] = ()
    """The last commands that were answered. They are evidence, and are not restored."""
    revisions: tuple[ExportedRevision, ...] = ()
    """The ControllerRevisions that may be used, oldest first."""
    omitted: tuple[Omission, ...] = ()
    """Revisions of the history that cannot be restored."""


class ExportedVersion(Part):
    """A ModelVersion."""

    name: ObjectName
    """Name of the ModelVersion."""
    labels: Words = Field(default_factory=dict)
    """Its labels."""
    annotations: Words = Field(default_factory=dict)
    """Its annotations, without those of `kubectl apply`."""
    spec: Raw
    """Its record, with its tags."""
    record_digest: ContentDigest
    """sha256 of the immutable part of the record, as in `status.recordDigest`."""
    served_by: tuple[ServedBy, ...] = ()
    """Periods in which the ModelDeployment served it; in the export of a version, those of all ModelDeployments."""
    quarantined_by: tuple[QuarantinedBy, ...] = ()
    """Its marks of quarantine by the ModelDeployment; in the export of a version, those of all ModelDeployments."""


class Export(Part):
    """An export."""

    api_version: Line
    """`pennant.dev/v1alpha1`."""
    kind: Line
    """`Export`."""
    format_version: Annotated[int, Field(ge=1)]
    """Version of the format: 1. A newer one is refused."""
    created_at: Timestamp
    """Time of the export."""
    source: Source
    """Where it comes from."""
    deployment: ExportedDeployment | None = None
    """The ModelDeployment. Not set in the export of a version."""
    versions: tuple[ExportedVersion, ...] = ()
    """The ModelVersions that the history, the quarantine or the tag names, as far as they exist."""
    digest: ContentDigest
    """sha256 of all other fields, as JSON with sorted keys and without white space."""
