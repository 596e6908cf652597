"""What `/metrics` exports: one `Definition` for each metric, from which its reference is generated too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric as Family


class MetricType(StrEnum):
    """The types of Prometheus metrics that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One metric. `eq=False`: a definition is compared by identity, so it can be a key."""

    name: str
    """The name as queries use it; that of a counter ends with `_total`, that of a histogram has no suffix."""
    type: MetricType
    means: str
    """The text of `# HELP`."""
    example: str
    """One line of `/metrics`; of a histogram, its `_count`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels, each with its meaning."""
    unit: str = "number"
    buckets: tuple[float, ...] = ()
    """The upper bounds of the buckets of a histogram."""

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Create the gauge on a registry."""
        return Gauge(self.name, self.means, tuple(self.labels), registry=registry)

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Create the counter on a registry."""
        return Counter(self.name, self.means, tuple(self.labels), registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Create the histogram on a registry."""
        return Histogram(self.name, self.means, tuple(self.labels), buckets=self.buckets, registry=registry)

    def family(self) -> Family:
        """Return the gauge or counter without samples, for a collector that makes them itself."""
        return Family(self.name.removesuffix("_total"), self.means, self.type.value)
