"""How the pods get the bytes of the artefacts: `spec.delivery` of a ModelDeployment."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api.meta import ATOMIC, MOUNT_PATH_PATTERN, SIZE_PATTERN, SUBDOMAIN_PATTERN, ApiModel, Label
from pennant.api.serving import Resources

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)]


class DeliveryMode(StrEnum):
    """Who brings the artefacts to the pods."""

    ENV = "Env"
    FETCH = "Fetch"
    IMAGE = "Image"


class ObjectReference(ApiModel):
    """A Secret or ConfigMap in the namespace of the ModelDeployment."""

    name: ObjectName
    """Name of the object."""
    optional: bool | None = None
    """Whether pods start without the object."""


class VariablesSource(ApiModel):
    """An object whose keys become environment variables: exactly one of its fields."""

    secret_ref: ObjectReference | None = None
    """A Secret, such as one with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""
    config_map_ref: ObjectReference | None = None
    """A ConfigMap, such as one with AWS_REGION and AWS_ENDPOINT_URL."""

    @model_validator(mode="after")
    def _one_object(self) -> "VariablesSource":
        if (self.secret_ref is None) == (self.config_map_ref is None):
            raise ValueError(Delivery.RULES[3][1])
        return self


class ObjectKey(ApiModel):
    """A key of a Secret or ConfigMap in the namespace of the ModelDeployment."""

    name: ObjectName
    """Name of the object."""
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
    """Key in the object."""


class PublicKey(ApiModel):
    """Where a public key is, as PEM: exactly one of its fields."""

    secret_key_ref: ObjectKey | None = None
    """Key of a Secret."""
    config_map_key_ref: ObjectKey | None = None
    """Key of a ConfigMap."""

    RULES: ClassVar = (
        ("has(self.secretKeyRef) != has(self.configMapKeyRef)", "set exactly one of secretKeyRef, configMapKeyRef"),
    )

    @model_validator(mode="after")
    def _one_object(self) -> "PublicKey":
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise ValueError(self.RULES[0][1])
        return self


class Delivery(ApiModel):
    """How the pods get the bytes of the artefacts."""

    mode: DeliveryMode = DeliveryMode.ENV
    """Env: the variables say where the artefacts are, and the server loads them itself. Fetch: an init container copies
    the artefacts into a volume, and starts the server only if their bytes have the digests of the record. Image: each
    artefact is an OCI image or OCI artifact, which the kubelet mounts by its digest. Default: Env."""
    mount_path: Annotated[str, Field(min_length=2, max_length=253, pattern=MOUNT_PATH_PATTERN)] = "/mnt/models"
    """Directory of the artefacts in the containers that get the variables. `MODEL_PATH` is the path of the first
    artefact in it. Default: `/mnt/models`."""
    unpack: Annotated[tuple[Label, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Names of artefacts that are tar or zip archives to unpack. Their path is that of the directory with the content.
    Needs the mode Fetch."""
    require_digest: bool = True
    """Whether a version with an artefact whose digest is missing, or cannot be computed from its bytes, is refused.
    Default: true."""
    size_limit: Annotated[str, Field(max_length=32, pattern=SIZE_PATTERN)] | None = None
    """Maximum size of all artefacts of a pod, unpacked, such as `20Gi`: the `sizeLimit` of the emptyDir. Default:
    none. Needs the mode Fetch."""
    claim_name: ObjectName | None = None
    """Name of a PersistentVolumeClaim that keeps the artefacts by their digests, so that a pod fetches only what is not
    there. Several pods may use it at the same time. Default: an emptyDir in each pod. Needs the mode Fetch."""
    env_from: Annotated[tuple[VariablesSource, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Secrets and ConfigMaps with the environment variables of the container that fetches, such as credentials of an
    object store. No other container gets them. Needs the mode Fetch."""
    resources: Resources | None = None
    """Compute resources of the container that fetches. Needs the mode Fetch."""
    public_key: PublicKey | None = None
    """Public key, of an elliptic curve, that has signed all artefacts. Each artefact must then have a `signature` that
    is valid. Default: signatures are not checked. Needs the mode Fetch."""

    FETCH_FIELDS: ClassVar = ("unpack", "size_limit", "claim_name", "env_from", "resources", "public_key")
    RULES: ClassVar = (
        (
            "has(self.mode) && self.mode == 'Fetch' || !has(self.unpack) && !has(self.sizeLimit) && "
            "!has(self.claimName) && !has(self.envFrom) && !has(self.resources) && !has(self.publicKey)",
            "delivery.unpack, sizeLimit, claimName, envFrom, resources and publicKey need delivery.mode Fetch",
        ),
        (
            "!(has(self.sizeLimit) && has(self.claimName))",
            "set at most one of delivery.sizeLimit and delivery.claimName",
        ),
        (
            "!has(self.claimName) || !has(self.requireDigest) || self.requireDigest",
            "delivery.claimName needs delivery.requireDigest: the claim keeps artefacts by their digests",
        ),
        # A rule of the parent: CEL has no old value of an item of an atomic list.
        (
            "!has(self.envFrom) || self.envFrom.all(e, has(e.secretRef) != has(e.configMapRef))",
            "each of delivery.envFrom must have exactly one of secretRef and configMapRef",
        ),
    )

    @model_validator(mode="after")
    def _fields_of_the_mode(self) -> "Delivery":
        if self.mode is not DeliveryMode.FETCH and not self.model_fields_set.isdisjoint(self.FETCH_FIELDS):
            raise ValueError(self.RULES[0][1])
        if self.size_limit is not None and self.claim_name is not None:
            raise ValueError(self.RULES[1][1])
        if self.claim_name is not None and not self.require_digest:
            raise ValueError(self.RULES[2][1])
        return self
