"""The parts of a ModelVersion that say what it consists of: files, schema, documents."""

from typing import Annotated

from pydantic import Field

from pennant.api.meta import ATOMIC, ApiModel, Digest, Label, Line, Uri, Word, listed


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
