"""Carries out a decision: its writes in order, then the status, once. Nothing else writes a status."""

from dataclasses import dataclass
from typing import assert_never

from pennant.api.deployment_status import Applied, ModelDeploymentStatus
from pennant.core.facts.decision import (
    Action,
    AdoptRevision,
    AdoptWorkload,
    ApplyService,
    ApplyWorkload,
    Copying,
    CreateRevision,
    Deciding,
    Decision,
    DeleteService,
    DryRunWorkload,
    LabelReplicaSets,
    MarkRevision,
    MirrorQuarantine,
    PrepareAdoption,
    PruneRevision,
    ReleaseReplicaSets,
    TakingOver,
)
from pennant.core.facts.observation import Snapshot, Workload
from pennant.ports import Cluster, Refused, Unavailable

STATUS = "the status"


class WriteRefused(Refused):
    """A write that later writes depend on was refused; nothing after it was written."""

    def __init__(self, action: Deciding, why: Refused) -> None:
        """Keep the write and the error of the port."""
        super().__init__(str(why))
        self.action, self.why = action, why


class WriteFailed(Unavailable):
    """A write failed and may succeed later; nothing after it was written."""

    def __init__(self, action: Action | None, why: Unavailable) -> None:
        """Keep the write, None for that of the status, and the delay that the API server asks for."""
        super().__init__(str(why))
        self.action, self.retry_after_seconds = action, why.retry_after_seconds

    @property
    def what(self) -> str:
        """What was to be written, in words."""
        return STATUS if self.action is None else self.action.write.what


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of a decision that was carried out."""

    written: bool
    """Whether anything was written."""
    refused: tuple[tuple[Copying, str], ...] = ()
    """Copies that the API server refused, each with its answer."""
    deferred: ModelDeploymentStatus | None = None
    """The status that is to be written later; None: it was written, or does not differ."""


async def act(cluster: Cluster, snapshot: Snapshot, decision: Decision, *, defers_status: bool = False) -> Acted:
    """Make the writes of a decision, and write the status if it differs.

    With `defers_status` the status is returned instead of written.

    Raises `WriteRefused`, `WriteFailed` or `Conflict` at the first write that fails, and `Refused` where it is that of
    the status. A refused copy stops nothing: the status that it copies is written.

    Rule: R15.
    Rule: R83.
    """
    status, refused = decision.status, list[tuple[Copying, str]]()
    for action in decision.actions:
        try:
            status = await _write(cluster, snapshot, action, status)
        except Refused as error:
            if isinstance(action, Deciding):
                raise WriteRefused(action, error) from error
            refused.append((action, str(error)))
        except Unavailable as error:
            raise WriteFailed(action, error) from error
    changed = status != snapshot.status
    if changed and defers_status:
        return Acted(True, tuple(refused), status)
    if changed:
        try:
            await cluster.write_status(snapshot, status)
        except Unavailable as error:
            raise WriteFailed(None, error) from error
    return Acted(changed or len(decision.actions) > len(refused), tuple(refused))


async def _write(
    cluster: Cluster, snapshot: Snapshot, action: Action, status: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    """Make one write, and return the status with what its answer shows."""
    match action:
        case CreateRevision(revision):
            await cluster.create_revision(snapshot, revision)
        case ApplyWorkload():
            return await _apply(cluster, snapshot, action, status)
        case DryRunWorkload(apply, beside):
            await cluster.dry_run_workload(snapshot, apply, beside=beside)
        case AdoptRevision(revision):
            await cluster.adopt_revision(snapshot, revision)
        case AdoptWorkload(expected):
            await cluster.adopt_workload(snapshot, expected)
        case PrepareAdoption() | ReleaseReplicaSets() | LabelReplicaSets():
            return await _take_over(cluster, snapshot, action, status)
        case _:
            await _copy(cluster, snapshot, action)
    return status


async def _copy(cluster: Cluster, snapshot: Snapshot, action: Copying) -> None:
    match action:
        case ApplyService():
            await cluster.apply_service(snapshot, action)
        case DeleteService(seen):
            await cluster.delete_service(snapshot, seen)
        case MirrorQuarantine():
            await cluster.mirror_quarantine(snapshot, action)
        case MarkRevision(entry):
            await cluster.mark_revision(snapshot, entry)
        case PruneRevision(revision):
            await cluster.delete_revision(snapshot, revision)
        case _ as never:
            assert_never(never)


async def _take_over(
    cluster: Cluster, snapshot: Snapshot, action: TakingOver, status: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    """Make one write of an adoption, and return the status with what its answer shows."""
    match action:
        case PrepareAdoption():
            return status.model_copy(update={"adoption": await cluster.prepare_adoption(snapshot, action)})
        case ReleaseReplicaSets(expected):
            await cluster.release_replica_sets(snapshot, expected)
        case LabelReplicaSets(adoption, manifest):
            await cluster.label_replica_sets(snapshot, adoption, manifest)
        case _ as never:
            assert_never(never)
    return status


async def _apply(
    cluster: Cluster, snapshot: Snapshot, action: ApplyWorkload, status: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    """Apply the Deployment, and return the status with what is stored of it now in `applied`."""
    workload = await cluster.apply_workload(snapshot, action)
    applied = Applied(
        manifest_hash=action.manifest_hash,
        uid=workload.uid,
        revision=action.revision,
        fields_hash=workload.fields_hash,
        template_hash=workload.stored_template,
        generation=workload.generation,
        restarted_at=_restarted_at(action, workload, status.applied),
    )
    return status.model_copy(update={"applied": applied})


def _restarted_at(action: ApplyWorkload, workload: Workload, before: Applied | None) -> str:
    """Return the newest restart of the Deployment that the history accounts for."""
    if action.restarted_at is not None or before is None:
        return workload.restart
    return before.restarted_at
