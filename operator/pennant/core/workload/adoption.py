"""Taking over a Deployment that existed before (`spec.adopt`), without a restart of its pods where that is possible.

The selector of a Deployment is immutable, so the existing one is deleted while its ReplicaSets and pods stay. They get
the operator's labels, and Kubernetes' own controller gives them to the new Deployment, whose selector fits these. Each
step is decided from `status.adoption` and from what exists, so a crash between two of them loses nothing.

Rule: R125.
Rule: R128.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pennant.api.adoption import Adoption, AdoptionPhase
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.facts.decision import LabelReplicaSets, PrepareAdoption, ReleaseReplicaSets
from pennant.core.facts.observation import Observation, Snapshot, Workload
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision import template_hash
from pennant.core.workload.pending_write import Wanted

LOOK_AGAIN_AFTER = timedelta(seconds=1)
"""Interval at which the existing Deployment is read while it is being deleted: it is not watched."""
WAIT_FOR_ROLLOUT = timedelta(seconds=5)
"""Interval at which it is read while its rollout is not complete."""
Step = PrepareAdoption | ReleaseReplicaSets | LabelReplicaSets


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the existing Deployment cannot be taken over now."""

    reason: Reason
    message: str
    to_do: str = ""
    """What to do; empty: what the reason says."""


def obstacle(snapshot: Snapshot, spec: ModelDeploymentSpec, existing: Workload) -> Obstacle | None:
    """Return why the existing Deployment cannot be taken over in its present state; None: it can.

    Rule: R125.
    """
    name, wanted = f"Deployment {snapshot.key.name}", 1 if spec.replicas is None else spec.replicas
    command = f"deployment/{snapshot.key.name} --namespace {snapshot.key.namespace}"
    if (again := _written_again(snapshot, existing)) is not None:
        return again
    if existing.owners:
        return Obstacle(Reason.ADOPTION_BLOCKED, f"{name} belongs to {existing.owners}, which would write it again")
    if existing.paused:
        resume = f"Resume it: `kubectl rollout resume {command}`"
        return Obstacle(
            Reason.ADOPTION_BLOCKED, f"the rollout of {name} is paused", f"{resume}, or set `spec.adopt` to false."
        )
    if existing.replicas != wanted:
        fix = f"kubectl scale modeldeployment {snapshot.key.name} --namespace {snapshot.key.namespace}"
        message = (
            f"{name} has {existing.replicas} replicas, and spec.replicas is {wanted}. To keep its pods, set "
            f"spec.replicas to {existing.replicas} ({fix} --replicas={existing.replicas})"
        )
        return Obstacle(Reason.ADOPTION_BLOCKED, message)
    if not existing.settled or {existing.updated, existing.total, existing.available} != {existing.replicas}:
        message = (
            f"the rollout of {name} is not complete: of {existing.replicas} replicas {existing.updated} have its "
            f"newest pod template and {existing.available} are available, and there are {existing.total} pods in all"
        )
        wait = f"Wait for its rollout, or complete it: `kubectl rollout status {command}`."
        return Obstacle(Reason.ADOPTION_WAITING, message, wait)
    return None


def _written_again(snapshot: Snapshot, existing: Workload) -> Obstacle | None:
    """Return that someone has created the Deployment again after it was taken over.

    Rule: R129.
    """
    known = snapshot.status.adoption
    if known is None or known.phase is AdoptionPhase.PREPARED or known.uid == existing.uid:
        return None
    editor = existing.editor or "an unknown field manager"
    message = (
        f"{editor} wrote Deployment {snapshot.key.name} again after it was taken over. Remove its manifest from what "
        f"{editor} applies, such as a Git repository. Then set spec.adopt to false and to true again, to take over "
        "this Deployment as well, or delete it"
    )
    return Obstacle(Reason.NAME_CONFLICT, message)


def set_aside(observation: Observation, spec: ModelDeploymentSpec) -> Observation:
    """Return the observation with an existing Deployment that is taken over in `foreign` instead of `workload`."""
    snapshot, workload = observation.snapshot, observation.snapshot.workload
    adopts = spec.adopt or snapshot.status.adoption is not None
    if not adopts or workload is None or workload.owned:
        return observation
    return replace(observation, snapshot=replace(snapshot, workload=None, foreign=workload))


def is_due(at: Pass) -> bool:
    """Return whether an existing Deployment is to be taken over, or its ReplicaSets may not have their labels yet."""
    known = at.before.adoption
    return at.snapshot.foreign is not None or (known is not None and known.phase is not AdoptionPhase.ADOPTED)


def next_step(at: Pass, wanted: Wanted) -> Step | None:
    """Return the next step of an adoption that is due; None: the existing Deployment is being deleted.

    Rule: R126.
    Rule: R127.
    """
    existing, known = at.snapshot.foreign, at.before.adoption
    if existing is None:
        assert known is not None, "an adoption without an existing Deployment is one that was begun"
        return LabelReplicaSets(known, wanted.manifest)
    if existing.deleting:
        return None
    is_known = known is not None and (known.uid, known.generation) == (existing.uid, existing.generation)
    if known is None or not is_known or known.template_hash != template_hash(wanted.template):
        return PrepareAdoption(existing, wanted.manifest, at.now)
    return ReleaseReplicaSets(existing)


def moved_on(known: Adoption | None, step: Step, now: datetime) -> Adoption | None:
    """Return the adoption as it is when a step is done; a preparation is not known before."""
    match step:
        case ReleaseReplicaSets() if known is not None:
            return known.model_copy(update={"phase": AdoptionPhase.RELEASED})
        case LabelReplicaSets():
            return step.adoption.model_copy(update={"phase": AdoptionPhase.ADOPTED, "adopted_at": now})
    return known


def is_under_way(at: Pass) -> bool:
    """Return whether the existing Deployment is being deleted, so that it must be read again soon."""
    return at.snapshot.foreign is not None and at.snapshot.foreign.deleting
