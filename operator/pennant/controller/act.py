"""Carry out a decision: its writes in order, then the status, once. The only writer of status."""

from dataclasses import dataclass
from typing import assert_never

from pennant.api.deployment_status import Applied, ModelDeploymentStatus
from pennant.core.decision import (
    Action,
    ApplyWorkload,
    Copying,
    CreateRevision,
    Decision,
    MarkRevision,
    MirrorQuarantine,
    PruneRevision,
    Write,
)
from pennant.core.observation import Snapshot
from pennant.ports import Cluster, Refused


class WriteRefused(Refused):
    """The API server does not take a write on which the next ones rest; nothing after it was written."""

    def __init__(self, write: Write, message: str) -> None:
        """Keep what was to be written."""
        super().__init__(message)
        self.write = write


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of a decision."""

    written: bool
    """Whether anything was written."""
    refused: tuple[tuple[Copying, str], ...] = ()
    """Copies that the API server does not take, each with its answer."""


async def act(cluster: Cluster, snapshot: Snapshot, decision: Decision) -> Acted:
    """Return what was written; stops at the first write that fails, and raises what it raised.

    A copy that is refused stops nothing: least of all the status that it is a copy of.

    Rule: Intent is written before its effect.
    Rule: Silence where nothing changes.
    """
    status, refused = decision.status, list[tuple[Copying, str]]()
    for action in decision.actions:
        try:
            status = await _carried_out(cluster, snapshot, action, status)
        except Refused as error:
            if isinstance(action, CreateRevision | ApplyWorkload):
                raise WriteRefused(action.write, str(error)) from error
            refused.append((action, str(error)))
    changed = status != snapshot.status
    if changed:
        await cluster.write_status(snapshot, status)
    return Acted(changed or len(decision.actions) > len(refused), tuple(refused))


async def _carried_out(
    cluster: Cluster, snapshot: Snapshot, action: Action, status: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    """Make one write, and return the status with what it has shown."""
    match action:
        case CreateRevision(revision):
            await cluster.create_revision(snapshot, revision)
        case ApplyWorkload():
            return await _applied(cluster, snapshot, action, status)
        case MirrorQuarantine():
            await cluster.mirror_quarantine(snapshot, action)
        case MarkRevision(entry):
            await cluster.mark_revision(snapshot, entry)
        case PruneRevision(revision):
            await cluster.delete_revision(snapshot, revision)
        case _ as never:
            assert_never(never)
    return status


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
        restarted_at=status.applied.restarted_at if status.applied else workload.restart,
    )
    return status.model_copy(update={"applied": applied})
