"""The conditions about pods: `Available`, and the part of `Stalled` that says what the pods wait for."""

from collections.abc import Mapping

from pennant.api.conditions import find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.meta import clip
from pennant.api.reasons import ConditionType, Reason
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.progress import STANDSTILLS
from pennant.core.status.inputs import FALSE, TRUE, ConditionValue
from pennant.core.workload import surge


def available(at: Pass) -> ConditionValue:
    """Return the condition `Available`: True if the minimum of pods, and at least one, is available.

    Rule: R49.
    """
    workload = at.workload
    if workload is None:
        return ConditionValue(FALSE, Reason.NOT_DEPLOYED, "nothing is deployed yet")
    if workload.replicas == 0:
        return ConditionValue(FALSE, Reason.SCALED_TO_ZERO, "spec.replicas is 0, so there are no pods")
    message = f"{workload.available} of {workload.replicas} pods were available when the status changed"
    if workload.minimum_available and workload.available:
        return ConditionValue(TRUE, Reason.MINIMUM_AVAILABLE, message)
    return ConditionValue(FALSE, Reason.PODS_UNAVAILABLE, message)


def as_it_began(said: ConditionValue, before: ModelDeploymentStatus) -> ConditionValue:
    """Return the condition with its old message while status and reason are the same: numbers of pods change often.

    Rule: R87.
    """
    old = find(before.conditions, ConditionType.AVAILABLE)
    if old is None or (old.status, old.reason) != (said.status, said.reason.value):
        return said
    return ConditionValue(said.status, said.reason, old.message)


def stalled_by_pods(at: Pass) -> ConditionValue | None:
    """Return `Stalled` for pods that are not available although the revision did not fail; None: nothing to report.

    Pods that the API server refuses are reported at once, all other causes after the progress deadline.

    Rule: R21.
    """
    active, progress, workload = at.active, at.status.progress, at.workload
    if active is None or progress is None or progress.reason in STANDSTILLS:
        return None
    if progress.stopped and progress.reason is not None:
        reason, cause = progress.reason, progress.message
    elif workload is not None and workload.refusal:
        reason, cause = Reason.PODS_REFUSED, f"the API server refuses to create pods: {clip(workload.refusal, 256)}"
    else:
        return None
    available = f"{progress.available} pods of {active.version} (revision {active.revision}) became available"
    message = f"{available}: {cause.removesuffix('.')}"
    room = surge.advice(at.spec, at.template or at.spec.template)
    advice = WHAT_HELPS[reason] if not room or reason is not Reason.PODS_UNSCHEDULABLE else room
    return ConditionValue(TRUE, Reason.PODS_UNAVAILABLE if at.was_verified else reason, f"{message}. {advice}")


WHAT_HELPS: Mapping[Reason, str] = {
    Reason.PODS_UNSCHEDULABLE: "Add nodes, free resources, or change what the pod template requests",
    Reason.PODS_REFUSED: "Raise the quota, or change the policy or the pod template",
    Reason.PODS_EVICTED: "Look at the nodes, and set the resource requests and the priority that the pods need",
    Reason.PODS_NOT_STARTED: "Look at the events of the pod (`kubectl describe pod`) and at the node",
    Reason.CONTROLLERS_AWAY: "Check kube-controller-manager and kube-scheduler",
    Reason.PODS_UNAVAILABLE: (
        "See `kubectl describe pod` and `kubectl logs`. Move the tag, or give pennant.dev/rollback-to"
    ),
    Reason.DIGEST_MISMATCH: "Restore the artefact of the record, or move the tag",
    Reason.ARTIFACT_REFUSED: "Correct the artefact or spec.delivery, or move the tag",
}
"""What a user can do, by the reason for which pods are not available."""


def is_scaled_to_zero(at: Pass) -> bool:
    """Return whether the current revision has no pods because `spec.replicas` is 0."""
    return at.status.progress is not None and at.status.progress.reason is Reason.SCALED_TO_ZERO
