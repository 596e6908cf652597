"""The operator's own Prometheus metrics: its requests, its queues and passes, and whether it leads."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, disable_created_metrics

from pennant import __version__
from pennant.api.deployment_status import MetricStatus
from pennant.core.facts.decision import Decision
from pennant.core.facts.measurement import Measurements
from pennant.core.facts.observation import Key, Observation
from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import Kind
from pennant.runtime.own_metrics import process_definitions as metrics
from pennant.runtime.own_metrics.objects import ObjectMetrics


class Telemetry:
    """All metrics of the process, on a registry of its own."""

    def __init__(self) -> None:
        """Create the metrics."""
        # `_created` would double the series of counters and histograms.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        build = metrics.BUILD_INFO.gauge(registry)
        build.labels(__version__, platform.python_version(), version("kopf")).set(1)
        self._objects = ObjectMetrics(registry)
        self._leader = metrics.LEADER.gauge(registry)
        self._leader.set(0)
        self._reconcile_duration = metrics.RECONCILE_DURATION.histogram(registry)
        self._errors = metrics.RECONCILE_ERRORS.counter(registry)
        for kind in metrics.ERRORS:
            self._errors.labels(kind)
        self._depth = metrics.QUEUE_DEPTH.gauge(registry)
        self._oldest = metrics.QUEUE_OLDEST.gauge(registry)
        self._failing = metrics.FAILING_WRITES.gauge(registry)
        self._api = metrics.API_REQUESTS.counter(registry)
        self._queries = metrics.SOURCE_REQUESTS.counter(registry)
        self._query_duration = metrics.SOURCE_REQUEST_DURATION.histogram(registry)
        self._hints = metrics.WEBHOOK_REQUESTS.counter(registry)
        self._relist_duration = metrics.RELIST_DURATION.histogram(registry)
        self._repaired = metrics.RELIST_REPAIRS.counter(registry)
        self._archived = metrics.ARCHIVE_WRITES.counter(registry)
        for result in metrics.ARCHIVE_RESULTS:
            self._archived.labels(result)
        self._archive_pending = metrics.ARCHIVE_PENDING.gauge(registry)
        self._archive_oldest = metrics.ARCHIVE_OLDEST.gauge(registry)
        self._expired = metrics.VERSIONS_EXPIRED.gauge(registry)
        self._deleted = metrics.VERSIONS_DELETED.counter(registry)
        for result in metrics.DELETION_RESULTS:
            self._deleted.labels(result)

    def decided(self, key: Key, seen: Observation | None, decision: Decision | None) -> None:
        """Record what one pass found and decided; without an observation the ModelDeployment was deleted."""
        self._objects.decided(key, seen, decision)

    def checked(self, key: Key, measurements: Measurements, metrics: Sequence[MetricStatus]) -> None:
        """Record checks that needed no pass."""
        self._objects.checked(key, measurements, metrics)

    def reconciled(self, kind: Kind, seconds: float) -> None:
        """Record the duration of one pass."""
        self._reconcile_duration.labels(kind.value).observe(seconds)

    def failed(self, kind: str) -> None:
        """Count a pass or a write that failed, by one of `ERRORS`."""
        self._errors.labels(kind).inc()

    def queued(self, kind: Kind, depth: int, oldest_seconds: float) -> None:
        """Set the state of a work queue."""
        self._depth.labels(kind.value).set(depth)
        self._oldest.labels(kind.value).set(oldest_seconds)

    def failing(self, kind: Kind, objects: int) -> None:
        """Set the number of objects with a write that has failed for a minute."""
        self._failing.labels(kind.value).set(objects)

    def requested(self, verb: ApiVerb, kind: Kind, code: int, seconds: float) -> None:
        """Count a request to the API server; code 0: no response."""
        self._api.labels(verb.value, kind.value, str(code)).inc()

    def queried(self, source: str, result: str, seconds: float) -> None:
        """Count a query to a metric source, and record its duration."""
        self._queries.labels(source, result).inc()
        self._query_duration.observe(seconds)

    def hinted(self, code: int) -> None:
        """Count a request to the alert webhook by the HTTP status of its response."""
        self._hints.labels(str(code)).inc()

    def relisted(self, seconds: float, repaired: int) -> None:
        """Record the duration of one complete list, and count the keys with changes that no watch had delivered."""
        self._relist_duration.observe(seconds)
        self._repaired.inc(repaired)

    def archived(self, result: str, count: int = 1) -> None:
        """Count writes to the archive, by one of `ARCHIVE_RESULTS`."""
        self._archived.labels(result).inc(count)

    def archive_waits(self, pending: int, oldest_seconds: float) -> None:
        """Set what is not in the archive yet."""
        self._archive_pending.set(pending)
        self._archive_oldest.set(oldest_seconds)

    def expired(self, versions: int) -> None:
        """Set the number of ModelVersions that need not be kept."""
        self._expired.set(versions)

    def deleted(self, result: str) -> None:
        """Count a deletion of a ModelVersion, by one of `DELETION_RESULTS`."""
        self._deleted.labels(result).inc()

    def led(self, is_leading: bool) -> None:
        """Set whether this process leads."""
        self._leader.set(float(is_leading))
