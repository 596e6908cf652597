"""The HorizontalPodAutoscaler of an object, which scales the ModelDeployment from then on."""

from typing import Any

from pennant.api import API_VERSION
from pennant.api.meta import Json
from pennant.cli.adoption.objects import Objects, mapping, metadata
from pennant.cli.adoption.workload import kept_annotations
from pennant.kube.codec.managers import tracked_by
from pennant.kube.http.resources import RESOURCES, Kind


def of(objects: Objects, kind: Kind, name: str) -> Json | None:
    """Return the autoscaler of an object, found by its `scaleTargetRef`; None: it has none."""
    group = RESOURCES[kind].group
    for each in objects.all_of(Kind.AUTOSCALER):
        target = mapping(each, "spec", "scaleTargetRef")
        of_group = str(target.get("apiVersion", f"{group}/")).rpartition("/")[0] == group
        if of_group and (target.get("kind"), target.get("name")) == (kind, name):
            return each
    return None


def retargeted(raw: Json, target: str, namespace: str | None, name: str) -> dict[str, Any]:
    """Return the autoscaler under this name, with the ModelDeployment `target` as what it scales."""
    known = metadata(raw)
    annotations, _ = kept_annotations(known.get("annotations") or {})
    labels = {} if tracked_by(raw) else known.get("labels") or {}
    named = {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        **({"labels": labels} if labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }
    reference = {"apiVersion": API_VERSION, "kind": "ModelDeployment", "name": target}
    spec = {"scaleTargetRef": reference, **{k: v for k, v in mapping(raw, "spec").items() if k != "scaleTargetRef"}}
    version = str(raw.get("apiVersion") or RESOURCES[Kind.AUTOSCALER].api_version)
    return {"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": named, "spec": spec}


def new(name: str, least: int, most: int, metrics: list[Json], behaviour: Json | None = None) -> Json:
    """Return an autoscaler for an object whose tool would make one."""
    spec = {"minReplicas": least, "maxReplicas": most, "metrics": metrics}
    return {
        "apiVersion": RESOURCES[Kind.AUTOSCALER].api_version,
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": spec | ({"behavior": behaviour} if behaviour else {}),
    }


def least(raw: Json) -> int:
    """Return the number of pods that an autoscaler keeps at least."""
    return int(mapping(raw, "spec").get("minReplicas") or 1)
