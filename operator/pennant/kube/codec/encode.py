"""Core values to the API server's JSON: the status of a ModelDeployment, and ControllerRevisions."""

import json
from typing import Any

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.workload import deployment_manifest
from pennant.kube.codec.revisions import IMMUTABLE, revision_name
from pennant.kube.http.resources import RESOURCES, Kind


def status_to_write(owner: Snapshot, status: ModelDeploymentStatus) -> dict[str, Any]:
    """Return the status of a ModelDeployment as it is to be stored.

    Where the stored status cannot be read, all of it is kept but `conditions` and `observedGeneration`.
    """
    whole = status.to_json()
    if owner.unreadable is None:
        return whole
    return {**owner.unreadable.stored, **{name: whole[name] for name in ("conditions", "observedGeneration")}}


def progress(entry: HistoryEntry) -> str:
    """Return the value of the progress annotation: the fields of a history entry that may change, as JSON text."""
    whole = entry.to_json()
    return json.dumps({name: each for name, each in whole.items() if name not in IMMUTABLE}, sort_keys=True)


def controller_revision(owner: Snapshot, revision: Revision) -> dict[str, Any]:
    """Return the manifest of the ControllerRevision that stores a revision of a ModelDeployment."""
    number = revision.entry.revision
    return {
        "apiVersion": RESOURCES[Kind.CONTROLLER_REVISION].api_version,
        "kind": Kind.CONTROLLER_REVISION,
        "metadata": {
            "name": revision_name(owner.key, number),
            "namespace": owner.key.namespace,
            "labels": deployment_manifest.selector(owner.key.name) | deployment_manifest.MANAGED_BY,
            "ownerReferences": [deployment_manifest.owner_reference(owner)],
        },
        "revision": number,
        "data": {
            "entry": revision.entry.to_json(),
            "template": revision.template,
            "record": revision.record,
        },
    }
