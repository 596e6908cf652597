"""An export from the cluster.

It is built from the JSON of the API server, because each hash covers what is stored. Only the history is the operator's
own reading: what was changed in the status is as its ControllerRevision says.

Rule: R140.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.archive import documents
from pennant.cli import audit, model_versions, output, targets
from pennant.cli.acting import NONE_GIVEN
from pennant.cli.auditing.chain import checked
from pennant.cli.errors import CliError
from pennant.cli.session import Session
from pennant.core.facts.observation import Key, Revision, Snapshot
from pennant.core.rollout.integrity import examined
from pennant.kube.codec import decode, encode
from pennant.kube.codec.revisions import revision_number

NOT_EXPORTED = frozenset({*NONE_GIVEN, documents.LAST_APPLIED})
"""Annotations that a restored object must not have: a command would be carried out again."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A document, and what its reader must know."""

    document: dict[str, Any]
    warnings: tuple[str, ...] = ()


async def of_deployment(session: Session, key: Key, now: datetime) -> Exported:
    """Return the export of a ModelDeployment."""
    snapshot = await targets.snapshot(session, key)
    if snapshot.unreadable is not None:
        raise CliError(f"{output.full_name(key.name)}: {snapshot.unreadable.problem}; use a newer release of pennant")
    raw = await targets.raw(session, key)
    stored = await session.inspector.records(snapshot)
    versions = await model_versions.of_model(session, str(decode.field(raw, "spec").get("model", "")))
    sound = {each.entry.revision: each for each in examined(snapshot).revisions}
    history = audit.recorded(snapshot, now)
    part = {
        **documents.of_object(raw, NOT_EXPORTED),
        "history": [each.to_json() for each in history],
        **_kept(snapshot),
        "revisions": list(_revisions(stored, sound, history)),
        "omitted": list(_omitted(snapshot, sound, now)),
    }
    named = set(_named(snapshot, history))
    chosen = [each for each in versions if decode.model_and_version(each)[1] in named]
    document = _whole(session, now, [documents.of_version(each, key.name) for each in chosen], deployment=part)
    return Exported(document, audit.problems(snapshot, now))


async def of_version(session: Session, word: str, now: datetime) -> Exported:
    """Return the export of a ModelVersion."""
    raw = await model_versions.find(session, word, None)
    return Exported(_whole(session, now, [documents.of_version(raw)]))


def _whole(session: Session, now: datetime, versions: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    return documents.whole(session.server, session.namespace, now, **parts, versions=versions)


def _kept(snapshot: Snapshot) -> dict[str, Any]:
    """Return what only the status has."""
    whole = snapshot.status.to_json()
    return {name: whole[name] for name in ("quarantine", "lastCommand", "commands") if name in whole}


def _revisions(
    stored: Iterable[Json], sound: Mapping[int, Revision], history: Iterable[HistoryEntry]
) -> Iterator[dict[str, Any]]:
    entries = {each.revision: each for each in history}
    raws = {revision_number(raw): raw for raw in stored}
    for number in sorted(sound.keys() & raws.keys()):
        raw = raws[number]
        progress = _progress(sound[number], entries[number])
        given = {"revision": number, "data": raw["data"]}
        yield given if progress is None else {**given, "progress": progress}


def _progress(record: Revision, entry: HistoryEntry) -> dict[str, Any] | None:
    """Return the progress that a restored ControllerRevision has.

    The operator writes the annotation when a revision is verified and when it ends, shortly after the status. Before,
    the progress is not restored: the pods of a rebuilt cluster have to become available again.
    """
    known = entry if entry.ended_at is not None or entry.verified_at is not None else record.mirrored
    return None if known is None else dict(json.loads(encode.progress(known)))


def _omitted(snapshot: Snapshot, sound: Mapping[int, Revision], now: datetime) -> Iterator[dict[str, Any]]:
    for link in checked(snapshot, now).links:
        if link.revision not in sound:
            yield {"revision": link.revision, "problem": "; ".join(link.problems)}


def _named(snapshot: Snapshot, history: Iterable[HistoryEntry]) -> Iterator[str]:
    """Yield the versions that the history, the quarantine and the tag name."""
    status = snapshot.status
    yield from (each.version for each in history)
    yield from (each.version for each in status.quarantine)
    if status.desired is not None:
        yield status.desired.version
