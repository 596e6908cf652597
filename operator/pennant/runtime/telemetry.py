"""The operator's own metrics: what it asks of others, how it works, and whether it is well."""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from pennant import __version__
from pennant.core.facts.decision import Decision
from pennant.core.facts.observation import Key, Observation
from pennant.kube.http.client import Verb
from pennant.kube.http.resources import Kind
from pennant.runtime.object_metrics import ObjectMetrics


class Telemetry:
    """All instruments, on a registry of their own."""

    def __init__(self) -> None:
        """Make the instruments."""
        # The time at which a counter was made doubles the series and tells nobody anything.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        build = Gauge(
            "pennant_build_info",
            "The version that runs; always 1.",
            ("version", "python_version", "kopf_version"),
            registry=registry,
        )
        build.labels(__version__, platform.python_version(), version("kopf")).set(1)
        self._passes = Histogram(
            "pennant_reconcile_duration_seconds",
            "Time of one reconciliation.",
            ("kind",),
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
            registry=registry,
        )
        self._errors = Counter(
            "pennant_reconcile_errors_total",
            "Reconciliations that failed and are tried again, by kind; a bug is a mistake of the operator, unsettled"
            " means that pass after pass had something to write.",
            ("kind",),
            registry=registry,
        )
        for kind in ("conflict", "unavailable", "refused", "unsettled", "timeout", "bug"):
            self._errors.labels(kind)
        self._api_requests = Counter(
            "pennant_api_requests_total",
            "Requests to the API server; code 0 is no answer.",
            ("verb", "kind", "code"),
            registry=registry,
        )
        self._queries = Counter(
            "pennant_prometheus_requests_total",
            "Queries to metric sources, by result: success, refused or unavailable.",
            ("source", "result"),
            registry=registry,
        )
        self._query_seconds = Histogram(
            "pennant_prometheus_request_duration_seconds",
            "Time of queries to metric sources.",
            buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
            registry=registry,
        )
        self._hints = Counter(
            "pennant_alert_webhook_requests_total", "Requests to the alert webhook.", ("code",), registry=registry
        )
        self._relists = Histogram(
            "pennant_relist_duration_seconds",
            "Time of complete lists of all objects.",
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30),
            registry=registry,
        )
        self._repaired = Counter(
            "pennant_relist_repairs_total",
            "ModelDeployments that a complete list had news for, which no watch had told.",
            registry=registry,
        )
        self._leader = Gauge("pennant_leader", "Whether this process leads: 1 or 0.", registry=registry)
        self._leader.set(0)
        self._depth = Gauge("pennant_workqueue_depth", "Objects that wait for a worker.", ("kind",), registry=registry)
        self._oldest = Gauge(
            "pennant_workqueue_oldest_seconds",
            "Time for which the oldest of them has waited.",
            ("kind",),
            registry=registry,
        )
        self._failing = Gauge(
            "pennant_failing_writes",
            "Objects of which something could not be written for a minute.",
            ("kind",),
            registry=registry,
        )
        self._objects = ObjectMetrics(registry)

    # What the reconciler tells.
    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Take note of a pass; without an observation the ModelDeployment is gone."""
        self._objects.decided(key, seen, decision)

    # What the workers, the client, the sources, the elector and the resync tell.
    def reconciled(self, seconds: float, kind: Kind = Kind.MODEL_DEPLOYMENT) -> None:
        """A key was worked on."""
        self._passes.labels(kind.value).observe(seconds)

    def failed(self, kind: str) -> None:
        """Work on a key failed."""
        self._errors.labels(kind).inc()

    def requested(self, verb: Verb, kind: Kind, code: int, seconds: float) -> None:
        """A request to the API server was answered, or not."""
        self._api_requests.labels(verb.value, kind.value, str(code)).inc()

    def queried(self, source: str, result: str, seconds: float) -> None:
        """A query to a metric source was answered, or not."""
        self._queries.labels(source, result).inc()
        self._query_seconds.observe(seconds)

    def hinted(self, code: int) -> None:
        """A request to the alert webhook was answered with this HTTP status."""
        self._hints.labels(str(code)).inc()

    def relisted(self, seconds: float, repaired: int) -> None:
        """A complete list was read."""
        self._relists.observe(seconds)
        self._repaired.inc(repaired)

    def led(self, leading: bool) -> None:
        """This process leads, or no longer does."""
        self._leader.set(float(leading))

    def queued(self, kind: Kind, depth: int, oldest_seconds: float) -> None:
        """The state of a queue, taken when somebody looks."""
        self._depth.labels(kind.value).set(depth)
        self._oldest.labels(kind.value).set(oldest_seconds)

    def failing(self, kind: Kind, objects: int) -> None:
        """How many objects have a write that has failed for a minute, taken when somebody looks."""
        self._failing.labels(kind.value).set(objects)


class VersionTelemetry:
    """What the workers on ModelVersions tell."""

    def __init__(self, telemetry: Telemetry) -> None:
        """Note it in these instruments."""
        self._telemetry = telemetry

    def reconciled(self, seconds: float) -> None:
        """A key was worked on."""
        self._telemetry.reconciled(seconds, Kind.MODEL_VERSION)

    def failed(self, kind: str) -> None:
        """Work on a key failed."""
        self._telemetry.failed(kind)
