"""States in which nothing is decided: each halt returns the whole decision, or None where it does not apply.

A halt changes no Deployment and creates no revision. It may adopt ControllerRevisions and the Deployment, which sets
their `ownerReferences`.
"""

from dataclasses import replace

from pennant.api.conditions import ConditionStatus
from pennant.api.reasons import ConditionType, Reason
from pennant.core.facts.decision import AdoptRevision, AdoptWorkload, Decision
from pennant.core.facts.observation import Invalid, Observation
from pennant.core.rollout import restoration
from pennant.core.status import events
from pennant.core.status.conditions import stamped
from pennant.core.status.inputs import ConditionValue
from pennant.core.status.stalls import stall
from pennant.core.workload import adoption


def _deleting(observation: Observation) -> Decision | None:
    """Write nothing to a ModelDeployment that is being deleted: its children are deleted by their owner references.

    Rule: R99.
    """
    return Decision(observation.snapshot.status) if observation.snapshot.deleting else None


def _left_behind(observation: Observation) -> Decision | None:
    """Adopt ControllerRevisions without an owner before anything is decided from them.

    If the API server refuses an adoption, the decision reports that in `Stalled`.

    Rule: R74.
    """
    snapshot = observation.snapshot
    adoptions = [AdoptRevision(each.entry.revision) for each in snapshot.revisions if each.orphaned]
    refusal = next((said for each in adoptions if (said := observation.refused(each.write.content))), None)
    if refusal:
        return halted(observation, refusal.reason, refusal.message)
    if not adoptions:
        return None
    listed = ", ".join(str(each.revision) for each in adoptions)
    return Decision(
        snapshot.status, tuple(adoptions), (events.adopted(f"the ControllerRevisions of revision {listed}"),)
    )


def _foreign(observation: Observation) -> Decision | None:
    """Change nothing while a Deployment has this name and does not belong to this ModelDeployment.

    One without an owner is adopted, if a ControllerRevision or the history has the hash of its pod template. With
    `spec.adopt` any other one is taken over, as soon as nothing prevents that.
    """
    snapshot, workload = observation.snapshot, observation.snapshot.workload
    if workload is None or workload.owned or workload.deleting:
        return None
    message = f"Deployment {snapshot.key.name} exists and does not belong to this ModelDeployment"
    if restoration.is_ours_again(workload, snapshot):
        owning = AdoptWorkload(workload)
        if not (refusal := observation.refused(owning.write.content)):
            applied = snapshot.status.applied
            known = applied if applied is not None and applied.uid == workload.uid else None
            status = snapshot.status.model_copy(update={"applied": known})
            return Decision(status, (owning,), (events.adopted(f"the Deployment {snapshot.key.name}"),))
        message = f"{message}, and cannot be adopted: {refusal.message}"
        return halted(observation, Reason.NAME_CONFLICT, message)
    spec = snapshot.spec
    if isinstance(spec, Invalid) or not spec.adopt:
        return _without_adoption(halted(observation, Reason.NAME_CONFLICT, message))
    found = adoption.obstacle(snapshot, spec, workload)
    if found is None:
        return None
    again = observation.now + adoption.WAIT_FOR_ROLLOUT if found.reason is Reason.ADOPTION_WAITING else None
    return replace(halted(observation, found.reason, found.message, found.to_do), look_again_at=again)


def _without_adoption(decision: Decision) -> Decision:
    """Return the decision without an adoption in the status: the next one begins from the start."""
    return replace(decision, status=decision.status.model_copy(update={"adoption": None}))


def _unreadable(observation: Observation) -> Decision | None:
    """Change nothing while a part of the status cannot be read: writing the status would lose that part.

    Rule: R73.
    """
    snapshot = observation.snapshot
    if snapshot.unreadable is None:
        return None
    where = f"{snapshot.key.name} --namespace {snapshot.key.namespace}"
    message = f"{snapshot.unreadable.problem}. Nothing is changed, and the current version keeps serving"
    to_do = (
        "If a newer release of the operator wrote this, run that release. Otherwise remove the status; it is then "
        f"rebuilt from the ControllerRevisions: kubectl patch modeldeployment {where} --subresource=status "
        """--type=merge --patch '{"status":null}'"""
    )
    return halted(observation, Reason.STATUS_UNREADABLE, message, to_do)


def _contradicted(observation: Observation) -> Decision | None:
    """Change nothing while the status is empty and ControllerRevisions contradict each other.

    Without a status it is not known which of them are right.

    Rule: R77.
    """
    snapshot = observation.snapshot
    if snapshot.status.history or not snapshot.untrusted:
        return None
    names = " ".join(f"{snapshot.key.name}-{number}" for number in sorted(snapshot.untrusted))
    says = "; ".join(each.says for _, each in sorted(snapshot.untrusted.items()))
    message = (
        f"{says}. Without a status it is not known which is right, so nothing is changed, "
        "and the current version keeps serving"
    )
    to_do = (
        "Restore the status, or delete the changed ControllerRevisions: "
        f"kubectl delete controllerrevision --namespace {snapshot.key.namespace} {names}"
    )
    return halted(observation, Reason.HISTORY_TAMPERED, message, to_do)


HALTS = (_deleting, _unreadable, _contradicted, _left_behind, _foreign)
"""The first that applies makes the decision."""


def halted(observation: Observation, reason: Reason, message: str, to_do: str = "") -> Decision:
    """Return a decision without writes except for the status: `Stalled` has the reason, the message and what to do.

    `to_do` is as in `stall`. Other conditions keep their last values.
    """
    before, message = observation.snapshot.status, stall(reason, message, to_do).message
    said = {
        ConditionType.READY: ConditionValue(ConditionStatus.FALSE, reason, message),
        ConditionType.RECONCILING: ConditionValue(ConditionStatus.FALSE, reason, message),
        ConditionType.STALLED: ConditionValue(ConditionStatus.TRUE, reason, message),
    }
    if reason is Reason.ADOPTION_WAITING:
        said[ConditionType.RECONCILING] = ConditionValue(ConditionStatus.TRUE, reason, message)
        said[ConditionType.STALLED] = ConditionValue(ConditionStatus.FALSE, Reason.NOT_STALLED, "no action needed")
    spoken = stamped(said, observation.snapshot.generation, observation.now, before)
    others = tuple(each for each in before.conditions if each.type not in said)
    update = {"conditions": (*spoken, *others), "observed_generation": observation.snapshot.generation}
    after = before.model_copy(update=update)
    return Decision(after, events=events.of_stall(before, after))
