"""The pods of one revision at one time, and why they are not available.

Pods are read only if a verdict or a message depends on them. `cause` returns one sentence that says why they are not
available, and whose fault that is. It is the fault of the revision if a container ran and failed, never became ready,
or cannot be started as specified. It is the fault of the cluster if pods were not created, not scheduled, evicted, or
if their status is not kept up to date.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from pennant.api.meta import clip
from pennant.api.reasons import Reason

LONGEST_WORDS = 256
"""Characters of a message of Kubernetes that a sentence quotes."""
LONGEST_FINDING = 400
"""Characters of what `pennant fetch` found: it names two digests."""
SETTLED_AFTER = timedelta(seconds=10)
"""Time after which running controllers have counted a change of a pod in the status of its ReplicaSet."""
FETCHER = "pennant-fetch"
"""The init container that fetches artefacts."""
DIGEST_MISMATCH, ARTIFACT_REFUSED = 65, 66
"""Exit codes of `pennant fetch` for artefacts that must never be served: trying again would not help."""
UNSERVABLE = {DIGEST_MISMATCH: Reason.DIGEST_MISMATCH, ARTIFACT_REFUSED: Reason.ARTIFACT_REFUSED}
"""The reasons for missing pods whose artefacts must never be served, by the exit code."""
_IMAGE_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
_STARTING = frozenset({"", "ContainerCreating", "PodInitializing", "RegistryUnavailable"})
"""Reasons of a waiting container that are no fault of the container."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that does not run yet, or does not run again yet."""

    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A container that runs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A container that ended."""

    exit_code: int
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod, as the kubelet reports it."""

    name: str
    state: Waiting | Running | Ended
    ready: bool = False
    is_init: bool = False
    """Whether it must end with success before the others start; a sidecar need not."""
    restarts: int = 0
    last_end: Ended | None = None
    """How it ended the last time before its current state; None: it did not end yet."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the revision's ReplicaSet that is not being deleted."""

    name: str
    phase: str = "Pending"
    ready_since: datetime | None = None
    """Since when its condition Ready is True; None: it is not."""
    node: str = ""
    """The node that it is bound to; empty: none."""
    unscheduled: str = ""
    """The scheduler's message if it found no node; empty: it found one, or has not tried yet."""
    evicted: str = ""
    """The message with which the pod was evicted, preempted or terminated with its node; empty: it was not."""
    containers: tuple[Container, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """The ReplicaSet of a revision."""

    pod_template_hash: str
    """The label `pod-template-hash` of its pods."""
    wanted: int
    """Pods that it should have (`spec.replicas`)."""
    is_observed: bool
    """Whether its controller has observed its current generation."""
    total: int
    ready: int
    available: int
    refusal: str = ""
    """The message with which the API server refuses to create its pods; empty: it does not."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a revision and their ReplicaSet, when they were read."""

    template_hash: str
    """The label `pennant.dev/template-hash` that selected them."""
    replica_set: ReplicaSet | None
    """None: no ReplicaSet has the pod template of the revision."""
    pods: tuple[Pod, ...] = ()

    def available(self, min_ready_seconds: int, now: datetime) -> int:
        """Return the number of pods that have been ready for `min_ready_seconds`, by their own status.

        A time in the future is from another clock, so such a pod counts as available.
        """
        ready = [each.ready_since for each in self.pods if each.ready_since is not None]
        span = timedelta(seconds=min_ready_seconds)
        return sum(not span or since > now or now - since >= span for since in ready)

    def uncounted(self, now: datetime) -> int:
        """Return the number of pods that are ready for `SETTLED_AFTER` and that their ReplicaSet does not count.

        A time far in the future is from before the clock was set back, and counts as long ago.
        """
        counted = self.replica_set.ready if self.replica_set is not None else 0
        ready = [each.ready_since for each in self.pods if each.ready_since is not None]
        return max(sum(abs(now - since) >= SETTLED_AFTER for since in ready) - counted, 0)


class PodFault(Enum):
    """Whose fault it is that pods are not available."""

    ATTEMPT = auto()
    """The revision's: its image, configuration, command or model."""
    CLUSTER = auto()
    """The cluster's: quota, admission, scheduling, nodes or controllers. Another version would fail too."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why pods are not available."""

    fault: PodFault
    reason: Reason
    message: str
    """One sentence, which quotes the message of Kubernetes."""


def cause(pods: Pods, min_ready_seconds: int, now: datetime) -> Cause | None:
    """Return why pods of the revision are not available; None: no existing pod has a problem.

    A fault of a container counts before one of the cluster: if one pod crashes and another finds no node, more nodes
    would not help.
    """
    replica_set = pods.replica_set
    if replica_set is None:
        return away("no ReplicaSet has the pod template of this revision")
    return (
        _uncounted(pods, now)
        or _by_artifact(pods)
        or _by_container(pods, timedelta(seconds=min_ready_seconds), now)
        or _refused(replica_set)
        or _by_pod(pods)
        or _uncreated(pods, replica_set)
    )


def away(what: str) -> Cause:
    """Return the cause for controllers of Kubernetes that do not act; `what` says what is missing."""
    return Cause(PodFault.CLUSTER, Reason.CONTROLLERS_AWAY, what)


def _uncounted(pods: Pods, now: datetime) -> Cause | None:
    number = pods.uncounted(now)
    return (
        away(f"{number} of {len(pods.pods)} pods are ready, but not counted in the status of their ReplicaSet")
        if number
        else None
    )


def _refused(replica_set: ReplicaSet) -> Cause | None:
    if not replica_set.refusal:
        return None
    return Cause(
        PodFault.CLUSTER, Reason.PODS_REFUSED, f"the API server refuses to create pods: {_quoted(replica_set.refusal)}"
    )


def _uncreated(pods: Pods, replica_set: ReplicaSet) -> Cause | None:
    if replica_set.is_observed and len(pods.pods) >= replica_set.wanted:
        return None
    return away(f"{len(pods.pods)} of {replica_set.wanted} pods were created")


def _by_container(pods: Pods, min_ready: timedelta, now: datetime) -> Cause | None:
    """Return the fault of a container with the lowest rank of `_faults`, the first of several; None: none has one."""
    faults = [each for pod in pods.pods if not pod.evicted for each in _faults(pod, min_ready, now)]
    if not faults:
        return None
    _, message = min(faults, key=lambda each: each[0])
    return Cause(PodFault.ATTEMPT, Reason.PODS_UNAVAILABLE, message)


def _by_artifact(pods: Pods) -> Cause | None:
    """Return that an artefact must not be served, by the exit code of the init container that fetches it.

    Rule: R162.
    """
    for pod in pods.pods:
        for each in pod.containers:
            end = each.state if isinstance(each.state, Ended) else each.last_end
            if each.is_init and each.name == FETCHER and end is not None and end.exit_code in UNSERVABLE:
                said = _quoted(end.message, LONGEST_FINDING) or _end(end)
                return Cause(PodFault.ATTEMPT, UNSERVABLE[end.exit_code], f"pod {pod.name}: {said}")
    return None


def _faults(pod: Pod, min_ready: timedelta, now: datetime) -> Iterator[tuple[int, str]]:
    """Yield a rank and a sentence for each fault of a container in a pod; rank 0 is the most certain fault."""
    for each in pod.containers:
        what = f"{'init container' if each.is_init else 'container'} {each.name} of pod {pod.name}"
        match each.state:
            case Waiting(reason, message) if reason not in _STARTING:
                rank = 1 if reason in _IMAGE_REASONS else 0 if each.last_end is not None else 2
                yield rank, f"{what} is waiting: {_said(reason, message)}{_last(each)}"
            case Ended(code) if not (each.is_init and code == 0):
                yield 0, f"{what} terminated with {_end(each.state)}{_restarts(each)}"
            case Running() if each.last_end is not None and not each.ready:
                yield 0, f"{what} is not ready{_last(each)}"
            case Running() if each.is_init and not each.ready:
                yield 3, f"{what} has not completed"
            case Running() if not each.ready:
                yield 3, f"{what} is running, but its startup or readiness probe fails"
    if pod.ready_since is not None and timedelta(0) <= now - pod.ready_since < min_ready:
        yield 4, f"pod {pod.name} is ready, but not for rollout.minReadySeconds yet"


def _by_pod(pods: Pods) -> Cause | None:
    for holds, reason, says in _PODS:
        if (pod := next((each for each in pods.pods if holds(each)), None)) is not None:
            return Cause(PodFault.CLUSTER, reason, f"pod {pod.name} {says(pod)}")
    return None


def _is_not_ready(pod: Pod) -> bool:
    return pod.ready_since is None


_PODS: tuple[tuple[Callable[[Pod], bool], Reason, Callable[[Pod], str]], ...] = (
    (
        lambda pod: bool(pod.unscheduled),
        Reason.PODS_UNSCHEDULABLE,
        lambda pod: f"cannot be scheduled: {_quoted(pod.unscheduled)}",
    ),
    (lambda pod: bool(pod.evicted), Reason.PODS_EVICTED, lambda pod: f"was evicted: {_quoted(pod.evicted)}"),
    (
        lambda pod: not pod.node,
        Reason.CONTROLLERS_AWAY,
        lambda _: "has no node and no condition PodScheduled",
    ),
    (
        lambda pod: _is_not_ready(pod) and bool(pod.containers) and all(_is_ready(each) for each in pod.containers),
        Reason.PODS_NOT_STARTED,
        lambda pod: f"is not ready although its containers are: node {pod.node} or a readiness gate is not ready",
    ),
    (
        _is_not_ready,
        Reason.PODS_NOT_STARTED,
        lambda pod: f"is scheduled to node {pod.node}, but its containers have not started{_starting(pod)}",
    ),
)
"""Faults of the cluster, in order: condition, reason, and what to say of the pod."""


def _is_ready(container: Container) -> bool:
    ended_well = isinstance(container.state, Ended) and container.state.exit_code == 0
    return container.ready or (container.is_init and ended_well)


def _starting(pod: Pod) -> str:
    waits = (each.state for each in pod.containers if isinstance(each.state, Waiting))
    said = next((_said(each.reason, each.message) for each in waits if each.reason), "")
    return f": {said}" if said else ""


def _last(container: Container) -> str:
    if container.last_end is None:
        return _restarts(container)
    return f"; it last terminated with {_end(container.last_end)}{_restarts(container)}"


def _end(end: Ended) -> str:
    said = _said(end.reason, end.message)
    return f"exit code {end.exit_code}{f' ({said})' if said else ''}"


def _restarts(container: Container) -> str:
    if not container.restarts:
        return ""
    return f", after {container.restarts} {'restart' if container.restarts == 1 else 'restarts'}"


def _said(reason: str, message: str) -> str:
    return _quoted(": ".join(each for each in (reason, message) if each))


def _quoted(words: str, longest: int = LONGEST_WORDS) -> str:
    return clip(" ".join(words.split()), longest)
