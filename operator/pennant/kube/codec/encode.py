"""Core values to the API server's JSON: the status of a ModelDeployment, and ControllerRevisions."""

import json
from typing import Any

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.core.facts.observation import Key, Revision, Snapshot
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
    data = {"entry": revision.entry.to_json(), "template": revision.template, "record": revision.record}
    found = unowned_revision(owner.key, revision.entry.revision, data)
    found["metadata"]["ownerReferences"] = [deployment_manifest.owner_reference(owner)]
    return found


def unowned_revision(owner: Key, number: int, data: Json) -> dict[str, Any]:
    """Return the manifest without an owner: the ModelDeployment of this name adopts it.

    Rule: R144.
    """
    return {
        "apiVersion": RESOURCES[Kind.CONTROLLER_REVISION].api_version,
        "kind": Kind.CONTROLLER_REVISION,
        "metadata": {
            "name": revision_name(owner, number),
            "namespace": owner.namespace,
            "labels": deployment_manifest.selector(owner.name) | deployment_manifest.MANAGED_BY,
        },
        "revision": number,
        "data": data,
    }
