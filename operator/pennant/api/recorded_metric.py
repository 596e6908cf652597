"""Metrics that were measured when a ModelVersion was created, as its record has them."""

from enum import StrEnum

from pennant.api.meta import ApiModel, DatasetName, Line, RegistryKey, Word
from pennant.api.number import Decimal


class Split(StrEnum):
    """The split of the data on which a metric was computed."""

    TRAIN = "Train"
    VALIDATION = "Validation"
    TEST = "Test"


class Direction(StrEnum):
    """Whether larger or smaller values of a metric are better."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"


class MetricCategory(StrEnum):
    """What a metric measures."""

    PERFORMANCE = "Performance"
    FAIRNESS = "Fairness"
    LATENCY = "Latency"
    ROBUSTNESS = "Robustness"
    COST = "Cost"


class RecordedMetric(ApiModel):
    """A metric that was measured when the version was created."""

    name: RegistryKey
    """Name of the metric, as its registry has it, such as `f1_macro` or `val/loss`."""
    value: Decimal
    """Value of the metric: a number such as `0.91` or `2e-05`, or the same in quotes, which keeps all digits."""
    dataset: DatasetName | None = None
    """Name of the data set on which it was computed."""
    split: Split | None = None
    """Split of the data on which it was computed: Train, Validation or Test."""
    slice: Line | None = None
    """Part of the data for which it was computed, such as one class or a group of people, as its registry names it. A
    metric has one value for each slice. Default: all of it."""
    direction: Direction | None = None
    """Maximize if larger values are better, Minimize if smaller values are."""
    unit: Word | None = None
    """Unit of the value."""
    category: MetricCategory | None = None
    """What the metric measures: Performance, Fairness, Latency, Robustness or Cost."""
