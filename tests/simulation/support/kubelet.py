"""What becomes of the pods of a simulated cluster: a scheduler, one node that takes so many, and its kubelet.

A pod is bound where there is room, creates its container for a second, runs, and is ready then. What the pods of a
version do instead is told by the world.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from pennant.core.facts import pods
from simulation.support.objects import Deployment, Pod
from simulation.support.replica_set_controller import is_available

NODE, CONTAINER = "node", "server"
A_SECOND = timedelta(seconds=1)
FIRST_BACKOFF, LONGEST_BACKOFF = 10, 300
NO_ROOM = "0/1 nodes are available: 1 Too many pods. preemption: not eligible due to a terminating pod."
MISMATCH = "artefact model has the digest sha256:9f86, not sha256:6f0d as recorded"
EVICTED = "Evicted: The node was low on resource: memory."


class Behaviour(Protocol):
    """What the pods of versions do."""

    never_ready: set[str]
    slow: set[str]
    crashing: set[str]
    flapping: dict[str, tuple[int, int]]
    mismatching: set[str]


def bind(deployments: Iterable[Deployment], room: int | None, now: datetime) -> bool:
    """Give nodes to pods that have none, while there is room; return whether anything was written."""
    found = [each for each in deployments if any(_waits(pod) for pod in each.every_pod)]
    if not found:
        return False
    left = None if room is None else room - sum(_takes_room(pod) for each in deployments for pod in each.every_pod)
    acted = False
    for each in found:
        bound = []
        for pod in each.every_pod:
            if _waits(pod) and (left is None or left > 0):
                pod = replace(pod, bound_at=now, unscheduled="")
                left = None if left is None else left - 1
            elif _waits(pod) and not pod.unscheduled:
                pod = replace(pod, unscheduled=NO_ROOM)
            bound.append(pod)
        acted |= _put(each, bound)
    return acted


def _waits(pod: Pod) -> bool:
    return pod.bound_at is None and not pod.evicted


def _takes_room(pod: Pod) -> bool:
    return pod.bound_at is not None and not pod.evicted


def live(deployment: Deployment, behaviour: Behaviour, now: datetime) -> bool:
    """Let a second pass for the pods of a Deployment; return whether anything has changed."""
    minimum = {each.identity: each.min_ready_seconds for each in deployment.replica_sets}
    lived, ready = list[Pod](), {pod.version for pod in deployment.every_pod if pod.ready and pod.active}
    for pod in deployment.every_pod:
        if pod.deleting:
            continue
        if pod.available and pod.version not in behaviour.crashing and pod.version not in behaviour.flapping:
            lived.append(pod)
            continue
        if pod.bound_at is not None and not pod.evicted:
            pod = _ready_or_not(_running(pod, behaviour, now), behaviour, ready, now)
            if pod.ready:
                ready.add(pod.version)
            available = is_available(pod, minimum.get(pod.identity, 0), now)
            pod = pod if pod.available == available else replace(pod, available=available)
        lived.append(pod)
    return _put(deployment, lived)


def _put(deployment: Deployment, pods: list[Pod]) -> bool:
    before = deployment.every_pod
    if len(before) == len(pods) and all(a is b for a, b in zip(before, pods, strict=True)):
        return False
    deployment.every_pod = tuple(pods)
    return True


def _running(pod: Pod, behaviour: Behaviour, now: datetime) -> Pod:
    """Return the pod with its container started, ended, or waiting as before."""
    assert pod.bound_at is not None
    if pod.started is None:
        return replace(pod, started=now) if now - pod.bound_at >= A_SECOND else pod
    if pod.resumes_at is not None:
        return replace(pod, started=now, resumes_at=None, restarts=pod.restarts + 1) if now >= pod.resumes_at else pod
    if pod.version in behaviour.crashing | behaviour.mismatching:
        return replace(pod, resumes_at=now + timedelta(seconds=_backoff(pod)), ready_since=None)
    return pod


def _backoff(pod: Pod) -> int:
    """Return how many seconds its kubelet waits until it starts an ended container again."""
    return int(min(FIRST_BACKOFF * 2**pod.restarts, LONGEST_BACKOFF))


def _ready_or_not(pod: Pod, behaviour: Behaviour, ready: set[str], now: datetime) -> Pod:
    runs = pod.started is not None and pod.resumes_at is None
    if runs and (told := behaviour.flapping.get(pod.version)) is not None:
        assert pod.started is not None
        up, down = told
        is_ready = (now - pod.started).total_seconds() % (up + down) < up
    elif pod.ready or not runs:
        is_ready = pod.ready and runs
    else:
        held_up = pod.version in behaviour.never_ready | behaviour.crashing | behaviour.mismatching
        is_ready = not held_up and not (pod.version in behaviour.slow and pod.version in ready)
    if is_ready == pod.ready:
        return pod
    return replace(pod, ready_since=now if is_ready else None)


def evicted(pod: Pod) -> Pod:
    """Return a pod that its node has ended."""
    return replace(pod, evicted=EVICTED, ready_since=None, available=False)


def set_back(pod: Pod, by: timedelta) -> Pod:
    """Return a pod whose kubelet waits for what it waited for, where the clock is set back: it counts by another one.

    What the API server tells of the pod stays as it was told.
    """
    marks = {name: getattr(pod, name) for name in ("bound_at", "started", "resumes_at")}
    return replace(pod, **{name: each - by for name, each in marks.items() if each is not None})


def seen_of(deployment: Deployment, template_hash: str, behaviour: Behaviour) -> pods.Pods:
    """Return the newest ReplicaSet of a pod template with its pods, as the API server returns them."""
    sets = [each for each in deployment.replica_sets if each.template_hash == template_hash]
    found = max(sets, key=lambda each: each.revision, default=None)
    if found is None:
        return pods.Pods(template_hash, None)
    status = found.status
    replica_set = pods.ReplicaSet(
        pod_template_hash=found.identity,
        wanted=found.replicas,
        is_observed=status.observed_generation >= found.generation,
        total=status.replicas,
        ready=status.ready,
        available=status.available,
        refusal=status.failure.message if status.failure is not None else "",
    )
    own = (each for each in deployment.pods if each.identity == found.identity)
    return pods.Pods(
        template_hash, replica_set, tuple(_seen(each, each.version in behaviour.mismatching) for each in own)
    )


def _seen(pod: Pod, mismatching: bool) -> pods.Pod:
    return pods.Pod(
        name=pod.name,
        phase="Failed" if pod.evicted else "Pending" if pod.started is None else "Running",
        ready_since=pod.ready_since,
        node=NODE if pod.bound_at is not None else "",
        unscheduled=f"Unschedulable: {pod.unscheduled}" if pod.unscheduled else "",
        evicted=pod.evicted,
        containers=tuple(_fetching(pod) if mismatching else _containers(pod)),
    )


def _fetching(pod: Pod) -> Iterator[pods.Container]:
    """Yield the status of the init container that found other bytes; nothing before it ended once."""
    if pod.restarts or pod.resumes_at is not None:
        ended = pods.Ended(pods.DIGEST_MISMATCH, "Error", MISMATCH)
        waiting = pods.Waiting("CrashLoopBackOff")
        yield pods.Container(pods.FETCHER, waiting, is_init=True, restarts=pod.restarts, last_end=ended)


def _containers(pod: Pod) -> Iterator[pods.Container]:
    """Yield the status of the container; nothing where no kubelet runs the pod."""
    if pod.bound_at is None or pod.evicted:
        return
    crashed = pods.Ended(1, "Error") if pod.restarts or pod.resumes_at is not None else None
    state: pods.Waiting | pods.Running = pods.Running()
    if pod.started is None:
        state = pods.Waiting("ContainerCreating")
    elif pod.resumes_at is not None:
        words = (
            f"back-off {min(FIRST_BACKOFF * 2**pod.restarts, LONGEST_BACKOFF)}s restarting failed container={CONTAINER}"
        )
        state = pods.Waiting("CrashLoopBackOff", f"{words} pod={pod.name}")
    yield pods.Container(CONTAINER, state, pod.ready, restarts=pod.restarts, last_end=crashed)
