"""Values of the core for tests, with everything filled in that a test does not speak of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pennant.api.analysis import Metric
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.digest import content_digest
from pennant.core.facts.observation import Key, Revision, Snapshot, Version, Workload
from pennant.core.rollout.revision import chained, data_hash, render, template_hash
from simulation.support.story import a_record, a_spec

NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """Return the time so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def a_version(version: str, *tags: str, **fields: Any) -> Version:
    record = a_record(version)
    known: dict[str, Any] = {
        "name": f"fraud-{version}",
        "uid": f"uid-{version}",
        "resource_version": "1",
        "version": version,
        "tags": frozenset(tags),
        "digest": content_digest(record),
        "spec": ModelVersionSpec.model_validate(record),
        "record": record,
    }
    return Version(**known | fields)


def a_metric(**fields: Any) -> Metric:
    raw = {"name": "accuracy", "prometheus": {"query": "q"}, "threshold": {"min": "0.9"}}
    # None leaves a field out.
    return Metric.model_validate({name: each for name, each in (raw | fields).items() if each is not None})


def the_spec(**fields: Any) -> ModelDeploymentSpec:
    return ModelDeploymentSpec.model_validate(a_spec(**fields))


def an_entry(revision: int = 1, version: str = "1.0.0", **fields: Any) -> HistoryEntry:
    entry = HistoryEntry(
        revision=revision,
        version=version,
        digest=content_digest(a_record(version)),
        template_hash=f"hash-{version}",
        trigger=Trigger.TAG_MOVED,
        actor="kubectl",
        reason="the tag moved",
        started_at=NOON,
        outcome=Outcome.IN_PROGRESS,
        previous_hash="",
        hash="",
    )
    return chained(entry.model_copy(update=fields), None)


def a_revision(
    number: int = 1, version: str = "1.0.0", previous: HistoryEntry | None = None, **fields: Any
) -> Revision:
    """Return a revision whose hashes are those of its content, that follows another one."""
    record = a_record(version)
    template = render("fraud", the_spec(), ModelVersionSpec.model_validate(record))
    known = {"template_hash": template_hash(template), "data_hash": data_hash(template, record), **fields}
    entry = an_entry(number, version).model_copy(update=known)
    return Revision(chained(entry, previous), template, record)


def a_snapshot(name: str, *versions: Version, **fields: Any) -> Snapshot:
    known: dict[str, Any] = {
        "key": Key("default", name),
        "uid": f"uid-{name}",
        "resource_version": "1",
        "generation": 1,
        "deleting": False,
        "spec": the_spec(),
        "status": ModelDeploymentStatus(),
        "versions": versions,
        "revisions": (),
        "workload": None,
    }
    return Snapshot(**known | fields)


def a_workload(**fields: Any) -> Workload:
    """Return a Deployment whose three pods are all of the current template and available."""
    known: dict[str, Any] = {
        "uid": "uid",
        "resource_version": "1",
        "generation": 1,
        "observed_generation": 1,
        "owned": True,
        "template_hash": "hash-1.0.0",
        "replicas": 3,
        "total": 3,
        "updated": 3,
        "ready": 3,
        "available": 3,
        "minimum_available": True,
    }
    return Workload(**known | fields)
