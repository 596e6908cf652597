"""Kubernetes' Deployment controller, step by step as in its own sync.go, progress.go, rolling.go and recreate.go.

Each pass works on what was there when it began. A write that rests on something older than what is stored is refused,
the pass ends there, and the next one goes on: so a status is written late, and says first that the generation was
observed and only later what has become of it.

Left out: annotations but the ones of its own, adoption of ReplicaSets, and collisions of hashes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pennant.ports import Conflict
from simulation.support import pod_counts
from simulation.support.objects import Condition, Conditions, Deployment, DeploymentStatus, ReplicaSet

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
COMPLETE, TIMED_OUT, PAUSED, RESUMED = (
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
    "DeploymentResumed",
)
A_SECOND = timedelta(seconds=1)


def with_condition(conditions: Conditions, new: Condition) -> Conditions:
    """Return conditions with a new one; one that says the same stays as it is, with its times."""
    old = next((each for each in conditions if each.type == new.type), None)
    if old is not None and old.status == new.status:
        if old.reason == new.reason:
            return conditions
        new = replace(new, since=old.since)
    return (*without(conditions, new.type), new)


def without(conditions: Conditions, kind: str) -> Conditions:
    return tuple(each for each in conditions if each.type != kind)


class Pass:
    """One pass over a Deployment, on what was stored when it began."""

    def __init__(
        self, name: str, stored: Deployment, now: datetime, serial: Callable[[], int], *, is_behind: bool = False
    ) -> None:
        """Begin with the stored object; where it `is_behind`, the status in the cache is older."""
        self._name, self._stored, self._now, self._serial = name, stored, now, serial
        self._seen_version = -1 if is_behind else stored.resource_version
        self._listed = stored.replica_sets
        self._status, self._revision = stored.status, stored.revision
        self.check_at: datetime | None = None
        """When it must check the progress again without a change."""

    def run(self) -> None:
        """Reconcile once; raises `Conflict` where it must be repeated."""
        stored = self._stored
        if stored.deleting:
            self._tell(self._counted(*self._new_and_old()))
            return
        self._tell_of_pause()
        if stored.paused or self._is_scaled():
            self._sync()
        elif stored.recreates:
            self._recreate()
        else:
            self._roll()

    # Pausing and scaling.
    def _tell_of_pause(self) -> None:
        said = self._progressing
        if self._stored.progress_deadline is None or (said is not None and said.reason == TIMED_OUT):
            return
        is_told = said is not None and said.reason == PAUSED
        if self._stored.paused and not is_told:
            self._say_progress("Unknown", PAUSED, "Deployment is paused")
            self._write_status()
        elif is_told and not self._stored.paused:
            self._say_progress("Unknown", RESUMED, "Deployment is resumed")
            self._write_status()

    def _is_scaled(self) -> bool:
        new, old = self._new_and_old()
        return any(each.desired != self._stored.replicas for each in pod_counts.active(_all(new, old)))

    def _sync(self) -> None:
        new, old = self._new_and_old()
        self._scale_all(new, old)
        if self._stored.paused:
            self._clean_up(old)
        self._tell(self._counted(new, old))

    def _scale_all(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> None:
        if not _all(new, old):
            return
        active = pod_counts.active(_all(new, old))
        if len(active) <= 1:
            newest = new or max(old, key=lambda each: each.created)
            self._scale(active[0] if active else newest, self._stored.replicas)
        elif pod_counts.is_saturated(self._stored, new):
            for each in pod_counts.active(old):
                self._scale(each, 0)
        elif not self._stored.recreates:
            by_age = sorted(active, key=lambda each: each.created)
            for each, size in pod_counts.in_proportion(self._stored, by_age):
                self._scale(each, size, forced=True)

    # Rolling out.
    def _roll(self) -> None:
        new, old = self._new_and_old(create=True)
        assert new is not None
        if not self._grow(new, old) and not self._shrink(new, pod_counts.active(old)):
            self._clean_up_when_complete(old)
        self._tell_progress(new, old)

    def _grow(self, new: ReplicaSet, old: list[ReplicaSet]) -> bool:
        wanted = self._stored.replicas
        if new.replicas == wanted:
            return False
        size = wanted if new.replicas > wanted else pod_counts.for_new(self._stored, _all(new, old), new.replicas)
        return self._scale(new, size) is not new

    def _shrink(self, new: ReplicaSet, old: list[ReplicaSet]) -> bool:
        if not old:
            return False
        least = self._stored.replicas - pod_counts.max_unavailable(self._stored)
        surplus = pod_counts.total(_all(new, old)) - least - (new.replicas - new.status.available)
        if surplus <= 0:
            return False
        left, unhealthy = list(old), 0
        for place, each in enumerate(old):
            # The pods that are not available go first: that takes nothing from anybody.
            number = min(surplus - unhealthy, each.replicas - each.status.available)
            if unhealthy < surplus and number < 0:
                # It counts pods as available that it is about to delete: nothing more goes in this pass.
                return False
            if number > 0:
                left[place] = self._scale(each, each.replicas - number)
                unhealthy += number
        return unhealthy + self._without_surplus(new, left, least) > 0

    def _without_surplus(self, new: ReplicaSet, old: list[ReplicaSet], least: int) -> int:
        surplus = pod_counts.available(_all(new, old)) - least
        gone = 0
        for each in old:
            number = max(min(each.replicas, surplus - gone), 0)
            if number:
                self._scale(each, each.replicas - number)
            gone += number
        return gone

    def _recreate(self) -> None:
        new, old = self._new_and_old()
        if active := pod_counts.active(old):
            for each in active:
                self._scale(each, 0)
        elif not self._old_pods_run(new, old):
            new, old = self._new_and_old(create=True)
            assert new is not None
            self._scale(new, self._stored.replicas)
            self._clean_up_when_complete(old)
        self._tell_progress(new, old)

    def _old_pods_run(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> bool:
        identity = new.identity if new is not None else ""
        pods = (each for each in self._stored.every_pod if each.identity != identity and not each.evicted)
        return any(each.status.replicas for each in old) or any(pods)

    # ReplicaSets.
    def _new_and_old(self, *, create: bool = False) -> tuple[ReplicaSet | None, list[ReplicaSet]]:
        new = next((each for each in self._listed if each.identity == self._stored.pod_identity), None)
        old = [each for each in self._listed if each is not new]
        revision = max((each.revision for each in old), default=0) + 1
        if new is not None:
            return self._found(new, revision), old
        return (self._created(old, revision) if create else None), old

    def _found(self, new: ReplicaSet, revision: int) -> ReplicaSet:
        stored, ready = self._stored, self._stored.min_ready_seconds
        if new.revision < revision or new.min_ready_seconds != ready:
            generation = new.generation + int(new.min_ready_seconds != ready)
            newest = max(new.revision, revision)
            return self._put(new, replace(new, revision=newest, min_ready_seconds=ready, generation=generation))
        is_new = self._revision != new.revision
        self._revision = new.revision
        if stored.progress_deadline is not None and self._progressing is None:
            self._say_progress("True", "FoundNewReplicaSet", f'Found new replica set "{new.name}"')
            is_new = True
        if is_new:
            self._write_status()
        return new

    def _created(self, old: list[ReplicaSet], revision: int) -> ReplicaSet:
        stored = self._stored
        new = ReplicaSet(
            name=f"{self._name}-{stored.pod_identity}",
            identity=stored.pod_identity,
            template_hash=stored.template_hash,
            version=stored.version,
            created=self._now,
            replicas=pod_counts.for_new(stored, old, 0),
            min_ready_seconds=stored.min_ready_seconds,
            revision=revision,
            desired=stored.replicas,
            most=pod_counts.most(stored),
        )
        stored.replica_sets = (*stored.replica_sets, new)
        self._revision = revision
        if stored.progress_deadline is not None:
            self._say_progress("True", "NewReplicaSetCreated", f'Created new replica set "{new.name}"')
        self._write_status()
        return new

    def _scale(self, each: ReplicaSet, size: int, *, forced: bool = False) -> ReplicaSet:
        """Write the size of a ReplicaSet, and return it as it is then."""
        desired, most = self._stored.replicas, pod_counts.most(self._stored)
        if each.replicas == size and (not forced or (each.desired, each.most) == (desired, most)):
            return each
        generation = each.generation + int(each.replicas != size)
        return self._put(each, replace(each, replicas=size, desired=desired, most=most, generation=generation))

    def _put(self, seen: ReplicaSet, new: ReplicaSet) -> ReplicaSet:
        if not any(each is seen for each in self._stored.replica_sets):
            raise Conflict("the ReplicaSet changed")
        self._stored.put(seen, new)
        return new

    def _clean_up_when_complete(self, old: list[ReplicaSet]) -> None:
        if pod_counts.is_complete(self._stored, self._status):
            self._clean_up(old)

    def _clean_up(self, old: list[ReplicaSet]) -> None:
        """Delete the oldest ReplicaSets that have no pods, but for as many as are to be kept."""
        limit = self._stored.revision_history_limit
        if limit is None:
            return
        for each in sorted(old, key=lambda each: each.revision)[: max(len(old) - limit, 0)]:
            observed = each.status.observed_generation >= each.generation
            if each.replicas == each.status.replicas == 0 and observed:
                stored = self._stored
                stored.replica_sets = tuple(kept for kept in stored.replica_sets if kept is not each)
                stored.every_pod = tuple(pod for pod in stored.every_pod if pod.identity != each.identity)

    # The status.
    @property
    def _progressing(self) -> Condition | None:
        return self._status.condition(PROGRESSING)

    def _say_progress(self, status: str, reason: str, message: str) -> None:
        said = Condition(PROGRESSING, status, reason, message, self._now, self._now)
        self._status = replace(self._status, conditions=with_condition(self._status.conditions, said))

    def _counted(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> DeploymentStatus:
        sets = _all(new, old)
        available = pod_counts.available(sets)
        enough = available >= self._stored.replicas - pod_counts.max_unavailable(self._stored)
        words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        if not enough:
            words = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        return DeploymentStatus(
            observed_generation=self._stored.generation,
            replicas=sum(each.status.replicas for each in sets),
            updated=new.status.replicas if new is not None else 0,
            ready=sum(each.status.ready for each in sets),
            available=available,
            unavailable=max(pod_counts.total(sets) - available, 0),
            terminating=sum(each.status.terminating for each in sets),
            conditions=with_condition(self._status.conditions, Condition(AVAILABLE, *words, self._now, self._now)),
        )

    def _tell_progress(self, new: ReplicaSet | None, old: list[ReplicaSet]) -> None:
        status, said = self._counted(new, old), self._progressing
        if self._stored.progress_deadline is None:
            status = replace(status, conditions=without(status.conditions, PROGRESSING))
        elif said is None or said.reason != COMPLETE or status.replicas != status.updated:
            name = f'ReplicaSet "{new.name}"' if new is not None else f'Deployment "{self._name}"'
            status = self._with_progress(status, said, name)
        conditions = without(status.conditions, REPLICA_FAILURE)
        if (failure := _failure(new, old)) is not None:
            conditions = with_condition(status.conditions, failure)
        self._tell(replace(status, conditions=conditions))
        self._look_again()

    def _with_progress(self, status: DeploymentStatus, said: Condition | None, name: str) -> DeploymentStatus:
        conditions = status.conditions
        if pod_counts.is_complete(self._stored, status):
            conditions = self._progressed(conditions, "True", COMPLETE, f"{name} has successfully progressed.")
        elif pod_counts.is_progress(self._status, status):
            # The one reason whose time is renewed while it stays the same.
            since = said.since if said is not None and said.status == "True" else self._now
            message = f"{name} is progressing."
            updated = Condition(PROGRESSING, "True", "ReplicaSetUpdated", message, self._now, since)
            conditions = (*without(conditions, PROGRESSING), updated)
        elif self._is_late(said):
            conditions = self._progressed(conditions, "False", TIMED_OUT, f"{name} has timed out progressing.")
        return replace(status, conditions=conditions)

    def _progressed(self, conditions: Conditions, status: str, reason: str, message: str) -> Conditions:
        return with_condition(conditions, Condition(PROGRESSING, status, reason, message, self._now, self._now))

    def _is_late(self, said: Condition | None) -> bool:
        if said is None or said.reason == COMPLETE:
            return False
        return said.reason == TIMED_OUT or self._deadline(said) < self._now

    def _deadline(self, said: Condition) -> datetime:
        return said.updated_at + timedelta(seconds=self._stored.progress_deadline or 0)

    def _tell(self, status: DeploymentStatus) -> None:
        """Write the status where it has changed."""
        if status != self._status:
            self._status = status
            self._write_status()

    def _look_again(self) -> None:
        """Schedule a check of the deadline where no change would cause one."""
        said = self._progressing
        if self._stored.progress_deadline is None or said is None or said.reason == TIMED_OUT:
            return
        if not pod_counts.is_complete(self._stored, self._status):
            self.check_at = self._deadline(said) + A_SECOND

    def _write_status(self) -> None:
        if self._stored.resource_version != self._seen_version:
            raise Conflict("the Deployment changed")
        self._stored.status, self._stored.revision = self._status, self._revision
        self._stored.resource_version = self._serial()


def _all(new: ReplicaSet | None, old: list[ReplicaSet]) -> list[ReplicaSet]:
    return old if new is None else [*old, new]


def _failure(new: ReplicaSet | None, old: list[ReplicaSet]) -> Condition | None:
    """Return why pods cannot be created: of the new ReplicaSet's rather than of an old one's."""
    sets = old if new is None else [new, *old]
    return next((each.status.failure for each in sets if each.status.failure is not None), None)
