"""Carry out a decision: its writes in order, then the status, once. The only writer of status."""

from dataclasses import dataclass
from typing import assert_never

from pennant.api.deployment_status import Applied, ModelDeploymentStatus
from pennant.core.facts.decision import (
    Action,
    AdoptRevision,
    AdoptWorkload,
    ApplyWorkload,
    Copying,
    CreateRevision,
    Deciding,
    Decision,
    MarkRevision,
    MirrorQuarantine,
    PruneRevision,
)
from pennant.core.facts.observation import Snapshot, Workload
from pennant.ports import Cluster, Refused, Unavailable


class WriteRefused(Refused):
    """The API server does not take a write on which the next ones rest; nothing after it was written."""

    def __init__(self, action: Deciding, why: Refused) -> None:
        """Keep what was to be written, and what was said."""
        super().__init__(str(why))
        self.action, self.why = action, why


class WriteFailed(Unavailable):
    """A write failed that may be taken the next time; nothing after it was written."""

    def __init__(self, action: Action | None, message: str) -> None:
        """Keep what was to be written; None: the status."""
        super().__init__(message)
        self.action = action

    @property
    def what(self) -> str:
        """What was to be written, in words."""
        return STATUS if self.action is None else self.action.write.what


STATUS = "the status"


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

    Rule: R15.
    Rule: R83.
    """
    status, refused = decision.status, list[tuple[Copying, str]]()
    for action in decision.actions:
        try:
            status = await _carried_out(cluster, snapshot, action, status)
        except Refused as error:
            if isinstance(action, Deciding):
                raise WriteRefused(action, error) from error
            refused.append((action, str(error)))
        except Unavailable as error:
            raise WriteFailed(action, str(error)) from error
    changed = status != snapshot.status
    if changed:
        try:
            await cluster.write_status(snapshot, status)
        except Unavailable as error:
            raise WriteFailed(None, str(error)) from error
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
        case AdoptRevision(revision):
            await cluster.adopt_revision(snapshot, revision)
        case AdoptWorkload(seen):
            await cluster.adopt_workload(snapshot, seen)
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
        generation=workload.generation,
        restarted_at=_restarted_at(action, workload, status.applied),
    )
    return status.model_copy(update={"applied": applied})


def _restarted_at(action: ApplyWorkload, workload: Workload, before: Applied | None) -> str:
    """Return the newest restart of the Deployment that needs no record any more."""
    if action.restarted_at is not None or before is None:
        return workload.restart
    # A restart that is not in the history yet stays to be recorded.
    return before.restarted_at
