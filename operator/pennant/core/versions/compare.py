"""Compare the recorded metrics of two records: how much worse a candidate is than the current version.

Rule: R124.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pennant.api.model_deployment import PromotionGate
from pennant.api.model_version import ModelVersionSpec
from pennant.api.recorded_metric import Direction, RecordedMetric, Split
from pennant.core.facts.digest import comparable


@dataclass(frozen=True, slots=True)
class Number:
    """Identifies a recorded metric; values are comparable only if all fields are equal."""

    metric: str
    dataset: str | None = None
    split: Split | None = None
    slice: str | None = None

    def __str__(self) -> str:
        """Return the name for a message, such as `accuracy/holdout/test`."""
        parts = (self.metric, self.dataset, self.split.value if self.split else None, self.slice)
        return "/".join(each for each in parts if each)


@dataclass(frozen=True, slots=True)
class Compared:
    """The values of both records; `regression` is how much worse the candidate is, negative if it is better."""

    metric: str
    candidate: Decimal
    present: Decimal
    regression: Decimal


@dataclass(frozen=True, slots=True)
class Incomparable:
    """Why a metric of the two records cannot be compared."""

    why: str


def of_gate(gate: PromotionGate) -> Number:
    """Return the metric that a gate of `spec.promotion.gates` names."""
    return Number(gate.metric, gate.dataset, gate.split, gate.slice)


def compare_records(candidate: ModelVersionSpec, present: ModelVersionSpec) -> dict[Number, Compared | Incomparable]:
    """Return the comparison of each metric that either record has, in the order of the candidate's record."""
    new, old = values(candidate), values(present)
    return {
        number: _compared(number, candidate, present, _only(number, new), _only(number, old))
        for number in {**new, **old}
    }


Values = Mapping[Number, Sequence[RecordedMetric]]


def values(record: ModelVersionSpec) -> Values:
    """Return the metrics of a record by what identifies them. A valid record may have two for one number."""
    found: dict[Number, list[RecordedMetric]] = defaultdict(list)
    for each in record.metrics:
        found[Number(each.name, each.dataset, each.split, each.slice)].append(each)
    return dict(found)


def compare(number: Number, candidate: ModelVersionSpec, present: ModelVersionSpec) -> Compared | Incomparable:
    """Return the comparison of one metric, or why it cannot be compared.

    If the data set has a digest in both records, the digests must be equal. At least one record must have the direction
    (whether larger is better), and both must have the same one if both have one.

    Rule: R11.
    """
    fresh, old = _only(number, values(candidate)), _only(number, values(present))
    return _compared(number, candidate, present, fresh, old)


def _compared(
    number: Number,
    candidate: ModelVersionSpec,
    present: ModelVersionSpec,
    fresh: RecordedMetric | str,
    old: RecordedMetric | str,
) -> Compared | Incomparable:
    """Return the comparison of the only value of each record, or of why there is none."""
    if isinstance(fresh, str):
        return Incomparable(f"{candidate.version} {fresh}")
    if isinstance(old, str):
        return Incomparable(f"{present.version} {old}")
    if (differ := _other_data(number, candidate, present)) is not None:
        return Incomparable(differ)
    direction = fresh.direction or old.direction
    if direction is None:
        return Incomparable("neither record has a direction (Maximize or Minimize)")
    if fresh.direction is not None and old.direction is not None and fresh.direction is not old.direction:
        return Incomparable("the two records have different directions")
    new, before = Decimal(fresh.value), Decimal(old.value)
    regression = before - new if direction is Direction.MAXIMIZE else new - before
    return Compared(number.metric, new, before, regression)


def _only(number: Number, found: Values) -> RecordedMetric | str:
    match found.get(number, []):
        case [only]:
            return only
        case []:
            return "has no recorded value"
        case _:
            return f"has {len(found[number])} recorded values, expected one"


def _other_data(number: Number, candidate: ModelVersionSpec, present: ModelVersionSpec) -> str | None:
    """Return why the data sets of the two records differ: by their digests; None: equal, or one has no digest."""
    digests = [
        next((comparable(each.digest) for each in record.datasets if each.name == number.dataset), None)
        for record in (candidate, present)
    ]
    if None not in digests and digests[0] != digests[1]:
        return f"data set {number.dataset} has different digests in the two records"
    return None
