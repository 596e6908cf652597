"""Whether a user, or the operator by itself, can go back to an earlier revision now, and to which."""

from dataclasses import dataclass
from datetime import datetime

from pennant.api.history import HistoryEntry, QuarantineEntry
from pennant.api.model_deployment import RollbackAction
from pennant.api.reasons import Reason
from pennant.cli.dashboard.state import sentence
from pennant.cli.outcomes import undo_goes_to
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid, Snapshot
from pennant.core.rollout import rollback_limits
from pennant.core.rollout.revision import pair
from pennant.core.rollout.rollback import never_verified, newest_verified, quarantined
from pennant.core.rollout.undo import NoTarget, undo_target


@dataclass(frozen=True, slots=True)
class WayBack:
    """The answer to "can we go back?"."""

    answer: str
    """`Yes`, `No`, or a few words."""
    possible: bool
    why: str
    """To which revision, or why there is none."""
    verified_at: datetime | None = None
    """When the target was verified; None: it was not, or there is no target."""
    command: str = ""
    """What a user types; empty: there is nothing to do."""
    automatic: str = ""
    """What the operator does by itself if the current revision fails."""


def way_back(snapshot: Snapshot, now: datetime, flags: str = "") -> WayBack:
    """Return the way back that `kubectl pennant undo` would take, and what the operator would do by itself.

    `flags` are added to the command, such as ` --context prod`.
    """
    status, spec, key = snapshot.status, snapshot.spec, snapshot.key
    if isinstance(spec, Invalid):
        return WayBack("No", False, sentence(f"the spec cannot be read: {spec.problem}"))
    if not status.history:
        return WayBack("Not yet", False, "Nothing was rolled out yet, so there is nothing to go back to.")
    automatic = _automatic(snapshot, now)
    target = undo_target(status.history, status.quarantine, snapshot, "")
    options = f"{key.name} -n {key.namespace}{flags}"
    if isinstance(target, NoTarget):
        return WayBack("No", False, sentence(target.problem), automatic=automatic)
    to = f"To {undo_goes_to(target)}"
    if spec.paused:
        why = f"{to}, but this ModelDeployment is paused: resume it first."
        return WayBack("After a resume", False, why, target.verified_at, f"kubectl pennant resume {options}", automatic)
    command = f"kubectl pennant undo {options}"
    return WayBack("Yes", True, f"{to}.", target.verified_at, command, automatic)


def _automatic(snapshot: Snapshot, now: datetime) -> str:
    spec, history = snapshot.spec, snapshot.status.history
    active = current(history)
    if isinstance(spec, Invalid) or active is None:
        return ""
    lead = f"If {active.version} fails now,"
    if (held := rollback_limits.unwanted(spec) or rollback_limits.too_soon(spec, history, now)) is not None:
        return f"{lead} the operator does not roll back: {held.message}."
    if spec.rollback.action is RollbackAction.PAUSE:
        return f"{lead} the operator pauses the rollout and waits for a user (rollback.action is Pause)."
    target = newest_verified(history, _with_failure(snapshot, active, now), snapshot.revisions, active.digest)
    if target is None:
        return f"{lead} there is no verified revision to roll back to; it keeps serving."
    return f"{lead} the operator rolls back to {named(target)} by itself."


def _with_failure(snapshot: Snapshot, active: HistoryEntry, now: datetime) -> tuple[QuarantineEntry, ...]:
    """Return the quarantine as it would be after a breach of the current revision."""
    whole = never_verified(active, snapshot.status.history)
    entry = QuarantineEntry(
        digest=active.digest,
        version=active.version,
        inputs_hash=None if whole else pair(active)[1],
        reason=Reason.METRIC_BREACH,
        message="",
        since=now,
        revision=active.revision,
    )
    return quarantined(snapshot.status.quarantine, entry)


def named(entry: HistoryEntry) -> str:
    """Return the version and the revision of an entry, as in `1.0.0 (revision 3)`."""
    return f"{entry.version} (revision {entry.revision})"
