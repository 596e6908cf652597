"""A small model of a cluster: an API server that checks preconditions, a Deployment controller, and time.

It implements the `Cluster` port for one process of the operator, and is held to the same contract as the real API
server. Whole rollouts are simulated on it: in order, in random orders, with crashes and with stale views.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec, ModelDeploymentStatus
from pennant.api.model_version import ModelVersionSpec
from pennant.core.decision import ApplyWorkload, Event, MirrorQuarantine
from pennant.core.digest import content_digest
from pennant.core.observation import Invalid, Key, Revision, Snapshot, Version, Workload
from pennant.core.revision import template_hash
from pennant.ports import Conflict

BEGINNING = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KEY = Key("default", "fraud")


@dataclass
class Pod:
    name: str
    template_hash: str
    version: str
    born: datetime
    available: bool = False


@dataclass
class Deployment:
    """A Deployment and what its controller has made of it."""

    uid: str
    manifest: Json
    resource_version: int
    generation: int = 1
    observed_generation: int = 0
    pods: list[Pod] = field(default_factory=list)
    progress_at: datetime = BEGINNING
    owner: str = ""

    @property
    def template_hash(self) -> str:
        return template_hash(self.manifest["spec"]["template"])

    @property
    def version(self) -> str:
        return str(self.manifest["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"])

    @property
    def replicas(self) -> int:
        return int(self.manifest["spec"].get("replicas", 1))


@dataclass
class Record:
    """A stored ModelDeployment with its ControllerRevisions."""

    uid: str
    resource_version: int
    generation: int
    spec: Json
    status: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    revisions: dict[int, Revision] = field(default_factory=dict)


class World:
    """Everything that exists, and the clock."""

    def __init__(self) -> None:
        self.time = BEGINNING
        self.records: dict[Key, Record] = {}
        self.versions: dict[tuple[str, str], Version] = {}
        self.deployments: dict[Key, Deployment] = {}
        self.never_ready: set[str] = set()
        self.trace: list[str] = []
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self.witness: Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)

    # The clock port.
    def now(self) -> datetime:
        return self.time

    def say(self, who: str, what: str) -> None:
        elapsed = round((self.time - BEGINNING).total_seconds())
        self.trace.append(f"{elapsed:5d}s  {who:<10} {what}")

    def serial(self) -> int:
        return next(self._numbers)

    # What users do.
    def apply_version(self, record: Json, tags: tuple[str, ...] = (), namespace: str = "default") -> None:
        """Create a version, or move its tags; as `kubectl apply` does."""
        name = f"{record['model']}-{record['version']}"
        self.say("user", f"applies {name}, tags: {', '.join(tags) or 'none'}")
        old = self.versions.get((namespace, name))
        self.versions[namespace, name] = Version(
            name=name,
            uid=old.uid if old else f"version-{self.serial()}",
            resource_version=str(self.serial()),
            version=str(record["version"]),
            tags=frozenset(tags),
            digest=content_digest(record),
            spec=_parsed(ModelVersionSpec, record),
            record=record,
            quarantined_by=old.quarantined_by if old else (),
            tagged_by="kubectl",
        )

    def delete_version(self, name: str, namespace: str = "default") -> None:
        self.say("user", f"deletes {name}")
        del self.versions[namespace, name]

    def apply_deployment(self, key: Key, spec: Json) -> None:
        self.say("user", f"applies {key}")
        old = self.records.get(key)
        if old is None:
            self.records[key] = Record(f"owner-{self.serial()}", self.serial(), 1, spec)
        elif old.spec != spec:
            old.spec, old.generation, old.resource_version = spec, old.generation + 1, self.serial()

    def delete_deployment(self, key: Key) -> None:
        """Delete a ModelDeployment; the garbage collector takes what it owns."""
        self.say("user", f"deletes {key}")
        del self.records[key]
        self.deployments.pop(key, None)

    # What the Deployment controller does.
    def tick(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.time += timedelta(seconds=1)
            for each in self.deployments.values():
                self._roll(each)

    def _roll(self, deployment: Deployment) -> None:
        before = [(pod.name, pod.available) for pod in deployment.pods]
        if deployment.observed_generation != deployment.generation:
            deployment.observed_generation = deployment.generation
            deployment.progress_at = self.time
        for pod in deployment.pods:
            pod.available = pod.available or (
                pod.version not in self.never_ready and self.time - pod.born >= timedelta(seconds=1)
            )
        new = [pod for pod in deployment.pods if pod.template_hash == deployment.template_hash]
        old = [pod for pod in deployment.pods if pod.template_hash != deployment.template_hash]
        available = sum(pod.available for pod in deployment.pods)
        for pod in [*(p for p in old if not p.available), *(p for p in old if p.available)]:
            if not pod.available or available > deployment.replicas:
                deployment.pods.remove(pod)
                break
        if len(new) < deployment.replicas and len(deployment.pods) <= deployment.replicas:
            name = f"{deployment.template_hash}-{self.serial()}"
            deployment.pods.append(Pod(name, deployment.template_hash, deployment.version, self.time))
        elif len(new) > deployment.replicas:
            deployment.pods.remove(new[-1])
        if before != [(pod.name, pod.available) for pod in deployment.pods]:
            deployment.resource_version = self.serial()
            deployment.progress_at = self.time

    def workload(self, key: Key, owner_uid: str) -> Workload | None:
        found = self.deployments.get(key)
        if found is None:
            return None
        available = sum(pod.available for pod in found.pods)
        updated = [pod for pod in found.pods if pod.template_hash == found.template_hash]
        complete = len(updated) == len(found.pods) == available == found.replicas
        deadline = timedelta(seconds=int(found.manifest["spec"].get("progressDeadlineSeconds", 600)))
        return Workload(
            uid=found.uid,
            resource_version=str(found.resource_version),
            generation=found.generation,
            observed_generation=found.observed_generation,
            owned=found.owner == owner_uid,
            template_hash=found.template_hash,
            replicas=found.replicas,
            total=len(found.pods),
            updated=len(updated),
            ready=available,
            available=available,
            minimum_available=available >= found.replicas,
            deadline_exceeded=not complete and self.time - found.progress_at > deadline,
        )


class WorldCluster:
    """The `Cluster` port: what one operator process sees of a world and writes to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._stale: Callable[[Key], Snapshot | None] = lambda _: None
        self.events: list[Event] = []

    def use_old_views(self, stale: Callable[[Key], Snapshot | None]) -> None:
        """Show what `stale` returns instead of the present, unless it is None."""
        self._stale = stale

    async def snapshot(self, key: Key) -> Snapshot | None:
        return self._stale(key) or self.view(key)

    def view(self, key: Key) -> Snapshot | None:
        record = self.world.records.get(key)
        if record is None:
            return None
        spec = _parsed(ModelDeploymentSpec, record.spec)
        model = None if isinstance(spec, Invalid) else spec.model
        return Snapshot(
            key=key,
            uid=record.uid,
            resource_version=str(record.resource_version),
            generation=record.generation,
            deleting=False,
            spec=spec,
            status=record.status,
            versions=tuple(
                version
                for (namespace, _), version in sorted(self.world.versions.items())
                if namespace == key.namespace and version.record["model"] == model
            ),
            revisions=tuple(record.revisions[number] for number in sorted(record.revisions)),
            workload=self.world.workload(key, record.uid),
            changed_by="kubectl",
        )

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        record = self._record(owner)
        number = revision.entry.revision
        if number in record.revisions:
            raise Conflict(f"revision {number} exists")
        entry = revision.entry
        with self._writing(f"records revision {number}: {entry.version} ({entry.trigger}), {entry.reason}"):
            record.revisions[number] = revision

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        with self._writing(f"deletes the record of revision {revision}"):
            self._record(owner).revisions.pop(revision, None)

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        self._record(owner)
        found = self.world.deployments.get(owner.key)
        _require((found is None) == (action.seen is None), "the Deployment came or went")
        if found is not None and action.seen is not None:
            seen = (action.seen.uid, action.seen.resource_version)
            _require((found.uid, str(found.resource_version)) == seen, "the Deployment changed")
        version = action.manifest["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"]
        with self._writing(f"applies the Deployment for {version}"):
            if found is None:
                found = Deployment(f"deployment-{self.world.serial()}", action.manifest, self.world.serial())
                found.owner, found.progress_at = owner.uid, self.world.time
                self.world.deployments[owner.key] = found
            elif found.manifest != action.manifest:
                moved = found.manifest["spec"] != action.manifest["spec"]
                found.manifest, found.resource_version = action.manifest, self.world.serial()
                found.generation += int(moved)
        workload = self.world.workload(owner.key, owner.uid)
        assert workload is not None
        return workload

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        record = self._record(owner)
        _require(str(record.resource_version) == owner.resource_version, "the ModelDeployment changed")
        changes = "; ".join(_changes(record.status, status))
        with self._writing(f"status: {changes or 'details'}"):
            record.status = ModelDeploymentStatus.model_validate(status.to_json())
            record.resource_version = self.world.serial()

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        where = (owner.key.namespace, action.version.name)
        found = self.world.versions.get(where)
        seen = (action.version.uid, action.version.resource_version)
        _require(found is not None and (found.uid, found.resource_version) == seen, "the ModelVersion changed")
        assert found is not None
        says = f"quarantined by {owner.key.name}" if action.quarantined_by else "released"
        with self._writing(f"marks {action.version.name}: {says}"):
            self.world.versions[where] = replace(
                found, quarantined_by=action.quarantined_by, resource_version=str(self.world.serial())
            )

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        self.events.append(event)
        self.world.say("event", f"{event.type} {event.reason}: {event.message}")

    def _record(self, owner: Snapshot) -> Record:
        record = self.world.records.get(owner.key)
        _require(record is not None and record.uid == owner.uid, "the ModelDeployment is another one")
        assert record is not None
        return record

    def _writing(self, what: str) -> "_Write":
        return _Write(self.world, what)


class _Write:
    """One write: the hooks before and after it are where a crash can be put."""

    def __init__(self, world: World, what: str) -> None:
        self._world, self._what = world, what

    def __enter__(self) -> None:
        self._world.before_write(self._what)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._world.say("operator", self._what)
            self._world.witness()
            self._world.after_write(self._what)


def _changes(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[str]:
    old = {each.type: each for each in before.conditions}
    for each in after.conditions:
        was = old.get(each.type)
        if was is None or (was.status, was.reason) != (each.status, each.reason):
            yield f"{each.type}={each.status.value} {each.reason}"
    outcomes = {each.revision: each.outcome for each in before.history}
    for entry in after.history:
        if outcomes.get(entry.revision) is not entry.outcome:
            yield f"revision {entry.revision} {entry.outcome}"
    if before.ready_replicas != after.ready_replicas:
        yield f"{after.ready_replicas} pods ready"


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise Conflict(problem)


def _parsed(model: Any, raw: Json) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return Invalid(str(error))
