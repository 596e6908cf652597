"""A cluster with a history in the memory of a fake API server, as the operator makes it in the simulation."""

import asyncio
import json
from functools import cache
from typing import Any

from pennant.core.facts.observation import Snapshot
from pennant.core.versions.serving_periods import periods, served_by
from pennant.kube.codec import encode
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION
from unit.cli.fake_api import FakeApi
from unit.cli.states import after_a_rollback
from unit.core.builders import after
from unit.kube.raw import raw, raw_deployment

PLURALS = ("controllerrevisions", "modelversions", "modeldeployments")
NOW = after(7200)


@cache
def rolled_back() -> Snapshot:
    return asyncio.run(after_a_rollback())


def fill(api: FakeApi, snapshot: Snapshot) -> None:
    """Put a ModelDeployment with all that belongs to it into the API server."""
    commanded = {"pennant.dev/restart": "", "pennant.dev/requested-at": "t1", "team": "risk"}
    status = snapshot.status.to_json()
    fields: dict[str, Any] = {"uid": snapshot.uid, "annotations": commanded, "labels": {"app": "fraud"}}
    api.add("modeldeployments", raw_deployment(status=status, **fields))
    for each in snapshot.revisions:
        stored = encode.controller_revision(snapshot, each)
        annotations = {} if each.mirrored is None else {PROGRESS_ANNOTATION: encode.progress(each.mirrored)}
        identity = {"uid": f"uid-{each.entry.revision}", "resourceVersion": "9"}
        api.add(
            "controllerrevisions", {**stored, "metadata": stored["metadata"] | identity | {"annotations": annotations}}
        )
    for version in snapshot.versions:
        served = served_by(periods("fraud", snapshot.status.history), (), version.digest, NOW)
        marks = {
            "servedBy": [each.to_json() for each in served],
            "quarantinedBy": [each.to_json() for each in version.quarantined_by],
        }
        spec = {**version.record, "tags": sorted(version.tags)}
        api.add("modelversions", raw(version.name, spec, status=marks))


def emptied(api: FakeApi) -> FakeApi:
    """Delete everything, as in a cluster that is built again."""
    api.objects.clear()
    api.made.clear()
    api.patches.clear()
    return api


def content(api: FakeApi, namespace: str = "default") -> dict[str, Any]:
    """Return what a restore brings back of each object."""
    return {
        f"{plural}/{name}": {
            "labels": each["metadata"].get("labels") or {},
            **{field: each[field] for field in ("spec", "data") if field in each},
            **({"status": _marks(each)} if plural == "modelversions" else {}),
            "progress": _progress(each),
        }
        for (plural, where, name), each in sorted(api.objects.items())
        if where == namespace
    }


def _progress(revision: dict[str, Any]) -> dict[str, Any] | None:
    """Return the progress of a ControllerRevision without what its successor shows as well: that it was superseded."""
    annotated = (revision["metadata"].get("annotations") or {}).get(PROGRESS_ANNOTATION)
    progress: dict[str, Any] = json.loads(annotated) if annotated else {}
    if progress.get("outcome") in ("Verified", "Superseded"):
        return {name: each for name, each in progress.items() if name not in ("outcome", "endedAt")}
    return progress or None


def _marks(version: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in version.get("status", {}).items() if each}
