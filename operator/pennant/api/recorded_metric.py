"""The metrics that were measured when a ModelVersion was made."""

from enum import StrEnum

from pennant.api.meta import ApiModel, Decimal, Label, Line, Word


class Split(StrEnum):
    """The part of the data that a metric was computed on."""

    TRAIN = "Train"
    VALIDATION = "Validation"
    TEST = "Test"


class Direction(StrEnum):
    """Which way a metric is better."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"


class MetricCategory(StrEnum):
    """What a metric speaks of."""

    PERFORMANCE = "Performance"
    FAIRNESS = "Fairness"
    LATENCY = "Latency"
    ROBUSTNESS = "Robustness"
    COST = "Cost"


class RecordedMetric(ApiModel):
    """One number that was measured when the version was made."""

    name: Word
    """Name of the metric."""
    value: Decimal
    """Its value, as a decimal string."""
    dataset: Label | None = None
    """Name of the data set that it was computed on."""
    split: Split | None = None
    """Train, Validation or Test."""
    slice: Line | None = None
    """The part of the population, where it is only one."""
    direction: Direction | None = None
    """Which way it is better: Maximize or Minimize."""
    unit: Word | None = None
    """Its unit."""
    category: MetricCategory | None = None
    """Performance, Fairness, Latency, Robustness or Cost."""
