"""The manifest of the Deployment that serves a revision."""

from typing import Any

from pennant.api import API_VERSION, GROUP
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.rollout import Rollout, RolloutStrategy
from pennant.core.facts.observation import Snapshot
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, MODEL_LABEL

MANAGED_BY = {"app.kubernetes.io/managed-by": "pennant"}
DEFAULT_LIMIT = "25%"
"""The default of Kubernetes for `maxSurge` and `maxUnavailable`."""
REVISION_ANNOTATION = f"{GROUP}/revision"


def deployment(
    snapshot: Snapshot, spec: ModelDeploymentSpec, entry: HistoryEntry, template: Json, *, paused: bool
) -> Json:
    """Return the manifest of the Deployment for this revision, for server-side apply.

    It has only the fields that the operator owns; `paused` pauses the rollout.

    Rule: R28.
    Rule: R70.
    """
    rollout = spec.rollout
    cause = f"{spec.model} {entry.version}, revision {entry.revision}: {entry.trigger}"
    body: dict[str, Any] = {
        # Always set: an apply does not change fields that it leaves out.
        "paused": paused,
        "progressDeadlineSeconds": spec.progress_deadline_seconds,
        "revisionHistoryLimit": spec.replica_sets_to_keep,
        "selector": {"matchLabels": selector(snapshot.key.name)},
        "strategy": _strategy(spec.rollout),
        "template": template,
    }
    if spec.replicas is not None:
        body["replicas"] = spec.replicas
    if rollout.min_ready_seconds is not None:
        body["minReadySeconds"] = rollout.min_ready_seconds
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": snapshot.key.name,
            "namespace": snapshot.key.namespace,
            "labels": {**(spec.metadata.labels or {}), **labels(snapshot.key.name, spec.model)},
            "annotations": {
                **(spec.metadata.annotations or {}),
                REVISION_ANNOTATION: str(entry.revision),
                "kubernetes.io/change-cause": cause,
            },
            "ownerReferences": [owner_reference(snapshot)],
        },
        "spec": body,
    }


def _strategy(rollout: Rollout) -> Json:
    """Return the strategy of the Deployment, always with both limits of a rolling update.

    An apply removes only fields that it has set before, and the API server refuses Recreate beside their defaults.
    """
    if rollout.strategy is RolloutStrategy.RECREATE:
        return {"type": rollout.strategy.value}
    limits = {"maxSurge": rollout.max_surge, "maxUnavailable": rollout.max_unavailable}
    return {
        "type": rollout.strategy.value,
        "rollingUpdate": {name: DEFAULT_LIMIT if value is None else value for name, value in limits.items()},
    }


def labels(name: str, model: str) -> dict[str, str]:
    """Return the labels of all objects of a ModelDeployment."""
    return {**MANAGED_BY, DEPLOYMENT_LABEL: name, MODEL_LABEL: model}


def selector(name: str) -> dict[str, str]:
    """Return the labels that select the pods of a ModelDeployment."""
    return {DEPLOYMENT_LABEL: name}


def owner_reference(snapshot: Snapshot) -> dict[str, Any]:
    """Return the owner reference to the ModelDeployment, with which the garbage collector deletes the object too."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "name": snapshot.key.name,
        "uid": snapshot.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
