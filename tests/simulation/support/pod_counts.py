"""How many pods a Deployment and its ReplicaSets may have: the arithmetic of Kubernetes' deployment_util.go."""

import math
from collections.abc import Iterable, Sequence

from pennant.api.meta import Json
from simulation.support.objects import Deployment, DeploymentStatus, ReplicaSet

DEFAULT = "25%"


def scaled(limit: int | str, of: int, *, up: bool) -> int:
    """Return a number, or a percentage of a number, rounded up or down."""
    if isinstance(limit, int):
        return limit
    share = int(limit.removesuffix("%")) * of
    return -(-share // 100) if up else share // 100


def fenceposts(limits: Json, desired: int) -> tuple[int, int]:
    """Return how many pods may be there too many, and too few; never neither."""
    surge = scaled(limits.get("maxSurge", DEFAULT), desired, up=True)
    unavailable = scaled(limits.get("maxUnavailable", DEFAULT), desired, up=False)
    return surge, unavailable if surge or unavailable else 1


def max_surge(deployment: Deployment) -> int:
    return 0 if deployment.recreates else fenceposts(deployment.limits, deployment.replicas)[0]


def max_unavailable(deployment: Deployment) -> int:
    if deployment.recreates or deployment.replicas == 0:
        return 0
    return min(fenceposts(deployment.limits, deployment.replicas)[1], deployment.replicas)


def most(deployment: Deployment) -> int:
    """Return how many pods there may be at once."""
    return deployment.replicas + max_surge(deployment)


def total(sets: Iterable[ReplicaSet]) -> int:
    """Return how many pods ReplicaSets should have."""
    return sum(each.replicas for each in sets)


def available(sets: Iterable[ReplicaSet]) -> int:
    return sum(each.status.available for each in sets)


def active(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Return the ReplicaSets that should have pods."""
    return [each for each in sets if each.replicas > 0]


def for_new(deployment: Deployment, sets: Iterable[ReplicaSet], size: int) -> int:
    """Return how many pods the new ReplicaSet, which has this size, should have beside the others."""
    if deployment.recreates:
        return deployment.replicas
    room = most(deployment) - total(sets)
    return size + min(room, deployment.replicas - size) if room > 0 else size


def is_saturated(deployment: Deployment, new: ReplicaSet | None) -> bool:
    """Return whether the new ReplicaSet has all pods that are asked for, and all are available."""
    return new is not None and new.replicas == new.desired == new.status.available == deployment.replicas


def in_proportion(deployment: Deployment, sets: Sequence[ReplicaSet]) -> list[tuple[ReplicaSet, int]]:
    """Return what size each of several active ReplicaSets gets where their Deployment is scaled in mid-rollout."""
    to_add = (most(deployment) if deployment.replicas > 0 else 0) - total(sets)
    # Of equals the newer one grows first, and the older one shrinks first.
    ordered = sorted(reversed(sets) if to_add > 0 else sets, key=lambda each: -each.replicas) if to_add else list(sets)
    sizes, added = list[tuple[ReplicaSet, int]](), 0
    for each in ordered:
        share = _proportion(deployment, each, to_add, added)
        sizes.append((each, each.replicas + share))
        added += share
    if to_add and sizes:
        largest, size = sizes[0]
        sizes[0] = (largest, max(size + to_add - added, 0))
    return sizes


def _proportion(deployment: Deployment, each: ReplicaSet, to_add: int, added: int) -> int:
    if each.replicas == 0 or to_add in (0, added):
        return 0
    fraction, allowed = _fraction(deployment, each), to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(deployment: Deployment, each: ReplicaSet) -> int:
    if deployment.replicas == 0:
        return -each.replicas
    before = each.most or deployment.status.replicas
    if before == 0:
        return 0
    # Go rounds halves away from zero.
    return math.floor(each.replicas * most(deployment) / before + 0.5) - each.replicas


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Return whether all pods are of the newest template and available, and no other is there."""
    wanted = deployment.replicas
    counts = (status.updated, status.replicas, status.available)
    return counts == (wanted, wanted, wanted) and status.observed_generation >= deployment.generation


def is_progress(before: DeploymentStatus, now: DeploymentStatus) -> bool:
    """Return whether there are more new pods, fewer old ones, or more that are ready or available."""
    return (
        now.updated > before.updated
        or now.replicas - now.updated < before.replicas - before.updated
        or now.ready > before.ready
        or now.available > before.available
    )
