"""Objects as the API server returns them, with defaults for what a test does not set."""

from typing import Any

from pennant.api.meta import Json
from simulation.support.story import a_record, a_spec


def raw(name: str, spec: Json, **fields: Any) -> dict[str, Any]:
    """Return an object; `at` is its resourceVersion, other fields are those of its metadata."""
    metadata = {
        "namespace": "default",
        "name": name,
        "uid": fields.pop("uid", f"uid-{name}"),
        "resourceVersion": str(fields.pop("at", 10)),
        "generation": fields.pop("generation", 1),
    }
    status = fields.pop("status", {})
    return {"metadata": metadata | fields, "spec": spec, "status": status}


def raw_version(version: str, *tags: str, **fields: Any) -> dict[str, Any]:
    spec = {**a_record(version), "tags": list(tags), **fields.pop("spec", {})}
    return raw(f"{spec['model']}-{version}", spec, **fields)


def raw_deployment(name: str = "fraud", **fields: Any) -> dict[str, Any]:
    return raw(name, a_spec(**fields.pop("spec", {})), **fields)


def raw_workload(name: str = "fraud", owner: str = "uid-fraud", **fields: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"pennant.dev/template-hash": "abc"}}, "spec": {}}
    references = [{"uid": "other", "controller": False}, {"uid": owner, "controller": True}]
    spec = {"replicas": 3, "template": template}
    return raw(name, spec, **{"uid": f"workload-{name}", "ownerReferences": references, **fields})
