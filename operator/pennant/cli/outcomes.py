"""What became of a revision, as people read it."""

from collections.abc import Sequence

from pennant.api.history import HistoryEntry, Outcome, Trigger

UNDONE = "Undone"


def undo_goes_to(target: HistoryEntry) -> str:
    """Return where an undo without a revision goes, and that no verified revision is left if it was not verified."""
    what = f"{target.version} (revision {target.revision})"
    return what if target.verified_at is not None else f"{what}, which was never verified: no verified one is left"


def outcome(entry: HistoryEntry, history: Sequence[HistoryEntry]) -> str:
    """Return the outcome of a revision, and `Undone` where an undo replaced it.

    The API says RolledBack or Superseded of such a revision; that a user did it is in the trigger of the next revision.
    """
    successor = next((each for each in history if each.revision > entry.revision), None)
    replaced = entry.outcome in (Outcome.ROLLED_BACK, Outcome.SUPERSEDED)
    if replaced and successor is not None and successor.trigger is Trigger.UNDO:
        return UNDONE
    return str(entry.outcome)
