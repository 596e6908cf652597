"""The Service of a ModelDeployment: its manifest, and the write that it needs.

Rule: R106.
"""

from collections.abc import Iterator
from typing import Any

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.core.facts.decision import ApplyService, DeleteService
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Snapshot
from pennant.core.facts.service import ServiceSeen
from pennant.core.rollout.pass_state import Pass
from pennant.core.workload import deployment_manifest
from pennant.core.workload.stored_values import difference

MANIFEST_HASH = f"{GROUP}/manifest-hash"
"""Annotation with the hash of the manifest that was applied: it changes when a field is removed from the spec."""


def writes(at: Pass) -> Iterator[ApplyService | DeleteService]:
    """Yield the write of the Service, and the deletion of one that the spec no longer asks for.

    While paused, only a change of the spec is written: a manual change is not corrected.
    """
    known = at.snapshot.services
    if known is None:
        return
    wanted = manifest(at.snapshot, at.spec)
    name = "" if wanted is None else wanted["metadata"]["name"]
    found = next((each for each in known if each.name == name), None)
    if wanted is not None and not (found is not None and found.deleting) and _is_pending(wanted, found, at.spec):
        yield ApplyService(wanted, found)
    # Under a new name it must exist before the old one goes.
    if wanted is None or (found is not None and found.owned):
        yield from (DeleteService(each) for each in known if each.name != name and each.owned and not each.deleting)


def manifest(snapshot: Snapshot, spec: ModelDeploymentSpec) -> Json | None:
    """Return the manifest of the Service, for server-side apply; None: the spec asks for none."""
    service = spec.service
    if service is None:
        return None
    name = service.name or snapshot.key.name
    body: dict[str, Any] = {
        "type": service.type.value,
        "selector": deployment_manifest.selector(snapshot.key.name),
        "ports": [_port(each.to_json()) for each in service.ports],
    }
    if service.headless:
        body["clusterIP"] = "None"
    if service.load_balancer_class is not None:
        body["loadBalancerClass"] = service.load_balancer_class
    labels = {**(service.labels or {}), **deployment_manifest.labels(snapshot.key.name, spec.model)}
    owner = deployment_manifest.owner_reference(snapshot)
    fields = {"labels": labels, "annotations": service.annotations or {}, "spec": body, "owner": owner}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": snapshot.key.namespace,
            "labels": labels,
            "annotations": {**(service.annotations or {}), MANIFEST_HASH: short_hash(fields)},
            "ownerReferences": [owner],
        },
        "spec": body,
    }


def _port(port: dict[str, Any]) -> dict[str, Any]:
    return {**port, "targetPort": port.get("targetPort", port["port"])}


def _is_pending(wanted: Json, found: ServiceSeen | None, spec: ModelDeploymentSpec) -> bool:
    if found is None or found.manifest_hash != wanted["metadata"]["annotations"][MANIFEST_HASH]:
        return True
    return not spec.paused and difference({"spec": wanted["spec"]}, {"spec": found.spec}) is not None
