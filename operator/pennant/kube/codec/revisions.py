"""ControllerRevisions: from the API server's JSON to the core's `Revision`, and which of them belong to whom."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from pennant.api import GROUP
from pennant.api.history import HistoryEntry
from pennant.api.meta import LAST_REVISION, Json
from pennant.core.facts.observation import Key, Revision
from pennant.core.rollout.revision import CHAINED, DEPLOYMENT_LABEL, flaw
from pennant.kube.codec.decode import field, read_or_none
from pennant.kube.codec.metadata import controller_uid, identity, sole_owner
from pennant.kube.codec.sharing import Pool
from pennant.kube.codec.validation_message import problem, too_deep
from pennant.kube.http.resources import Kind

_log = logging.getLogger(__name__)
PROGRESS_ANNOTATION = f"{GROUP}/progress"
IMMUTABLE = (*CHAINED, "hash")
"""The fields of a history entry that never change: the progress annotation has all others."""


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision, with the uid and the resourceVersion of its ControllerRevision."""

    uid: str
    resource_version: str
    revision: Revision


@dataclass(frozen=True, slots=True)
class OwnRevisions:
    """The ControllerRevisions of one ModelDeployment."""

    revisions: tuple[StoredRevision, ...]
    """Those that it owns, and those without a living owner that it may adopt."""
    taken: frozenset[int]
    """Numbers of those that cannot be read; no other revision can have them."""


def sort_out(raws: Iterable[Json], owner: Key, uid: str, pool: Pool) -> OwnRevisions:
    """Select from a list of ControllerRevisions those of the ModelDeployment with this name and uid."""
    found, taken = list[StoredRevision](), set[int]()
    for raw in raws:
        number = revision_number(raw)
        if number is None or raw["metadata"]["name"] != revision_name(owner, number):
            continue
        if controller_uid(raw) == uid:
            each = decode_revision(raw, pool)
        elif is_left_behind(raw, owner, uid):
            each = decode_orphan(raw, pool)
        else:
            continue
        if each is None:
            taken.add(number)
        else:
            found.append(each)
    return OwnRevisions(tuple(found), frozenset(taken))


def decode_revision(raw: Json, pool: Pool | None = None) -> StoredRevision | None:
    """Return the revision that a ControllerRevision stores; None, with a log line, where it cannot be read.

    Revisions that are decoded with the same pool share the objects of equal parts.
    """
    shared, data = (pool or Pool()).whole, field(raw, "data")
    try:
        if (deep := too_deep(data, "data")) is not None:
            raise ValueError(deep)
        entry = HistoryEntry.model_validate(data["entry"])
        if revision_number(raw) != entry.revision:
            raise ValueError(f"it holds revision {entry.revision}")
        template, record = shared(dict(data["template"])), shared(dict(data["record"]))
        revision = Revision(
            entry, template, record, _mirrored(raw, data["entry"]), flaw(data["entry"], entry, template, record)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = problem(error, "data.entry") if isinstance(error, ValidationError) else repr(error)
        _log.warning("ControllerRevision %s cannot be read as a revision: %s", identity(raw).key, message)
        return None
    return StoredRevision(raw["metadata"]["uid"], raw["metadata"]["resourceVersion"], revision)


def decode_orphan(raw: Json, pool: Pool | None = None) -> StoredRevision | None:
    """Return the same for a ControllerRevision without a living owner; the revision is marked `orphaned`."""
    found = decode_revision(raw, pool)
    return None if found is None else replace(found, revision=replace(found.revision, orphaned=True))


def _mirrored(raw: Json, stored: Json) -> HistoryEntry | None:
    """Return the entry, of which `stored` is the JSON, with the progress from the annotation; None: there is none.

    Fields of the annotation that cannot be read are left out.
    """
    annotation = (raw["metadata"].get("annotations") or {}).get(PROGRESS_ANNOTATION)
    if annotation is None:
        return None
    try:
        progress = {name: each for name, each in json.loads(annotation).items() if name not in IMMUTABLE}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        _log.warning("The progress annotation of ControllerRevision %s cannot be read: %s", identity(raw).key, error)
        return None
    known = dict[str, Any]()
    try:
        return HistoryEntry.model_validate({**stored, **progress})
    except (ValueError, RecursionError) as error:
        message = problem(error, PROGRESS_ANNOTATION) if isinstance(error, ValidationError) else repr(error)
        _log.warning(
            "A part of the progress annotation of ControllerRevision %s cannot be read: %s", identity(raw).key, message
        )
    for name, each in progress.items():
        if read_or_none(HistoryEntry, {**stored, name: each}) is not None:
            known[name] = each
    return HistoryEntry.model_validate({**stored, **known})


def revision_name(owner: Key, number: int) -> str:
    """Return the name of the ControllerRevision that stores this revision of a ModelDeployment."""
    return f"{owner.name}-{number}"


def revision_number(raw: Json) -> int | None:
    """Return the number at the end of a ControllerRevision's name; None where there is no valid one."""
    number = raw["metadata"]["name"].rpartition("-")[2]
    return int(number) if re.fullmatch(r"[1-9][0-9]*", number) and int(number) <= LAST_REVISION else None


def is_left_behind(raw: Json, owner: Key, uid: str) -> bool:
    """Return whether a ControllerRevision of this ModelDeployment's name has no living owner, and is not being deleted.

    Its owner was deleted (a predecessor of the same name), or it was restored from a backup without an owner.
    """
    left_by = sole_owner(raw, owner)
    return left_by is not None and left_by != uid and "deletionTimestamp" not in raw["metadata"]


def labelled_owner(raw: Json) -> Key:
    """Return the key of the ModelDeployment that the label of a ControllerRevision names."""
    metadata = raw["metadata"]
    return Key(metadata["namespace"], (metadata.get("labels") or {}).get(DEPLOYMENT_LABEL, ""))


def is_listed_for(raw: Json, owner: Key, uid: str) -> bool:
    """Return whether a ControllerRevision has this ModelDeployment's label, and is its own or one to adopt."""
    labelled = (raw["metadata"].get("labels") or {}).get(DEPLOYMENT_LABEL) == owner.name
    return labelled and (controller_uid(raw) == uid or is_left_behind(raw, owner, uid))


def is_collected(raw: Json, owner: Key, uid: str) -> bool:
    """Return whether a ControllerRevision is owned by a deleted ModelDeployment of this name.

    The garbage collector is about to delete it.
    """
    references = raw["metadata"].get("ownerReferences") or ()
    of_this_name = any((each["kind"], each["name"]) == (Kind.MODEL_DEPLOYMENT, owner.name) for each in references)
    return of_this_name and controller_uid(raw) != uid
