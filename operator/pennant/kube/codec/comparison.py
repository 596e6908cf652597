"""A Deployment that others changed, compared with what is recorded.

It may have the pod template of an earlier revision again, for instance by `kubectl rollout undo`; or all that was
changed is left to others by `spec.ignoreDrift`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pennant.api.meta import Json
from pennant.core.facts.observation import Invalid, Revision, Snapshot, Workload
from pennant.core.rollout.revision import with_restart
from pennant.core.workload import deployment_manifest
from pennant.core.workload.stored_values import difference
from pennant.kube.codec import ignored_drift

State = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of a comparison."""

    of: State
    """What was compared."""
    as_recorded: bool
    """As in `Workload`."""
    tolerated: bool
    """As in `Workload`."""
    editor: tuple[str, tuple[str, ...]] | None = None
    """Who changed what is not ignored, and the fields; None: as `Workload` has it."""

    def seen(self, workload: Workload) -> Workload:
        """Return the Deployment with the result."""
        compared = replace(workload, as_recorded=self.as_recorded, tolerated=self.tolerated)
        return compared if self.editor is None else replace(compared, editor=self.editor[0], edited=self.editor[1])


def state(owner: Snapshot | None, seen: Workload) -> State:
    """Return what a result depends on: the Deployment, its template, our fields, and the ModelDeployment's spec."""
    return seen.uid, seen.stored_template, seen.fields_hash, 0 if owner is None else owner.generation


def is_due(owner: Snapshot, seen: Workload) -> bool:
    """Return whether a Deployment must be compared: others changed it since it was applied."""
    return _may_be_put_back(owner, seen) or _may_be_tolerated(owner, seen)


def compared(owner: Snapshot, raw: Json, seen: Workload) -> Compared:
    """Compare a Deployment with the revisions of its ModelDeployment."""
    template = _template_of(owner.revisions, seen.template_hash) if _may_be_put_back(owner, seen) else None
    as_recorded = template is not None and _holds(owner, raw, template)
    manifest = _manifest(owner, seen) if _may_be_tolerated(owner, seen) else None
    ignored = None if isinstance(owner.spec, Invalid) else owner.spec.ignore_drift
    if manifest is None or ignored is None:
        return Compared(state(owner, seen), as_recorded, tolerated=False)
    tolerated = ignored_drift.is_all(raw, manifest, ignored)
    editor = None if tolerated else ignored_drift.editor(raw, manifest, ignored)
    return Compared(state(owner, seen), as_recorded, tolerated, editor)


def _may_be_put_back(owner: Snapshot, seen: Workload) -> bool:
    """Return whether the template is not the one that was last applied, and has another hash than the current one."""
    applied, history = owner.status.applied, owner.status.history
    if applied is None or not history:
        return False
    return seen.template_hash != history[-1].template_hash and seen.stored_template != applied.template_hash


def _may_be_tolerated(owner: Snapshot, seen: Workload) -> bool:
    applied = owner.status.applied
    if applied is None or isinstance(owner.spec, Invalid) or owner.spec.ignore_drift is None:
        return False
    return (seen.stored_template, seen.fields_hash) != (applied.template_hash, applied.fields_hash)


def _manifest(owner: Snapshot, seen: Workload) -> Json | None:
    """Return the manifest of the revision that was applied last; None where its ControllerRevision is missing.

    Rule: R105.
    """
    applied, spec = owner.status.applied, owner.spec
    if applied is None or isinstance(spec, Invalid):
        return None
    found = next((each for each in owner.revisions if each.entry.revision == applied.revision), None)
    if found is None:
        return None
    template = with_restart(found.template, "")
    return deployment_manifest.deployment(owner, spec, found.entry, template, paused=seen.paused)


def _template_of(revisions: Iterable[Revision], template_hash: str) -> Json | None:
    """Return the pod template with this hash from the revisions; None where none has it."""
    return next((each.template for each in revisions if each.entry.template_hash == template_hash), None)


def _holds(owner: Snapshot, raw: Json, template: Json) -> bool:
    """Return whether the pod template of a Deployment has every value of this one that is not left to others.

    Others may have added fields, and `kubectl rollout restart` its annotation.
    """
    ignored = None if isinstance(owner.spec, Invalid) else owner.spec.ignore_drift
    asked = {"spec": {"template": with_restart(template, "")}}
    return difference(ignored_drift.without(asked, ignored_drift.kept(raw, ignored)), raw) is None
