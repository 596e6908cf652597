"""Conditions as the Kubernetes API conventions define them, and the one rule of their times."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.meta import ApiModel, Message, Timestamp, Word


class ConditionStatus(StrEnum):
    """Whether a condition holds; `Unknown` means that the operator cannot tell."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """One observed aspect of an object."""

    type: Word
    """What is described, in CamelCase."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Word
    """Why, as one CamelCase word; the documentation lists all of them."""
    message: Message
    """Why, in a sentence for people, with the numbers."""
    observed_generation: Annotated[int, Field(ge=-1)]
    """The `metadata.generation` that this was computed from."""
    last_transition_time: Timestamp
    """When `status` last changed."""


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """Return the condition of this type, if it is there."""
    return next((each for each in conditions if each.type == kind), None)


def carried(previous: Iterable[Condition], fresh: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return the fresh conditions; `lastTransitionTime` moves only where `status` changed.

    A time after the fresh one's is from before the clock was set back, and counts as now.
    """
    before = {each.type: each for each in previous}

    def carry(condition: Condition) -> Condition:
        old = before.get(condition.type)
        if old is None or old.status != condition.status:
            return condition
        since = min(old.last_transition_time, condition.last_transition_time)
        return condition.model_copy(update={"last_transition_time": since})

    return tuple(carry(each) for each in fresh)
