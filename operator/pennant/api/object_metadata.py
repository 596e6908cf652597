"""`spec.metadata` of a ModelDeployment: labels and annotations of the Deployment."""

from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api import GROUP
from pennant.api.meta import ApiModel

MOST, LONGEST_LABEL, LONGEST_ANNOTATION = 64, 63, 4096


def _texts(longest: int) -> WithJsonSchema:
    values = {"type": "string", "maxLength": longest}
    return WithJsonSchema({"type": "object", "maxProperties": MOST, "additionalProperties": values})


Labels = Annotated[
    dict[str, Annotated[str, Field(max_length=LONGEST_LABEL)]], Field(max_length=MOST), _texts(LONGEST_LABEL)
]
Annotations = Annotated[
    dict[str, Annotated[str, Field(max_length=LONGEST_ANNOTATION)]], Field(max_length=MOST), _texts(LONGEST_ANNOTATION)
]
RESERVED = ("app.kubernetes.io/managed-by", "kubernetes.io/change-cause")
RESERVED_DOMAINS = (f"{GROUP}/", "deployment.kubernetes.io/")
"""Keys of the operator and of the Deployment controller."""


def _is_reserved(key: str) -> bool:
    return key in RESERVED or key.startswith(RESERVED_DOMAINS)


def _unreserved(field: str) -> tuple[str, str]:
    names = " || ".join(
        [f"k == '{each}'" for each in RESERVED] + [f"k.startsWith('{each}')" for each in RESERVED_DOMAINS]
    )
    said = f"{field} must have no key that the operator or Kubernetes sets itself: {', '.join(RESERVED)}"
    return f"!has(self.{field}) || !self.{field}.exists(k, {names})", f"{said}, {', '.join(RESERVED_DOMAINS)}"


class ObjectMetadata(ApiModel):
    """Labels and annotations of the Deployment, beside those of the operator. Pods have `spec.template.metadata`."""

    labels: Labels | None = None
    """Labels of the Deployment, such as those of a cost centre. Changing them restarts no pod."""
    annotations: Annotations | None = None
    """Annotations of the Deployment, such as `reloader.stakater.com/auto`. Changing them restarts no pod."""

    RULES: ClassVar[tuple[tuple[str, str], ...]] = (_unreserved("labels"), _unreserved("annotations"))

    @model_validator(mode="after")
    def _no_reserved_keys(self) -> "ObjectMetadata":
        for keys, (_, message) in zip((self.labels, self.annotations), ObjectMetadata.RULES, strict=True):
            if any(map(_is_reserved, keys or ())):
                raise ValueError(message)
        return self
