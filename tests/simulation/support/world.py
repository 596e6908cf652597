"""A small model of a cluster: an API server that checks preconditions, Kubernetes' controllers, a node, and time.

A second begins with what the node does; then the controllers take their passes in rounds, a Deployment's before those
of its ReplicaSets, until none has anything left to do. Between the rounds others see what has been written so far.

It implements the `Cluster` port for one process of the operator, and is held to the same contract as the real API
server. Whole rollouts are simulated on it: in order, in random orders, with crashes and with stale views.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pennant.api.adoption import AdoptedReplicaSet, Adoption, AdoptionPhase
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.version_status import ModelVersionStatus
from pennant.core.facts import command, pods
from pennant.core.facts.decision import ApplyService, ApplyWorkload, Event, MirrorQuarantine, PrepareAdoption
from pennant.core.facts.digest import content_digest, short_hash
from pennant.core.facts.observation import Invalid, Key, Revision, Snapshot, Version, Workload
from pennant.core.facts.service import ServiceSeen
from pennant.core.rollout import short_history
from pennant.core.rollout.revision import LABELS, RESTARTED_AT, template_hash, with_restart
from pennant.core.workload.stored_values import difference
from pennant.ports import Altered, Conflict, Refused
from simulation.support import kubelet, trace
from simulation.support.controllers import Controllers
from simulation.support.deployment_controller import AVAILABLE, REPLICA_FAILURE
from simulation.support.objects import Deployment
from simulation.support.turn_order import TurnOrder

BEGINNING = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KEY = Key("default", "fraud")
OTHER = Key("default", "other")
MOST_ROUNDS = 30
"""Of the controllers within a second."""


@dataclass
class Record:
    """A stored ModelDeployment with its ControllerRevisions."""

    uid: str
    resource_version: int
    generation: int
    spec: Json
    stored: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    """The status as the API server has it, with a short history."""
    annotations: dict[str, str] = field(default_factory=dict)
    revisions: dict[int, Revision] = field(default_factory=dict)
    deleting: bool = False
    seen_to_go: bool = field(default=False, compare=False)
    """Whether an operator has seen that it is being deleted."""
    _read: tuple[Json, ModelDeploymentSpec | Invalid] | None = field(default=None, compare=False)

    @property
    def status(self) -> ModelDeploymentStatus:
        """The status with the whole history."""
        return short_history.whole(self.stored, self.revisions.values())

    @status.setter
    def status(self, status: ModelDeploymentStatus) -> None:
        self.stored = status

    def copy(self) -> "Record":
        return replace(self, annotations=dict(self.annotations), revisions=dict(self.revisions))

    def read(self) -> ModelDeploymentSpec | Invalid:
        """Return the spec as an operator reads it."""
        if self._read is None or self._read[0] is not self.spec:
            self._read = (self.spec, _parsed(ModelDeploymentSpec, self.spec))
        return self._read[1]


@dataclass
class Orphan:
    """A record that belongs to no ModelDeployment that is there."""

    revision: Revision
    is_dangling: bool = False
    """Whether it names an owner that is gone, so that the collector takes it."""


class World:
    """Everything that exists, and the clock."""

    def __init__(self) -> None:
        self.time, self.behind = BEGINNING, timedelta(0)
        """The time, and by how much the clock was set back."""
        self.records: dict[Key, Record] = {}
        self.versions: dict[tuple[str, str], Version] = {}
        self.version_statuses: dict[tuple[str, str], ModelVersionStatus] = {}
        """What is stored besides `quarantinedBy`, which is in the version itself."""
        self.version_generations: dict[tuple[str, str], int] = {}
        self.deployments: dict[Key, Deployment] = {}
        self.services: dict[Key, tuple[str, ServiceSeen]] = {}
        """Services by namespace and name, each with the uid of its owner; empty: it has none of ours."""
        self.let_go: dict[Key, Deployment] = {}
        """Deployments that are gone and whose ReplicaSets and pods stayed, until another one takes them."""
        self.never_ready: set[str] = set()
        """Versions whose pods run and never become ready; one that is ready stays so."""
        self.slow: set[str] = set()
        """Versions of which one pod becomes ready and no other."""
        self.crashing, self.mismatching = set[str](), set[str]()
        """Versions whose container ends a second after its start, and is started again after a growing back-off: the
        server, or the init container that fetches the artefact and finds another digest."""
        self.flapping: dict[str, tuple[int, int]] = {}
        """Versions whose pods are ready for so many seconds, then not ready for so many, and so on."""
        self.room: int | None = None
        """How many pods the node takes; None: any number."""
        self.quota: int | None = None
        """How many pods a namespace may have; None: any number."""
        self.controllers_away = False
        """Whether no kube-controller-manager runs."""
        self.pace = MOST_ROUNDS
        """How many rounds of the controllers there are in a second; what is left to do then is done in the next one."""
        self.turns: TurnOrder | None = None
        """Which controllers skip rounds; None: none."""
        self.trace: list[str] = []
        self.admission: Callable[[Json], Json] = lambda template: template
        """What admission makes of a pod template that the operator writes."""
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self.after_round: Callable[[], None] = lambda: None
        """Is called when each controller has taken a pass."""
        self.check_write: Callable[[World, Key], None] = lambda *_: None
        """Is shown, after each write of an operator, the world before it, and which ModelDeployment it was for."""
        self.writes = 0
        """How many there have been, also those of which the trace says nothing."""
        self.recorded: dict[tuple[str, int], Revision] = {}
        """Every record that was ever made, by the uid of its ModelDeployment and its number."""
        self.left_behind: dict[Key, frozenset[int]] = {}
        """Numbers that no revision of a ModelDeployment can have: something else has such a name."""
        self.orphans: dict[Key, dict[int, Orphan]] = {}
        """Records of a ModelDeployment that is gone, or that came from a backup: their names are taken."""
        self.gone: set[str] = set()
        """The uids of the ModelDeployments that there were."""
        self._controllers, self._serial = Controllers(), 0

    # The clock port.
    def now(self) -> datetime:
        return self.time

    @property
    def steady(self) -> datetime:
        """The time of a clock that is never set, as for timeouts."""
        return self.time + self.behind

    def set_clock_back(self, by: timedelta) -> None:
        """Set all clocks back; what waits for a span of time to pass waits no longer for that."""
        self.say("user", f"sets the clock back by {by}")
        self.time, self.behind = self.time - by, self.behind + by
        for each in self._with_pods():
            each.every_pod = tuple(kubelet.set_back(pod, by) for pod in each.every_pod)
        self._controllers.forget()

    def copy(self) -> "World":
        """Return a copy of the present state, without the trace."""
        other = World()
        other.time, other.behind, other._serial = self.time, self.behind, self._serial
        other.records = {key: each.copy() for key, each in self.records.items()}
        other.versions = dict(self.versions)
        other.version_statuses = dict(self.version_statuses)
        other.version_generations = dict(self.version_generations)
        other.deployments = {key: each.copy() for key, each in self.deployments.items()}
        other.let_go = {key: each.copy() for key, each in self.let_go.items()}
        other.never_ready, other.slow = set(self.never_ready), set(self.slow)
        other.crashing, other.flapping = set(self.crashing), dict(self.flapping)
        other.mismatching = set(self.mismatching)
        other.room, other.quota, other.controllers_away = self.room, self.quota, self.controllers_away
        other.pace, other.turns = self.pace, None if self.turns is None else self.turns.copy()
        other._controllers = self._controllers.copy()
        other.left_behind, other.recorded = dict(self.left_behind), dict(self.recorded)
        other.orphans = {key: dict(each) for key, each in self.orphans.items()}
        other.gone = set(self.gone)
        return other

    def _with_pods(self) -> tuple[Deployment, ...]:
        """Return all that has pods: Deployments, and those that are gone and let their pods stay."""
        return (*self.deployments.values(), *self.let_go.values())

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
            verified_periods=old.verified_periods if old else (),
            tagged_by="kubectl",
        )

    def delete_version(self, name: str, namespace: str = "default") -> None:
        self.say("user", f"deletes {name}")
        del self.versions[namespace, name]
        del self.version_generations[namespace, name]
        self.version_statuses.pop((namespace, name), None)

    def apply_deployment(self, key: Key, spec: Json) -> None:
        old = self.records.get(key)
        changed = trace.of_spec(old.spec, spec) if old is not None else ""
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

    def put_status_back(self, key: Key, status: ModelDeploymentStatus) -> None:
        """Restore a status from a backup of this very object."""
        self.say("user", f"puts an earlier status of {key} back")
        record = self.records[key]
        record.status, record.resource_version = status, self.serial()

    def deploy_by_hand(self, key: Key, template: Json, replicas: int) -> None:
        """Create a Deployment that belongs to no ModelDeployment; as `kubectl apply` does."""
        self.say("user", f"applies the Deployment {key}")
        manifest = {"spec": {"replicas": replicas, "template": template}}
        found = Deployment(f"deployment-{self.serial()}", manifest, self.serial(), editor="kubectl")
        self.give(found, key)
        self.deployments[key] = found

    def give(self, found: Deployment, key: Key) -> None:
        """Give a new Deployment the ReplicaSets and pods that nobody owns, if its selector fits them."""
        left = self.let_go.get(key)
        if left is not None and (left.labelled or not found.owner):
            found.replica_sets, found.every_pod = left.replica_sets, left.every_pod
            del self.let_go[key]

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
        self.gone.add(self.records.pop(key).uid)
        self.deployments.pop(key, None)

    def delete_deployment_alone(self, key: Key, *, orphan: bool = False) -> None:
        """Delete a ModelDeployment whose Deployment and records stay: as orphans, or until their collector comes."""
        self.say("user", f"deletes {key}{' and lets go of what it owns' if orphan else ''}")
        gone = self.records.pop(key)
        self.gone.add(gone.uid)
        left = {number: Orphan(each, is_dangling=not orphan) for number, each in gone.revisions.items()}
        self.orphans[key] = self.orphans.get(key, {}) | left
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
        for each in self.orphans.values():
            for number in [number for number, orphan in each.items() if orphan.is_dangling]:
                del each[number]
        self.records = {key: each for key, each in self.records.items() if not each.deleting}

    def pause_by_hand(self, key: Key, paused: bool) -> None:
        """What `kubectl rollout pause deployment/...` and `resume` do."""
        self.say("user", f"{'pauses' if paused else 'resumes'} the Deployment by kubectl rollout")
        self.deployments[key].edit_spec({"paused": paused}, "kubectl-rollout", ("spec.paused",), self.serial())

    def evict(self, key: Key) -> None:
        """Have the node end a pod of a Deployment, the oldest one that it has."""
        found = self.deployments[key]
        pod = next((each for each in found.every_pod if each.active and each.bound_at is not None), None)
        if pod is not None:
            self.say("node", f"evicts a pod of {key}")
            gone = kubelet.evicted(pod)
            found.every_pod = tuple(gone if each is pod else each for each in found.every_pod)

    # What the cluster does.
    def tick(self, seconds: int = 1) -> None:
        """Let time pass without any controller."""
        for _ in range(seconds):
            self.begin_second()
            for _ in self.rounds():
                pass

    def begin_second(self) -> None:
        """Let a second pass for the node and its pods."""
        self.time += timedelta(seconds=1)
        if not self.controllers_away:
            # What is deleted in the foreground is gone when its pods are.
            self.let_go |= {key: each for key, each in self.deployments.items() if each.deleting and each.lets_go}
            self.deployments = {key: each for key, each in self.deployments.items() if not each.deleting}
        for each in self._with_pods():
            kubelet.live(each, self, self.time)

    def rounds(self) -> Iterator[None]:
        """Let the controllers do what there is to do now; yield after each round in which a Deployment was written.

        Others may write then; what that leaves to do is done in the rounds that follow.
        """
        for _ in range(self.pace):
            busy, written = self._round()
            if written:
                yield
            elif not busy:
                return

    def _round(self) -> tuple[bool, bool]:
        """Let each controller take a pass; return whether more is left to do, and whether a Deployment was written."""
        before = [(key, each, each.resource_version) for key, each in self.deployments.items()]
        busy = False
        if self.controllers_away:
            self._controllers.forget()
        else:
            for key, each, _ in before:
                busy |= self._controllers.look_at_deployment(key, each, self)
                busy |= self._controllers.look_at_replica_sets(key, each, self)
            for key, each in self.let_go.items():
                busy |= self._controllers.look_at_replica_sets(key, each, self)
        busy |= kubelet.bind(self._with_pods(), self.room, self.time)
        self.after_round()
        return busy, any(each.resource_version != version for _, each, version in before)

    def acts(self, who: str) -> bool:
        """Return whether a controller that has something to do does it in this round."""
        return self.turns is None or self.turns.acts(who)

    def is_behind(self, who: str) -> bool:
        """Return whether the cache of a controller lacks the newest status of its object."""
        return self.turns is not None and self.turns.is_behind(who)

    def restart_controllers(self) -> None:
        """Restart the kube-controller-manager: it reconciles all objects, without earlier back-offs."""
        self.controllers_away = False
        self._controllers.forget()

    def refuses(self, namespace: str, pod: str) -> str | None:
        """Return why the API server refuses to create a pod; None: it does not."""
        all_of_them = (*self.deployments.items(), *self.let_go.items())
        here = (each for key, each in all_of_them if key.namespace == namespace)
        used = sum(not pod.evicted for each in here for pod in each.every_pod)
        if self.quota is None or used < self.quota:
            return None
        said = f"requested: pods=1, used: pods={used}, limited: pods={self.quota}"
        return f'pods "{pod}" is forbidden: exceeded quota: pods, {said}'

    def workload(self, key: Key, owner_uid: str) -> Workload | None:
        """Return the Deployment as one sees it who is, or is not, its owner."""
        found = self.deployments.get(key)
        if found is None:
            return None
        revisions = self.records[key].revisions if key in self.records else {}
        is_left = (not found.owner or found.owner in self.gone) and _is_labelled(found.manifest, key)
        asked = (found.resource_version, found.owner, owner_uid, is_left, tuple(revisions))
        if found._shown is None or found._shown[0] != asked:
            shown = _workload(found, owner_uid)
            shown = replace(shown, orphaned=is_left, as_recorded=self._is_as_recorded(key, found))
            found._shown = (asked, shown)
        return found._shown[1]

    def _is_as_recorded(self, key: Key, found: Deployment) -> bool:
        template = found.manifest["spec"]["template"]
        revisions = self.records[key].revisions.values() if key in self.records else ()
        same = [each.template for each in revisions if each.entry.template_hash == found.template_hash]
        return any(difference(with_restart(each, ""), template) is None for each in same)


def _workload(found: Deployment, owner_uid: str) -> Workload:
    status = found.status
    available, failure = (status.condition(each) for each in (AVAILABLE, REPLICA_FAILURE))
    enough = available is not None and available.status == "True"
    return Workload(
        uid=found.uid,
        resource_version=str(found.resource_version),
        generation=found.generation,
        observed_generation=status.observed_generation,
        owned=found.owner == owner_uid,
        template_hash=found.template_hash,
        replicas=found.replicas,
        total=status.replicas,
        updated=status.updated,
        ready=status.ready,
        available=status.available,
        minimum_available=enough,
        revision=found.shown_revision,
        available_since=available.since if available is not None and enough else None,
        refusal=failure.message if failure is not None else "",
        min_ready_seconds=found.min_ready_seconds,
        deleting=found.deleting,
        paused=found.paused,
        fields_hash=short_hash(["all", *found.taken]),
        stored_template=found.stored_template,
        restarted_at=found.restarted_at,
        co_owned=bool(found.shared or found.taken),
        editor=found.editor,
        edited=found.taken,
    )


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
            record = self.world.records.get(key)
            if record is not None and record.uid == shown.uid:
                record.seen_to_go = record.seen_to_go or shown.deleting
        return shown

    def view(self, key: Key) -> Snapshot | None:
        record = self.world.records.get(key)
        if record is None:
            return None
        spec = record.read()
        model = None if isinstance(spec, Invalid) else spec.model
        revisions = tuple(each for _, each in sorted(self._revisions(key, record).items()))
        return Snapshot(
            key=key,
            uid=record.uid,
            resource_version=str(record.resource_version),
            generation=record.generation,
            deleting=record.deleting,
            spec=spec,
            status=short_history.whole(record.stored, revisions),
            versions=tuple(
                version
                for (namespace, _), version in sorted(self.world.versions.items())
                if namespace == key.namespace and version.record["model"] == model
            ),
            revisions=revisions,
            workload=self.world.workload(key, record.uid),
            services=tuple(
                replace(seen, owned=True)
                for where, (owner, seen) in sorted(self.world.services.items())
                if where.namespace == key.namespace and owner == record.uid
            ),
            changed_by="kubectl",
            command=command.read(record.annotations),
            taken=self.world.left_behind.get(key, frozenset()),
        )

    async def pods(self, owner: Snapshot, template_hash: str) -> pods.Pods:
        deployment = self.world.deployments.get(owner.key)
        if deployment is None or owner.workload is None or owner.workload.uid != deployment.uid:
            return pods.Pods(template_hash, None)
        return kubelet.seen_of(deployment, template_hash, self.world)

    def _revisions(self, key: Key, record: Record) -> dict[int, Revision]:
        """Return the records of a ModelDeployment and those without an owner."""
        left = self.world.orphans.get(key, {}).items()
        return {number: replace(each.revision, orphaned=True) for number, each in left} | record.revisions

    async def adopt_revision(self, owner: Snapshot, revision: int) -> None:
        record, left = self._record(owner), self.world.orphans.get(owner.key, {})
        require(revision in left, "the record is gone")
        with self._writing(owner, f"takes up the record of revision {revision}"):
            found = left.pop(revision).revision
            record.revisions[revision] = self.world.recorded[owner.uid, revision] = found

    async def adopt_workload(self, owner: Snapshot, seen: Workload) -> None:
        self._record(owner)
        found = self._present(owner, seen)
        with self._writing(owner, "takes up the Deployment"):
            found.owner, found.resource_version = owner.uid, self.world.serial()

    async def prepare_adoption(self, owner: Snapshot, action: PrepareAdoption) -> Adoption:
        self._record(owner)
        found = self._present(owner, action.expected)
        wanted, known = self._admitted(action.manifest)["spec"]["template"], found.manifest["spec"]["template"]
        with self._writing(owner, "keeps the manifest of the existing Deployment"):
            # What it keeps it never reads again.
            pass
        new = [each for each in found.replica_sets if each.identity == found.pod_identity]
        differs = difference(wanted, _labelled(known, wanted)) or difference(_labelled(known, wanted), wanted)
        return Adoption(
            phase=AdoptionPhase.PREPARED,
            uid=found.uid,
            generation=found.generation,
            manifest=f"{owner.key.name}-adopted",
            serving=AdoptedReplicaSet(name=new[0].name, uid=new[0].name) if new else None,
            earlier=tuple(each.name for each in found.replica_sets if each not in new),
            template_hash=template_hash(wanted),
            replaces_pods=f"{differs.path} differs" if differs is not None else "",
            since=action.since,
        )

    async def release_replica_sets(self, owner: Snapshot, seen: Workload) -> None:
        self._record(owner)
        if owner.key in self.world.deployments:
            found = self._present(owner, seen)
            with self._writing(owner, "deletes the existing Deployment and lets its pods stay"):
                found.deleting = found.lets_go = True
                found.resource_version = self.world.serial()

    async def label_replica_sets(self, owner: Snapshot, adoption: Adoption, manifest: Json) -> None:
        self._record(owner)
        there = self.world.deployments.get(owner.key)
        require(there is None or there.uid != adoption.uid, "the ReplicaSets belong to the Deployment")
        left = self.world.let_go.get(owner.key)
        if left is None or left.uid != adoption.uid or left.labelled:
            return
        template = manifest["spec"]["template"]
        with self._writing(owner, "labels the ReplicaSets and pods of the Deployment that is gone"):
            left.labelled, left.resource_version = True, self.world.serial()
            if not adoption.replaces_pods and adoption.template_hash == template_hash(template):
                left.relabel(_labelled(left.manifest["spec"]["template"], template))

    def _present(self, owner: Snapshot, seen: Workload) -> Deployment:
        found = self.world.deployments.get(owner.key)
        require(found is not None, "the Deployment is gone")
        assert found is not None
        require((found.uid, str(found.resource_version)) == (seen.uid, seen.resource_version), "the Deployment changed")
        return found

    async def create_revision(self, owner: Snapshot, revision: Revision) -> None:
        record = self._record(owner)
        number = revision.entry.revision
        taken = (*self.world.left_behind.get(owner.key, ()), *self.world.orphans.get(owner.key, ()))
        if number in record.revisions or number in taken:
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
        require((found is None) == (action.expected is None), "the Deployment came or went")
        if found is not None and action.expected is not None:
            seen = (action.expected.uid, action.expected.resource_version)
            require((found.uid, str(found.resource_version)) == seen, "the Deployment changed")
        version = action.manifest["spec"]["template"]["metadata"]["labels"]["pennant.dev/version"]
        still = ", standing still" if action.manifest["spec"]["paused"] else ""
        with self._writing(owner, f"applies the Deployment for {version}{still}"):
            if found is None:
                manifest = self._admitted(action.manifest)
                found = Deployment(f"deployment-{self.world.serial()}", manifest, self.world.serial())
                found.owner = owner.uid
                found.applied = action.manifest["spec"]["template"]
                self.world.give(found, owner.key)
                self.world.deployments[owner.key] = found
            else:
                self._apply(found, action)
            workload = self.world.workload(owner.key, owner.uid)
        assert workload is not None
        spec = {**action.manifest["spec"], "template": action.template or action.manifest["spec"]["template"]}
        if (altered := difference({"spec": spec}, found.manifest)) is not None:
            raise Altered(str(altered))
        return workload

    async def dry_run_workload(self, owner: Snapshot, action: ApplyWorkload, *, beside: bool = False) -> None:
        self._record(owner)
        found = None if beside else self.world.deployments.get(owner.key)
        require((found is None) == (action.expected is None), "the Deployment came or went")
        if found is not None and action.expected is not None:
            seen = (action.expected.uid, action.expected.resource_version)
            require((found.uid, str(found.resource_version)) == seen, "the Deployment changed")
        # Nothing is written: no crash, and no other client, can come between.
        self.world.before_write("tries the Deployment")
        self.world.say("operator", "tries the Deployment: accepted")

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

    async def apply_service(self, owner: Snapshot, action: ApplyService) -> None:
        self._record(owner)
        metadata = action.manifest["metadata"]
        where = Key(owner.key.namespace, metadata["name"])
        found = self.world.services.get(where)
        if found is not None and found[0] != owner.uid:
            raise Refused("it exists and does not belong to this ModelDeployment")
        expected = action.expected
        require((found and found[1].uid) == (expected and expected.uid), "the Service came or went")
        with self._writing(owner, f"applies Service {where.name}"):
            uid = found[1].uid if found else f"service-{self.world.serial()}"
            version = str(self.world.serial())
            written = metadata["annotations"]["pennant.dev/manifest-hash"]
            seen = ServiceSeen(where.name, uid, version, written, action.manifest["spec"])
            self.world.services[where] = (owner.uid, seen)

    async def delete_service(self, owner: Snapshot, seen: ServiceSeen) -> None:
        self._record(owner)
        with self._writing(owner, f"deletes Service {seen.name}"):
            self.world.services.pop(Key(owner.key.namespace, seen.name), None)

    async def write_status(self, owner: Snapshot, status: ModelDeploymentStatus) -> None:
        record = self._record(owner)
        require(str(record.resource_version) == owner.resource_version, "the ModelDeployment changed")
        told = trace.of_status(record.status, status)
        with self._writing(owner, f"status: {told}", told=bool(told)):
            short = short_history.to_store(owner, status)
            record.stored = ModelDeploymentStatus.model_validate(short.to_json())
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
            self._world.check_write(self._before, self._key)
            self._world.after_write(self._what)


def _is_labelled(manifest: Json, key: Key) -> bool:
    labels = manifest.get("metadata", {}).get("labels", {})
    return bool(labels.get("pennant.dev/modeldeployment") == key.name)


def _labelled(template: Json, wanted: Json) -> Json:
    """Return a pod template with the labels of the operator in another one."""
    labels = {name: each for name, each in wanted["metadata"]["labels"].items() if name in LABELS}
    metadata = template["metadata"]
    return {**template, "metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}


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


def require(holds: bool, problem: str) -> None:
    """Refuse a write whose precondition does not hold."""
    if not holds:
        raise Conflict(problem)


def _parsed(model: Any, raw: Json) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return Invalid(str(error))
