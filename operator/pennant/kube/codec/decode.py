"""The API server's JSON to the core's values: ModelDeployments, ModelVersions and Deployments.

A spec that users wrote wrongly becomes `Invalid`. Of a status that cannot be read, the readable fields are kept, and
`Unreadable` says what is wrong with the others. ControllerRevisions are in `revisions.py`, pods in `pods.py`. The
users in annotations are read only if policies hold these (`is_stamped`).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from sys import intern
from typing import Any, TypeGuard, TypeVar

from pydantic import ValidationError

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import LONGEST_NAME, ApiModel, Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import QuarantinedBy, ServedBy
from pennant.core.facts import command, users
from pennant.core.facts.digest import content_digest, short_hash
from pennant.core.facts.observation import Invalid, Key, Snapshot, Unreadable, Version, Workload
from pennant.core.rollout.revision import RESTARTED_AT, TEMPLATE_HASH_LABEL, restart, with_restart
from pennant.core.workload import deployment_manifest
from pennant.kube.codec.metadata import (
    co_owned,
    controller_uid,
    fields_hash,
    identity,
    last_editor,
    last_writer,
    other_owners,
    sole_owner,
)
from pennant.kube.codec.pods import refusal, since
from pennant.kube.codec.validation_message import LARGEST_RECORD, LARGEST_TEMPLATE, problem, too_deep, too_large
from pennant.kube.http.resources import FIELD_MANAGER

_log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=ApiModel)
NOT_READ = Invalid("nothing asks for the version, so its record was not read")
_TEMPLATE = "template"
_ANNOTATION = ("metadata", "annotations", RESTARTED_AT)
LONGEST_WORD = 63
_COMPUTED = frozenset({"observed_generation", "conditions", "stable", "analysis"}) | {
    *("replicas", "ready_replicas", "selector")
}
REMEMBERED = frozenset(
    each.alias or name for name, each in ModelDeploymentStatus.model_fields.items() if name not in _COMPUTED
)
"""The fields of a ModelDeployment's status that exist nowhere else; each pass computes the others again."""
_NO_TAGS: frozenset[str] = frozenset()
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What decoding raises for an object of a shape that its schema does not allow."""


@dataclass(frozen=True, slots=True)
class OwnedDeployment:
    """A Deployment with its owner. `workload.owned` and `workload.orphaned` are not set: see `seen_by`."""

    workload: Workload
    controller_uid: str
    left_by: str | None = None
    """Where it has our labels: the uid of its only owner, a ModelDeployment of its name; empty where it has no owner.

    None where it has another owner, or not our labels.
    """

    def seen_by(self, uid: str) -> Workload:
        """Return the Deployment with `owned` and `orphaned` set for the ModelDeployment with this uid."""
        owned = self.controller_uid == uid
        return replace(self.workload, owned=owned, orphaned=self.left_by is not None and self.left_by != uid)

    def differs(self, other: "OwnedDeployment") -> bool:
        """Return whether more than the resourceVersion differs."""
        known = replace(self.workload, resource_version=other.workload.resource_version)
        return known != other.workload or (self.controller_uid, self.left_by) != (other.controller_uid, other.left_by)


def model_deployment(raw: Json, *, is_stamped: bool = False) -> Snapshot:
    """Return the ModelDeployment as a snapshot without versions, revisions and Deployment; `is_stamped`: see above."""
    metadata = raw["metadata"]
    annotations = metadata.get("annotations") or {}
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
        users=users.of_deployment(annotations) if is_stamped else users.UNKNOWN,
        command=command.read(annotations),
        unreadable=unreadable,
    )


def _deployment_spec(name: str, raw: object) -> ModelDeploymentSpec | Invalid:
    if len(name) > LONGEST_NAME:
        return Invalid(f"metadata.name: must have at most {LONGEST_NAME} characters; revisions are named after it")
    template = raw.get(_TEMPLATE) if isinstance(raw, dict) else None
    if (large := too_large(template, LARGEST_TEMPLATE, "spec.template")) is not None:
        return Invalid(large)
    return parsed(ModelDeploymentSpec, raw)


def parsed(model: type[ModelT], raw: object) -> ModelT | Invalid:
    """Return a spec as a model, or `Invalid` with the first error."""
    if (deep := too_deep(raw)) is not None:
        return Invalid(deep)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return Invalid(problem(error))


def _status(raw: Json) -> tuple[ModelDeploymentStatus, Unreadable | None]:
    """Return the readable part of the status, and the error where a field of `REMEMBERED` cannot be read.

    Rule: R73.
    """
    stored = raw.get("status") or {}
    if not isinstance(stored, dict):
        _log.warning("The status of %s is no object, and counts as empty", identity(raw).key)
        return ModelDeploymentStatus(), None
    try:
        return ModelDeploymentStatus.model_validate(stored), None
    except ValidationError as error:
        _log.warning("The status of %s cannot be read: %s", identity(raw).key, problem(error, "status"))
        message = problem(error, "status", only=REMEMBERED)
        return readable(ModelDeploymentStatus, stored), Unreadable(message, stored) if message else None


def readable(model: type[ModelT], stored: Json) -> ModelT:
    """Return a model with the fields, and of lists the items, that can be read; the others have their default.

    Every field of the model must have a default.
    """
    found: dict[str, Any] = {}
    for name, each in model.model_fields.items():
        alias = each.alias or name
        if alias not in stored:
            continue
        value = stored[alias]
        if isinstance(value, list) and isinstance(each.default, tuple):
            read = [getattr(one, name) for item in value if (one := read_or_none(model, {alias: [item]})) is not None]
            found[name] = tuple(item for items in read for item in items)
        elif (whole := read_or_none(model, {alias: value})) is not None:
            found[name] = getattr(whole, name)
    return model().model_copy(update=found)


def read_or_none(model: type[ModelT], stored: Json) -> ModelT | None:
    """Return a stored object as a model; None where it is not valid."""
    try:
        return model.model_validate(stored)
    except (ValueError, RecursionError):
        return None


def model_and_version(raw: Json) -> tuple[str, str]:
    """Return `spec.model` and `spec.version` of a ModelVersion; empty where they are missing, too long or no text."""
    spec = field(raw, "spec")
    model, version = (each if _is_word(each) else "" for each in (spec.get("model"), spec.get("version")))
    return intern(model), version


def model_version(
    raw: Json, *, is_targeted: bool = False, is_stamped: bool = False, with_periods: bool = True
) -> Version:
    """Return the ModelVersion, with its record only where a ModelDeployment may serve it; otherwise `NOT_READ`.

    It may be served if it has a tag, is in quarantine, was verified by a ModelDeployment, or is the `spec.version` of
    one (`is_targeted`). Most versions are none of these, and the cache holds all of them: with the records, 10,000
    versions would take 422 MB instead of 8 MB (tracemalloc, records of 2 KB). Without `with_periods`, it counts as
    never verified.
    """
    metadata, stored = raw["metadata"], raw.get("spec")
    tags, quarantined_by = _tags(field(raw, "spec")), _listed(raw, "quarantinedBy", QuarantinedBy)
    verified_periods = verified(_listed(raw, "servedBy", ServedBy)) if with_periods else ()
    matters = bool(tags or quarantined_by or verified_periods or is_targeted)
    large = too_large(stored, LARGEST_RECORD)
    spec: ModelVersionSpec | Invalid = NOT_READ
    if matters:
        spec = version_spec(metadata["name"], stored) if large is None else Invalid(large)
    return Version(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        version=model_and_version(raw)[1],
        tags=tags,
        digest=_digest(field(raw, "spec")) if large is None else "",
        spec=spec,
        record={} if isinstance(spec, Invalid) else raw["spec"],
        quarantined_by=quarantined_by,
        verified_periods=verified_periods,
        deleting="deletionTimestamp" in metadata,
        tagged_by=last_writer(raw, "spec", "tags") if matters else "",
        users=users.of_tags(metadata.get("annotations") or {}, tags) if is_stamped and tags else {},
        created_by=last_writer(raw, "spec", "version") if matters else "",
        creator=users.creator(metadata.get("annotations") or {}) if is_stamped and matters else "",
    )


def verified(served: Iterable[ServedBy]) -> tuple[ServedBy, ...]:
    """Return the periods in which a version was verified."""
    return tuple(each for each in served if each.verified_at is not None)


def version_spec(name: str, raw: object) -> ModelVersionSpec | Invalid:
    """Return the spec of the ModelVersion of this name; `Invalid` where a field or the name is wrong."""
    spec = parsed(ModelVersionSpec, raw)
    if isinstance(spec, Invalid) or name == (fit := f"{spec.model}-{spec.version}"):
        return spec
    return Invalid(f"metadata.name: must be {fit}, made of spec.model and spec.version")


def field(raw: Json, name: str) -> Json:
    """Return a field of an object that is an object itself; an empty one where it is missing or something else."""
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _tags(spec: Json) -> frozenset[str]:
    """Return the valid tags, also of a spec that is invalid: its error must reach the followers of such a tag."""
    tags = spec.get("tags")
    return frozenset(intern(each) for each in tags if _is_word(each)) if isinstance(tags, list) else _NO_TAGS


def _is_word(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= LONGEST_WORD


def _digest(spec: Json) -> str:
    try:
        return content_digest(spec)
    except (AttributeError, TypeError, ValueError, RecursionError):
        # The spec is `Invalid` then, and says what is wrong.
        return ""


def _listed(raw: Json, name: str, model: type[ModelT]) -> tuple[ModelT, ...]:
    """Return the items of a list in a ModelVersion's status, without those that cannot be read."""
    read = []
    items = field(raw, "status").get(name)
    for number, each in enumerate(items if isinstance(items, list) else ()):
        try:
            read.append(model.model_validate(each))
        except ValidationError as error:
            message = problem(error, f"status.{name}[{number}]")
            _log.warning("A part of the status of %s cannot be read: %s", identity(raw).key, message)
    return tuple(read)


def deployment(raw: Json) -> OwnedDeployment:
    """Return the Deployment with the uid of its controller."""
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
        revision=_revision(metadata),
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
        owners=other_owners(raw),
    )
    return OwnedDeployment(workload, controller_uid(raw), _left_by(raw))


def _revision(metadata: Json) -> int:
    """Return the revision that the annotation of a Deployment names; 0: it names none."""
    said = (metadata.get("annotations") or {}).get(deployment_manifest.REVISION_ANNOTATION, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 10 else 0


def _left_by(raw: Json) -> str | None:
    """Return `OwnedDeployment.left_by`."""
    name = identity(raw).key
    labels, wanted = raw["metadata"].get("labels") or {}, deployment_manifest.selector(name.name)
    selector = raw["spec"].get("selector") or {}
    has_our_labels = (deployment_manifest.MANAGED_BY | wanted).items() <= labels.items()
    is_ours = has_our_labels and selector == {"matchLabels": wanted}
    return sole_owner(raw, name) if is_ours else None


def _stored(template: Json) -> str:
    """Return the hash of a pod template as it is stored, without the annotation of a restart."""
    metadata = with_restart(template, "")["metadata"]
    known = {"labels": metadata.get("labels") or {}, "annotations": metadata.get("annotations") or {}}
    return short_hash({"metadata": known, "spec": template.get("spec")})
