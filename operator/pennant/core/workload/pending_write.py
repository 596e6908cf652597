"""Which write the Deployment needs to be what the revision in place says.

Rule: R27.
"""

from dataclasses import dataclass

from pennant.api.deployment_status import Applied
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload
from pennant.core.facts.digest import short_hash
from pennant.core.facts.observation import Workload
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision import restart, template_hash, with_restart
from pennant.core.workload import deployment_manifest


@dataclass(frozen=True, slots=True)
class Wanted:
    """The Deployment as it should be."""

    manifest: Json
    manifest_hash: str
    revision: int
    paused: bool
    """Whether its rollout is to stand still."""
    restarted_at: str = ""
    """The restart annotation that the pods of this revision have."""

    @property
    def template(self) -> Json:
        """The pod template, as it was recorded."""
        template: Json = self.manifest["spec"]["template"]
        return template


def wanted(at: Pass) -> Wanted | None:
    """Return the Deployment that the revision in place asks for; None: it must not be written yet, or never was."""
    active, workload = at.active, at.workload
    # Intent first: a crash after the history entry leaves a revision without effect, never an effect without one.
    if active is None or all(each.revision != active.revision for each in at.before.history):
        return None
    record = next((each for each in at.snapshot.revisions if each.entry.revision == active.revision), None)
    if record is None or (workload is not None and workload.deleting):
        return None
    paused = at.is_frozen or at.spec.paused
    manifest = deployment_manifest.deployment(at.snapshot, at.spec, active, record.template, paused=paused)
    return Wanted(
        manifest, short_hash(manifest), active.revision, paused, active.restarted_at or restart(record.template)
    )


def is_pending(wanted: Wanted, applied: Applied | None) -> bool:
    """Return whether this is not what was last applied."""
    return applied is None or applied.manifest_hash != wanted.manifest_hash


def is_as_left(workload: Workload, applied: Applied) -> bool:
    """Return whether nobody has changed the fields of the operator, or the pod template, since its last write."""
    if workload.fields_hash != applied.fields_hash:
        return False
    return workload.stored_template == applied.template_hash or workload.generation == applied.generation


def write(wanted: Wanted, workload: Workload | None, applied: Applied | None) -> ApplyWorkload:
    """Return the write that makes the Deployment what is wanted.

    Where the pod template changes, its pods get the restart annotation of their own revision: those that served it
    before are taken up again. Where it does not, a restart that somebody asked for stays.
    """
    if workload is None:
        return ApplyWorkload(
            wanted.manifest, wanted.manifest_hash, None, wanted.revision, restarted_at=restart(wanted.template)
        )
    changes = workload.template_hash != template_hash(wanted.template)
    restarted_at = wanted.restarted_at if changes else workload.restarted_at
    touched = applied is None or not is_as_left(workload, applied)
    if changes:
        replaces = workload.co_owned or touched or workload.restarted_at != restarted_at
    else:
        replaces = workload.co_owned and touched
    return ApplyWorkload(
        _restarted(wanted.manifest, restarted_at),
        wanted.manifest_hash,
        workload,
        wanted.revision,
        with_restart(wanted.template, restarted_at) if replaces else None,
        restarted_at if changes else None,
    )


def _restarted(manifest: Json, restarted_at: str) -> Json:
    """Return the manifest with this restart annotation where the recorded template has one of its own.

    Where it has none, the annotation belongs to who restarted the pods.
    """
    spec = manifest["spec"]
    if restart(spec["template"]) in ("", restarted_at):
        return manifest
    return {**manifest, "spec": {**spec, "template": with_restart(spec["template"], restarted_at)}}
