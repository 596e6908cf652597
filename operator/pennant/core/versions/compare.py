"""Compare two records: whether a recorded number is worse for a candidate than for the version in place."""

from dataclasses import dataclass
from decimal import Decimal

from pennant.api.model_deployment import PromotionGate
from pennant.api.model_version import Direction, ModelVersionSpec, RecordedMetric


@dataclass(frozen=True, slots=True)
class Compared:
    """A number of both records; `regression` is how much worse the candidate is, negative where it is better."""

    metric: str
    candidate: Decimal
    present: Decimal
    regression: Decimal


@dataclass(frozen=True, slots=True)
class Incomparable:
    """Why a number of the two records cannot be compared."""

    why: str


def compare(gate: PromotionGate, candidate: ModelVersionSpec, present: ModelVersionSpec) -> Compared | Incomparable:
    """Return the number that a gate speaks of, for both records.

    Two values are the same number where metric, data set and split are equal; a data set that has a digest in both
    records must have the same one.

    Rule: R11.
    """
    fresh, old = _value(gate, candidate), _value(gate, present)
    if isinstance(fresh, str):
        return Incomparable(f"{candidate.version} {fresh}")
    if isinstance(old, str):
        return Incomparable(f"{present.version} {old}")
    if (differ := _other_data(gate, candidate, present)) is not None:
        return Incomparable(differ)
    direction = fresh.direction or old.direction
    if direction is None:
        return Incomparable("neither record says which direction is better")
    if fresh.direction is not None and old.direction is not None and fresh.direction is not old.direction:
        return Incomparable("the two records do not agree on which direction is better")
    new, before = Decimal(fresh.value), Decimal(old.value)
    regression = before - new if direction is Direction.MAXIMIZE else new - before
    return Compared(gate.metric, new, before, regression)


def _value(gate: PromotionGate, record: ModelVersionSpec) -> RecordedMetric | str:
    found = [
        each
        for each in record.metrics
        if (each.name, each.dataset, each.split, each.slice) == (gate.metric, gate.dataset, gate.split, None)
    ]
    match found:
        case [only]:
            return only
        case []:
            return "has no such value"
        case _:
            return f"has {len(found)} such values"


def _other_data(gate: PromotionGate, candidate: ModelVersionSpec, present: ModelVersionSpec) -> str | None:
    """Return why the data set of this name is not the same one in both records; None where nothing says so."""
    digests = [
        next((each.digest for each in record.datasets if each.name == gate.dataset), None)
        for record in (candidate, present)
    ]
    if None not in digests and digests[0] != digests[1]:
        return f"the data set {gate.dataset} has another digest in each record"
    return None
