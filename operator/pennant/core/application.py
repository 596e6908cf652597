"""Which write the Deployment needs to be what the revision in place says."""

from dataclasses import dataclass

from pennant.api.deployment_status import Applied, ModelDeploymentStatus
from pennant.api.meta import Json
from pennant.core import desired
from pennant.core.decision import ApplyWorkload
from pennant.core.digest import short_hash
from pennant.core.observation import Workload
from pennant.core.plan import Situation


@dataclass(frozen=True, slots=True)
class Wanted:
    """The Deployment as it should be."""

    manifest: Json
    manifest_hash: str
    revision: int
    paused: bool
    """Whether its rollout is to stand still."""


def wanted(at: Situation, before: ModelDeploymentStatus, frozen: bool) -> Wanted | None:
    """Return the Deployment that the revision in place asks for; None: it must not be written yet, or never was."""
    active, workload = at.active, at.snapshot.workload
    # Intent first: a crash after the history entry leaves a revision without effect, never an effect without one.
    if active is None or all(each.revision != active.revision for each in before.history):
        return None
    record = next((each for each in at.snapshot.revisions if each.entry.revision == active.revision), None)
    if record is None or (workload is not None and workload.deleting):
        return None
    paused = frozen or at.spec.paused
    manifest = desired.deployment(at.snapshot, at.spec, active, record.template, paused=paused)
    return Wanted(manifest, short_hash(manifest), active.revision, paused)


def is_pending(wanted: Wanted, applied: Applied | None) -> bool:
    """Return whether this is not what was last applied."""
    return applied is None or applied.manifest_hash != wanted.manifest_hash


def write(wanted: Wanted, workload: Workload | None, applied: Applied | None) -> ApplyWorkload:
    """Return the write; where others changed the pod template since ours, it is replaced whole."""
    changed = workload is not None and applied is not None and workload.stored_template != applied.template_hash
    return ApplyWorkload(wanted.manifest, wanted.manifest_hash, workload, wanted.revision, changed)
