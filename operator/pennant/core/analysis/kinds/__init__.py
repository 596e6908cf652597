"""The kinds of metrics, one module each, and the table of them all."""

from typing import Any

from pennant.core.analysis.kind import MetricKind
from pennant.core.analysis.kinds.alert import AlertKind
from pennant.core.analysis.kinds.prometheus import PrometheusKind

KINDS: dict[str, MetricKind[Any, Any, Any]] = {
    "prometheus": PrometheusKind(),
    "alert": AlertKind(),
}
"""By the name of the member of `Metric` that describes what is asked."""
