"""The operator's own metrics: what it decides, what it asks of others, and whether it is well.

Series of an object go when the object goes. Only the leader decides, so only the leader has series of objects.
"""

from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pennant import __version__
from pennant.api.model_deployment import Trigger
from pennant.api.reasons import Reason
from pennant.core.decision import CreateRevision, Decision, EventType
from pennant.core.observation import Invalid, Key, Snapshot
from pennant.kube.client import Verb
from pennant.kube.resources import Kind

OBJECT = ("namespace", "name")
CONDITION_STATUSES = ("true", "false", "unknown")
ROLLBACK_REASONS = (Reason.METRIC_BREACH, Reason.PROGRESS_DEADLINE_EXCEEDED)


class Telemetry:
    """All instruments, on a registry of their own."""

    def __init__(self) -> None:
        """Make the instruments."""
        self.registry = CollectorRegistry()
        registry = self.registry
        build = Gauge(
            "pennant_build_info",
            "The version that runs; always 1.",
            ("version", "kopf_version"),
            registry=registry,
        )
        build.labels(__version__, version("kopf")).set(1)
        self._info = Gauge(
            "pennant_modeldeployment_info",
            "What a ModelDeployment follows and serves; always 1.",
            (*OBJECT, "model", "tag", "desired_version", "serving_version"),
            registry=registry,
        )
        self._condition = Gauge(
            "pennant_modeldeployment_status_condition",
            "Whether a condition of a ModelDeployment has this status: 1 or 0.",
            (*OBJECT, "condition", "status"),
            registry=registry,
        )
        self._revisions = Counter(
            "pennant_revisions_total",
            "Revisions that were recorded, by what made them.",
            (*OBJECT, "trigger"),
            registry=registry,
        )
        self._breaches = Counter(
            "pennant_versions_found_bad_total",
            "Versions that were found bad while they were in place, by reason.",
            (*OBJECT, "reason"),
            registry=registry,
        )
        self._passes = Histogram(
            "pennant_reconcile_duration_seconds",
            "Time of one reconciliation of a ModelDeployment.",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
            registry=registry,
        )
        self._errors = Counter(
            "pennant_reconcile_errors_total",
            "Reconciliations that failed and are tried again, by kind; a bug is a mistake of the operator.",
            ("kind",),
            registry=registry,
        )
        for kind in ("conflict", "unavailable", "refused", "timeout", "bug"):
            self._errors.labels(kind)
        self._api_requests = Counter(
            "pennant_api_requests_total",
            "Requests to the API server; code 0 is no answer.",
            ("verb", "kind", "code"),
            registry=registry,
        )
        self._queries = Histogram(
            "pennant_metric_query_duration_seconds",
            "Time of queries to metric sources, by result.",
            ("source", "result"),
            buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
            registry=registry,
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
        self._depth = Gauge("pennant_workqueue_depth", "ModelDeployments that wait for a worker.", registry=registry)
        self._oldest = Gauge(
            "pennant_workqueue_oldest_seconds", "Time for which the oldest of them has waited.", registry=registry
        )
        self._known: dict[Key, tuple[str, ...]] = {}

    # What the reconciler tells.
    def decided(self, key: Key, snapshot: Snapshot | None, decision: Decision | None) -> None:
        """Take note of a pass; without a snapshot the ModelDeployment is gone."""
        if snapshot is None or decision is None:
            self._forget(key)
            return
        where = (key.namespace, key.name)
        if key not in self._known:
            self._begin(where)
        status = decision.status
        spec = snapshot.spec
        labels = (
            *where,
            "" if isinstance(spec, Invalid) else spec.model,
            "" if isinstance(spec, Invalid) else spec.tag,
            status.desired.version if status.desired else "",
            status.serving.version if status.serving else "",
        )
        if self._known.get(key) != labels:
            self._drop_info(key)
            self._info.labels(*labels).set(1)
            self._known[key] = labels
        for condition in status.conditions:
            for each in CONDITION_STATUSES:
                held = float(condition.status.value.lower() == each)
                self._condition.labels(*where, condition.type, each).set(held)
        for action in decision.actions:
            if isinstance(action, CreateRevision):
                self._revisions.labels(*where, action.revision.entry.trigger.value).inc()
        for event in decision.events:
            if event.type is EventType.WARNING and event.reason in ROLLBACK_REASONS:
                self._breaches.labels(*where, event.reason.value).inc()

    # What the workers, the client, the sources, the elector and the resync tell.
    def reconciled(self, seconds: float) -> None:
        """A key was worked on."""
        self._passes.observe(seconds)

    def failed(self, kind: str) -> None:
        """Work on a key failed."""
        self._errors.labels(kind).inc()

    def requested(self, verb: Verb, kind: Kind, code: int, seconds: float) -> None:
        """A request to the API server was answered, or not."""
        self._api_requests.labels(verb.value, kind.value, str(code)).inc()

    def queried(self, source: str, result: str, seconds: float) -> None:
        """A query to a metric source was answered, or not."""
        self._queries.labels(source, result).observe(seconds)

    def relisted(self, seconds: float, repaired: int) -> None:
        """A complete list was read."""
        self._relists.observe(seconds)
        self._repaired.inc(repaired)

    def led(self, leading: bool) -> None:
        """This process leads, or no longer does."""
        self._leader.set(float(leading))

    def queued(self, depth: int, oldest_seconds: float) -> None:
        """The state of the queue, taken when somebody looks."""
        self._depth.set(depth)
        self._oldest.set(oldest_seconds)

    def _begin(self, where: tuple[str, str]) -> None:
        """Start the counters of an object at 0: the first increment of a counter that was not there is not seen."""
        for trigger in Trigger:
            self._revisions.labels(*where, trigger.value)
        for reason in ROLLBACK_REASONS:
            self._breaches.labels(*where, reason.value)

    def _forget(self, key: Key) -> None:
        if key not in self._known:
            return
        self._drop_info(key)
        del self._known[key]
        for instrument in (self._condition, self._revisions, self._breaches):
            for labels in _of(instrument, (key.namespace, key.name)):
                instrument.remove(*labels)

    def _drop_info(self, key: Key) -> None:
        if labels := self._known.get(key):
            self._info.remove(*labels)


def _of(instrument: Gauge | Counter, where: tuple[str, str]) -> Iterable[tuple[str, ...]]:
    """Return the label values of the series of one object."""
    names = ("condition", "trigger", "reason", "status")
    found = set()
    for metric in instrument.collect():
        for sample in metric.samples:
            if (sample.labels["namespace"], sample.labels["name"]) == where:
                found.add((*where, *(sample.labels[name] for name in names if name in sample.labels)))
    return found
