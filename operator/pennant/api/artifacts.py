"""What a ModelVersion consists of: artefacts, input and output schema, documents."""

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
    """A file or a directory of files that is part of the model."""

    name: Label
    """Name of the artefact, unique in this ModelVersion."""
    uri: Uri
    """URI of the artefact."""
    digest: Digest | None = None
    """Digest of the artefact, as `<algorithm>:<value>`, preferably sha256."""
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Size of the artefact in bytes."""
    format: Format | None = None
    """File format of the artefact."""
    manifest_uri: Uri | None = None
    """URI of the list of files, if the artefact is a directory."""
    manifest_digest: Digest | None = None
    """Digest of the list of files. It counts as the digest of the artefact if `digest` is not set."""


class Tensor(ApiModel):
    """An input or output of the model."""

    name: Word
    """Name of the input or output."""
    type: Word
    """Data type, such as `float32`."""
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Dimensions; -1 is a dimension of variable size."""
    required: bool | None = None
    """Whether a request must contain this input. Default: true."""


class Signature(ApiModel):
    """Inputs and outputs of the model."""

    digest: Digest | None = None
    """Digest of the schema."""
    inputs: Annotated[tuple[Tensor, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))] = ()
    """Inputs of the model."""
    outputs: Annotated[tuple[Tensor, ...], Field(max_length=256, json_schema_extra=listed("map", "name"))] = ()
    """Outputs of the model."""


class Document(ApiModel):
    """A document about the version, such as an evaluation report."""

    name: Label
    """Name of the document, unique in this ModelVersion."""
    uri: Uri
    """URI of the document."""
    digest: Digest | None = None
    """Digest of the document."""


class ModelCard(ApiModel):
    """The model card of the version."""

    uri: Uri
    """URI of the model card."""
    digest: Digest | None = None
    """Digest of the model card."""
