"""Carry out a decision: its writes in order, then the status, once. The only writer of status."""

from typing import assert_never

from pennant.api.model_deployment import Applied, ModelDeploymentStatus
from pennant.core.decision import ApplyWorkload, CreateRevision, Decision, MarkRevision, MirrorQuarantine, PruneRevision
from pennant.core.observation import Snapshot
from pennant.ports import Cluster


async def act(cluster: Cluster, snapshot: Snapshot, decision: Decision) -> bool:
    """Return whether anything was written; stops at the first write that fails, and raises what it raised."""
    status = decision.status
    for action in decision.actions:
        match action:
            case CreateRevision(revision):
                await cluster.create_revision(snapshot, revision)
            case ApplyWorkload():
                status = await _applied(cluster, snapshot, action, status)
            case MirrorQuarantine():
                await cluster.mirror_quarantine(snapshot, action)
            case MarkRevision(entry):
                await cluster.mark_revision(snapshot, entry)
            case PruneRevision(revision):
                await cluster.delete_revision(snapshot, revision)
            case _ as never:
                assert_never(never)
    changed = status != snapshot.status
    if changed:
        await cluster.write_status(snapshot, status)
    return changed or bool(decision.actions)


async def _applied(
    cluster: Cluster, snapshot: Snapshot, action: ApplyWorkload, status: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    workload = await cluster.apply_workload(snapshot, action)
    applied = Applied(
        manifest_hash=action.manifest_hash,
        uid=workload.uid,
        revision=action.revision,
        fields_hash=workload.fields_hash,
        template_hash=workload.stored_template,
        # A restart that is not in the history yet stays to be recorded.
        restarted_at=status.applied.restarted_at if status.applied else workload.restarted_at,
    )
    return status.model_copy(update={"applied": applied})
