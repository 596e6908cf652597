"""The Kubernetes Events of a pass: one for each change that the status shows for the first time."""

from collections.abc import Iterable
from datetime import datetime

from pennant.api.adoption import Adoption, AdoptionPhase
from pennant.api.commands import CommandResult
from pennant.api.conditions import Condition, ConditionStatus, find
from pennant.api.deployment_status import Drift, ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.reasons import ConditionType, Reason
from pennant.core.facts.decision import Event, EventType
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Revision
from pennant.core.rollout import history


def of_changes(
    before: ModelDeploymentStatus, after: ModelDeploymentStatus, revisions: Iterable[Revision], now: datetime
) -> tuple[Event, ...]:
    """Return the Events for the differences between two statuses, and for repaired history entries."""
    return (
        *_of_command(before, after),
        *_of_release(before, after),
        *_of_verification(before, after),
        *_of_adoption(before, after),
        *(Event(EventType.WARNING, Reason.HISTORY_TAMPERED, each) for each in history.restored(before, revisions, now)),
        *_of_condition(before, after, ConditionType.SUSPENDED, EventType.NORMAL, ConditionStatus.TRUE),
        *_of_condition(before, after, ConditionType.HISTORY_INTACT, EventType.WARNING, ConditionStatus.FALSE),
        *of_stall(before, after),
    )


def of_stall(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    """Return a warning if `Stalled` becomes True, or gets another reason, or is about another target version."""
    asked = [each.desired.version if each.desired else "" for each in (before, after)]
    again = before.desired is not None and asked[0] != asked[1]
    return _of_condition(before, after, ConditionType.STALLED, EventType.WARNING, ConditionStatus.TRUE, again=again)


def revision_created(entry: HistoryEntry) -> Event:
    """Return the Event for a new revision."""
    told = f"revision {entry.revision} serves {entry.version}: {entry.reason}{_by(entry.user)}"
    return Event(EventType.NORMAL, Reason.REVISION_CREATED, told)


def warning(reason: Reason, message: str) -> Event:
    """Return the Event for a fact about the pod template that a user may not want."""
    return Event(EventType.WARNING, reason, message)


def adopted(what: str) -> Event:
    """Return the Event for objects without an owner that were adopted; `what` names them."""
    return Event(EventType.NORMAL, Reason.ADOPTED, f"adopted {what}, which had no owner")


def adopting(name: str, adoption: Adoption) -> Event:
    """Return the Event for an existing Deployment that is about to be taken over."""
    pods = "its pods keep running"
    if adoption.replaces_pods:
        pods = f"its pods are replaced by a rolling update, because {adoption.replaces_pods}"
    message = f"takes over Deployment {name}: {pods}. Its manifest is kept in ControllerRevision {adoption.manifest}"
    return Event(EventType.NORMAL, Reason.ADOPTING, message)


def drift_corrected(drift: Drift) -> Event:
    """Return the Event for a manual change of the Deployment that is corrected."""
    return Event(EventType.WARNING, Reason.DRIFT_CORRECTED, f"{drift.message}; it is corrected")


def _of_command(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    said = after.last_command
    if said is None or said.withdrawn_at is not None or said == before.last_command:
        return ()
    message = f"{said.command}: {said.message}{_by(said.user)}"
    if said.result is CommandResult.ACCEPTED:
        return (Event(EventType.NORMAL, Reason.COMMAND_ACCEPTED, message),)
    return (Event(EventType.WARNING, Reason.COMMAND_REFUSED, message),)


def _by(user: str | None) -> str:
    """Return the clause that names an authenticated user; empty where none is known.

    Rule: R151.
    """
    return f"; by the user {user}" if user else ""


def _of_adoption(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    """Return the Event for a Deployment that was taken over."""
    found = after.adoption
    if found is None or found == before.adoption or found.phase is not AdoptionPhase.ADOPTED:
        return ()
    sets = f"ReplicaSet {found.serving.name}" if found.serving is not None else "no ReplicaSet"
    return (Event(EventType.NORMAL, Reason.ADOPTED, f"took over the existing Deployment, with {sets}"),)


def _of_release(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    still = {each.digest for each in after.quarantine}
    return tuple(
        Event(EventType.NORMAL, Reason.RELEASED, f"{each.version} is no longer quarantined")
        for each in before.quarantine
        if each.digest not in still
    )


def _of_verification(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> tuple[Event, ...]:
    """Return the Event for a revision that is not verified after twice its bake time, once."""
    noticed = {each.revision for each in before.history if each.overdue_at is not None}
    condition = find(after.conditions, ConditionType.VERIFIED)
    if condition is None or condition.status is not ConditionStatus.FALSE:
        return ()
    active = current(after.history)
    if active is None or active.overdue_at is None or active.revision in noticed:
        return ()
    message = f"not verified after twice the bake time: {condition.message}"
    return (Event(EventType.WARNING, Reason.NOT_VERIFIED, message),)


def _of_condition(
    before: ModelDeploymentStatus,
    after: ModelDeploymentStatus,
    kind: ConditionType,
    event_type: EventType,
    status: ConditionStatus,
    *,
    again: bool = False,
) -> tuple[Event, ...]:
    """Return an Event if a condition has this status, and had another status or reason before.

    With `again`, also if neither changed.
    """
    old, new = find(before.conditions, kind), find(after.conditions, kind)
    if new is None or new.status is not status or (not again and old is not None and _says(old) == _says(new)):
        return ()
    return (Event(event_type, Reason.of(new.reason), new.message),)


def _says(condition: Condition) -> tuple[ConditionStatus, str]:
    return condition.status, condition.reason
