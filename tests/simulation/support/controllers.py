"""The simulated kube-controller-manager: which Deployments and ReplicaSets it reconciles, and when.

Both controllers look at what has changed, and at a Deployment when its deadline may be over. A pass that changes
nothing is the last one until something else does. What they know of that is theirs alone, and lost when they end.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from pennant.core.facts.observation import Key
from pennant.ports import Conflict
from simulation.support import deployment_controller, replica_set_controller
from simulation.support.objects import Deployment, Pod, ReplicaSet
from simulation.support.replica_set_controller import Backoff, backing_off

K = TypeVar("K")
V = TypeVar("V")
Seen = tuple[int, tuple[ReplicaSet, ...]]


class ClusterState(Protocol):
    """The API server, as the controllers need it."""

    def now(self) -> datetime: ...

    def serial(self) -> int: ...

    def acts(self, who: str) -> bool:
        """Return whether a controller takes its turn now; one that does not takes it later."""
        ...

    def is_behind(self, who: str) -> bool:
        """Return whether its cache lacks the newest status of its object."""
        ...

    def refuses(self, namespace: str, pod: str) -> str | None:
        """Return why a pod cannot be created; None: it can."""
        ...


class Controllers:
    """Both controllers, and what they remember."""

    def __init__(self) -> None:
        self._settled: dict[str, Seen] = {}
        """What the last pass over a Deployment has seen, where that was nothing to do."""
        self._check_at: dict[str, datetime] = {}
        self._counted: dict[tuple[str, str], tuple[ReplicaSet, tuple[Pod, ...]]] = {}
        self._backoffs: dict[tuple[str, str], Backoff] = {}
        self._count_at: dict[tuple[str, str], datetime] = {}
        """When pods of a ReplicaSet will have been ready for long enough."""

    def copy(self) -> "Controllers":
        other = Controllers()
        other._settled, other._check_at = dict(self._settled), dict(self._check_at)
        other._counted, other._count_at = dict(self._counted), dict(self._count_at)
        other._backoffs = dict(self._backoffs)
        return other

    def forget(self) -> None:
        """Restart: reconcile all objects."""
        for each in (self._settled, self._check_at, self._counted, self._count_at, self._backoffs):
            each.clear()

    def look_at_deployment(self, key: Key, deployment: Deployment, world: ClusterState) -> bool:
        """Take one pass over a Deployment where there is reason to; return whether more may be left to do."""
        uid, now = deployment.uid, world.now()
        before = (deployment.resource_version, deployment.replica_sets)
        due = self._check_at.get(uid)
        if self._settled.get(uid) == before and (due is None or now < due):
            return False
        if not world.acts(uid):
            return True
        run = deployment_controller.Pass(key.name, deployment, now, world.serial, is_behind=world.is_behind(uid))
        try:
            run.run()
        except Conflict:
            # It is tried again, on what is there by then.
            return True
        _note(self._check_at, uid, run.check_at)
        if (deployment.resource_version, deployment.replica_sets) != before:
            return True
        self._settled[uid] = before
        return False

    def look_at_replica_sets(self, key: Key, deployment: Deployment, world: ClusterState) -> bool:
        """Take one pass over each ReplicaSet where there is reason to; return whether more may be left to do."""
        busy = False
        for each in deployment.replica_sets:
            busy |= self._look_at_replica_set(key, deployment, each, world)
        return busy

    def _look_at_replica_set(self, key: Key, deployment: Deployment, seen: ReplicaSet, world: ClusterState) -> bool:
        which, now = (deployment.uid, seen.identity), world.now()
        pods, backoff, known = deployment.every_pod, self._backoffs.get(which), self._counted.get(which)
        due = [at for at in (backoff.at if backoff else None, self._count_at.get(which)) if at is not None]
        if known is not None and known[0] is seen and known[1] is pods and all(now < at for at in due):
            return False
        if not world.acts(seen.name):
            return True
        run = replica_set_controller.Pass(deployment, seen, now, world.serial, _admission(key, world))
        run.run()
        _note(self._backoffs, which, None if run.refusal is None else backing_off(backoff, now))
        _note(self._count_at, which, run.count_at)
        present = next(each for each in deployment.replica_sets if each.identity == seen.identity)
        if present is seen and deployment.every_pod is pods:
            self._counted[which] = (seen, pods)
            return False
        return True


def _note(among: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        among.pop(key, None)
    else:
        among[key] = value


def _admission(key: Key, world: ClusterState) -> Callable[[str], str | None]:
    return lambda pod: world.refuses(key.namespace, pod)
