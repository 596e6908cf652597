"""Which write the Deployment needs to serve the current revision.

Rule: R27.
"""

from dataclasses import dataclass

from pennant.api.deployment_status import Applied
from pennant.api.meta import Json
from pennant.core.facts.decision import ApplyWorkload, CreateRevision
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
    """Whether its rollout must be paused."""
    restarted_at: str = ""
    """The restart annotation that the pods of this revision have."""

    @property
    def template(self) -> Json:
        """The recorded pod template."""
        template: Json = self.manifest["spec"]["template"]
        return template


def wanted(at: Pass) -> Wanted | None:
    """Return the Deployment for the current revision; None: it must not be written in this pass.

    That is so while there is no revision, its ControllerRevision is lost, or the Deployment is being deleted. Of a
    revision that this pass creates, the ControllerRevision is written first. If it is there and the status is not, as
    after a crash, the status follows first.
    """
    active, workload = at.active, at.workload
    if active is None or (workload is not None and workload.deleting):
        return None
    created = [each.revision for each in at.actions if isinstance(each, CreateRevision)]
    stored = {each.revision for each in at.before.history}
    known = [*created, *(each for each in at.snapshot.revisions if each.entry.revision in stored)]
    record = next((each for each in known if each.entry.revision == active.revision), None)
    if record is None:
        return None
    paused = at.is_frozen or at.spec.paused
    manifest = deployment_manifest.deployment(at.snapshot, at.spec, active, record.template, paused=paused)
    return Wanted(
        manifest, short_hash(manifest), active.revision, paused, active.restarted_at or restart(record.template)
    )


def is_pending(wanted: Wanted, applied: Applied | None) -> bool:
    """Return whether the wanted Deployment differs from the one that was applied last."""
    return applied is None or applied.manifest_hash != wanted.manifest_hash


def is_as_left(workload: Workload, applied: Applied) -> bool:
    """Return whether the operator's fields and the pod template are as its last write left them."""
    if workload.fields_hash != applied.fields_hash:
        return False
    return workload.stored_template == applied.template_hash or workload.generation == applied.generation


def write(wanted: Wanted, workload: Workload | None, applied: Applied | None) -> ApplyWorkload:
    """Return the write that makes the Deployment as wanted.

    If the pod template changes, it gets the restart annotation of its own revision, so that Kubernetes reuses pods that
    still run. If it does not change, the present restart annotation stays.
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
    """Return the manifest with this restart annotation, if the recorded template has another one.

    If it has none, the annotation belongs to the field manager that restarted the pods.
    """
    spec = manifest["spec"]
    if restart(spec["template"]) in ("", restarted_at):
        return manifest
    return {**manifest, "spec": {**spec, "template": with_restart(spec["template"], restarted_at)}}
