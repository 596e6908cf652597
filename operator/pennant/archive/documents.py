"""The documents of an export, and their parts."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from pennant import __version__
from pennant.api import API_VERSION
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json, rfc3339
from pennant.archive.model import DIGEST, FORMAT, KIND
from pennant.core.facts.digest import sha256
from pennant.core.facts.observation import Revision, Snapshot
from pennant.core.rollout.revision import flaw
from pennant.core.versions.record import record_digest
from pennant.kube.codec import encode
from pennant.kube.codec.decode import field

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NOT_READ = "its ControllerRevision was not found, or must not be used"


def whole(server: str, namespace: str, now: datetime, **parts: Any) -> dict[str, Any]:
    """Return a document with these parts, and its digest."""
    source = {"server": server, "namespace": namespace, "release": __version__}
    head = {"apiVersion": API_VERSION, "kind": KIND, "formatVersion": FORMAT, "createdAt": rfc3339(now)}
    return sealed({**head, "source": source, **parts})


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the digest of its content."""
    content = {name: each for name, each in document.items() if name != DIGEST}
    return {**content, DIGEST: sha256(content)}


def is_sealed(document: Mapping[str, Any]) -> bool:
    """Return whether the digest of a document is that of its content."""
    return bool(document.get(DIGEST) == sealed(document)[DIGEST])


def of_object(raw: Json, left_out: Collection[str] = (LAST_APPLIED,)) -> dict[str, Any]:
    """Return an object without its status and without some annotations."""
    metadata = raw["metadata"]
    annotations = metadata.get("annotations") or {}
    return {
        "name": metadata["name"],
        "labels": metadata.get("labels") or {},
        "annotations": {name: each for name, each in annotations.items() if name not in left_out},
        "spec": raw["spec"],
    }


def of_version(raw: Json, deployment: str | None = None) -> dict[str, Any]:
    """Return a ModelVersion, with what its status says of one ModelDeployment, or of all."""
    status = field(raw, "status")
    marks = {
        name: [each for each in status.get(name) or () if deployment in (None, each["deployment"])]
        for name in ("servedBy", "quarantinedBy")
    }
    return {**of_object(raw), "recordDigest": record_digest(raw["spec"]), **marks}


def of_revision(owner: Snapshot, entry: HistoryEntry, deleted_at: datetime | None = None) -> dict[str, Any]:
    """Return a ModelDeployment with one revision: its entry, its ControllerRevision and why it was quarantined."""
    found = next((each for each in owner.revisions if each.entry.revision == entry.revision), None)
    stored = None if found is None else _data(found)
    part: dict[str, Any] = {
        "name": owner.key.name,
        "history": [entry.to_json()],
        "quarantine": [each.to_json() for each in owner.status.quarantine if each.revision == entry.revision],
        "revisions": [] if stored is None else [{"revision": entry.revision, "data": stored, **_progress(entry)}],
        "omitted": [] if stored is not None else [{"revision": entry.revision, "problem": NOT_READ}],
    }
    return part if deleted_at is None else {**part, "deletedAt": rfc3339(deleted_at)}


def _data(revision: Revision) -> dict[str, Any] | None:
    """Return the data of a ControllerRevision; None where this release cannot write them as they are stored."""
    entry = revision.entry.to_json()
    if not revision.intact or flaw(entry, revision.entry, revision.template, revision.record):
        return None
    return {"entry": entry, "template": revision.template, "record": revision.record}


def _progress(entry: HistoryEntry) -> Mapping[str, Any]:
    is_known = entry.ended_at is not None or entry.verified_at is not None
    return {"progress": json.loads(encode.progress(entry))} if is_known else {}


def line(document: Mapping[str, Any]) -> bytes:
    """Return a document as one line of JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines(text: bytes) -> Iterable[bytes]:
    """Return the lines of a text that are not empty."""
    return (each for each in text.split(b"\n") if each.strip())
