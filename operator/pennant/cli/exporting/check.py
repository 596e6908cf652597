"""Whether a document is an export that was not changed since: its form, its hashes and its digest.

Rule: R141.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pennant.api import API_VERSION
from pennant.api.meta import Json
from pennant.archive.model import DIGEST, FORMAT, KIND, Export, ExportedDeployment, ExportedVersion
from pennant.cli import names
from pennant.cli.auditing.chain import Chain, State, checked
from pennant.cli.errors import CliError
from pennant.core.facts.digest import sha256
from pennant.core.facts.observation import Invalid, Key, Revision
from pennant.core.versions.record import record_digest
from pennant.kube.codec import decode
from pennant.kube.codec.revisions import PROGRESS_ANNOTATION, decode_orphan, revision_name
from pennant.kube.codec.validation_message import problem, too_deep

LARGEST = 256 * 1024 * 1024
"""Bytes of a document. A hundred revisions of the largest size that etcd accepts have 150 MiB."""
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Checked:
    """A document whose hashes match."""

    export: Export
    raw: Json
    """The document as it was written, for what the hashes cover."""
    chain: Chain | None
    """The revisions; None: it is the export of a version."""
    warnings: tuple[str, ...]
    """What a restore cannot bring back."""


def read(path: str, now: datetime) -> Checked:
    """Return the document of a file, `-` for standard input; raises `CliError` where it must not be restored."""
    return document(_text(path), "standard input" if path == STDIN else path, now)


def _text(path: str) -> bytes:
    try:
        if path == STDIN:
            found = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(path).open("rb") as file:
                found = file.read(LARGEST + 1)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from error
    if len(found) > LARGEST:
        raise CliError(f"{path} is no export: it has more than {LARGEST // 1024**2} MiB")
    return found


def document(text: bytes, path: str, now: datetime) -> Checked:
    """Return the document in a text; `path` is for the errors."""
    raw = _json(text, path)
    _recognise(raw, path)
    if (deep := too_deep(raw, "document")) is not None:
        raise CliError(f"{path}: {deep}")
    try:
        export = Export.model_validate(raw)
    except ValidationError as error:
        raise CliError(f"{path}: {problem(error, 'document')}") from error
    chain, wrong = None, list[str]()
    names.valid(export.source.namespace, "namespace")
    if export.deployment is not None:
        names.valid(export.deployment.name)
        chain, found = _history(export, export.deployment, raw, now)
        wrong += found
    for each, stored in zip(export.versions, raw.get("versions") or (), strict=True):
        wrong += _version(each, stored["spec"])
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise CliError(f"{path} was changed: {wrong[0]}{more}. Nothing is restored; use another copy")
    try:
        digest = sha256({name: each for name, each in raw.items() if name != DIGEST})
    except UnicodeEncodeError as error:
        raise CliError(f"{path} is no export: it has characters that UTF-8 cannot have") from error
    if digest != export.digest:
        raise CliError(
            f"{path} was changed: digest is {export.digest}, and its content has {digest}. Nothing is restored; "
            "use another copy"
        )
    return Checked(export, raw, chain, tuple(_lost(export)))


def _json(text: bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise CliError(f"{path} is no JSON, or was cut off: {error.msg} ({where})") from error
    except (ValueError, RecursionError) as error:
        raise CliError(f"{path} is no export: {error}") from error
    if not isinstance(found, dict):
        raise CliError(f"{path} is no export: it must be a JSON object")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    if math.isinf(found := float(text)):
        raise ValueError(f"the number {text[:20]} is too large")
    return found


def _recognise(raw: Json, path: str) -> None:
    """Raise `CliError` where a document is something else than an export, or has a newer format."""
    if raw.get("kind") != KIND or not str(raw.get("apiVersion", "")).startswith("pennant.dev/"):
        raise CliError(f"{path} is no export: kind must be {KIND} and apiVersion {API_VERSION}")
    version = raw.get("formatVersion")
    is_newer = type(version) is int and version > FORMAT
    if is_newer or raw["apiVersion"] != API_VERSION:
        raise CliError(
            f"{path}: format {version} of {raw['apiVersion']} is newer than format {FORMAT} of {API_VERSION}, which "
            "this release reads; use the release of pennant that wrote it, or a newer one"
        )


def _history(export: Export, part: ExportedDeployment, raw: Json, now: datetime) -> tuple[Chain, list[str]]:
    """Return the chain of the history, and a sentence for each part of it that was changed."""
    revisions, wrong = dict[int, Revision](), list[str]()
    key = Key(export.source.namespace, part.name)
    for number, stored in enumerate(raw["deployment"].get("revisions") or ()):
        found = decode_orphan(_controller_revision(key, stored))
        if found is None or found.revision.entry.revision in revisions:
            why = "has a number that another one has" if found else "cannot be read as a revision"
            wrong.append(f"deployment.revisions[{number}], revision {stored['revision']}, {why}")
        else:
            revisions[found.revision.entry.revision] = found.revision
    metadata = {"namespace": key.namespace, "name": key.name, "uid": "", "resourceVersion": "0"}
    status = {name: raw["deployment"].get(name) or [] for name in ("history", "quarantine")}
    snapshot = decode.model_deployment({"metadata": metadata, "spec": part.spec, "status": status})
    ordered = tuple(each for _, each in sorted(revisions.items()))
    chain = checked(replace(snapshot, revisions=ordered), now, repair="")
    changed = (each for each in chain.links if each.state is State.CHANGED)
    wrong += [f"revision {each.revision}: {'; '.join(each.problems)}" for each in changed]
    return chain, wrong


def _controller_revision(key: Key, stored: Json) -> Json:
    """Return the ControllerRevision that a part of the document describes."""
    progress = stored.get("progress")
    annotations = {} if progress is None else {PROGRESS_ANNOTATION: json.dumps(progress)}
    name = revision_name(key, stored["revision"])
    metadata = {"namespace": key.namespace, "name": name, "uid": "", "resourceVersion": "0", "annotations": annotations}
    return {"metadata": metadata, "data": stored["data"]}


def _version(part: ExportedVersion, spec: Json) -> Iterator[str]:
    found = decode.version_spec(part.name, spec)
    if isinstance(found, Invalid):
        yield f"version {part.name}: {found.problem}"
    elif record_digest(spec) != part.record_digest:
        yield f"version {part.name}: its record does not match recordDigest"


def _lost(export: Export) -> Iterator[str]:
    """Yield a sentence for each part of the history that a restore cannot bring back."""
    if (part := export.deployment) is None:
        return
    kept, why = {each.revision for each in part.revisions}, {each.revision: each.problem for each in part.omitted}
    for entry in part.history:
        if entry.revision not in kept:
            said = why.get(entry.revision) or "its ControllerRevision is not in the document"
            yield f"revision {entry.revision} ({entry.version}) is not restored: {said}"
    told = {each.revision for each in part.history}
    for number, said in why.items():
        if number not in told:
            yield f"revision {number} is not restored: {said}"
    marked = {(mark.digest, mark.revision) for version in export.versions for mark in version.quarantined_by}
    for each in part.quarantine:
        if (each.digest, each.revision) not in marked and each.revision not in kept:
            yield (
                f"the quarantine of {each.version} is not restored: it is kept by the ModelVersion or by revision "
                f"{each.revision}, and the document has neither"
            )
