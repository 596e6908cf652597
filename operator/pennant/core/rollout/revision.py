"""A revision: the rendered pod template of one version, and the hashes that link it to the revision before.

The pod template depends on the version and `spec.template` alone. It has no number, time or trigger, so a rollback uses
the old template byte for byte, and Kubernetes reuses its ReplicaSet.

Rule: R17.
"""

from collections.abc import Iterable
from typing import Any

from pydantic.alias_generators import to_camel

from pennant.api import GROUP
from pennant.api.delivery import Delivery
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_deployment import Inject, ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.digest import content_digest, sha256, short_hash
from pennant.core.rollout import delivery
from pennant.core.rollout.injection import injected, receiving

MODEL_LABEL = f"{GROUP}/model"
VERSION_LABEL = f"{GROUP}/version"
TEMPLATE_HASH_LABEL = f"{GROUP}/template-hash"
DEPLOYMENT_LABEL = f"{GROUP}/modeldeployment"
LABELS = (DEPLOYMENT_LABEL, MODEL_LABEL, VERSION_LABEL, TEMPLATE_HASH_LABEL)
"""The labels that the operator adds to pods."""
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

# The fields of a history entry that never change; the others are its progress. A field that is not set is not hashed,
# so a field that is added here does not change the hashes of existing entries.
FIXED = (
    "revision",
    "version",
    "digest",
    "template_hash",
    "inputs_hash",
    "trigger",
    "actor",
    "user",
    "reason",
    "started_at",
    "command_token",
    "command",
    "data_hash",
    "previous_hash",
)
RENDERED = ("model", "version", "artifacts", "serving", "source")
"""The fields of a record that the pod template is rendered from."""
CHAINED = tuple(to_camel(each) for each in FIXED)
_UNCHAINED = frozenset(to_camel(each) for each in HistoryEntry.model_fields if each not in FIXED)


def render(name: str, spec: ModelDeploymentSpec, version: ModelVersionSpec, fetch_image: str = "") -> dict[str, Any]:
    """Return the pod template that serves this version, with the hash of its content as a label.

    `name` is that of the ModelDeployment, and `fetch_image` the image of the operator, which a pod template has where
    `spec.delivery.mode` is Fetch. `delivery.problem` must have found none.
    """
    template = dict(delivery.with_artifacts(injected(spec, version), spec, version, fetch_image, receiving(spec)))
    metadata = template["metadata"]
    labels = {
        **(metadata.get("labels") or {}),
        DEPLOYMENT_LABEL: name,
        MODEL_LABEL: version.model,
        VERSION_LABEL: version.version,
    }
    template["metadata"] = {**metadata, "labels": labels}
    return _labelled(template)


def inputs_hash(spec: ModelDeploymentSpec, version: ModelVersionSpec | None = None) -> str:
    """Return the hash of what a pod template is rendered from besides the content, without the annotation of a restart.

    Where `spec.delivery` brings the artefacts, that includes where they lie: what was fetched from one place says
    nothing of another. It does not depend on how a release renders them, so that another release returns the same hash.

    Rule: R25.
    Rule: R168.
    """
    metadata = spec.template.get("metadata") or {}
    annotations = {key: each for key, each in (metadata.get("annotations") or {}).items() if key != RESTARTED_AT}
    named = {"labels": metadata.get("labels") or {}, "annotations": annotations}
    inputs = {"metadata": named, "spec": spec.template["spec"], "container": spec.container or ""}
    # Left out while they have their defaults, so that the hashes of older revisions stay what they are.
    inject = {"inject": spec.inject.to_json()} if spec.inject != Inject() else {}
    delivered = {"delivery": spec.delivery.to_json()} if spec.delivery != Delivery() else {}
    places = {} if version is None else delivery.places(spec, version)
    return short_hash(inputs | inject | delivered | ({"places": places} if places else {}))


def pair(entry: HistoryEntry) -> tuple[str, str]:
    """Return the content digest and the inputsHash of a revision; old entries have the template hash instead."""
    return entry.digest, entry.inputs_hash or entry.template_hash


def _labelled(template: Json) -> dict[str, Any]:
    """Return the template with the hash of its content as a label.

    Stored ControllerRevisions of all releases are checked by this hash, so what it covers must never change.
    """
    metadata = template["metadata"]
    labels = {key: value for key, value in metadata["labels"].items() if key != TEMPLATE_HASH_LABEL}
    content = {**template, "metadata": {**metadata, "labels": labels}}
    return {**content, "metadata": {**metadata, "labels": {**labels, TEMPLATE_HASH_LABEL: short_hash(content)}}}


def restarted(template: Json, restarted_at: str) -> dict[str, Any]:
    """Return the template with a restart annotation, and with the hash label that follows from it."""
    metadata = template["metadata"]
    annotations = {**(metadata.get("annotations") or {}), RESTARTED_AT: restarted_at}
    return _labelled({**template, "metadata": {**metadata, "annotations": annotations}})


def restart(template: Json) -> str:
    """Return the restart annotation of a pod template; empty where it has none."""
    return str((template.get("metadata", {}).get("annotations") or {}).get(RESTARTED_AT, ""))


def with_restart(template: Json, restarted_at: str) -> dict[str, Any]:
    """Return the template with this restart annotation (empty: with none) and an unchanged hash label."""
    metadata = template.get("metadata") or {}
    annotations = {key: each for key, each in (metadata.get("annotations") or {}).items() if key != RESTARTED_AT}
    if restarted_at:
        annotations[RESTARTED_AT] = restarted_at
    rest = {key: each for key, each in metadata.items() if key != "annotations"}
    return {**template, "metadata": {**rest, "annotations": annotations} if annotations else rest}


def unrestarted(template: Json) -> str:
    """Return the hash of a template without its restart annotation."""
    return template_hash(_labelled(with_restart(template, "")))


def template_hash(template: Json) -> str:
    """Return the hash label of a rendered template."""
    return str(template["metadata"]["labels"][TEMPLATE_HASH_LABEL])


def next_number(history: Iterable[HistoryEntry], recorded: Iterable[int]) -> int:
    """Return the number of the next revision: one more than the highest of the history and of `recorded`.

    Rule: R85.
    """
    return max([0, *(each.revision for each in history), *recorded]) + 1


def chained(entry: HistoryEntry, previous: HistoryEntry | None) -> HistoryEntry:
    """Return the entry with `previous_hash`, that of the entry before it, and its own `hash`."""
    linked = entry.model_copy(update={"previous_hash": previous.hash if previous else ""})
    return linked.model_copy(update={"hash": entry_hash(linked)})


def entry_hash(entry: HistoryEntry) -> str:
    """Return the sha256 over the fields of an entry that never change (`FIXED`)."""
    whole = entry.to_json()
    return sha256({name: whole[name] for name in CHAINED if name in whole})


def data_hash(template: Json, record: Json) -> str:
    """Return the sha256 over the pod template and the record of a ControllerRevision."""
    return sha256({"template": template, "record": record})


def flaw(stored: Json, entry: HistoryEntry, template: Json, record: Json) -> str:
    """Return which part of a ControllerRevision does not match its hash; empty: all parts match.

    `stored` is the entry as JSON: the hash of a newer release covers fields that this release does not know.

    Raises `AttributeError`, `KeyError` or `TypeError` if `template` is not a pod template.
    """
    if sha256({name: each for name, each in stored.items() if name not in _UNCHAINED}) != entry.hash:
        return "its history entry was changed"
    if not template_hash(template) == template_hash(_labelled(template)) == entry.template_hash:
        return "its pod template was changed"
    bound = content_digest(record) == entry.digest if entry.data_hash is None else True
    if not bound or entry.data_hash not in (None, data_hash(template, record)):
        return "its record of the version was changed"
    return ""
