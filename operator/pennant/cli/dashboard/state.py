"""What a ModelDeployment is at, in one or two words: the badge of the page."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pennant.api.conditions import Condition, ConditionStatus
from pennant.api.history import BAD, HistoryEntry, Trigger
from pennant.api.reasons import ConditionType, Reason
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Invalid, Snapshot

TRUE = ConditionStatus.TRUE
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
        return State("Invalid", Tone.BAD, sentence(snapshot.spec.problem))
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
        stalled = found[ConditionType.STALLED]
        word = "Rolled back" if stalled.reason == Reason.ROLLED_BACK else "Needs action"
        return State(word, Tone.BAD, sentence(stalled.message))
    if candidate is not None and candidate.trigger in BACKWARDS:
        return State("Rolling back", Tone.BUSY, sentence(candidate.reason))
    if ConditionType.ROLLED_BACK in holds:
        return State("Rolled back", Tone.BAD, sentence(found[ConditionType.ROLLED_BACK].message))
    return _changing(found, holds, is_rollout=candidate is not None, message=ready.message)


def _changing(
    found: Mapping[str, Condition], holds: Collection[str], *, is_rollout: bool, message: str
) -> State | None:
    if ConditionType.TAG_RESOLVED in found and ConditionType.TAG_RESOLVED not in holds:
        return State("No target version", Tone.WARN, sentence(found[ConditionType.TAG_RESOLVED].message))
    if ConditionType.RECONCILING in holds:
        return State("Rolling out" if is_rollout else "Changing", Tone.BUSY, sentence(message))
    return None


def _steady(ready: Condition, verified: Condition | None) -> State:
    if ready.status is not TRUE:
        return State("Not ready", Tone.WARN, sentence(ready.message))
    if verified is not None and verified.status is not TRUE:
        return State("Serving", Tone.BUSY, sentence(verified.message))
    return State("Verified", Tone.GOOD, sentence(ready.message))


def _unobserved(snapshot: Snapshot) -> str:
    return (
        "The operator has written no status yet. Is it running, and does it watch the namespace "
        f"{snapshot.key.namespace}?"
    )


def _paused(ready: Condition) -> str:
    paused = "Rollouts and rollbacks are paused by spec.paused."
    return paused if ready.status is TRUE or ready.reason == Reason.PAUSED else f"{paused} {ended(ready.message)}"


def sentence(text: str) -> str:
    """Return a message of the API as a sentence of its own."""
    return ended(f"{text[:1].upper()}{text[1:]}")


def ended(text: str) -> str:
    """Return a message of the API, which may begin with the name of a metric, with a full stop."""
    return f"{text}." if text and not text.endswith((".", "?")) else text


def tone_of(entry: HistoryEntry) -> Tone:
    """Return the tone of a revision by its outcome; one that was verified stays good when another replaces it."""
    if entry.verified_at is not None and entry.outcome not in BAD:
        return Tone.GOOD
    return {
        "InProgress": Tone.BUSY,
        "Serving": Tone.BUSY,
        "RolledBack": Tone.BAD,
        "Failed": Tone.BAD,
    }.get(str(entry.outcome), Tone.IDLE)


def words(word: str) -> str:
    """Return a word of the API as a page writes it: `RolledBack` as `Rolled back`."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", word)
