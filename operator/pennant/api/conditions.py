"""Conditions as the Kubernetes API conventions define them, and how `lastTransitionTime` is kept."""

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
    """One condition of an object."""

    type: Word
    """Type of the condition, in CamelCase."""
    status: ConditionStatus
    """Status of the condition: True, False or Unknown."""
    reason: Word
    """Reason for the status, as one CamelCase word. docs/conditions.md explains all of them."""
    message: Message
    """Reason for the status, in a sentence with the measured values."""
    observed_generation: Annotated[int, Field(ge=-1)]
    """The `metadata.generation` of the object for which the condition was computed."""
    last_transition_time: Timestamp
    """Time when `status` last changed."""


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """Return the condition of this type; None: there is none."""
    return next((each for each in conditions if each.type == kind), None)


def carried(previous: Iterable[Condition], fresh: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return the fresh conditions; `lastTransitionTime` moves only where `status` changed.

    A time later than the fresh one's was written before the clock was set back, and counts as now.
    """
    before = {each.type: each for each in previous}

    def carry(condition: Condition) -> Condition:
        old = before.get(condition.type)
        if old is None or old.status != condition.status:
            return condition
        since = min(old.last_transition_time, condition.last_transition_time)
        return condition.model_copy(update={"last_transition_time": since})

    return tuple(carry(each) for each in fresh)
