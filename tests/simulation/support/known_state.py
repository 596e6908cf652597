"""What a process knows of a world: what it heard and what it wrote itself, and nothing newer.

The rules are those of `kube/gateway.py` and `kube/store.py`: each kind of object is heard of at its own time, a record
of a revision is never heard of, and a doubt has things read anew, one after the other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from pennant.api.adoption import Adoption
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload, MirrorQuarantine, PrepareAdoption
from pennant.core.facts.observation import Invalid, Key, Revision, Snapshot, Version, Workload
from pennant.core.rollout import integrity
from pennant.ports import Conflict, Unavailable
from simulation.support.objects import Deployment
from simulation.support.world import Record, World, WorldCluster, require
from simulation.support.write_log import Views, WriteLog


class Part(Enum):
    """What a process hears of or reads separately, in the order of reading."""

    OBJECT = auto()
    WORKLOAD = auto()
    VERSIONS = auto()
    REVISIONS = auto()


HEARD = (Part.OBJECT, Part.WORKLOAD, Part.VERSIONS)
"""The kinds that are watched."""
AFTER_A_CONFLICT = frozenset({Part.OBJECT, Part.WORKLOAD, Part.REVISIONS})
EVERYTHING = frozenset(Part)

T = TypeVar("T")
Turn = Callable[[str], Awaitable[None]]
"""Called where others may act: before and after each request."""


@dataclass(frozen=True, slots=True)
class About:
    """What a request is about: a part of a ModelDeployment, and of that one object, as it is at present."""

    key: Key
    part: Part
    state: Callable[[], tuple[str, object]]
    """Who it is, and something that is another one whenever it has changed."""


async def alone(_: str) -> None:
    """Continue at once: there is no other operator."""


class RememberingCluster(WorldCluster):
    """The `Cluster` port of a process that shares the world with others."""

    def __init__(self, world: World, log: WriteLog, turn: Turn = alone) -> None:
        super().__init__(world)
        self.conflicts = 0
        self._views = Views(log)
        self._turn = turn
        self._known: dict[Key, Snapshot] = {}
        self._doubts: dict[Key, set[Part]] = {}

    async def snapshot(self, key: Key) -> Snapshot | None:
        if self._is_to_adopt(key):
            self._doubts.setdefault(key, set(EVERYTHING)).update((Part.OBJECT, Part.WORKLOAD))
        if (before := self._known.get(key)) is not None and integrity.is_behind(before):
            self._doubts.setdefault(key, set()).update(EVERYTHING)
        while doubts := self._doubts.setdefault(key, set(EVERYTHING)):
            part = min(doubts, key=lambda each: each.value)
            doubts.discard(part)
            await self._turn(f"reads {part.name}")
            self.hear(key, part)
            if key not in self._known:
                del self._doubts[key]
                break
        self._views.look()
        return self._shown(key, self._known.get(key))

    def _is_to_adopt(self, key: Key) -> bool:
        """Return whether the Deployment is another's, and to be taken over: then each pass reads both."""
        known = self._known.get(key)
        if known is None or known.workload is None or known.workload.owned or isinstance(known.spec, Invalid):
            return False
        return known.spec.adopt or known.status.adoption is not None

    def view(self, key: Key) -> Snapshot | None:
        return self._known.get(key)

    def hear(self, key: Key, part: Part, *, own: bool = False) -> None:
        """Learn how a part of a ModelDeployment is at present."""
        present, known = super().view(key), self._known.get(key)
        if part is Part.OBJECT:
            self._hear_object(key, present, known, own)
        elif present is not None and known is not None and present.uid == known.uid:
            match part:
                case Part.WORKLOAD:
                    self._known[key] = replace(known, workload=present.workload, services=present.services)
                case Part.VERSIONS:
                    self._known[key] = replace(known, versions=present.versions)
                case Part.REVISIONS:
                    self._known[key] = replace(known, revisions=present.revisions)
            self._views.heard((key, part))

    def _hear_object(self, key: Key, present: Snapshot | None, known: Snapshot | None, own: bool) -> None:
        if present is None:
            self._known.pop(key, None)
            self._doubts.pop(key, None)
            return
        self._views.heard((key, Part.OBJECT))
        if known is None or known.uid != present.uid:
            self._known[key] = replace(present, versions=(), revisions=(), workload=None)
            self._doubts[key] = set(EVERYTHING - {Part.OBJECT})
            return
        if not own and known.status != present.status:
            # Another process wrote it, and knew things that are not known here.
            self._doubts[key] |= EVERYTHING - {Part.OBJECT}
        self._known[key] = replace(present, versions=known.versions, revisions=known.revisions, workload=known.workload)

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        number = revision.entry.revision
        about = self._about_revision(owner, number)
        await self._request(about, "create_revision", super().create_revision, owner, revision)
        self._remember(owner, number, revision)

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        known = next((each for each in owner.revisions if each.entry.revision == entry.revision), None)
        about = self._about_revision(owner, entry.revision)
        marked = await self._request(about, "mark_revision", self._mark, owner, entry, known)
        self._remember(owner, entry.revision, marked)

    async def _mark(self, owner: Snapshot, entry: HistoryEntry, known: Revision | None) -> Revision:
        records = self._record(owner).revisions
        require(records.get(entry.revision) is known, "the record changed")
        await super().mark_revision(owner, entry)
        return records[entry.revision]

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        known = next((each for each in owner.revisions if each.entry.revision == revision), None)
        about = self._about_revision(owner, revision)
        await self._request(about, "delete_revision", self._delete, owner, revision, known)
        self._remember(owner, revision, None)

    async def _delete(self, owner: Snapshot, revision: int, known: Revision | None) -> None:
        found = self._record(owner).revisions.get(revision)
        require(found is None or found is known, "the record changed")
        await super().delete_revision(owner, revision)

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        about = About(owner.key, Part.WORKLOAD, lambda: _state(self.world.deployments.get(owner.key)))
        applied = await self._request(about, "apply_workload", super().apply_workload, owner, action)
        if (known := self._known.get(owner.key)) is not None and known.uid == owner.uid:
            self._known[owner.key] = replace(known, workload=applied)
        return applied

    async def dry_run_workload(self, owner: Snapshot, action: ApplyWorkload, *, beside: bool = False) -> None:
        about = About(owner.key, Part.WORKLOAD, lambda: _state(self.world.deployments.get(owner.key)))
        ask = partial(super().dry_run_workload, beside=beside)
        await self._request(about, "dry_run_workload", ask, owner, action)

    async def prepare_adoption(self, owner: Snapshot, action: PrepareAdoption) -> Adoption:
        about = About(owner.key, Part.WORKLOAD, lambda: _state(self.world.deployments.get(owner.key)))
        return await self._request(about, "prepare_adoption", super().prepare_adoption, owner, action)

    async def release_replica_sets(self, owner: Snapshot, seen: Workload) -> None:
        about = About(owner.key, Part.WORKLOAD, lambda: _state(self.world.deployments.get(owner.key)))
        await self._request(about, "release_replica_sets", super().release_replica_sets, owner, seen)
        self.hear(owner.key, Part.WORKLOAD)

    async def label_replica_sets(self, owner: Snapshot, adoption: Adoption, manifest: Json) -> None:
        about = About(owner.key, Part.WORKLOAD, lambda: _state(self.world.let_go.get(owner.key)))
        await self._request(about, "label_replica_sets", super().label_replica_sets, owner, adoption, manifest)

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        about = About(owner.key, Part.OBJECT, lambda: _state(self.world.records.get(owner.key)))
        await self._request(about, "write_status", self._write, owner, status)

    async def _write(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        await super().write_status(owner, status)
        self.hear(owner.key, Part.OBJECT, own=True)

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        where = (owner.key.namespace, action.version.name)
        about = About(owner.key, Part.VERSIONS, lambda: _state(self.world.versions.get(where)))
        try:
            await self._request(about, "mirror_quarantine", super().mirror_quarantine, owner, action)
        finally:
            self._hear_version(owner.key, action.version.name)

    async def _request(self, about: About, what: str, ask: Callable[..., Awaitable[T]], *args: object) -> T:
        """Let others act before the request arrives, and before its answer does."""
        await self._turn(f"before {what}")
        before = about.state()
        try:
            answer = await ask(*args)
        except (Conflict, Unavailable) as error:
            self.conflicts += isinstance(error, Conflict)
            self._doubts.setdefault(about.key, set()).update(AFTER_A_CONFLICT)
            await self._turn(f"after {what}")
            raise
        # An apply of what is there already writes nothing, and makes no view old.
        if (now := about.state()) != before:
            self._views.wrote(now[0], (about.key, about.part))
        await self._turn(f"after {what}")
        return answer

    def _about_revision(self, owner: Snapshot, number: int) -> About:
        def state() -> tuple[str, object]:
            record = self.world.records.get(owner.key)
            return f"revision {number} of {owner.uid}", record and record.revisions.get(number)

        return About(owner.key, Part.REVISIONS, state)

    def _hear_version(self, key: Key, name: str) -> None:
        """Learn how one version is at present."""
        if (known := self._known.get(key)) is not None:
            present = self.world.versions.get((key.namespace, name))
            if present is not None:
                self._views.heard(present.uid)
            others = tuple(each for each in known.versions if each.name != name)
            versions = others if present is None else (*others, present)
            self._known[key] = replace(known, versions=tuple(sorted(versions, key=lambda each: each.name)))

    def _remember(self, owner: Snapshot, number: int, record: Revision | None) -> None:
        known = self._known.get(owner.key)
        if known is None or known.uid != owner.uid:
            return
        others = [each for each in known.revisions if each.entry.revision != number]
        records = others if record is None else [*others, record]
        self._known[owner.key] = replace(known, revisions=tuple(sorted(records, key=lambda each: each.entry.revision)))


def _state(found: Deployment | Record | Version | None) -> tuple[str, object]:
    return ("", None) if found is None else (found.uid, found.resource_version)
