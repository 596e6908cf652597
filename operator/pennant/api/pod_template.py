"""The pod template of a ModelDeployment. Only the fields that the operator reads are validated here."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from pennant.api.meta import ApiModel, listed


class _Named(ApiModel):
    name: Annotated[str, Field(min_length=1)]


class _Container(_Named):
    env: list[_Named] | None = None
    ports: list[dict[str, Any]] | None = None


class _Pod(ApiModel):
    init_containers: list[_Container] | None = None
    containers: Annotated[list[_Container], Field(min_length=1)]


class _Metadata(ApiModel):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Template(ApiModel):
    metadata: _Metadata | None = None
    spec: _Pod


def _shaped(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template unchanged; raises `ValidationError` if a field that the operator reads has another type."""
    _Template.model_validate(template)
    return template


def longest_startup_seconds(template: Mapping[str, Any]) -> int:
    """Return the longest time in seconds that a probe of a pod template allows a container to start; 0: no probe.

    For each probe it is `initialDelaySeconds` + `periodSeconds` x `failureThreshold`, with the defaults of Kubernetes.
    """
    pod = template["spec"]
    containers = [each for field in ("initContainers", "containers") for each in _listed(pod.get(field))]
    probes = (each[name] for each in containers for name in _PROBES if isinstance(each.get(name), dict))
    return max((_startup_seconds(each) for each in probes), default=0)


def _startup_seconds(probe: Mapping[str, Any]) -> int:
    delay, period, failures = (_number(probe.get(name), default) for name, default in _PROBE_DEFAULTS)
    return min(delay + period * failures, LONGEST_STARTUP_SECONDS)


def _number(value: object, default: int) -> int:
    """Return a number of a probe; a value that Kubernetes refuses counts as the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default


def _listed(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_PROBE_DEFAULTS = (("initialDelaySeconds", 0), ("periodSeconds", 10), ("failureThreshold", 3))
LONGEST_STARTUP_SECONDS = 86_100
_PRESERVED: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _containers(description: str) -> dict[str, Any]:
    name = {"type": "string", "maxLength": 63, "description": "Name of the container, unique in the pod."}
    return {
        "type": "array",
        "description": description,
        "maxItems": 16,
        **listed("map", "name"),
        "items": _PRESERVED | {"required": ["name"], "properties": {"name": name}},
    }


PodTemplate = Annotated[
    dict[str, Any],
    AfterValidator(_shaped),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["spec"],
            "properties": {
                "metadata": _PRESERVED | {"description": "Metadata of the pods, as in a Deployment."},
                "spec": _PRESERVED
                | {
                    "description": "Specification of the pods, as in a Deployment.",
                    "required": ["containers"],
                    "properties": {
                        "initContainers": _containers("Init containers of the pods, as in a Deployment."),
                        "containers": _containers("Containers of the pods, as in a Deployment.") | {"minItems": 1},
                    },
                },
            },
        }
    ),
]
