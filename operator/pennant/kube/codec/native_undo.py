"""Whether the Deployment has the pod template of an earlier revision again, for instance by `kubectl rollout undo`."""

from collections.abc import Iterable

from pennant.api.meta import Json
from pennant.core.facts.observation import Revision, Snapshot, Workload
from pennant.core.rollout.revision import with_restart
from pennant.core.workload.stored_values import difference


def may_be_put_back(owner: Snapshot, seen: Workload) -> bool:
    """Return whether the Deployment's pod template must be compared with the revision whose hash it carries.

    True where the template is not the one that was last applied, and carries another hash than the current revision's.
    """
    applied, history = owner.status.applied, owner.status.history
    if applied is None or not history:
        return False
    return seen.template_hash != history[-1].template_hash and seen.stored_template != applied.template_hash


def template_of(revisions: Iterable[Revision], template_hash: str) -> Json | None:
    """Return the pod template with this hash from the revisions; None where none has it."""
    return next((each.template for each in revisions if each.entry.template_hash == template_hash), None)


def holds(raw: Json, template: Json) -> bool:
    """Return whether the pod template of a Deployment has every value of this one.

    Others may have added fields, and `kubectl rollout restart` its annotation.
    """
    return difference(with_restart(template, ""), raw["spec"]["template"]) is None
