"""Which revision should be created next: one of the target version, or a rollback of the current one."""

from pennant.api.history import Trigger
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.core.facts.observation import Invalid, Observation, Revision, Version
from pennant.core.rollout import delivery, revision, serving_permission
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.revision_draft import OPERATOR, Draft, lost, rollback_draft
from pennant.core.rollout.rollback import quarantine_entry
from pennant.core.versions.selection import Selected, Selection


def next_revision(at: Pass) -> Draft | None:
    """Return the draft of the revision that replaces the current one without a command; None: it stays.

    In this order: a promotion, if no gate blocks it and the API server is known to accept the spec; a rollback of a
    failed revision; a version that was verified before, if nothing serves; the current revision again, if its
    ControllerRevision is lost.
    """
    if isinstance(at.selection, Selected) and at.template is not None and at.gate is None and at.dry_run is None:
        draft = _promotion(at, at.selection.version, at.template)
        if draft is not None:
            return draft
    acts = at.spec.rollback.action is RollbackAction.ROLLBACK
    if acts and at.failed_as is not None and at.rollback_target is not None:
        return rollback_draft(at, at.failed_as, at.rollback_target)
    if at.active is None:
        return _verified_before(at)
    return _created_again(at)


def _verified_before(at: Pass) -> Draft | None:
    """Return a draft of the newest version that was verified here, if nothing serves and the target is quarantined.

    That is the case after the ModelDeployment was deleted and created again: its history is lost, and
    `status.servedBy` of the ModelVersions is not.

    Rule: R64.
    """
    if (
        not isinstance(at.selection, Selected)
        or quarantine_entry(at.selection.version.digest, at.inputs_hash, at.quarantine) is None
    ):
        return None
    found = [
        (served.from_, served, version)
        for version in at.snapshot.versions
        for served in version.verified_periods
        if served.deployment == at.snapshot.key.name and _may_serve(at, version)
    ]
    if not found:
        return None
    _, served, version = max(found, key=lambda each: (each[0], each[2].name))
    spec = version.spec
    assert not isinstance(spec, Invalid), "only a record that can be read may serve"
    asked = at.selection.version.version
    return Draft(
        version=version.version,
        digest=version.digest,
        template=revision.render(at.snapshot.key.name, at.spec, spec, at.observation.fetch_image),
        record=version.record,
        inputs_hash=revision.inputs_hash(at.spec, spec),
        trigger=Trigger.AUTOMATIC_ROLLBACK,
        actor=OPERATOR,
        reason=(
            f"{asked} is quarantined and no version serves; {version.version} was verified here "
            f"and served since {served.from_:%Y-%m-%dT%H:%M:%SZ}, according to status.servedBy of its ModelVersion"
        ),
    )


def _may_serve(at: Pass, version: Version) -> bool:
    """Return whether a version is valid, permitted, deliverable, not being deleted, and not quarantined with it."""
    if version.deleting or isinstance(version.spec, Invalid) or serving_permission.missing(at.spec, version.spec):
        return False
    if delivery.problem(at.spec, version.spec, at.observation.fetch_image):
        return False
    return quarantine_entry(version.digest, revision.inputs_hash(at.spec, version.spec), at.quarantine) is None


def _created_again(at: Pass) -> Draft | None:
    """Return a draft of the current revision, if its ControllerRevision is lost and an earlier one equals it.

    Otherwise a rollback whose ControllerRevision a user deletes would never reach the Deployment.
    """
    active = at.active
    if active is None or any(each.entry.revision == active.revision for each in at.snapshot.revisions):
        return None
    if quarantine_entry(*revision.pair(active), at.quarantine) is not None:
        return None
    what = (active.digest, active.template_hash)
    same = [each for each in at.snapshot.revisions if (each.entry.digest, each.entry.template_hash) == what]
    if not same:
        return None
    return Draft(
        version=active.version,
        digest=active.digest,
        template=same[-1].template,
        record=same[-1].record,
        inputs_hash=same[-1].entry.inputs_hash,
        trigger=Trigger.SPEC_CHANGED,
        actor=OPERATOR,
        reason=lost(at.snapshot, active),
    )


def rendered(observation: Observation, spec: ModelDeploymentSpec, selection: Selection) -> Json | None:
    """Return the pod template for the target version.

    None: there is no target version, it is invalid, or its artefacts cannot be delivered.
    """
    if not isinstance(selection, Selected) or isinstance(selection.version.spec, Invalid):
        return None
    version, image = selection.version.spec, observation.fetch_image
    if delivery.problem(spec, version, image):
        return None
    return revision.render(observation.snapshot.key.name, spec, version, image)


def _promotion(at: Pass, version: Version, template: Json) -> Draft | None:
    """Return a draft for the target version; None: it is quarantined, or the current revision was rendered from it."""
    if _is_quarantined(at, version):
        return None
    active = at.active
    same = active is not None and (active.version, active.digest) == (version.version, version.digest)
    if active is not None and same:
        record = next((each for each in at.snapshot.revisions if each.entry.revision == active.revision), None)
        if record is not None and _is_rendered_from(record, at, version):
            return None
        reason = lost(at.snapshot, active) if record is None else "the pod template changed"
    elif at.spec.version is not None:
        reason = f"spec.version is {version.version}"
    else:
        reason = _moved(at, version)
    if active is None and at.snapshot.foreign is not None:
        reason = f"{reason}, and the existing Deployment {at.snapshot.key.name} is taken over"
    moved = not same and at.spec.version is None
    return Draft(
        version=version.version,
        digest=version.digest,
        template=template,
        record=version.record,
        inputs_hash=at.inputs_hash,
        trigger=Trigger.TAG_MOVED if moved else Trigger.SPEC_CHANGED,
        actor=version.tagged_by if moved else at.snapshot.changed_by,
        user=version.users.get(at.spec.tag, "") if moved else _changer(at, is_version=not same),
        reason=reason,
    )


def _changer(at: Pass, *, is_version: bool) -> str:
    """Return who chose the version by `spec.version`, or else who changed the spec, which may be a later change.

    Rule: R151.
    """
    users = at.snapshot.users
    return (users.version if is_version else "") or users.changed


def _moved(at: Pass, version: Version) -> str:
    """Return how the tag came to this version.

    Rule: R155.
    """
    if at.active is not None and at.active.version == version.version:
        return f"{version.version} was deleted and created again with another content, and has the tag {at.spec.tag}"
    came_from = f" from {at.active.version}" if at.active else ""
    return f"the tag {at.spec.tag} moved{came_from} to {version.version}"


def _is_rendered_from(recorded: Revision, at: Pass, version: Version) -> bool:
    """Return whether the pod template of a revision was rendered from the same inputs as the target version's.

    The inputs are compared, and not the rendered templates, so that another release of the operator restarts no pods.

    Rule: R25.
    """
    same_record = all(recorded.record.get(name) == version.record.get(name) for name in revision.RENDERED)
    return same_record and recorded.entry.inputs_hash == at.inputs_hash


def _is_quarantined(at: Pass, version: Version) -> bool:
    """Return whether a version must not be rolled out with the present template.

    If a content failed with every template, another template of it may replace it only while there is no rollback
    target.
    """
    by = quarantine_entry(version.digest, at.inputs_hash, at.quarantine)
    if by is None:
        return False
    follows_itself = at.active is not None and at.active.digest == version.digest and at.rollback_target is None
    return by.inputs_hash is not None or not follows_itself
