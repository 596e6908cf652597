"""What a ModelVersion consists of: artefacts, input and output schema, documents."""

from typing import Annotated

from pydantic import Field, model_validator

from pennant.api.meta import ATOMIC, ApiModel, Digest, IntOrText, Label, Line, Uri, Word


class Format(ApiModel):
    """File format of an artefact."""

    name: Word
    """Name of the format, such as `onnx`, `safetensors` or `skops`."""
    version: Line | None = None
    """Version of the format."""


class ArtifactSignature(ApiModel):
    """The signature of an artefact by OpenSSF's model-signing."""

    uri: Uri
    """URI of the signature, which `model_signing sign key` writes."""


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
    signature: ArtifactSignature | None = None
    """Signature of the artefact. It is checked if `delivery.publicKey` of the ModelDeployment is set."""


DIMENSION_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
SIZE_OR_NAME = (
    f"type(self) == int ? self >= -1 : self.matches('{DIMENSION_PATTERN}')",
    "must be a size, -1 for any size, or the name of a size, such as batch",
)
Dimension = Annotated[int | str, IntOrText(DIMENSION_PATTERN, -1, 63, SIZE_OR_NAME)]


class Tensor(ApiModel):
    """An input or output of the model."""

    name: Word | None = None
    """Name of the input or output. Default: its position."""
    type: Word
    """Data type, such as `float32`."""
    shape: Annotated[tuple[Dimension, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Dimensions; -1 or a name such as `batch` is a dimension of variable size."""
    required: bool | None = None
    """Whether a request must contain this input. Default: true."""


class Signature(ApiModel):
    """Inputs and outputs of the model."""

    uri: Uri | None = None
    """URI of the schema, for one that is too long for this record."""
    digest: Digest | None = None
    """Digest of the schema."""
    inputs: Annotated[tuple[Tensor, ...], Field(max_length=1024, json_schema_extra=ATOMIC)] = ()
    """Inputs of the model, with different names."""
    outputs: Annotated[tuple[Tensor, ...], Field(max_length=1024, json_schema_extra=ATOMIC)] = ()
    """Outputs of the model, with different names."""

    @model_validator(mode="after")
    def _distinct_names(self) -> "Signature":
        for field, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            names = [each.name for each in tensors if each.name is not None]
            if len(set(names)) != len(names):
                raise ValueError(f"schema.{field} must not have a name twice")
        return self


class BaseModelReference(ApiModel):
    """The model from which this one was fine-tuned, or which its adapter needs."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the model, such as `meta-llama/Llama-3.1-8B`."""
    uri: Uri | None = None
    """URI of the model."""
    revision: Line | None = None
    """Revision of the model in its registry, such as the hash of a commit."""
    digest: Digest | None = None
    """Digest of the model."""


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
