"""The records of all ModelVersions, and which ModelDeployments have served them: what their statuses depend on.

Ten thousand records are kept, so each is kept folded up, and read when it is looked at. No I/O happens here: the store
tells what it learns, and whoever asked to be told hears which versions may have to be judged anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pydantic import ValidationError

from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts.observation import Invalid, Key
from pennant.core.versions.record import immutable
from pennant.core.versions.serving_periods import ServingPeriod, periods
from pennant.core.versions.status import VersionSeen
from pennant.kube.cache.folding import folded, text, unfolded
from pennant.kube.codec import translate
from pennant.kube.codec.metadata import Identity
from pennant.kube.codec.validation_message import LARGEST_RECORD, problem, too_deep, too_large

OWN = tuple(field.alias or name for name, field in ModelVersionStatus.model_fields.items() if name != "quarantined_by")
"""The fields of a version's status that its own controller writes; `quarantinedBy` is written by ModelDeployments'."""
REMEMBERED = frozenset({"servedBy"})
"""The fields among them that are not computed from the record alone."""


def ignore_changes(_: Key) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Record:
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    parent: Key | None
    spec: bytes | Invalid
    status: bytes
    fixed: bytes
    """Hash of what of the spec never changes."""

    def differs(self, other: "_Record | None") -> bool:
        """Whether more than the resourceVersion differs."""
        if other is None or (self.uid, self.generation, self.deleting) != (other.uid, other.generation, other.deleting):
            return True
        return self.spec != other.spec or self.status != other.status


class Records:
    """Knows each version's record, its children, and the revisions that put it in place."""

    def __init__(self, changed: Callable[[Key], None] = ignore_changes) -> None:
        """Tell `changed` of each version whose status may have to be another one."""
        self._changed = changed
        self._records: dict[Key, _Record] = {}
        self._children: dict[Key, set[Key]] = {}
        self._told: dict[Key, dict[Key, tuple[ServingPeriod, ...]]] = {}
        """By ModelDeployment: the versions that it put in place, and when."""
        self._services: dict[Key, dict[str, tuple[ServingPeriod, ...]]] = {}
        """The same, by version and by the name of the ModelDeployment."""
        self._sent: dict[Key, bytes] = {}

    def sending(self, key: Key, status: Json) -> None:
        """Take note of a status that is about to be written by this process: it is no reason to look again."""
        self._sent[key] = folded(status)

    def put(self, who: Identity, raw: Json) -> None:
        """Take in a version in a state that is news."""
        before, after = self._records.get(who.key), _record(who, raw)
        self._records[who.key] = after
        if before is not None and before.parent != after.parent:
            self._orphan(who.key, before)
        if after.parent is not None:
            self._children.setdefault(after.parent, set()).add(who.key)
        if after.differs(before) and not self._is_own(who.key, before, after):
            self._changed(who.key)
        if before is None or before.fixed != after.fixed:
            self._tell_children(who.key)

    def _is_own(self, key: Key, before: _Record | None, after: _Record) -> bool:
        """Whether nothing is new but the status, and that is what this process wrote."""
        if self._sent.get(key) != after.status:
            return False
        del self._sent[key]
        return before is not None and (before.uid, before.generation) == (after.uid, after.generation)

    def drop(self, key: Key) -> None:
        """Take in that a version is gone."""
        self._sent.pop(key, None)
        if (gone := self._records.pop(key, None)) is not None:
            self._orphan(key, gone)
            self._tell_children(key)

    def put_deployment(self, key: Key, model: str, history: Iterable[HistoryEntry]) -> None:
        """Take in what a ModelDeployment of this model tells of its past."""
        told: dict[Key, tuple[ServingPeriod, ...]] = {}
        for each in periods(key.name, history):
            version = Key(key.namespace, f"{model}-{each.version}")
            told[version] = (*told.get(version, ()), each)
        self._tell(key, told)

    def drop_deployment(self, key: Key) -> None:
        """Take in that a ModelDeployment is gone."""
        self._tell(key, {})
        self._told.pop(key, None)

    def seen(self, key: Key) -> VersionSeen | None:
        """Return what is known of a version; None where it does not exist."""
        record = self._records.get(key)
        if record is None:
            return None
        raw, spec = self._read(key, record)
        status, unreadable = _status(record)
        parent = None if record.parent is None else self._records.get(record.parent)
        told = self._services.get(key, {})
        return VersionSeen(
            key=key,
            uid=record.uid,
            resource_version=record.resource_version,
            generation=record.generation,
            deleting=record.deleting,
            spec=spec,
            record={} if isinstance(spec, Invalid) else raw,
            status=status,
            unreadable=unreadable,
            parent=None if parent is None or record.parent is None else self._read(record.parent, parent)[1],
            periods=tuple(each for name in sorted(told) for each in told[name]),
        )

    def _read(self, key: Key, record: _Record) -> tuple[Any, ModelVersionSpec | Invalid]:
        if isinstance(record.spec, Invalid):
            return None, record.spec
        raw = unfolded(record.spec)
        return raw, translate.version_spec(key.name, raw)

    def _tell(self, deployment: Key, told: dict[Key, tuple[ServingPeriod, ...]]) -> None:
        before = self._told.get(deployment, {})
        self._told[deployment] = told
        for version in before.keys() | told.keys():
            if before.get(version) == told.get(version):
                continue
            known = self._services.setdefault(version, {})
            if version in told:
                known[deployment.name] = told[version]
            else:
                del known[deployment.name]
            if not known:
                del self._services[version]
            if version in self._records:
                self._changed(version)

    def _orphan(self, key: Key, record: _Record) -> None:
        if record.parent is not None:
            children = self._children[record.parent]
            children.discard(key)
            if not children:
                del self._children[record.parent]

    def _tell_children(self, key: Key) -> None:
        for child in tuple(self._children.get(key, ())):
            self._changed(child)


def _record(who: Identity, raw: Json) -> _Record:
    metadata, spec = raw["metadata"], raw.get("spec")
    wrong = too_large(spec, LARGEST_RECORD) or too_deep(spec)
    fixed = immutable(spec) if isinstance(spec, dict) and wrong is None else {}
    return _Record(
        uid=who.uid,
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        deleting="deletionTimestamp" in metadata,
        parent=_parent(who.key.namespace, fixed),
        spec=folded(spec) if wrong is None else Invalid(wrong),
        status=folded(_own(raw.get("status"))),
        fixed=blake2b(text(fixed), digest_size=16).digest(),
    )


def _parent(namespace: str, spec: Json) -> Key | None:
    model, parent = spec.get("model"), spec.get("parent")
    return Key(namespace, f"{model}-{parent}") if isinstance(model, str) and isinstance(parent, str) else None


def _own(status: object) -> Json:
    if not isinstance(status, dict) or too_deep(status) is not None:
        return {}
    return {name: status[name] for name in OWN if name in status}


def _status(record: _Record) -> tuple[ModelVersionStatus, str]:
    """Return what of a status can be read, and what is wrong with the rest where it cannot be computed anew."""
    stored = unfolded(record.status)
    try:
        return ModelVersionStatus.model_validate(stored), ""
    except ValidationError as error:
        said = problem(error, "status", only=REMEMBERED)
        return translate.readable(ModelVersionStatus, stored), said
