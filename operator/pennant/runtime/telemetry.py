"""The operator's own Prometheus metrics: its requests, its queues and passes, and whether it leads."""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from pennant import __version__
from pennant.core.facts.decision import Decision
from pennant.core.facts.observation import Key, Observation
from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import Kind
from pennant.runtime.object_metrics import ObjectMetrics

ERRORS = ("conflict", "unavailable", "refused", "unsettled", "timeout", "bug")


class Telemetry:
    """All metrics of the process, on a registry of its own."""

    def __init__(self) -> None:
        """Create the metrics."""
        # `_created` would double the series of counters and histograms.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        _add_build_info(self.registry)
        self._passes = PassMetrics(self.registry)
        self._requests = RequestMetrics(self.registry)
        self._objects = ObjectMetrics(self.registry)
        self._leader = Gauge("pennant_leader", "Whether this process leads: 1 or 0.", registry=self.registry)
        self._leader.set(0)

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Record what one pass found and decided; without an observation the ModelDeployment was deleted."""
        self._objects.decided(key, seen, decision)

    def reconciled(self, kind: Kind, seconds: float) -> None:
        """Record the duration of one pass."""
        self._passes.duration.labels(kind.value).observe(seconds)

    def failed(self, kind: str) -> None:
        """Count a pass or a write that failed, by one of `ERRORS`."""
        self._passes.errors.labels(kind).inc()

    def queued(self, kind: Kind, depth: int, oldest_seconds: float) -> None:
        """Set the state of a work queue."""
        self._passes.depth.labels(kind.value).set(depth)
        self._passes.oldest.labels(kind.value).set(oldest_seconds)

    def failing(self, kind: Kind, objects: int) -> None:
        """Set the number of objects with a write that has failed for a minute."""
        self._passes.failing.labels(kind.value).set(objects)

    def requested(self, verb: ApiVerb, kind: Kind, code: int, seconds: float) -> None:
        """Count a request to the API server; code 0: no response."""
        self._requests.api.labels(verb.value, kind.value, str(code)).inc()

    def queried(self, source: str, result: str, seconds: float) -> None:
        """Count a query to a metric source, and record its duration."""
        self._requests.queries.labels(source, result).inc()
        self._requests.query_duration.observe(seconds)

    def hinted(self, code: int) -> None:
        """Count a request to the alert webhook by the HTTP status of its response."""
        self._requests.hints.labels(str(code)).inc()

    def relisted(self, seconds: float, repaired: int) -> None:
        """Record the duration of one complete list, and count the keys with changes that no watch had delivered."""
        self._requests.relist_duration.observe(seconds)
        self._requests.repaired.inc(repaired)

    def led(self, is_leading: bool) -> None:
        """Set whether this process leads."""
        self._leader.set(float(is_leading))


class PassMetrics:
    """Metrics of passes and work queues, by the kind of the objects."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Create the metrics on this registry; every kind of error starts at 0."""
        self.duration = Histogram(
            "pennant_reconcile_duration_seconds",
            "Duration of one reconciliation.",
            ("kind",),
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
            registry=registry,
        )
        self.errors = Counter(
            "pennant_reconcile_errors_total",
            "Reconciliations that failed and are retried, by kind of error; `bug` is a bug of the operator, `unsettled`"
            " means that pass after pass had something to write.",
            ("kind",),
            registry=registry,
        )
        for kind in ERRORS:
            self.errors.labels(kind)
        self.depth = Gauge(
            "pennant_workqueue_depth", "Number of objects that wait for a worker.", ("kind",), registry=registry
        )
        self.oldest = Gauge(
            "pennant_workqueue_oldest_seconds",
            "Time for which the oldest of these objects has waited.",
            ("kind",),
            registry=registry,
        )
        self.failing = Gauge(
            "pennant_failing_writes",
            "Number of objects with a write that has failed for a minute.",
            ("kind",),
            registry=registry,
        )


class RequestMetrics:
    """Metrics of requests to the API server and to metric sources, and of those to the alert webhook."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Create the metrics on this registry."""
        self.api = Counter(
            "pennant_api_requests_total",
            "Requests to the API server; code 0 is no response.",
            ("verb", "kind", "code"),
            registry=registry,
        )
        self.queries = Counter(
            "pennant_prometheus_requests_total",
            "Queries to metric sources, by result: success, refused or unavailable.",
            ("source", "result"),
            registry=registry,
        )
        self.query_duration = Histogram(
            "pennant_prometheus_request_duration_seconds",
            "Duration of queries to metric sources.",
            buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
            registry=registry,
        )
        self.hints = Counter(
            "pennant_alert_webhook_requests_total", "Requests to the alert webhook.", ("code",), registry=registry
        )
        self.relist_duration = Histogram(
            "pennant_relist_duration_seconds",
            "Duration of complete lists of all objects.",
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30),
            registry=registry,
        )
        self.repaired = Counter(
            "pennant_relist_repairs_total",
            "ModelDeployments with changes in a complete list that no watch had delivered.",
            registry=registry,
        )


def _add_build_info(registry: CollectorRegistry) -> None:
    build = Gauge(
        "pennant_build_info",
        "The version that runs; always 1.",
        ("version", "python_version", "kopf_version"),
        registry=registry,
    )
    build.labels(__version__, platform.python_version(), version("kopf")).set(1)
