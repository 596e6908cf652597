"""The specs and statuses of all ModelVersions, and what the status of each depends on: its parent and who serves it.

All versions are kept, because a version's status must be computed again whenever its parent or its serving periods
change. They are kept folded: 10,000 versions of 2 KB with a status of 0.7 KB take 10 MB folded, 197 MB as Python
objects (tracemalloc), and one is unfolded only to reconcile it. Reading each one from the API server instead would make
10,000 requests at every start.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sys import intern
from typing import Any

from pydantic import ValidationError

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec, Retention
from pennant.api.reasons import VersionConditionType
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.observation import Invalid, Key, Version
from pennant.core.versions.record import immutable
from pennant.core.versions.retention import Verdict, VersionFact
from pennant.core.versions.serving_periods import ServingPeriod, periods
from pennant.core.versions.status import VersionSeen
from pennant.kube.cache.folding import folded, text, unfolded
from pennant.kube.cache.packed import Packed
from pennant.kube.codec import decode
from pennant.kube.codec.managers import manager_of
from pennant.kube.codec.metadata import Identity
from pennant.kube.codec.validation_message import LARGEST_RECORD, problem, too_deep, too_large

OWN = tuple(field.alias or name for name, field in ModelVersionStatus.model_fields.items() if name != "quarantined_by")
"""The status fields that the version's own controller writes; ModelDeployments write `quarantinedBy`."""
REMEMBERED = frozenset({"servedBy"})
"""Those of `OWN` that exist nowhere else; the others are computed again from the spec and the parent."""

Periods = Mapping[Key, tuple[ServingPeriod, ...]]
"""The serving periods of each ModelVersion in one history."""


def ignore_changes(_: Key) -> None:
    """Do nothing with a change."""


@dataclass(frozen=True, slots=True)
class _Entry:
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    parent: Key | None
    spec: bytes | Invalid
    status: bytes
    """The fields of `OWN`."""
    created_at: str = ""
    manager: str = ""
    """What would create it again; empty: nothing that is known."""
    has_expired: bool = False
    """Whether its status has the condition `Expired`."""

    def differs(self, other: "_Entry | None") -> bool:
        """Return whether more than the resourceVersion differs."""
        if other is None or (self.uid, self.generation, self.deleting) != (other.uid, other.generation, other.deleting):
            return True
        return self.spec != other.spec or self.status != other.status

    def same_record(self, other: "_Entry | None") -> bool:
        """Return whether both have the same record: the immutable part of the spec."""
        if other is None:
            return False
        return self.spec == other.spec or _record(self.spec) == _record(other.spec)


class VersionIndex:
    """Holds each version's spec and status, the children of each version, and the periods in which it served."""

    def __init__(self, changed: Callable[[Key], None] = ignore_changes) -> None:
        """`changed` is called with the key of each ModelVersion that must be reconciled."""
        self._changed = changed
        self._entries: dict[Key, _Entry] = {}
        self._children: dict[Key, set[Key]] = {}
        """By the key of the parent, which need not exist."""
        self._periods = Packed[Key, Periods]()
        """By ModelDeployment."""
        self._servers: dict[Key, tuple[Key, ...]] = {}
        """By ModelVersion: the ModelDeployments that served it, in the order of their names."""
        self._sent: dict[Key, bytes] = {}
        self._verdicts: Mapping[Key, Verdict] | None = None
        """What retention says of versions; None: it was not judged yet."""

    def expect(self, key: Key, status: Json) -> None:
        """Note the status that this process is about to write: its event must not cause another reconciliation.

        After the first start with 10,000 versions, that would be 10,000 passes without effect.
        """
        self._sent[key] = folded(status)

    def put(self, who: Identity, raw: Json) -> None:
        """Put in a newer state of a ModelVersion."""
        before, after = self._entries.get(who.key), _entry(who, raw)
        self._entries[who.key] = after
        if before is not None and before.parent != after.parent:
            self._unlink(who.key, before)
        if after.parent is not None:
            self._children.setdefault(after.parent, set()).add(who.key)
        if after.differs(before) and not self._is_expected(who.key, before, after):
            self._changed(who.key)
        if not after.same_record(before):
            self._notify_children(who.key)

    def _is_expected(self, key: Key, before: _Entry | None, after: _Entry) -> bool:
        """Return whether only the status changed, and is the one that this process wrote."""
        if self._sent.get(key) != after.status:
            return False
        del self._sent[key]
        return before is not None and (before.uid, before.generation) == (after.uid, after.generation)

    def remove(self, key: Key) -> None:
        """Remove a ModelVersion that was deleted."""
        self._sent.pop(key, None)
        if (removed := self._entries.pop(key, None)) is not None:
            self._unlink(key, removed)
            self._notify_children(key)

    def put_deployment(self, key: Key, model: str, history: Iterable[HistoryEntry]) -> None:
        """Put in the history of a ModelDeployment of this model."""
        found: dict[Key, tuple[ServingPeriod, ...]] = {}
        for each in periods(key.name, history):
            version = Key(key.namespace, f"{model}-{each.version}")
            found[version] = (*found.get(version, ()), each)
        self._set_periods(key, found)

    def remove_deployment(self, key: Key) -> None:
        """Remove a ModelDeployment that was deleted."""
        self._set_periods(key, {})
        self._periods.pop(key, None)

    def set_verdicts(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Replace what retention says, and have each version reconciled of which it says something else now."""
        before, self._verdicts = self._verdicts, verdicts
        if before is None:
            changed = verdicts.keys() | {key for key, each in self._entries.items() if each.has_expired}
        else:
            changed = {key for key in before.keys() | verdicts.keys() if before.get(key) != verdicts.get(key)}
        for key in changed & self._entries.keys():
            self._changed(key)

    def fact(self, key: Key, version: Version, now: datetime) -> VersionFact | None:
        """Return what retention knows of a ModelVersion; None where it is not known. Its record is not validated."""
        entry = self._entries.get(key)
        if entry is None or not entry.created_at:
            return None
        status = unfolded(entry.status)
        spec = {} if isinstance(entry.spec, Invalid) else unfolded(entry.spec)
        return VersionFact(
            key=key,
            uid=entry.uid,
            resource_version=entry.resource_version,
            version=version.version,
            created_at=datetime.fromisoformat(entry.created_at),
            parent=entry.parent,
            tags=version.tags,
            retention=decode.read_or_none(Retention, spec.get("retention") or {}) or Retention(legal_hold=True),
            used_until=_used_until(status.get("servedBy") or (), self._served(key), now),
            quarantined=bool(version.quarantined_by),
            problem=_problem(entry, status),
            manager=entry.manager,
            deleting=entry.deleting,
        )

    def seen(self, key: Key) -> VersionSeen | None:
        """Return a ModelVersion with its parent and serving periods; None where it is not known."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        raw, spec = self._spec(key, entry)
        status, unreadable = _status(entry)
        parent = None if entry.parent is None else self._entries.get(entry.parent)
        return VersionSeen(
            key=key,
            uid=entry.uid,
            resource_version=entry.resource_version,
            generation=entry.generation,
            deleting=entry.deleting,
            spec=spec,
            record={} if isinstance(spec, Invalid) else raw,
            status=status,
            unreadable=unreadable,
            parent=None if parent is None or entry.parent is None else self._spec(entry.parent, parent)[1],
            periods=self._served(key),
            retention=(self._verdicts or {}).get(key),
            retention_known=self._verdicts is not None,
        )

    def with_periods(self, key: Key, version: Version) -> Version:
        """Return a version with the periods in which it was verified, and with its record if there is one."""
        entry = self._entries.get(key)
        served = () if entry is None else decode.verified(_status(entry)[0].served_by)
        if entry is None or not served:
            return version
        raw, spec = self._spec(key, entry)
        return replace(version, verified_periods=served, spec=spec, record={} if isinstance(spec, Invalid) else raw)

    def _spec(self, key: Key, entry: _Entry) -> tuple[Any, ModelVersionSpec | Invalid]:
        if isinstance(entry.spec, Invalid):
            return None, entry.spec
        raw = unfolded(entry.spec)
        return raw, decode.version_spec(key.name, raw)

    def _served(self, version: Key) -> tuple[ServingPeriod, ...]:
        """Return the periods of a ModelVersion in all histories."""
        return tuple(each for server in self._servers.get(version, ()) for each in self._periods[server][version])

    def _set_periods(self, deployment: Key, after: Periods) -> None:
        before = self._periods.get(deployment, {})
        if before == after:
            return
        self._periods[deployment] = after
        for version in before.keys() | after.keys():
            if before.get(version) == after.get(version):
                continue
            others = tuple(each for each in self._servers.get(version, ()) if each != deployment)
            if version in after:
                self._servers[version] = tuple(sorted((*others, deployment)))
            elif others:
                self._servers[version] = others
            else:
                del self._servers[version]
            if version in self._entries:
                self._changed(version)

    def _unlink(self, key: Key, entry: _Entry) -> None:
        if entry.parent is not None:
            children = self._children[entry.parent]
            children.discard(key)
            if not children:
                del self._children[entry.parent]

    def _notify_children(self, key: Key) -> None:
        for child in tuple(self._children.get(key, ())):
            self._changed(child)


def _entry(who: Identity, raw: Json) -> _Entry:
    metadata, spec = raw["metadata"], raw.get("spec")
    wrong = too_large(spec, LARGEST_RECORD) or too_deep(spec)
    return _Entry(
        uid=who.uid,
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        deleting="deletionTimestamp" in metadata,
        parent=_parent(who.key.namespace, spec) if isinstance(spec, dict) and wrong is None else None,
        spec=folded(spec) if wrong is None else Invalid(wrong),
        status=folded(own := _own(raw.get("status"))),
        created_at=metadata.get("creationTimestamp") or "",
        manager=intern(manager_of(raw)),
        has_expired=any(each["type"] == VersionConditionType.EXPIRED for each in _conditions(own)),
    )


def _conditions(status: Json) -> Sequence[Json]:
    found = status.get("conditions")
    return [each for each in found if isinstance(each, dict) and "type" in each] if isinstance(found, list) else []


def _problem(entry: _Entry, status: Json) -> str:
    """Return why a record cannot be used, as its status says; empty: it can."""
    if isinstance(entry.spec, Invalid):
        return f"its record is invalid: {entry.spec.problem}"
    ready = next((each for each in _conditions(status) if each["type"] == VersionConditionType.READY), None)
    if ready is None:
        return "its record was not checked yet"
    return "" if ready.get("status") == "True" else f"its record is invalid: {ready.get('message')}"


def _used_until(stored: Sequence[Json], live: Sequence[ServingPeriod], now: datetime) -> datetime | None:
    """Return when a version was last served, from `status.servedBy` and the histories; None: never.

    A stored period without an end counts until now: its ModelDeployment still serves the version, or was just deleted.
    """
    ends = [each.until or now for each in live]
    named = {(each.deployment, each.revision) for each in live}
    for each in decode.readable(ModelVersionStatus, {"servedBy": list(stored)}).served_by:
        if (each.deployment, each.revision) not in named:
            ends.append(each.until or now)
    return max(ends, default=None)


def _parent(namespace: str, spec: Json) -> Key | None:
    model, parent = spec.get("model"), spec.get("parent")
    return Key(namespace, f"{model}-{parent}") if isinstance(model, str) and isinstance(parent, str) else None


def _record(spec: bytes | Invalid) -> bytes:
    """Return the immutable part of a folded spec as text; that of an empty one where the spec is no object."""
    raw = {} if isinstance(spec, Invalid) else unfolded(spec)
    return text(immutable(raw) if isinstance(raw, dict) else {})


def _own(status: object) -> Json:
    if not isinstance(status, dict) or too_deep(status) is not None:
        return {}
    return {name: status[name] for name in OWN if name in status}


def _status(entry: _Entry) -> tuple[ModelVersionStatus, str]:
    """Return the readable part of a status, and the error where a field of `REMEMBERED` cannot be read."""
    stored = unfolded(entry.status)
    try:
        return ModelVersionStatus.model_validate(stored), ""
    except ValidationError as error:
        message = problem(error, "status", only=REMEMBERED)
        return decode.readable(ModelVersionStatus, stored), message
