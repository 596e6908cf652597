"""The operator: whether it leads, works off its queues, and is answered by the API server and the metric sources."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, statetimeline, timeseries

from pennant_chart.dashboards import parts

TARGETS = 'job=~"$job",instance=~"$instance"'


def dashboard() -> build.Dashboard:
    """Return the dashboard."""
    made = parts.new("Pennant / Operator", parts.OPERATOR, "The replicas of the operator.")
    instances = 'label_values(pennant_build_info{job=~"$job"}, instance)'
    made = made.with_variable(parts.variable("job", "Job", "label_values(pennant_build_info, job)", several=True))
    made = made.with_variable(parts.variable("instance", "Replica", instances, several=True))
    for panel in (*_numbers(), _leader(), *_work(), *_requests()):
        made = made.with_panel(panel)
    return made


def _numbers() -> list[stat.Panel]:
    leaders = parts.number("Leaders", "Number of replicas that lead. It must be 1.", width=6)
    failing = parts.number("Failing writes", "Objects with a write that has failed for a minute.", width=6)
    build_info = f"pennant_build_info{{{TARGETS}}}"
    return [
        parts.number("Replicas", "Number of replicas that are scraped.", width=6).with_target(
            parts.now(f"count({build_info})")
        ),
        leaders.thresholds(parts.colored((None, parts.RED), (1, parts.GREEN), (2, parts.RED))).with_target(
            parts.now(f"sum(pennant_leader{{{TARGETS}}})")
        ),
        failing.thresholds(parts.colored((None, parts.GREEN), (1, parts.RED))).with_target(
            parts.now(f"sum(pennant_failing_writes{{{TARGETS}}})")
        ),
        parts.number("Version", "The versions that run.", "string", width=6)
        .text_mode(parts.NAME_ONLY)
        .with_target(parts.now(f"count by (version) ({build_info})", "A", "{{version}}")),
    ]


def _leader() -> statetimeline.Panel:
    words = {"1": ("leads", parts.GREEN), "0": ("stands by", parts.GREY)}
    return (
        parts.states("Leader", "Which replica leads.", 5)
        .mappings([parts.mapping(words)])
        .with_target(parts.over_time(f"max by (instance) (pennant_leader{{{TARGETS}}})", "{{instance}}"))
    )


def _work() -> list[timeseries.Panel]:
    """Return the queues and passes, by the kind of the objects."""
    return [
        _plain("Queue depth", "Objects that wait for a worker.", "pennant_workqueue_depth"),
        _plain("Queue wait", "How long the oldest of them has waited.", "pennant_workqueue_oldest_seconds", "s"),
        _rates("Passes", "Reconciliations a second.", "pennant_reconcile_duration_seconds_count", "kind", "ops"),
        _quantiles("Duration of passes", "pennant_reconcile_duration_seconds", "kind"),
        _rates(
            "Errors", "Failed reconciliations a second, by kind of error.", "pennant_reconcile_errors_total", "kind"
        ),
        _rates(
            "Repairs by lists",
            "ModelDeployments with changes in a complete list that no watch had delivered, a second.",
            "pennant_relist_repairs_total",
            "instance",
        ),
    ]


def _requests() -> list[timeseries.Panel]:
    return [
        _rates("API requests by code", "Code 0 is no response.", "pennant_api_requests_total", "code", "reqps"),
        _rates(
            "API requests by verb", "Requests to the API server.", "pennant_api_requests_total", "verb, kind", "reqps"
        ),
        _rates(
            "Metric queries",
            "Queries to metric sources.",
            "pennant_prometheus_requests_total",
            "source, result",
            "reqps",
        ),
        _quantiles("Duration of metric queries", "pennant_prometheus_request_duration_seconds"),
        _quantiles("Duration of complete lists", "pennant_relist_duration_seconds"),
        _rates(
            "Alert webhook",
            "Requests to the alert webhook by HTTP status; a replica that does not lead answers 503.",
            "pennant_alert_webhook_requests_total",
            "code",
            "reqps",
        ),
    ]


def _plain(title: str, description: str, gauge: str, unit: str = "short") -> timeseries.Panel:
    expr = f"max by (kind) ({gauge}{{{TARGETS}}})"
    return parts.graph(title, description, unit).with_target(parts.over_time(expr, "{{kind}}"))


def _rates(title: str, description: str, counter: str, by: str, unit: str = "ops") -> timeseries.Panel:
    expr = f"sum by ({by}) (rate({counter}{{{TARGETS}}}[$__rate_interval]))"
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return parts.graph(title, description, unit).with_target(parts.over_time(expr, legend))


def _quantiles(title: str, histogram: str, *by: str) -> timeseries.Panel:
    """Return the median and the 99th percentile."""
    buckets = f"sum by ({', '.join(('le', *by))}) (rate({histogram}_bucket{{{TARGETS}}}[$__rate_interval]))"
    panel = parts.graph(title, "Median and 99th percentile.", "s")
    for ref, quantile, word in (("A", "0.5", "median"), ("B", "0.99", "99th percentile")):
        legend = " ".join((*(f"{{{{{label}}}}}" for label in by), word))
        panel = panel.with_target(parts.over_time(f"histogram_quantile({quantile}, {buckets})", legend, ref))
    return panel
