"""Kubernetes' ReplicaSet controller, as in its own replica_set.go and controller_utils.go.

It creates pods in batches until one is refused, deletes first what serves least, and counts what was there when its
pass began: what it has just created or deleted, the next pass counts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from simulation.support.objects import Condition, Deployment, Pod, ReplicaSet, ReplicaSetStatus

BURST = 500
FIRST_WAIT, LONGEST_WAIT = 0.005, 1000.0
"""Seconds until it tries again what was refused; doubled each time."""

Admit = Callable[[str], str | None]
"""Returns why the API server refuses to create a pod of this name; None: it does not."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait until creating pods is tried again."""

    since: datetime
    waited: float
    """Seconds from the first refusal to the next try."""
    wait: float
    """Seconds from the next try to the one after it."""

    @property
    def at(self) -> datetime:
        return self.since + timedelta(seconds=math.ceil(self.waited))


def backing_off(before: Backoff | None, now: datetime) -> Backoff:
    """Return when to try again what was just refused; the first tries fall all into one second."""
    found = before or Backoff(now, 0.0, FIRST_WAIT)
    while found.at <= now:
        found = Backoff(found.since, found.waited + found.wait, min(found.wait * 2, LONGEST_WAIT))
    return found


class Pass:
    """One pass over a ReplicaSet."""

    def __init__(self, stored: Deployment, seen: ReplicaSet, now: datetime, serial: Callable[[], int], admit: Admit):
        self._stored, self._seen, self._now, self._serial, self._admit = stored, seen, now, serial, admit
        self._pods = [each for each in stored.every_pod if each.identity == seen.identity]
        self.refusal: str | None = None
        """Why a pod could not be created."""
        self.count_at: datetime | None = None
        """When the next pod will have been ready for long enough."""

    def run(self) -> None:
        active = [each for each in self._pods if each.active]
        missing = self._seen.replicas - len(active)
        if missing > 0:
            self._create(min(missing, BURST))
        elif missing < 0:
            self._delete(active, min(-missing, BURST))
        status = self._status(active)
        if status != self._seen.status:
            self._stored.put(self._seen, replace(self._seen, status=status))

    def _create(self, number: int) -> None:
        batch = 1
        while number > 0 and self.refusal is None:
            for _ in range(min(batch, number)):
                self._create_one()
            number, batch = number - batch, batch * 2

    def _create_one(self) -> None:
        seen = self._seen
        name = f"{seen.name}-{self._serial()}"
        if (refusal := self._admit(name)) is not None:
            self.refusal = self.refusal or refusal
            return
        born = Pod(name, seen.identity, seen.template_hash, seen.version, self._now)
        self._stored.every_pod = (*self._stored.every_pod, born)

    def _delete(self, active: Sequence[Pod], number: int) -> None:
        """Delete pods; one without a node is gone at once, the others when their kubelet has ended them."""
        doomed = {each.name for each in sorted(active, key=self._worth)[:number]}
        self._stored.every_pod = tuple(
            replace(each, deleting=True) if each.name in doomed else each
            for each in self._stored.every_pod
            if each.name not in doomed or each.bound_at is not None
        )

    def _worth(self, pod: Pod) -> tuple[float, ...]:
        """Return by what pods are ordered, those first that are deleted first; of equals the real controller takes any.

        All of them are on one node.
        """
        return (
            pod.bound_at is not None,
            pod.started is not None,
            pod.ready,
            _rank(self._now, pod.ready_since),
            -pod.restarts,
            _rank(self._now, pod.born),
        )

    def _status(self, active: Sequence[Pod]) -> ReplicaSetStatus:
        ready = [each.ready_since for each in active if each.ready_since is not None]
        needed = timedelta(seconds=self._seen.min_ready_seconds)
        to_come = [since + needed for since in ready if needed and since + needed > self._now]
        self.count_at = min(to_come, default=None)
        return ReplicaSetStatus(
            observed_generation=self._seen.generation,
            replicas=len(active),
            ready=len(ready),
            available=len(ready) - len(to_come),
            terminating=sum(each.deleting and not each.evicted for each in self._pods),
            failure=self._failure(),
        )

    def _failure(self) -> Condition | None:
        """Return the condition ReplicaFailure, which keeps its first message until no pod is refused."""
        if self.refusal is None:
            return None
        new = Condition("ReplicaFailure", "True", "FailedCreate", self.refusal, self._now, self._now)
        return self._seen.status.failure or new


def is_available(pod: Pod, min_ready_seconds: int, now: datetime) -> bool:
    """Return whether a pod has been ready for so long."""
    if pod.ready_since is None:
        return False
    return not min_ready_seconds or now - pod.ready_since >= timedelta(seconds=min_ready_seconds)


def _rank(now: datetime, since: datetime | None) -> int:
    """Return the order of size of an age: within one, ages count as the same."""
    seconds = (now - since).total_seconds() if since is not None else 0
    return int(math.log2(seconds * 1e9)) if seconds > 0 else -1
