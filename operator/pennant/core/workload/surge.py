"""Whether a rollout of one replica needs a device or volume that a second pod may not get."""

from collections.abc import Iterator
from typing import Any

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.rollout import RolloutStrategy


def advice(spec: ModelDeploymentSpec, template: Json) -> str:
    """Return what to set if a second pod may not start; empty: nothing.

    `template` is the pod template of the revision. With one replica and the default surge, a rollout starts the new pod
    beside the old one. It cannot start if there is no second GPU, or if only one node can mount its volume.

    Rule: R26.
    """
    recreates = spec.rollout.strategy is RolloutStrategy.RECREATE
    if recreates or (spec.replicas or 1) != 1 or spec.rollout.max_surge in (0, "0%"):
        return ""
    what = _scarce(template["spec"])
    if not what:
        return ""
    return (
        f"A rollout of one replica starts the new pod beside the old one, and the pod template {what}. If there is "
        "no second one, set rollout.maxSurge: 0 and rollout.maxUnavailable: 1"
    )


def _scarce(pod: Json) -> str:
    """Return a clause about the first device (a resource with a domain in its name) or volume; empty: none."""
    for container in _objects(pod.get("containers")):
        resources = container.get("resources")
        for kind in ("limits", "requests"):
            named = resources.get(kind) if isinstance(resources, dict) else None
            devices = [each for each in named if "/" in each] if isinstance(named, dict) else []
            if devices:
                return f"requests {devices[0]}"
    for volume in _objects(pod.get("volumes")):
        claim = volume.get("persistentVolumeClaim")
        if isinstance(claim, dict) and not claim.get("readOnly"):
            name = claim.get("claimName", "")
            return f"mounts the PersistentVolumeClaim {name}, which only one node can mount if it is ReadWriteOnce"
    return ""


def _objects(value: object) -> Iterator[dict[str, Any]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
