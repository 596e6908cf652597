"""The metrics of each ModelDeployment, and the values of their labels."""

from pennant.api.history import Outcome
from pennant.api.reasons import Reason
from pennant.runtime.own_metrics.definition import Definition, MetricType
from pennant.runtime.own_metrics.process_definitions import SOURCE

OBJECT = {"namespace": "Namespace of the ModelDeployment.", "name": "Name of the ModelDeployment."}
METRIC = {**OBJECT, "metric": "Name of the metric in `spec.analysis.metrics`."}
ROLLOUT_RESULTS = {
    Outcome.SERVING: "completed",
    Outcome.FAILED: "failed",
    Outcome.ROLLED_BACK: "rolled_back",
    Outcome.SUPERSEDED: "superseded",
}
ROLLBACK_REASONS = (
    Reason.METRIC_BREACH,
    Reason.PROGRESS_DEADLINE_EXCEEDED,
    Reason.PODS_UNAVAILABLE,
    Reason.DIGEST_MISMATCH,
    Reason.ARTIFACT_REFUSED,
)
CHECK_RESULTS = ("ok", "breach", "no_data", "error")

INFO = Definition(
    "pennant_modeldeployment_info",
    MetricType.GAUGE,
    "The tag, target version and serving version of a ModelDeployment; always 1.",
    'pennant_modeldeployment_info{namespace="shop",name="fraud",model="fraud",tag="production",'
    'desired_version="1.1.0",serving_version="1.0.0"} 1.0',
    {
        **OBJECT,
        "model": "`spec.model`.",
        "tag": "`spec.tag`; empty if `spec.version` is set.",
        "desired_version": "The target version (`status.desired`); empty if there is none.",
        "serving_version": "Version of the last revision that was completely rolled out (`status.serving`); empty if "
        "there is none.",
    },
    "always 1",
)
CONDITION = Definition(
    "pennant_modeldeployment_status_condition",
    MetricType.GAUGE,
    "The present status and reason of a condition; always 1.",
    'pennant_modeldeployment_status_condition{namespace="shop",name="fraud",condition="Ready",status="false",'
    'reason="RolledBack"} 1.0',
    {
        **OBJECT,
        "condition": "Type of the condition, see [conditions.md](../conditions.md).",
        "status": "`true`, `false` or `unknown`. Only the present status has a series.",
        "reason": "Reason of the condition, one of those in [conditions.md](../conditions.md#reasons); `Other`: one "
        "that another release or client wrote.",
    },
    "always 1",
)
GENERATION = Definition(
    "pennant_modeldeployment_metadata_generation",
    MetricType.GAUGE,
    "The generation of the spec.",
    'pennant_modeldeployment_metadata_generation{namespace="shop",name="fraud"} 4.0',
    OBJECT,
)
OBSERVED_GENERATION = Definition(
    "pennant_modeldeployment_status_observed_generation",
    MetricType.GAUGE,
    "The generation that the status is of.",
    'pennant_modeldeployment_status_observed_generation{namespace="shop",name="fraud"} 4.0',
    OBJECT,
)
REPLICAS = Definition(
    "pennant_modeldeployment_replicas",
    MetricType.GAUGE,
    "Number of pods.",
    'pennant_modeldeployment_replicas{namespace="shop",name="fraud"} 3.0',
    OBJECT,
    "pods",
)
READY_REPLICAS = Definition(
    "pennant_modeldeployment_ready_replicas",
    MetricType.GAUGE,
    "Number of ready pods, of all revisions.",
    'pennant_modeldeployment_ready_replicas{namespace="shop",name="fraud"} 3.0',
    OBJECT,
    "pods",
)
REVISION_START = Definition(
    "pennant_modeldeployment_revision_start_timestamp_seconds",
    MetricType.GAUGE,
    "Time when the current revision was created.",
    'pennant_modeldeployment_revision_start_timestamp_seconds{namespace="shop",name="fraud"} 1.7953e+09',
    OBJECT,
    "seconds since the Unix epoch",
)
TAG_HOLDERS = Definition(
    "pennant_tag_holders",
    MetricType.GAUGE,
    "Number of ModelVersions with the tag that a ModelDeployment follows.",
    'pennant_tag_holders{namespace="shop",name="fraud"} 1.0',
    OBJECT,
    "ModelVersions",
)
ROLLOUTS = Definition(
    "pennant_rollouts_total",
    MetricType.COUNTER,
    "Rollouts, by result.",
    'pennant_rollouts_total{namespace="shop",name="fraud",result="completed"} 7.0',
    {
        **OBJECT,
        "result": "`completed`: all pods are of the revision. A revision that is replaced later counts again: "
        "`rolled_back` after a breach or an undo, `failed` after a failed rollout, `superseded` for any other reason.",
    },
    "rollouts",
)
ROLLBACKS = Definition(
    "pennant_rollbacks_total",
    MetricType.COUNTER,
    "Automatic rollbacks, by reason.",
    'pennant_rollbacks_total{namespace="shop",name="fraud",reason="MetricBreach"} 1.0',
    {**OBJECT, "reason": "`MetricBreach`, `ProgressDeadlineExceeded` or `PodsUnavailable`."},
    "rollbacks",
)
CHECKS = Definition(
    "pennant_metric_checks_total",
    MetricType.COUNTER,
    "Checks of a metric, by result.",
    'pennant_metric_checks_total{namespace="shop",name="fraud",metric="accuracy",result="ok"} 512.0',
    {
        **METRIC,
        "result": "`ok` or `breach`; `no_data`: there is no single finite value, or no baseline, or too few samples; "
        "`error`: the metric source did not answer in time, or refused the query.",
    },
    "checks",
)
CHECK_VALUE = Definition(
    "pennant_metric_check_value",
    MetricType.GAUGE,
    "The value of the last check with a value.",
    'pennant_metric_check_value{namespace="shop",name="fraud",metric="accuracy"} 0.95',
    METRIC,
    "that of the metric",
)
CHECK_THRESHOLD = Definition(
    "pennant_metric_check_threshold",
    MetricType.GAUGE,
    "The threshold of a metric.",
    'pennant_metric_check_threshold{namespace="shop",name="fraud",metric="accuracy",bound="min"} 0.9',
    {**METRIC, "bound": "`min` or `max`: whether a value below or above it is a breach."},
    "that of the metric",
)
SUSPECTED = Definition(
    "pennant_suspect_metric_source_modeldeployments",
    MetricType.GAUGE,
    "Number of ModelDeployments that are not rolled back because their metric source is suspect; no series: none.",
    'pennant_suspect_metric_source_modeldeployments{source="default"} 14.0',
    {"source": SOURCE},
    "ModelDeployments",
)
DEFINITIONS = (
    INFO,
    CONDITION,
    GENERATION,
    OBSERVED_GENERATION,
    REPLICAS,
    READY_REPLICAS,
    REVISION_START,
    TAG_HOLDERS,
    ROLLOUTS,
    ROLLBACKS,
    CHECKS,
    CHECK_VALUE,
    CHECK_THRESHOLD,
)
"""The metrics with the namespace and the name of a ModelDeployment."""
