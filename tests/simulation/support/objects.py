"""What a simulated cluster stores: a Deployment with its ReplicaSets and pods, and the statuses of their controllers.

All but the Deployment itself are values: whoever changes one puts another in its place. So a copy of a world shares
them, and what a controller has seen stays as it saw it.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime

from pennant.api.meta import Json
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Workload
from pennant.core.rollout.revision import RESTARTED_AT

NO_DEADLINE = 2**31 - 1
NO_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a Deployment or a ReplicaSet."""

    type: str
    status: str
    reason: str
    message: str
    updated_at: datetime
    since: datetime
    """When its status last became another one."""


Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the API server returns it."""

    name: str
    identity: str
    """The label `pod-template-hash`: by which it belongs to its ReplicaSet."""
    template_hash: str
    version: str
    born: datetime
    bound_at: datetime | None = None
    """When it got its node; None: it has none."""
    unscheduled: str = ""
    """The message of the scheduler where it found no node."""
    started: datetime | None = None
    """Since when its container runs, or ran last; None: it never did."""
    resumes_at: datetime | None = None
    """When its container, which ended, is started again; None: it runs, or never did."""
    restarts: int = 0
    ready_since: datetime | None = None
    available: bool = False
    """Whether it has been ready for `minReadySeconds`."""
    evicted: str = ""
    """Why it was taken from its node; empty: it was not."""
    deleting: bool = False

    @property
    def ready(self) -> bool:
        return self.ready_since is not None

    @property
    def active(self) -> bool:
        """Whether it counts for its ReplicaSet."""
        return not self.deleting and not self.evicted


@dataclass(frozen=True, slots=True)
class ReplicaSetStatus:
    observed_generation: int = 0
    replicas: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0
    failure: Condition | None = None
    """The condition ReplicaFailure."""


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    name: str
    identity: str
    """The hash of its pod template: what makes two of them the same to the Deployment controller."""
    template_hash: str
    version: str
    created: datetime
    replicas: int
    min_ready_seconds: int
    revision: int
    """The annotation `deployment.kubernetes.io/revision`."""
    desired: int
    """The annotation `deployment.kubernetes.io/desired-replicas`."""
    most: int
    """The annotation `deployment.kubernetes.io/max-replicas`."""
    generation: int = 1
    status: ReplicaSetStatus = ReplicaSetStatus()


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    observed_generation: int = 0
    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    unavailable: int = 0
    terminating: int = 0
    conditions: Conditions = ()

    def condition(self, kind: str) -> Condition | None:
        return next((each for each in self.conditions if each.type == kind), None)


@dataclass
class Deployment:
    """A Deployment and what its controllers have made of it.

    `manifest` is what is stored: what the operator applied, and what others changed since.
    """

    uid: str
    manifest: Json
    resource_version: int
    generation: int = 1
    applied: Json = field(default_factory=dict)
    """The pod template that the operator last applied."""
    taken: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    """Variables that somebody else owns too: an apply without them leaves them where they are."""
    """Fields of the operator that somebody else has written since its last apply."""
    editor: str = ""
    owner: str = ""
    """The uid of the ModelDeployment that it belongs to; empty: of none."""
    deleting: bool = False
    lets_go: bool = False
    """Whether its ReplicaSets and pods stay when it is gone."""
    labelled: bool = False
    """Whether its ReplicaSets, which it let go, have the label that the selector of the operator needs."""
    status: DeploymentStatus = DeploymentStatus()
    revision: int = 0
    """The annotation `deployment.kubernetes.io/revision`."""
    replica_sets: tuple[ReplicaSet, ...] = ()
    """The oldest first."""
    every_pod: tuple[Pod, ...] = ()
    """Of all its ReplicaSets, the oldest first; also those that are being deleted."""
    _hashed: tuple[Json, str, str] | None = field(default=None, compare=False)
    _shown: tuple[object, Workload] | None = field(default=None, compare=False)

    def copy(self) -> "Deployment":
        return copy(self)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All pods that are not being deleted."""
        return tuple(each for each in self.every_pod if not each.deleting)

    @property
    def shown_revision(self) -> int:
        """The annotation of the operator; 0: there is none, or somebody has written another word there."""
        said = self.manifest.get("metadata", {}).get("annotations", {}).get("pennant.dev/revision", "")
        return int(said) if said.isdecimal() else 0

    @property
    def observed_generation(self) -> int:
        return self.status.observed_generation

    @property
    def template_hash(self) -> str:
        return self._label("pennant.dev/template-hash")

    @property
    def version(self) -> str:
        return self._label("pennant.dev/version")

    def _label(self, name: str) -> str:
        """Return a label of the pod template; empty where it has none: it is not ours."""
        return str(self.manifest["spec"]["template"]["metadata"]["labels"].get(name, ""))

    @property
    def replicas(self) -> int:
        return int(self.manifest["spec"].get("replicas", 1))

    @property
    def paused(self) -> bool:
        return bool(self.manifest["spec"].get("paused"))

    @property
    def min_ready_seconds(self) -> int:
        return int(self.manifest["spec"].get("minReadySeconds", 0))

    @property
    def progress_deadline(self) -> int | None:
        """Seconds without progress after which a rollout is late; None: no deadline."""
        seconds = int(self.manifest["spec"].get("progressDeadlineSeconds", 600))
        return None if seconds == NO_DEADLINE else seconds

    @property
    def revision_history_limit(self) -> int | None:
        limit = int(self.manifest["spec"].get("revisionHistoryLimit", 10))
        return None if limit == NO_LIMIT else limit

    @property
    def recreates(self) -> bool:
        """Whether all old pods go before the first new one comes."""
        return bool(self.manifest["spec"].get("strategy", {}).get("type") == "Recreate")

    @property
    def limits(self) -> Json:
        """`maxSurge` and `maxUnavailable`, where they are given."""
        found: Json = self.manifest["spec"].get("strategy", {}).get("rollingUpdate") or {}
        return found

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
        self.shared |= shared
        self.edit_spec({"template": template}, editor, taken, resource_version)

    def edit_spec(self, fields: Json, editor: str, taken: tuple[str, ...], resource_version: int) -> None:
        """Let somebody else change fields of the spec."""
        self.manifest = {**self.manifest, "spec": {**self.manifest["spec"], **fields}}
        self.editor, self.taken = editor, (*self.taken, *taken)
        self.generation, self.resource_version = self.generation + 1, resource_version

    def relabel(self, template: Json) -> None:
        """Put this pod template in place of the present one: into the ReplicaSet that has that, and as labels to pods.

        What is the same to the Deployment controller follows from the template, and so changes with it.
        """
        old = self.pod_identity
        self.manifest = {**self.manifest, "spec": {**self.manifest["spec"], "template": template}}
        identity, template_hash, version = self.pod_identity, self.template_hash, self.version
        self.replica_sets = tuple(
            replace(each, identity=identity, template_hash=template_hash, version=version)
            if each.identity == old
            else each
            for each in self.replica_sets
        )
        self.every_pod = tuple(
            replace(each, identity=identity, template_hash=template_hash, version=version)
            if each.identity == old
            else each
            for each in self.every_pod
        )

    def put(self, old: ReplicaSet, new: ReplicaSet) -> None:
        """Write a ReplicaSet."""
        self.replica_sets = tuple(new if each is old else each for each in self.replica_sets)


def _stored(template: Json) -> str:
    """Return the hash of a pod template, a restart left aside."""
    annotations = dict(template["metadata"].get("annotations") or {})
    annotations.pop(RESTARTED_AT, None)
    return short_hash({**template, "metadata": {**template["metadata"], "annotations": annotations}})
