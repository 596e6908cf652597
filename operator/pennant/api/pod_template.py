"""The pod template of a ModelDeployment: open like that of a Deployment, but for what the operator itself reads."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from pennant.api.meta import ApiModel, listed


class _Named(ApiModel):
    name: Annotated[str, Field(min_length=1)]


class _Container(_Named):
    env: list[_Named] | None = None


class _Pod(ApiModel):
    containers: Annotated[list[_Container], Field(min_length=1)]


class _Metadata(ApiModel):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Template(ApiModel):
    metadata: _Metadata | None = None
    spec: _Pod


def _shaped(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template as it is, if what the operator reads of it has the shape of a Deployment's."""
    _Template.model_validate(template)
    return template


_PRESERVED: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
PodTemplate = Annotated[
    dict[str, Any],
    AfterValidator(_shaped),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["spec"],
            "properties": {
                "metadata": _PRESERVED | {"description": "Labels and annotations of the pods, as in a Deployment."},
                "spec": _PRESERVED
                | {
                    "description": "The pod, as in a Deployment.",
                    "required": ["containers"],
                    "properties": {
                        "containers": {
                            "type": "array",
                            "description": "The containers, as in a Deployment.",
                            "minItems": 1,
                            "maxItems": 16,
                            **listed("map", "name"),
                            "items": _PRESERVED
                            | {
                                "required": ["name"],
                                "properties": {
                                    "name": {
                                        "type": "string",
                                        "maxLength": 63,
                                        "description": "Name of the container, unique in the pod.",
                                    }
                                },
                            },
                        }
                    },
                },
            },
        }
    ),
]
