"""Who caused a revision, in words that say whether the API server has authenticated them."""

from pennant.api.history import HistoryEntry
from pennant.cli import output
from pennant.core.rollout.revision_draft import OPERATOR


def who(entry: HistoryEntry) -> str:
    """Return the authenticated user of a revision, or else its actor with what an actor is.

    Rule: R151.
    """
    if entry.user:
        return entry.user
    if not entry.actor:
        return output.NONE
    if entry.command:
        return f"{entry.actor} (not authenticated)"
    return "the operator" if entry.actor == OPERATOR else f"{entry.actor} (field manager)"


def actor_is(entry: HistoryEntry) -> str:
    """Return where the actor of a revision comes from."""
    if entry.command:
        return "annotation pennant.dev/requested-by, not authenticated"
    return "the operator" if entry.actor == OPERATOR else "field manager, not authenticated"


def in_full(entry: HistoryEntry) -> str:
    """Return the authenticated user, if one is known, and the actor with where it comes from."""
    actor = f"{entry.actor or 'not given'} ({actor_is(entry)})"
    return f"{entry.user} (authenticated); {actor}" if entry.user else actor
