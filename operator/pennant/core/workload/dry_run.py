"""The dry run of the Deployment: whether the API server accepts `spec` before anything of it is rolled out.

Rule: R104.
"""

from dataclasses import replace

from pennant.api.artifacts import Artifact
from pennant.api.history import HistoryEntry, Outcome, Trigger
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.decision import DryRunWorkload
from pennant.core.facts.digest import short_hash
from pennant.core.rollout import revision
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision_draft import OPERATOR
from pennant.core.workload import deployment_manifest, pending_write

STAND_IN = "0.0.0"
"""The version of the manifest that is tried while there is no target version."""


def considered(at: Pass) -> Pass:
    """Return the pass with the dry run that its spec needs, and with why the API server refused it before.

    None is needed if the Deployment was applied with this pod template, or a dry run of this spec succeeded. That does
    not depend on the version, so moving a tag needs no dry run: what a record changes of the Deployment was validated
    when the record was created.
    """
    is_checked = at.before.checked_spec == _hash(at)
    if not is_checked:
        at = at.with_status(checked_spec=None)
    shown = {each.revision for each in at.before.history if each.inputs_hash == at.inputs_hash}
    is_applied = at.before.applied is not None and at.before.applied.revision in shown
    if is_checked or is_applied or (at.workload is not None and at.workload.deleting):
        return at
    dry_run = _dry_run(at)
    return replace(at, dry_run=dry_run, template_problem=at.observation.refused(dry_run.write.content))


def made(at: Pass) -> Pass:
    """Return the pass with its dry run as the only write, and with the status to store if that succeeds."""
    actions = () if at.dry_run is None else (at.dry_run,)
    return replace(at.with_status(checked_spec=_hash(at)), actions=actions)


def _dry_run(at: Pass) -> DryRunWorkload:
    image = at.observation.fetch_image or OPERATOR
    template = at.template or revision.render(at.snapshot.key.name, at.spec, _stand_in(at.spec), image)
    manifest = deployment_manifest.deployment(at.snapshot, at.spec, _entry(at, template), template, paused=False)
    wanted = pending_write.Wanted(manifest, short_hash(manifest), 0, paused=False)
    write = pending_write.write(wanted, at.workload, at.before.applied)
    return DryRunWorkload(write, beside=at.snapshot.foreign is not None)


def _hash(at: Pass) -> str:
    """Return the hash of the fields of the spec that the Deployment is made of, except for `replicas`."""
    spec = at.spec
    fields = {"metadata": spec.metadata.to_json(), "rollout": spec.rollout.to_json()}
    return short_hash(
        {**fields, "inputs": revision.inputs_hash(spec), "revisionHistoryLimit": spec.replica_sets_to_keep}
    )


def _stand_in(spec: ModelDeploymentSpec) -> ModelVersionSpec:
    """Return a record with what a pod template always gets of one."""
    artifact = Artifact(name="model", uri=f"oci://{OPERATOR}.dev/model", digest=f"sha256:{'0' * 64}")
    return ModelVersionSpec(model=spec.model, version=spec.version or STAND_IN, artifacts=(artifact,))


def _entry(at: Pass, template: Json) -> HistoryEntry:
    """Return the entry of a revision that is never recorded: the manifest names its number and its version."""
    return HistoryEntry(
        revision=1,
        version=template["metadata"]["labels"][revision.VERSION_LABEL],
        digest="",
        template_hash=revision.template_hash(template),
        trigger=Trigger.SPEC_CHANGED,
        actor=OPERATOR,
        reason="a dry run",
        started_at=at.now,
        outcome=Outcome.IN_PROGRESS,
        previous_hash="",
        hash="",
    )
