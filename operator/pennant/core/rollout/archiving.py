"""What of a history is not in the archive yet.

A revision is archived when it is recorded, and again when it has ended. Only what the status already has is archived:
what is in the archive has happened.

Rule: R195.
"""

from pennant.api.deployment_status import Archived, ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.core.facts.observation import Observation
from pennant.core.rollout.history import History, trimmed

MOST = 100
"""Entries of a history: the maximum of `status.history` and of `historyLimit`."""


def due(status: ModelDeploymentStatus) -> tuple[HistoryEntry, ...]:
    """Return the entries that are not in the archive as they are in the status, oldest first."""
    known = status.archived or Archived()
    return tuple(
        each for each in status.history if each.revision > (known.recorded if each.ended_at is None else known.ended)
    )


def advanced(known: Archived, entry: HistoryEntry) -> Archived:
    """Return up to where the history is archived, after this entry was."""
    name = "recorded" if entry.ended_at is None else "ended"
    return known.model_copy(update={name: max(getattr(known, name), entry.revision)})


def joined(stored: Archived | None, confirmed: Archived) -> Archived:
    """Return the status field: what is stored, or what the archive has confirmed since."""
    known = stored or Archived()
    return Archived(recorded=max(known.recorded, confirmed.recorded), ended=max(known.ended, confirmed.ended))


def lost(status: ModelDeploymentStatus) -> int:
    """Return the number of revisions that left the history before they were archived."""
    if status.archived is None or not status.revisions:
        return 0
    return max(min(status.revisions) - status.archived.ended - 1, 0) if status.archived.ended else 0


def within_limit(past: History, observation: Observation, limit: int, kept: frozenset[int]) -> History:
    """Return the history with at most `limit` entries, or more while ended ones are not archived, up to `MOST`.

    Rule: R196.
    """
    if observation.archived is None:
        return trimmed(past, limit, kept)
    ended = joined(observation.snapshot.status.archived, observation.archived).ended
    waiting = frozenset(each.revision for each in past if each.revision > ended)
    return trimmed(trimmed(past, limit, kept | waiting), MOST, kept)
