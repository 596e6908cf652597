"""The metrics of `pennant sync`."""

from pennant.runtime.own_metrics.definition import Definition, MetricType

REGISTRY = {"registry": "Name of the registry in the configuration."}

POLLS = Definition(
    "pennant_sync_polls_total",
    MetricType.COUNTER,
    "Polls of a registry, by result.",
    'pennant_sync_polls_total{registry="mlflow",result="success"} 60.0',
    {
        **REGISTRY,
        "result": "`success`: all was read, also if some versions could not be imported. `registry`: it cannot be "
        "read. `cluster`: the API server cannot be read or refuses all writes. `bug`: a bug of Pennant.",
    },
    "polls",
)
POLL_DURATION = Definition(
    "pennant_sync_poll_duration_seconds",
    MetricType.HISTOGRAM,
    "Duration of the polls of a registry.",
    'pennant_sync_poll_duration_seconds_count{registry="mlflow"} 60.0',
    REGISTRY,
    "seconds",
    (0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)
POLL_INTERVAL = Definition(
    "pennant_sync_poll_interval_seconds",
    MetricType.GAUGE,
    "Time between two polls of a registry, as configured.",
    'pennant_sync_poll_interval_seconds{registry="mlflow"} 60.0',
    REGISTRY,
    "seconds",
)
LAST_PROGRESS = Definition(
    "pennant_sync_last_progress_timestamp_seconds",
    MetricType.GAUGE,
    "Time when a poll of a registry last ended, whatever its result, or handled a version or a model.",
    'pennant_sync_last_progress_timestamp_seconds{registry="mlflow"} 1.7963640000e+09',
    REGISTRY,
    "seconds since 1970",
)
LAST_SUCCESS = Definition(
    "pennant_sync_last_success_timestamp_seconds",
    MetricType.GAUGE,
    "Time when everything of a registry was last read; 0: never since the start of the process.",
    'pennant_sync_last_success_timestamp_seconds{registry="mlflow"} 1.7963640000e+09',
    REGISTRY,
    "seconds since 1970",
)
FAILING = Definition(
    "pennant_sync_failing",
    MetricType.GAUGE,
    "What of a registry cannot be taken over now.",
    'pennant_sync_failing{registry="mlflow",what="version"} 1.0',
    {
        **REGISTRY,
        "what": "`poll`: 1 if the last poll failed, else 0. `version`: number of versions that cannot be imported. "
        "`tag`: number of tags that cannot follow their alias.",
    },
)
VERSIONS = Definition(
    "pennant_sync_versions_total",
    MetricType.COUNTER,
    "Attempts to take over a version that was not there, by outcome.",
    'pennant_sync_versions_total{registry="mlflow",outcome="imported"} 12.0',
    {
        **REGISTRY,
        "outcome": "`imported`; `unchanged`: another client had created it; `skipped`: it is not ready; `failed`.",
    },
    "attempts",
)
TAG_MOVES = Definition(
    "pennant_sync_tag_moves_total",
    MetricType.COUNTER,
    "Tags that were moved because their alias moved.",
    'pennant_sync_tag_moves_total{registry="mlflow"} 3.0',
    REGISTRY,
    "moves",
)
WEBHOOK_REQUESTS = Definition(
    "pennant_sync_webhook_requests_total",
    MetricType.COUNTER,
    "Requests to the webhook of sync.",
    'pennant_sync_webhook_requests_total{code="204"} 3.0',
    {"code": "HTTP status of the response."},
    "requests",
)
DEFINITIONS = (
    POLLS,
    POLL_DURATION,
    POLL_INTERVAL,
    LAST_PROGRESS,
    LAST_SUCCESS,
    FAILING,
    VERSIONS,
    TAG_MOVES,
    WEBHOOK_REQUESTS,
)
