"""The Prometheus metrics of `pennant sync`."""

from prometheus_client import CollectorRegistry, disable_created_metrics

from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import Kind
from pennant.ports import Clock
from pennant.registries.importing import Outcome
from pennant.runtime.own_metrics import process_definitions
from pennant.runtime.own_metrics import sync_definitions as metrics

RESULTS = ("success", "registry", "cluster", "bug")


class Telemetry:
    """All metrics of the process, on a registry of its own."""

    def __init__(self, clock: Clock) -> None:
        """Create the metrics."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._clock = clock
        self.registry = registry = CollectorRegistry()
        self._polls = metrics.POLLS.counter(registry)
        self._duration = metrics.POLL_DURATION.histogram(registry)
        self._interval = metrics.POLL_INTERVAL.gauge(registry)
        self._progress = metrics.LAST_PROGRESS.gauge(registry)
        self._success = metrics.LAST_SUCCESS.gauge(registry)
        self._failing = metrics.FAILING.gauge(registry)
        self._versions = metrics.VERSIONS.counter(registry)
        self._moves = metrics.TAG_MOVES.counter(registry)
        self._hints = metrics.WEBHOOK_REQUESTS.counter(registry)
        self._api = process_definitions.API_REQUESTS.counter(registry)

    def began(self, name: str, poll_seconds: float) -> None:
        """Export the series of a registry before its first poll."""
        self._interval.labels(name).set(poll_seconds)
        self._success.labels(name).set(0)
        self._moves.labels(name)
        for result in RESULTS:
            self._polls.labels(name, result)
        for outcome in Outcome:
            self._versions.labels(name, outcome.value)
        self._failing.labels(name, "poll").set(0)
        self.failing(name, versions=0, tags=0)
        self.progressed(name)

    def progressed(self, name: str) -> None:
        """Set the time of the last progress to now."""
        self._progress.labels(name).set(self._clock.now().timestamp())

    def polled(self, name: str, result: str, seconds: float) -> None:
        """Count a poll by one of `RESULTS`, and record its duration."""
        self._polls.labels(name, result).inc()
        self._duration.labels(name).observe(seconds)
        self._failing.labels(name, "poll").set(float(result != "success"))
        if result == "success":
            self._success.labels(name).set(self._clock.now().timestamp())
        self.progressed(name)

    def failing(self, name: str, *, versions: int, tags: int) -> None:
        """Set how many versions and tags cannot be taken over."""
        self._failing.labels(name, "version").set(versions)
        self._failing.labels(name, "tag").set(tags)

    def taken(self, name: str, outcome: Outcome) -> None:
        """Count an attempt to take over a version."""
        self._versions.labels(name, outcome.value).inc()

    def moved(self, name: str) -> None:
        """Count a tag that was moved."""
        self._moves.labels(name).inc()

    def hinted(self, code: int) -> None:
        """Count a request to the webhook by the HTTP status of its response."""
        self._hints.labels(str(code)).inc()

    def requested(self, verb: ApiVerb, kind: Kind, code: int, seconds: float) -> None:
        """Count a request to the API server; code 0: no response."""
        self._api.labels(verb.value, kind.value, str(code)).inc()
