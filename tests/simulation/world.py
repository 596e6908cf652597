"""A small model of a cluster: an API server that checks preconditions, a Deployment controller, and time.

It implements the `Cluster` port for one process of the operator, and is held to the same contract as the real API
server. Whole rollouts are simulated on it: in order, in random orders, with crashes and with stale views.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pennant.api.deployment_status import HistoryEntry, ModelDeploymentStatus
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus
from pennant.core import commands
from pennant.core.contained import difference
from pennant.core.decision import ApplyWorkload, Event, MirrorQuarantine
from pennant.core.digest import content_digest, short_hash
from pennant.core.observation import Invalid, Key, Revision, Snapshot, Version, Workload
from pennant.core.revision import RESTARTED_AT, template_hash, with_restart
from pennant.ports import Altered, Conflict
from simulation import words

BEGINNING = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KEY = Key("default", "fraud")
OTHER = Key("default", "other")


@dataclass
class Pod:
    name: str
    identity: str
    template_hash: str
    version: str
    born: datetime
    available: bool = False


@dataclass
class Deployment:
    """A Deployment and what its controller has made of it.

    `manifest` is what is stored: what the operator applied, and what others changed since.
    """

    uid: str
    manifest: Json
    resource_version: int
    generation: int = 1
    applied: Json = field(default_factory=dict)
    """The pod template that the operator last applied."""
    taken: tuple[str, ...] = ()
    """Fields of the operator that somebody else has written since its last apply."""
    shared: frozenset[str] = frozenset()
    """Variables that somebody else owns too: an apply without them leaves them where they are."""
    editor: str = ""
    observed_generation: int = 0
    pods: list[Pod] = field(default_factory=list)
    progress_at: datetime = BEGINNING
    owner: str = ""
    """The uid of the ModelDeployment that it belongs to; empty: of none."""
    deleting: bool = False
    _hashed: tuple[Json, str, str] | None = None

    def copy(self) -> "Deployment":
        return replace(self, pods=[replace(pod) for pod in self.pods])

    @property
    def template_hash(self) -> str:
        return template_hash(self.manifest["spec"]["template"])

    @property
    def version(self) -> str:
        return str(self.manifest["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"])

    @property
    def replicas(self) -> int:
        return int(self.manifest["spec"].get("replicas", 1))

    @property
    def paused(self) -> bool:
        return bool(self.manifest["spec"].get("paused"))

    @property
    def pod_identity(self) -> str:
        """What makes two pod templates the same to the Deployment controller."""
        return self._hashes()[0]

    @property
    def stored_template(self) -> str:
        """The hash of the pod template, a restart left aside."""
        return self._hashes()[1]

    def _hashes(self) -> tuple[str, str]:
        template = self.manifest["spec"]["template"]
        if self._hashed is None or self._hashed[0] is not template:
            self._hashed = (template, short_hash(template), _stored(template))
        return self._hashed[1:]

    @property
    def restarted_at(self) -> str:
        annotations = self.manifest["spec"]["template"]["metadata"].get("annotations") or {}
        return str(annotations.get(RESTARTED_AT, ""))

    @property
    def restarted_by_us(self) -> bool:
        annotations = self.applied.get("metadata", {}).get("annotations") or {}
        return bool(annotations.get(RESTARTED_AT, "") == self.restarted_at)

    def edit(
        self,
        template: Json,
        editor: str,
        taken: tuple[str, ...],
        resource_version: int,
        shared: frozenset[str] = frozenset(),
    ) -> None:
        """Let somebody else change the pod template, who owns these variables then."""
        spec = {**self.manifest["spec"], "template": template}
        self.manifest = {**self.manifest, "spec": spec}
        self.editor, self.taken, self.shared = editor, (*self.taken, *taken), self.shared | shared
        self.generation, self.resource_version = self.generation + 1, resource_version


@dataclass
class Record:
    """A stored ModelDeployment with its ControllerRevisions."""

    uid: str
    resource_version: int
    generation: int
    spec: Json
    status: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    annotations: dict[str, str] = field(default_factory=dict)
    revisions: dict[int, Revision] = field(default_factory=dict)
    deleting: bool = False

    def copy(self) -> "Record":
        return replace(self, annotations=dict(self.annotations), revisions=dict(self.revisions))


class World:
    """Everything that exists, and the clock."""

    def __init__(self) -> None:
        self.time = BEGINNING
        self.records: dict[Key, Record] = {}
        self.versions: dict[tuple[str, str], Version] = {}
        self.version_statuses: dict[tuple[str, str], ModelVersionStatus] = {}
        """What is stored besides `quarantinedBy`, which is in the version itself."""
        self.version_generations: dict[tuple[str, str], int] = {}
        self.deployments: dict[Key, Deployment] = {}
        self.never_ready: set[str] = set()
        self.slow: set[str] = set()
        """Versions of which one pod becomes available and no other."""
        self.trace: list[str] = []
        self.admission: Callable[[Json], Json] = lambda template: template
        """What admission makes of a pod template that the operator writes."""
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self.witness: Callable[[World, Key], None] = lambda *_: None
        """Is shown, after each write of an operator, the world before it, and which ModelDeployment it was for."""
        self.writes = 0
        """How many there have been, also those of which the trace says nothing."""
        self.recorded: dict[tuple[str, int], Revision] = {}
        """Every record that was ever made, by the uid of its ModelDeployment and its number."""
        self.left_behind: dict[Key, frozenset[int]] = {}
        """Numbers of the records of a ModelDeployment that is gone: their names are still taken."""
        self._serial = 0

    # The clock port.
    def now(self) -> datetime:
        return self.time

    def copy(self) -> "World":
        """Return another world in the same state, whose past nobody remembers."""
        other = World()
        other.time, other._serial = self.time, self._serial
        other.records = {key: each.copy() for key, each in self.records.items()}
        other.versions = dict(self.versions)
        other.version_statuses = dict(self.version_statuses)
        other.version_generations = dict(self.version_generations)
        other.deployments = {key: each.copy() for key, each in self.deployments.items()}
        other.never_ready, other.slow = set(self.never_ready), set(self.slow)
        other.left_behind, other.recorded = dict(self.left_behind), dict(self.recorded)
        return other

    def say(self, who: str, what: str) -> None:
        elapsed = round((self.time - BEGINNING).total_seconds())
        self.trace.append(f"{elapsed:5d}s  {who:<10} {what}")

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    # What users do.
    def apply_version(self, record: Json, tags: tuple[str, ...] = (), namespace: str = "default") -> None:
        """Create a version, or move its tags; as `kubectl apply` does."""
        name = f"{record['model']}-{record['version']}"
        self.say("user", f"applies {name}, tags: {', '.join(tags) or 'none'}")
        old = self.versions.get((namespace, name))
        self.version_generations[namespace, name] = self.version_generations.get((namespace, name), 0) + 1
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
        del self.version_generations[namespace, name]
        self.version_statuses.pop((namespace, name), None)

    def apply_deployment(self, key: Key, spec: Json) -> None:
        old = self.records.get(key)
        changed = words.of_spec(old.spec, spec) if old is not None else ""
        self.say("user", f"applies {key}: {changed}" if changed else f"applies {key}")
        if old is None:
            self.records[key] = Record(f"owner-{self.serial()}", self.serial(), 1, spec)
        elif old.spec != spec:
            old.spec, old.generation, old.resource_version = spec, old.generation + 1, self.serial()

    def annotate(self, key: Key, **annotations: str) -> None:
        """Give a command; names are written with underscores."""
        named = {f"pennant.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self.say("user", f"annotates {key}: {', '.join(f'{name}={value}' for name, value in named.items())}")
        record = self.records[key]
        record.annotations, record.resource_version = named, self.serial()

    def wipe_status(self, key: Key) -> None:
        self.say("user", f"wipes the status of {key}")
        record = self.records[key]
        record.status, record.resource_version = ModelDeploymentStatus(), self.serial()

    def set_image_by_hand(self, key: Key, image: str) -> None:
        """What `kubectl set image deployment/...` does."""
        self.say("user", f"sets the image of the Deployment to {image}")
        found = self.deployments[key]
        template = found.manifest["spec"]["template"]
        first, *others = template["spec"]["containers"]
        changed = {**template, "spec": {**template["spec"], "containers": [{**first, "image": image}, *others]}}
        found.edit(changed, "kubectl-set", ("spec.template.spec.containers[name=server].image",), self.serial())

    def add_variable_by_hand(self, key: Key, name: str) -> None:
        """What `kubectl set env deployment/...` does: no field of the operator is written."""
        self.say("user", f"adds the variable {name} to the Deployment")
        found = self.deployments[key]
        template = found.manifest["spec"]["template"]
        first, *others = template["spec"]["containers"]
        env = [*first.get("env", ()), {"name": name, "value": "1"}]
        changed = {**template, "spec": {**template["spec"], "containers": [{**first, "env": env}, *others]}}
        found.edit(changed, "kubectl-set", (), self.serial(), frozenset({name}))

    def undo_by_hand(self, key: Key, template: Json) -> None:
        """What `kubectl rollout undo deployment/...` does: the pod template of an earlier ReplicaSet is put back."""
        self.say("user", "undoes the Deployment by kubectl rollout undo")
        variables = frozenset(_variables(template))
        self.deployments[key].edit(template, "kubectl", ("spec.template",), self.serial(), variables)

    def restart_by_hand(self, key: Key, at: str) -> None:
        """What `kubectl rollout restart deployment/...` does."""
        self.say("user", "restarts the Deployment by kubectl rollout restart")
        found = self.deployments[key]
        template = found.manifest["spec"]["template"]
        annotations = {**(template["metadata"].get("annotations") or {}), RESTARTED_AT: at}
        changed = {**template, "metadata": {**template["metadata"], "annotations": annotations}}
        found.edit(changed, "kubectl-rollout", (), self.serial())

    def delete_workload(self, key: Key, *, in_the_foreground: bool = False) -> None:
        self.say("user", "deletes the Deployment")
        if in_the_foreground:
            # It goes within the next second, when its pods are gone.
            self.deployments[key].deleting, self.deployments[key].resource_version = True, self.serial()
        else:
            del self.deployments[key]

    def delete_revision(self, key: Key, number: int) -> None:
        self.say("user", f"deletes the record of revision {number}")
        del self.records[key].revisions[number]

    def delete_deployment(self, key: Key) -> None:
        """Delete a ModelDeployment; the garbage collector takes what it owns."""
        self.say("user", f"deletes {key}")
        del self.records[key]
        self.deployments.pop(key, None)

    def delete_deployment_alone(self, key: Key, *, orphan: bool = False) -> None:
        """Delete a ModelDeployment whose Deployment and records stay: as orphans, or until their collector comes."""
        self.say("user", f"deletes {key}{' and lets go of what it owns' if orphan else ''}")
        gone = self.records.pop(key)
        self.left_behind[key] = self.left_behind.get(key, frozenset()) | gone.revisions.keys()
        deployment = self.deployments.get(key)
        if orphan and deployment is not None and deployment.owner == gone.uid:
            deployment.owner, deployment.resource_version = "", self.serial()

    def begin_to_delete(self, key: Key) -> None:
        """Delete a ModelDeployment in the foreground: it goes when what it owns is gone."""
        self.say("user", f"deletes {key} in the foreground")
        record = self.records[key]
        record.deleting, record.resource_version = True, self.serial()

    def collect_garbage(self) -> None:
        """Take what belongs to ModelDeployments that are gone, and then those that waited for it."""
        there = {each.uid for each in self.records.values() if not each.deleting}
        gone = [key for key, each in self.deployments.items() if each.owner and each.owner not in there]
        for key in gone:
            self.say("collector", "deletes the Deployment")
            del self.deployments[key]
        self.left_behind.clear()
        self.records = {key: each for key, each in self.records.items() if not each.deleting}

    # What the Deployment controller does.
    def tick(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.time += timedelta(seconds=1)
            self.deployments = {key: each for key, each in self.deployments.items() if not each.deleting}
            for each in self.deployments.values():
                self._roll(each)

    def _roll(self, deployment: Deployment) -> None:
        before = [(pod.name, pod.available) for pod in deployment.pods]
        if deployment.observed_generation != deployment.generation:
            deployment.observed_generation = deployment.generation
            deployment.progress_at = self.time
        self._become_available(deployment)
        if deployment.paused:
            self._note_progress(deployment, before)
            return
        identity = deployment.pod_identity
        new = [pod for pod in deployment.pods if pod.identity == identity]
        old = [pod for pod in deployment.pods if pod.identity != identity]
        available = sum(pod.available for pod in deployment.pods)
        for pod in [*(p for p in old if not p.available), *(p for p in old if p.available)]:
            if not pod.available or available > deployment.replicas:
                deployment.pods.remove(pod)
                break
        if len(new) < deployment.replicas and len(deployment.pods) <= deployment.replicas:
            name = f"{deployment.template_hash}-{self.serial()}"
            born = Pod(name, deployment.pod_identity, deployment.template_hash, deployment.version, self.time)
            deployment.pods.append(born)
        elif len(new) > deployment.replicas:
            deployment.pods.remove(new[-1])
        self._note_progress(deployment, before)

    def _become_available(self, deployment: Deployment) -> None:
        for pod in deployment.pods:
            held_up = pod.version in self.never_ready or (
                pod.version in self.slow
                and any(each.available for each in deployment.pods if each.version == pod.version)
            )
            pod.available = pod.available or (not held_up and self.time - pod.born >= timedelta(seconds=1))

    def _note_progress(self, deployment: Deployment, before: list[tuple[str, bool]]) -> None:
        if before != [(pod.name, pod.available) for pod in deployment.pods]:
            deployment.resource_version = self.serial()
            deployment.progress_at = self.time

    def workload(self, key: Key, owner_uid: str) -> Workload | None:
        found = self.deployments.get(key)
        if found is None:
            return None
        available = sum(pod.available for pod in found.pods)
        updated = [pod for pod in found.pods if pod.identity == found.pod_identity]
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
            deadline_exceeded=not complete and not found.paused and self.time - found.progress_at > deadline,
            deleting=found.deleting,
            paused=found.paused,
            fields_hash=short_hash(["all", *found.taken]),
            stored_template=found.stored_template,
            restarted_at=found.restarted_at,
            co_owned=bool(found.shared or found.taken),
            as_recorded=self._is_as_recorded(key, found),
            editor=found.editor,
            edited=found.taken,
        )

    def _is_as_recorded(self, key: Key, found: Deployment) -> bool:
        template = found.manifest["spec"]["template"]
        revisions = self.records[key].revisions.values() if key in self.records else ()
        same = [each.template for each in revisions if each.entry.template_hash == found.template_hash]
        return any(difference(with_restart(each, ""), template) is None for each in same)


class WorldCluster:
    """The `Cluster` port: what one operator process sees of a world and writes to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._stale: Callable[[Key], Snapshot | None] = lambda _: None
        self.events: list[Event] = []
        self.seen: dict[Key, Snapshot] = {}
        """What was last shown of each ModelDeployment."""

    def use_old_views(self, stale: Callable[[Key], Snapshot | None]) -> None:
        """Show what `stale` returns instead of the present, unless it is None."""
        self._stale = stale

    async def snapshot(self, key: Key) -> Snapshot | None:
        return self._shown(key, self._stale(key) or self.view(key))

    def _shown(self, key: Key, shown: Snapshot | None) -> Snapshot | None:
        """Note what an operator sees."""
        if shown is None:
            self.seen.pop(key, None)
        else:
            self.seen[key] = shown
        return shown

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
            deleting=record.deleting,
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
            order=commands.read(record.annotations),
            taken=self.world.left_behind.get(key, frozenset()),
        )

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        record = self._record(owner)
        number = revision.entry.revision
        if number in record.revisions or number in self.world.left_behind.get(owner.key, ()):
            raise Conflict(f"revision {number} exists")
        entry = revision.entry
        with self._writing(owner, f"records revision {number}: {entry.version} ({entry.trigger}), {entry.reason}"):
            record.revisions[number] = self.world.recorded[owner.uid, number] = revision

    async def mark_revision(self, owner: Snapshot, entry: HistoryEntry) -> None:
        record = self._record(owner)
        require(entry.revision in record.revisions, "the record is gone")
        with self._writing(owner, f"notes on the record of revision {entry.revision}: {entry.outcome}"):
            record.revisions[entry.revision] = replace(record.revisions[entry.revision], mirrored=entry)

    async def delete_revision(self, owner: Snapshot, revision: int) -> None:
        with self._writing(owner, f"deletes the record of revision {revision}"):
            self._record(owner).revisions.pop(revision, None)

    async def apply_workload(self, owner: Snapshot, action: ApplyWorkload) -> Workload:
        self._record(owner)
        found = self.world.deployments.get(owner.key)
        require((found is None) == (action.seen is None), "the Deployment came or went")
        if found is not None and action.seen is not None:
            seen = (action.seen.uid, action.seen.resource_version)
            require((found.uid, str(found.resource_version)) == seen, "the Deployment changed")
        version = action.manifest["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"]
        still = ", standing still" if action.manifest["spec"]["paused"] else ""
        with self._writing(owner, f"applies the Deployment for {version}{still}"):
            if found is None:
                manifest = self._admitted(action.manifest)
                found = Deployment(f"deployment-{self.world.serial()}", manifest, self.world.serial())
                found.owner, found.progress_at = owner.uid, self.world.time
                found.applied = action.manifest["spec"]["template"]
                self.world.deployments[owner.key] = found
            else:
                self._apply(found, action)
            workload = self.world.workload(owner.key, owner.uid)
        assert workload is not None
        spec = {**action.manifest["spec"], "template": action.template or action.manifest["spec"]["template"]}
        if (altered := difference({"spec": spec}, found.manifest)) is not None:
            raise Altered(str(altered))
        return workload

    def _admitted(self, manifest: Json) -> Json:
        template = self.world.admission(manifest["spec"]["template"])
        return {**manifest, "spec": {**manifest["spec"], "template": template}}

    def _apply(self, found: Deployment, action: ApplyWorkload) -> None:
        """Write all fields of the manifest; what others added stays unless the template is replaced."""
        manifest = action.manifest
        old, new = found.manifest["spec"]["template"], manifest["spec"]["template"]
        template = action.template or _with_added(new, _added(found, old))
        if action.template is None and found.restarted_at and not found.restarted_by_us:
            template = with_restart(template, found.restarted_at)
        manifest = self._admitted({**manifest, "spec": {**manifest["spec"], "template": template}})
        if found.manifest != manifest or found.taken:
            moved = found.manifest["spec"] != manifest["spec"]
            found.manifest, found.taken, found.resource_version = manifest, (), self.world.serial()
            found.shared &= frozenset(_variables(template))
            found.generation += int(moved)
        found.applied = action.manifest["spec"]["template"]

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        record = self._record(owner)
        require(str(record.resource_version) == owner.resource_version, "the ModelDeployment changed")
        told = words.of_status(record.status, status)
        with self._writing(owner, f"status: {told}", told=bool(told)):
            record.status = ModelDeploymentStatus.model_validate(status.to_json())
            record.resource_version = self.world.serial()

    async def mirror_quarantine(self, owner: Snapshot, action: MirrorQuarantine) -> None:
        where = (owner.key.namespace, action.version.name)
        found = self.world.versions.get(where)
        seen = (action.version.uid, action.version.resource_version)
        require(found is not None and (found.uid, found.resource_version) == seen, "the ModelVersion changed")
        assert found is not None
        says = f"quarantined by {owner.key.name}" if action.quarantined_by else "released"
        with self._writing(owner, f"marks {action.version.name}: {says}"):
            self.world.versions[where] = replace(
                found, quarantined_by=action.quarantined_by, resource_version=str(self.world.serial())
            )

    async def record_event(self, owner: Snapshot, event: Event) -> None:
        self.events.append(event)
        self.world.say("event", f"{event.type} {event.reason}: {event.message}")

    def _record(self, owner: Snapshot) -> Record:
        record = self.world.records.get(owner.key)
        require(record is not None and record.uid == owner.uid, "the ModelDeployment is another one")
        assert record is not None
        return record

    def _writing(self, owner: Snapshot, what: str, *, told: bool = True) -> "_Write":
        return _Write(self.world, owner.key, what, told)


class _Write:
    """One write: the hooks before and after it are where a crash can be put."""

    def __init__(self, world: World, key: Key, what: str, told: bool) -> None:
        self._world, self._key, self._what, self._told = world, key, what, told

    def __enter__(self) -> None:
        self._world.before_write(self._what)
        self._before = self._world.copy()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._world.writes += 1
            if self._told:
                self._world.say("operator", self._what)
            self._world.witness(self._before, self._key)
            self._world.after_write(self._what)


def _variables(template: Json) -> list[str]:
    """Return the names of the variables of the server's container."""
    return [each["name"] for each in template["spec"]["containers"][0].get("env", ())]


def _added(found: Deployment, stored: Json) -> list[Json]:
    """Return the variables of the server's container that an apply leaves: others added them, or own them too."""
    if not found.applied:
        return []
    ours = set(_variables(found.applied)) - found.shared
    return [each for each in stored["spec"]["containers"][0].get("env", ()) if each["name"] not in ours]


def _with_added(template: Json, added: list[Json]) -> Json:
    known = _variables(template)
    added = [each for each in added if each["name"] not in known]
    if not added:
        return template
    first, *others = template["spec"]["containers"]
    env = [*first.get("env", ()), *added]
    return {**template, "spec": {**template["spec"], "containers": [{**first, "env": env}, *others]}}


def _stored(template: Json) -> str:
    """Return the hash of a pod template, a restart left aside."""
    annotations = dict(template["metadata"].get("annotations") or {})
    annotations.pop(RESTARTED_AT, None)
    return short_hash({**template, "metadata": {**template["metadata"], "annotations": annotations}})


def require(holds: bool, problem: str) -> None:
    """Refuse a write whose precondition does not hold."""
    if not holds:
        raise Conflict(problem)


def _parsed(model: Any, raw: Json) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return Invalid(str(error))
