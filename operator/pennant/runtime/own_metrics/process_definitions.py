"""The metrics of the process: its passes and queues, its requests, and whether it leads."""

from pennant.runtime.own_metrics.definition import Definition, MetricType

ERRORS = ("conflict", "unavailable", "refused", "unsettled", "timeout", "bug")
"""The kinds of errors of passes and writes."""
KIND = {"kind": "Kind of the objects: `ModelDeployment` or `ModelVersion`."}
SOURCE = "Name of the metric source in the configuration of the operator."

BUILD_INFO = Definition(
    "pennant_build_info",
    MetricType.GAUGE,
    "The version that runs; always 1.",
    'pennant_build_info{version="0.1.0",python_version="3.13.1",kopf_version="1.45.2"} 1.0',
    {
        "version": "Version of the operator.",
        "python_version": "Version of Python.",
        "kopf_version": "Version of kopf.",
    },
    "always 1",
)
LEADER = Definition(
    "pennant_leader",
    MetricType.GAUGE,
    "Whether this process leads: 1 or 0.",
    "pennant_leader 1.0",
    unit="0 or 1",
)
RECONCILE_DURATION = Definition(
    "pennant_reconcile_duration_seconds",
    MetricType.HISTOGRAM,
    "Duration of one reconciliation.",
    'pennant_reconcile_duration_seconds_count{kind="ModelDeployment"} 17.0',
    KIND,
    "seconds",
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
RECONCILE_ERRORS = Definition(
    "pennant_reconcile_errors_total",
    MetricType.COUNTER,
    "Reconciliations that failed and are retried, by kind of error.",
    'pennant_reconcile_errors_total{kind="conflict"} 2.0',
    {
        "kind": "Kind of the error. `conflict`: another client wrote the object first. `unavailable`: the API server "
        "did not answer, or with a server error. `refused`: it refused a write. `unsettled`: pass after pass had "
        "something to write. `timeout`: the reconciliation took longer than 30 s. `bug`: a bug of the operator."
    },
    "errors",
)
QUEUE_DEPTH = Definition(
    "pennant_workqueue_depth",
    MetricType.GAUGE,
    "Number of objects that wait for a worker.",
    'pennant_workqueue_depth{kind="ModelDeployment"} 0.0',
    KIND,
    "objects",
)
QUEUE_OLDEST = Definition(
    "pennant_workqueue_oldest_seconds",
    MetricType.GAUGE,
    "Time for which the oldest object in the queue has waited; on a replica that does not lead, none is processed.",
    'pennant_workqueue_oldest_seconds{kind="ModelDeployment"} 0.0',
    KIND,
    "seconds",
)
FAILING_WRITES = Definition(
    "pennant_failing_writes",
    MetricType.GAUGE,
    "Number of objects with a write that has failed for a minute.",
    'pennant_failing_writes{kind="ModelDeployment"} 0.0',
    KIND,
    "objects",
)
API_REQUESTS = Definition(
    "pennant_api_requests_total",
    MetricType.COUNTER,
    "Requests to the API server.",
    'pennant_api_requests_total{verb="list",kind="ModelVersion",code="200"} 12.0',
    {
        "verb": "Verb of the request, as in the audit log.",
        "kind": "Kind of the object.",
        "code": "HTTP status of the response; `0`: there was no response.",
    },
    "requests",
)
SOURCE_REQUESTS = Definition(
    "pennant_prometheus_requests_total",
    MetricType.COUNTER,
    "Queries to metric sources, by result.",
    'pennant_prometheus_requests_total{source="default",result="success"} 240.0',
    {
        "source": SOURCE,
        "result": "`success`; `refused`: the source answered with a client error; `unavailable`: it did not answer, or "
        "with a server error.",
    },
    "queries",
)
SOURCE_REQUEST_DURATION = Definition(
    "pennant_prometheus_request_duration_seconds",
    MetricType.HISTOGRAM,
    "Duration of queries to metric sources.",
    "pennant_prometheus_request_duration_seconds_count 240.0",
    unit="seconds",
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
)
WEBHOOK_REQUESTS = Definition(
    "pennant_alert_webhook_requests_total",
    MetricType.COUNTER,
    "Requests to the alert webhook.",
    'pennant_alert_webhook_requests_total{code="200"} 3.0',
    {"code": "HTTP status of the response."},
    "requests",
)
RELIST_DURATION = Definition(
    "pennant_relist_duration_seconds",
    MetricType.HISTOGRAM,
    "Duration of complete lists of all objects.",
    "pennant_relist_duration_seconds_count 40.0",
    unit="seconds",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
RELIST_REPAIRS = Definition(
    "pennant_relist_repairs_total",
    MetricType.COUNTER,
    "Objects with changes in a complete list that no watch had delivered.",
    "pennant_relist_repairs_total 0.0",
    unit="objects",
)
ROLLOUT_DURATION = Definition(
    "pennant_rollout_duration_seconds",
    MetricType.HISTOGRAM,
    "Time from the creation of a revision until all pods are of that revision, of all ModelDeployments.",
    "pennant_rollout_duration_seconds_count 9.0",
    unit="seconds",
    buckets=(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600),
)
ROLLBACK_DURATION = Definition(
    "pennant_rollback_duration_seconds",
    MetricType.HISTOGRAM,
    "Time from the failed analysis or rollout until all pods are of the rollback target, of all ModelDeployments.",
    "pennant_rollback_duration_seconds_count 1.0",
    unit="seconds",
    buckets=(0.5, 1, 2, 5, 10, 15, 30, 60),
)
ARCHIVE_RESULTS = ("success", "unavailable", "refused", "lost")
ARCHIVE_WRITES = Definition(
    "pennant_archive_writes_total",
    MetricType.COUNTER,
    "Writes of revisions, and of versions before they are deleted, to the archive, by result.",
    'pennant_archive_writes_total{result="success"} 12.0',
    {
        "result": "`success`; `unavailable`: the archive did not answer, or is full; `refused`: it does not allow the "
        "write; `lost`: a revision left the history before it was archived, because a hundred newer ones waited too."
    },
    "revisions",
)
ARCHIVE_PENDING = Definition(
    "pennant_archive_pending",
    MetricType.GAUGE,
    "Number of revisions and deletions of ModelDeployments that are not in the archive yet, and of versions that are "
    "not deleted because the archive fails.",
    "pennant_archive_pending 0.0",
    unit="revisions",
)
ARCHIVE_OLDEST = Definition(
    "pennant_archive_oldest_pending_seconds",
    MetricType.GAUGE,
    "Time for which the oldest of them has waited. For versions it ends at the next run of retention, once an hour.",
    "pennant_archive_oldest_pending_seconds 0.0",
    unit="seconds",
)
VERSIONS_EXPIRED = Definition(
    "pennant_versions_expired",
    MetricType.GAUGE,
    "Number of ModelVersions that need not be kept by `spec.retention`, at the last judgement.",
    "pennant_versions_expired 3.0",
    unit="objects",
)
DELETION_RESULTS = ("success", "conflict", "failed")
VERSIONS_DELETED = Definition(
    "pennant_versions_deleted_total",
    MetricType.COUNTER,
    "Deletions of ModelVersions by `spec.retention`, by result.",
    'pennant_versions_deleted_total{result="success"} 3.0',
    {
        "result": "`success`; `conflict`: the version changed meanwhile and stays; `failed`: its record could not be "
        "archived, or the API server did not delete it."
    },
    "objects",
)
DEFINITIONS = (
    ARCHIVE_WRITES,
    ARCHIVE_PENDING,
    ARCHIVE_OLDEST,
    VERSIONS_EXPIRED,
    VERSIONS_DELETED,
    BUILD_INFO,
    LEADER,
    RECONCILE_DURATION,
    RECONCILE_ERRORS,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    FAILING_WRITES,
    API_REQUESTS,
    SOURCE_REQUESTS,
    SOURCE_REQUEST_DURATION,
    WEBHOOK_REQUESTS,
    RELIST_DURATION,
    RELIST_REPAIRS,
    ROLLOUT_DURATION,
    ROLLBACK_DURATION,
)
