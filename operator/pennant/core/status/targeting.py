"""The conditions about the target version: `TagResolved` and `RolledBack`."""

from datetime import timedelta
from typing import assert_never

from pennant.api.delivery import DeliveryMode
from pennant.api.history import QuarantineEntry
from pennant.api.reasons import Reason
from pennant.core.rollout.pass_state import Pass
from pennant.core.status.inputs import FALSE, TRUE, ConditionValue, quarantined_target, unresolved_since
from pennant.core.versions.selection import Ambiguous, NotFound, Selected, SelectedInvalid, Unassigned
from pennant.core.versions.semver import RECIPE

TAG_GRACE = timedelta(seconds=300)
"""Time for which no version or several may have the tag before `Stalled` reports it."""


def tag_resolved(at: Pass) -> ConditionValue:
    """Return the condition `TagResolved`: True if there is exactly one target version."""
    match at.selection:
        case Selected():
            return _held(at, at.selection)
        case Unassigned():
            return ConditionValue(
                FALSE, Reason.TAG_UNASSIGNED, f'no ModelVersion has the tag "{at.tag}"{meanwhile(at)}'
            )
        case NotFound(version):
            message = f"spec.version is {version}, and no ModelVersion has that version{meanwhile(at)}"
            return ConditionValue(FALSE, Reason.VERSION_NOT_FOUND, message)
        case Ambiguous(names, unordered):
            message = f'{len(names)} ModelVersions have the tag "{at.tag}": {", ".join(names)}'
            if unordered:
                message += (
                    f"; none is the newest, because {', '.join(unordered)} "
                    f"{'has' if len(unordered) == 1 else 'have'} no semantic version ({RECIPE})"
                )
            return ConditionValue(FALSE, Reason.TAG_AMBIGUOUS, f"{message}{meanwhile(at)}")
        case SelectedInvalid(name, problem):
            return ConditionValue(
                FALSE,
                Reason.HOLDER_INVALID,
                f"ModelVersion {name} {asks(at)}, but is invalid: {problem}{meanwhile(at)}",
            )
        case _ as never:
            assert_never(never)


def _held(at: Pass, held: Selected) -> ConditionValue:
    name = held.version.name
    if at.tag is None:
        return ConditionValue(TRUE, Reason.VERSION_PINNED, f"spec.version names ModelVersion {name}")
    if held.others:
        message = f'{name} is the newest version with the tag "{at.tag}"; {", ".join(held.others)} have it too'
        return ConditionValue(TRUE, Reason.NEWEST_OF_SEVERAL, message)
    return ConditionValue(TRUE, Reason.TAG_HELD, f'{name} has the tag "{at.tag}"')


def asks(at: Pass) -> str:
    """Return why a version is the target version, as the end of a sentence."""
    return "is named by spec.version" if at.tag is None else f'has the tag "{at.tag}"'


def meanwhile(at: Pass) -> str:
    """Return which version keeps serving, or that none does, as the end of a sentence."""
    return f"; {at.active.version} keeps serving" if at.active else "; no version serves"


def is_grace_over(at: Pass) -> bool:
    """Return whether no version or several have been selected for `TAG_GRACE`."""
    since = unresolved_since(at)
    return since is not None and at.now - since >= TAG_GRACE


def rolled_back(at: Pass) -> ConditionValue:
    """Return the condition `RolledBack`: True if the target version is quarantined and another revision serves."""
    found = quarantined_target(at)
    if found is None:
        return ConditionValue(FALSE, Reason.NOT_ROLLED_BACK, "the target version is not quarantined")
    what = found.version
    if found.inputs_hash is not None:
        what = f"{what} with the pod template of revision {found.revision}"
    if at.active is None:
        happened = f"{what} is quarantined, and no version serves"
    elif found.reason is Reason.UNDONE:
        happened = f"{what} was undone, {at.active.version} serves instead"
    else:
        happened = f"Rolled back from {what} to {at.active.version}"
    return ConditionValue(TRUE, found.reason, f"{happened}: {found.message}. {what_to_change(at)}")


def what_to_change(at: Pass) -> str:
    """Return what a user changes so that another version is targeted."""
    found = quarantined_target(at)
    if found is not None and at.active is not None and found.digest == at.active.digest and not _is_moved(at, found):
        # The version serves, with another pod template than the target one.
        return "Change spec.template"
    change = "Set spec.version" if at.tag is None else f'Move the tag "{at.tag}"'
    if found is None:
        return f"{change} to a fixed version"
    return f"{change} to a fixed version, or retry: kubectl pennant retry {at.snapshot.key.name} {found.version}"


def _is_moved(at: Pass, found: QuarantineEntry) -> bool:
    """Return whether the content that serves is that of another version, whose artefacts are brought from elsewhere.

    Rule: R168.
    """
    is_delivered = at.spec.delivery.mode is not DeliveryMode.ENV
    return is_delivered and at.active is not None and at.active.version != found.version
