"""The type `ConditionValue`, and functions of the pass that several conditions use."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.conditions import ConditionStatus, find
from pennant.api.history import QuarantineEntry
from pennant.api.reasons import ConditionType, Reason
from pennant.core.facts.decision import CreateRevision
from pennant.core.rollout import history, revision, rollback
from pennant.core.rollout.pass_state import Pass
from pennant.core.versions.selection import Selected

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """Status, reason and message of a condition."""

    status: ConditionStatus
    reason: Reason
    message: str


def unresolved_since(at: Pass) -> datetime | None:
    """Return since when no version or several have been selected; None: exactly one is.

    The time is that of the condition `TagResolved`, so a restart of the operator does not change it.
    """
    if isinstance(at.selection, Selected):
        return None
    condition = find(at.before.conditions, ConditionType.TAG_RESOLVED)
    if condition is None or condition.status is not FALSE:
        return at.now
    return min(condition.last_transition_time, at.now)


def quarantined_target(at: Pass) -> QuarantineEntry | None:
    """Return the quarantine entry that keeps the target version from being the current revision; None: none does."""
    if not isinstance(at.selection, Selected):
        return None
    version, active = at.selection.version, at.active
    by = rollback.quarantine_entry(version.digest, at.inputs_hash, at.quarantine)
    if by is None or active is None or active.digest != version.digest:
        return by
    # The current revision itself is not blocked: without a rollback target it keeps serving.
    is_current = by.inputs_hash is None or revision.pair(active) == (version.digest, at.inputs_hash)
    return None if is_current else by


def broken_records(at: Pass) -> tuple[str, ...]:
    """Return a sentence for each ControllerRevision of the history that is missing or must not be used."""
    created = (each.revision for each in at.actions if isinstance(each, CreateRevision))
    return history.broken(at.status.revisions, (*at.snapshot.revisions, *created), at.snapshot.untrusted)


def unusable_record(at: Pass) -> str:
    """Return why the current revision cannot be applied again, because of its ControllerRevision; empty: it can.

    Also empty while paused, and in a pass with another write, which may replace the revision.
    """
    if at.active is None or at.actions or at.spec.paused:
        return ""
    number = at.active.revision
    if any(each.entry.revision == number for each in at.snapshot.revisions):
        return ""
    found = at.snapshot.untrusted.get(number)
    return found.says if found is not None and found.says else f"the ControllerRevision of revision {number} is missing"
