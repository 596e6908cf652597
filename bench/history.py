"""ModelDeployments with a long history, as objects: versions, ControllerRevisions, and what they belong to."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.objects import TAG, Object, a_version
from pennant.api import API_VERSION
from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.digest import content_digest
from pennant.core.facts.observation import Key
from pennant.core.rollout.revision import chained, data_hash, inputs_hash, render, template_hash
from pennant.kube.codec.encode import progress, unowned_revision
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EACH = timedelta(days=1)


def versions(model: str, count: int, tagged: int) -> list[Object]:
    """Return the versions of a model, each with a content of its own; one of them has the tag."""
    found = []
    for number in range(count):
        each = a_version(model, f"1.0.{number}", [TAG] if number == tagged else [])
        digest = hashlib.sha256(each["metadata"]["name"].encode()).hexdigest()
        each["spec"]["artifacts"][0]["digest"] = f"sha256:{digest}"
        found.append(each)
    return found


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a version becomes in a ModelDeployment."""

    record: Object
    template: dict[str, Any]
    fixed: HistoryEntry


def controller_revisions(deployment: Object, stored: list[Object], count: int) -> Iterator[Object]:
    """Yield the ControllerRevisions of a history in which the versions take turns; all but the last have ended.

    `deployment` and `stored` are the ModelDeployment and its versions as the API server returned them.
    """
    name, uid = deployment["metadata"]["name"], deployment["metadata"]["uid"]
    spec = ModelDeploymentSpec.model_validate(deployment["spec"])
    rendered = [_rendered(name, spec, each["spec"]) for each in stored]
    owner = {"apiVersion": API_VERSION, "kind": "ModelDeployment", "name": name, "uid": uid}
    previous: HistoryEntry | None = None
    for number in range(1, count + 1):
        each = rendered[(number - 1) % len(rendered)]
        entry = chained(_at(each.fixed, number), previous)
        data = {"entry": entry.to_json(), "template": each.template, "record": each.record}
        manifest = unowned_revision(Key("default", name), number, data)
        manifest["metadata"]["ownerReferences"] = [{**owner, "controller": True, "blockOwnerDeletion": True}]
        if number < count:
            manifest["metadata"]["annotations"] = {PROGRESS_ANNOTATION: progress(_ended(entry))}
        yield manifest
        previous = entry


def _rendered(name: str, spec: ModelDeploymentSpec, record: Object) -> Rendered:
    version = ModelVersionSpec.model_validate(record)
    template = render(name, spec, version)
    fixed = HistoryEntry(
        revision=1,
        version=version.version,
        digest=content_digest(record),
        template_hash=template_hash(template),
        inputs_hash=inputs_hash(spec),
        trigger=Trigger.TAG_MOVED,
        actor="bench",
        reason=f"The tag {TAG} moved to {version.version}.",
        started_at=BEGAN,
        outcome=Outcome.IN_PROGRESS,
        data_hash=data_hash(template, record),
        previous_hash="",
        hash="",
    )
    return Rendered(record, template, fixed)


def _at(fixed: HistoryEntry, number: int) -> HistoryEntry:
    return fixed.model_copy(update={"revision": number, "started_at": BEGAN + number * EACH})


def _ended(entry: HistoryEntry) -> HistoryEntry:
    """Return the entry with the progress of a revision that was verified and replaced the next day."""
    began = entry.started_at
    marks = {"available_at": 10, "rolled_out_at": 20, "clean_since": 20, "verified_at": 320}
    times = {name: began + timedelta(seconds=seconds) for name, seconds in marks.items()}
    return entry.model_copy(update={**times, "ended_at": began + EACH, "outcome": Outcome.SUPERSEDED})
