"""What every kind of metric has in common in the API: the name of a metric source, and which fields it leaves out.

A kind of metric is an optional member of `Metric` whose model is a `MetricQuery`. The rules of `Metric` are generated
from these models, for the API server (CEL) and for this program alike.
"""

from typing import ClassVar

from pennant.api.meta import ApiModel, Label


class MetricQuery(ApiModel):
    """What a metric of one kind asks of its metric source."""

    source: Label = "default"
    """Name of a metric source in the operator's configuration. Default: `default`."""

    LEAVES_OUT: ClassVar[tuple[str, ...]] = ()
    """Fields of `Metric` that cannot be set beside this kind."""
    BECAUSE: ClassVar[str] = ""
    """Why, as the user reads it; empty where `LEAVES_OUT` is empty."""

    @classmethod
    def is_number(cls) -> bool:
        """Return whether a metric of this kind is a number, which needs `threshold` or `compareTo`."""
        return "threshold" not in cls.LEAVES_OUT
