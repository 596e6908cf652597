"""From the API server's JSON to the core's values, and back: once, at the edge.

What users wrote wrongly becomes `Invalid`; a status that cannot be read becomes `Unreadable`. A record that cannot be
read is treated as not there.
"""

import json
import logging
import re
from dataclasses import dataclass, replace
from sys import intern
from typing import Any, TypeGuard, TypeVar

from pydantic import ValidationError

from pennant.api import GROUP
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import LABEL_PATTERN, LAST_REVISION, LONGEST_NAME, ApiModel, Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import QuarantinedBy, ServedBy
from pennant.core.facts import command
from pennant.core.facts.digest import content_digest, short_hash
from pennant.core.facts.observation import Invalid, Key, Revision, Snapshot, Unreadable, Version, Workload
from pennant.core.rollout.revision import CHAINED, RESTARTED_AT, TEMPLATE_HASH_LABEL, flaw, restart, with_restart
from pennant.core.workload import deployment_manifest
from pennant.kube.cache.sharing import Pool
from pennant.kube.codec.metadata import (
    co_owned,
    controller_uid,
    fields_hash,
    identity,
    last_editor,
    last_writer,
    sole_owner,
)
from pennant.kube.codec.pods import refusal, since
from pennant.kube.codec.validation_message import LARGEST_RECORD, LARGEST_TEMPLATE, problem, too_deep, too_large
from pennant.kube.http.resources import FIELD_MANAGER, RESOURCES, Kind

_log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=ApiModel)
NOT_READ = Invalid("nothing asks for the version, so its record was not read")
PROGRESS_ANNOTATION = f"{GROUP}/progress"
_FIXED = (*CHAINED, "hash")
_TEMPLATE = "template"
_ANNOTATION = ("metadata", "annotations", RESTARTED_AT)
LONGEST_WORD = 63
_COMPUTED = frozenset({"observed_generation", "conditions", "stable", "analysis"}) | {
    *("replicas", "ready_replicas", "selector")
}
REMEMBERED = frozenset(
    field.alias or name for name, field in ModelDeploymentStatus.model_fields.items() if name not in _COMPUTED
)
"""The fields of a status that nothing else tells, or not all of it; the others are computed anew in each pass."""
_NO_TAGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OwnedDeployment:
    """A Deployment, and whose it is: `workload.owned` depends on who asks."""

    workload: Workload
    controller_uid: str
    left_by: str | None = None
    """The uid of its only owner, where it has our labels and that is a ModelDeployment of its name; empty: it has none.

    None where it is somebody else's, or was never ours.
    """

    def seen_by(self, uid: str) -> Workload:
        """Return the Deployment as the ModelDeployment with this uid sees it: there is one of a name at a time."""
        owned = self.controller_uid == uid
        return replace(self.workload, owned=owned, orphaned=self.left_by is not None and self.left_by != uid)

    def differs(self, other: "OwnedDeployment") -> bool:
        """Whether more than the resourceVersion differs."""
        known = replace(self.workload, resource_version=other.workload.resource_version)
        return known != other.workload or (self.controller_uid, self.left_by) != (other.controller_uid, other.left_by)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A revision, and the state of the ControllerRevision that holds it."""

    uid: str
    resource_version: str
    revision: Revision


def model_deployment(raw: Json) -> Snapshot:
    """Return the ModelDeployment alone, as a snapshot to which nothing belongs yet."""
    metadata = raw["metadata"]
    status, unreadable = _status(raw)
    return Snapshot(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        deleting="deletionTimestamp" in metadata,
        spec=_deployment_spec(metadata["name"], raw.get("spec")),
        status=status,
        versions=(),
        revisions=(),
        workload=None,
        changed_by=last_writer(raw, "spec"),
        command=command.read(metadata.get("annotations") or {}),
        unreadable=unreadable,
    )


def _deployment_spec(name: str, raw: object) -> ModelDeploymentSpec | Invalid:
    if len(name) > LONGEST_NAME or not re.fullmatch(LABEL_PATTERN, name):
        return Invalid(f"metadata.name: must be lower-case letters, digits and dashes, at most {LONGEST_NAME} of them")
    template = raw.get(_TEMPLATE) if isinstance(raw, dict) else None
    if (large := too_large(template, LARGEST_TEMPLATE, "spec.template")) is not None:
        return Invalid(large)
    return parsed(ModelDeploymentSpec, raw)


def parsed(model: type[ModelT], raw: object) -> ModelT | Invalid:
    """Return what a user declared, or what is wrong with it."""
    if (deep := too_deep(raw)) is not None:
        return Invalid(deep)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return Invalid(problem(error))


def _status(raw: Json) -> tuple[ModelDeploymentStatus, Unreadable | None]:
    """Return what of the status can be read, and what is wrong with the rest where that is no copy of anything.

    Rule: R73.
    """
    stored = raw.get("status") or {}
    if not isinstance(stored, dict):
        _log.warning("The status of %s is no object: it holds nothing", identity(raw).key)
        return ModelDeploymentStatus(), None
    try:
        return ModelDeploymentStatus.model_validate(stored), None
    except ValidationError as error:
        _log.warning("The status of %s cannot be read: %s", identity(raw).key, problem(error, "status"))
        said = problem(error, "status", only=REMEMBERED)
        return readable(ModelDeploymentStatus, stored), Unreadable(said, stored) if said else None


def readable(model: type[ModelT], stored: Json) -> ModelT:
    """Return what of an object can be read, field by field, and of a list item by item; every field has a default."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if alias not in stored:
            continue
        value = stored[alias]
        if isinstance(value, list) and isinstance(field.default, tuple):
            read = [getattr(each, name) for item in value if (each := _read(model, {alias: [item]})) is not None]
            found[name] = tuple(item for each in read for item in each)
        elif (whole := _read(model, {alias: value})) is not None:
            found[name] = getattr(whole, name)
    return model().model_copy(update=found)


def _read(model: type[ModelT], stored: Json) -> ModelT | None:
    try:
        return model.model_validate(stored)
    except (ValueError, RecursionError):
        return None


def status_to_write(owner: Snapshot, status: ModelDeploymentStatus) -> dict[str, Any]:
    """Return the status as it is to be stored; of one that cannot be read nothing is lost but what conditions said."""
    whole = status.to_json()
    if owner.unreadable is None:
        return whole
    return {**owner.unreadable.stored, **{name: whole[name] for name in ("conditions", "observedGeneration")}}


def named(raw: Json) -> tuple[str, str]:
    """Return the model that a ModelVersion is a version of, and the version; empty where it does not say."""
    spec = _object(raw, "spec")
    model, version = (each if _is_word(each) else "" for each in (spec.get("model"), spec.get("version")))
    return intern(model), version


def version(raw: Json, *, is_asked_for: bool = False) -> Version:
    """Return the ModelVersion; its record is read only where it may be served.

    That is where it carries a tag, is quarantined, was known good somewhere, or is asked for by name.

    Most of ten thousand versions are none of that, and all of them are kept in memory.
    """
    metadata, stored = raw["metadata"], raw.get("spec")
    tags, quarantined_by = _tags(_object(raw, "spec")), _listed(raw, "quarantinedBy", QuarantinedBy)
    good_for = tuple(each for each in _listed(raw, "servedBy", ServedBy) if each.verified_at is not None)
    matters = bool(tags or quarantined_by or good_for or is_asked_for)
    large = too_large(stored, LARGEST_RECORD)
    spec: ModelVersionSpec | Invalid = NOT_READ
    if matters:
        spec = version_spec(metadata["name"], stored) if large is None else Invalid(large)
    return Version(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        version=named(raw)[1],
        tags=tags,
        digest=_digest(_object(raw, "spec")) if large is None else "",
        spec=spec,
        record={} if isinstance(spec, Invalid) else raw["spec"],
        quarantined_by=quarantined_by,
        good_for=good_for,
        deleting="deletionTimestamp" in metadata,
        tagged_by=last_writer(raw, "spec", "tags") if matters else "",
    )


def version_spec(name: str, raw: object) -> ModelVersionSpec | Invalid:
    """Return the record of a version of this name, which is not too large, or what is wrong with it."""
    spec = parsed(ModelVersionSpec, raw)
    if isinstance(spec, Invalid) or name == (fit := f"{spec.model}-{spec.version}"):
        return spec
    return Invalid(f"metadata.name: must be {fit}, made of spec.model and spec.version")


def _object(raw: Json, name: str) -> Json:
    """Return a part of an object; an empty one where it is no object itself."""
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _tags(spec: Json) -> frozenset[str]:
    """Return the tags, so that whoever follows one of them learns what is wrong with a record that cannot be read."""
    tags = spec.get("tags")
    return frozenset(intern(each) for each in tags if _is_word(each)) if isinstance(tags, list) else _NO_TAGS


def _is_word(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= LONGEST_WORD


def _digest(spec: Json) -> str:
    try:
        return content_digest(spec)
    except (AttributeError, TypeError, ValueError, RecursionError):
        # What cannot be read has no content; the spec says what is wrong with it.
        return ""


def _listed(raw: Json, field: str, model: type[ModelT]) -> tuple[ModelT, ...]:
    """Return the items of a list in the status of a ModelVersion; one that cannot be read is left out."""
    read = []
    items = _object(raw, "status").get(field)
    for number, each in enumerate(items if isinstance(items, list) else ()):
        try:
            read.append(model.model_validate(each))
        except ValidationError as error:
            said = problem(error, f"status.{field}[{number}]")
            _log.warning("A part of the status of %s cannot be read: %s", identity(raw).key, said)
    return tuple(read)


def placed(raw: Json) -> OwnedDeployment:
    """Return the Deployment and the uid of its controller."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    template = spec["template"]
    labels = template.get("metadata", {}).get("labels") or {}
    editor, edited = last_editor(raw, FIELD_MANAGER)
    workload = Workload(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        owned=False,
        template_hash=labels.get(TEMPLATE_HASH_LABEL, ""),
        replicas=spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        minimum_available=conditions.get("Available", {}).get("status") == "True",
        available_since=since(status, "Available"),
        refusal=refusal(status),
        min_ready_seconds=spec.get("minReadySeconds", 0),
        deleting="deletionTimestamp" in metadata,
        paused=bool(spec.get("paused")),
        fields_hash=fields_hash(raw, FIELD_MANAGER, but_for=("spec", _TEMPLATE, *_ANNOTATION)),
        stored_template=_stored(template),
        restarted_at=restart(template),
        co_owned=co_owned(raw, FIELD_MANAGER, "spec", _TEMPLATE, but_for=_ANNOTATION),
        editor=editor,
        edited=edited,
    )
    return OwnedDeployment(workload, controller_uid(raw), _left_by(raw))


def _left_by(raw: Json) -> str | None:
    """Return whose a Deployment was that has our labels; None where it has not."""
    name = identity(raw).key
    labels, wanted = raw["metadata"].get("labels") or {}, deployment_manifest.selector(name.name)
    selector = raw["spec"].get("selector") or {}
    has_our_labels = (deployment_manifest.MANAGED_BY | wanted).items() <= labels.items()
    is_ours = has_our_labels and selector == {"matchLabels": wanted}
    return sole_owner(raw, name) if is_ours else None


def _stored(template: Json) -> str:
    """Return the hash of a pod template as it is stored, but for the mark of a restart."""
    metadata = with_restart(template, "")["metadata"]
    known = {"labels": metadata.get("labels") or {}, "annotations": metadata.get("annotations") or {}}
    return short_hash({"metadata": known, "spec": template.get("spec")})


def recorded(raw: Json, pool: Pool | None = None) -> Recorded | None:
    """Return what a ControllerRevision of ours holds; None where it holds something else.

    Revisions that are read with one pool share what is equal in them.
    """
    shared, data = (pool or Pool()).shared, _object(raw, "data")
    try:
        if (deep := too_deep(data, "data")) is not None:
            raise ValueError(deep)
        entry = HistoryEntry.model_validate(data["entry"])
        if revision_number(raw) != entry.revision:
            raise ValueError(f"it holds revision {entry.revision}")
        template, record = shared(dict(data["template"])), shared(dict(data["record"]))
        revision = Revision(
            entry, template, record, _mirrored(raw, entry), flaw(data["entry"], entry, template, record)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = problem(error, "data.entry") if isinstance(error, ValidationError) else repr(error)
        _log.warning("ControllerRevision %s is no record of a revision: %s", identity(raw).key, said)
        return None
    return Recorded(raw["metadata"]["uid"], raw["metadata"]["resourceVersion"], revision)


def orphaned(raw: Json, pool: Pool | None = None) -> Recorded | None:
    """Return what a ControllerRevision holds that belongs to nobody."""
    found = recorded(raw, pool)
    return None if found is None else replace(found, revision=replace(found.revision, orphaned=True))


def _mirrored(raw: Json, entry: HistoryEntry) -> HistoryEntry | None:
    """Return the entry with the progress that is noted on its ControllerRevision; None where none is.

    What of it cannot be read is forgotten, and nothing else.
    """
    noted = (raw["metadata"].get("annotations") or {}).get(PROGRESS_ANNOTATION)
    if noted is None:
        return None
    try:
        progress = {name: each for name, each in json.loads(noted).items() if name not in _FIXED}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        _log.warning("The progress noted on ControllerRevision %s cannot be read: %s", identity(raw).key, error)
        return None
    whole, known = entry.to_json(), dict[str, Any]()
    try:
        return HistoryEntry.model_validate(whole | progress)
    except (ValueError, RecursionError) as error:
        said = problem(error, PROGRESS_ANNOTATION) if isinstance(error, ValidationError) else repr(error)
        _log.warning("A part of what is noted on ControllerRevision %s is lost: %s", identity(raw).key, said)
    for name, each in progress.items():
        if _read(HistoryEntry, {**whole, name: each}) is not None:
            known[name] = each
    return HistoryEntry.model_validate(whole | known)


def progress(entry: HistoryEntry) -> str:
    """Return what is noted on the ControllerRevision of a revision: how far it came."""
    whole = entry.to_json()
    return json.dumps({name: each for name, each in whole.items() if name not in _FIXED}, sort_keys=True)


def controller_revision(owner: Snapshot, revision: Revision) -> dict[str, Any]:
    """Return the ControllerRevision that holds a revision."""
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


def revision_name(owner: Key, number: int) -> str:
    """Return the name of a revision's ControllerRevision."""
    return f"{owner.name}-{number}"


def revision_number(raw: Json) -> int | None:
    """Return the number of the revision that a ControllerRevision is named after; None where it is no such name."""
    number = raw["metadata"]["name"].rpartition("-")[2]
    return int(number) if re.fullmatch(r"[1-9][0-9]*", number) and int(number) <= LAST_REVISION else None
