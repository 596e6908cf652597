"""What a ModelDeployment is at, in one or two words: the badge of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pennant.api.conditions import Condition, ConditionStatus
from pennant.api.history import HistoryEntry, Trigger
from pennant.api.reasons import ConditionType
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Invalid, Snapshot

TRUE, FALSE = ConditionStatus.TRUE, ConditionStatus.FALSE
BACKWARDS = (Trigger.AUTOMATIC_ROLLBACK, Trigger.UNDO)


class Tone(StrEnum):
    """How something is coloured; a word always says the same."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class State:
    """The badge of a ModelDeployment, and the sentence under it."""

    word: str
    tone: Tone
    message: str = ""


def state(snapshot: Snapshot) -> State:
    """Return the state, from the conditions that the operator wrote; the one that matters most to a user wins."""
    if snapshot.deleting:
        return State("Being deleted", Tone.WARN, "This ModelDeployment and what belongs to it are being deleted.")
    if isinstance(snapshot.spec, Invalid):
        return State("Invalid", Tone.BAD, snapshot.spec.problem)
    found = {each.type: each for each in snapshot.status.conditions}
    ready = found.get(ConditionType.READY)
    if ready is None:
        return State("Not observed yet", Tone.IDLE, _unobserved(snapshot))
    candidate = in_place(snapshot.status.history).candidate
    return _exceptional(found, ready, candidate) or _steady(ready, found.get(ConditionType.VERIFIED))


def _exceptional(found: Mapping[str, Condition], ready: Condition, candidate: HistoryEntry | None) -> State | None:
    """Return the state where something is wrong or under way; None where nothing is."""
    holds = {kind for kind, each in found.items() if each.status is TRUE}
    if ConditionType.SUSPENDED in holds:
        return State("Paused", Tone.WARN, _paused(ready))
    if ConditionType.STALLED in holds:
        return State("Needs action", Tone.BAD, found[ConditionType.STALLED].message)
    if candidate is not None and candidate.trigger in BACKWARDS:
        return State("Rolling back", Tone.BUSY, candidate.reason)
    if ConditionType.ROLLED_BACK in holds:
        return State("Rolled back", Tone.BAD, found[ConditionType.ROLLED_BACK].message)
    if ConditionType.RECONCILING in holds:
        return State("Rolling out" if candidate is not None else "Changing", Tone.BUSY, ready.message)
    return None


def _steady(ready: Condition, verified: Condition | None) -> State:
    if ready.status is not TRUE:
        return State("Not ready", Tone.WARN, ready.message)
    if verified is not None and verified.status is not TRUE:
        return State("Serving", Tone.BUSY, verified.message)
    return State("Verified", Tone.GOOD, ready.message)


def _unobserved(snapshot: Snapshot) -> str:
    return (
        "The operator has written no status yet. Is it running, and does it watch the namespace "
        f"{snapshot.key.namespace}?"
    )


def _paused(ready: Condition) -> str:
    paused = "Rollouts and rollbacks are paused by spec.paused."
    return f"{paused} {ready.message}" if ready.reason != ConditionType.SUSPENDED and ready.status is FALSE else paused


def tone_of(entry: HistoryEntry) -> Tone:
    """Return the tone of a revision by its outcome."""
    return {
        "InProgress": Tone.BUSY,
        "Serving": Tone.BUSY,
        "Verified": Tone.GOOD,
        "RolledBack": Tone.BAD,
        "Failed": Tone.BAD,
    }.get(str(entry.outcome), Tone.IDLE)
