"""Metrics that were measured when a ModelVersion was created, as its record has them."""

from enum import StrEnum

from pennant.api.meta import ApiModel, DatasetName, Decimal, Line, Word


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

    name: Word
    """Name of the metric."""
    value: Decimal
    """Value of the metric, as a decimal string."""
    dataset: DatasetName | None = None
    """Name of the data set on which it was computed."""
    split: Split | None = None
    """Split of the data on which it was computed: Train, Validation or Test."""
    slice: Line | None = None
    """Part of the data for which it was computed, such as a group of people or one class. Default: all of it."""
    direction: Direction | None = None
    """Maximize if larger values are better, Minimize if smaller values are."""
    unit: Word | None = None
    """Unit of the value."""
    category: MetricCategory | None = None
    """What the metric measures: Performance, Fairness, Latency, Robustness or Cost."""
