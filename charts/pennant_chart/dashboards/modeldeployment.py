"""One ModelDeployment: its versions over time, its metrics against their thresholds, its rollouts and rollbacks."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, statetimeline, timeseries
from grafana_foundation_sdk.models import dashboard as model

from pennant_chart.dashboards import parts

ONE = 'namespace="$namespace",name="$name"'
INFO = f"pennant_modeldeployment_info{{{ONE}}}"
STARTED = f"pennant_modeldeployment_revision_start_timestamp_seconds{{{ONE}}}"
INCREASE_STEP = "60s"
"""Interval between two looks of an annotation."""


def dashboard() -> build.Dashboard:
    """Return the dashboard."""
    made = parts.new("Pennant / ModelDeployment", parts.DEPLOYMENT, "One ModelDeployment over time.")
    info = "pennant_modeldeployment_info"
    checked = f"label_values(pennant_metric_check_value{{{ONE}}}, metric)"
    for variable in (
        parts.variable("namespace", "Namespace", f"label_values({info}, namespace)"),
        parts.variable("name", "ModelDeployment", f'label_values({info}{{namespace="$namespace"}}, name)'),
        parts.variable("metric", "Metric", checked, several=True),
    ):
        made = made.with_variable(variable)
    made = made.annotation(_rollbacks()).annotation(_revisions())
    for number in _numbers():
        made = made.with_panel(number)
    rollouts, rollbacks = parts.outcomes(ONE)
    return (
        made.with_panel(_versions())
        .with_panel(_conditions())
        .with_panel(_metric())
        .with_panel(_checks())
        .with_panel(_pods())
        .with_panel(rollouts)
        .with_panel(rollbacks)
    )


def _rollbacks() -> build.AnnotationQuery:
    # Twice the step, so that no increase between two looks is lost.
    expr = f"sum by (reason) (increase(pennant_rollbacks_total{{{ONE}}}[2m])) > 0"
    return _annotation("Automatic rollbacks", expr, "Automatic rollback", parts.RED).text_format("{{reason}}")


def _revisions() -> build.AnnotationQuery:
    # The value is the time of the annotation, in milliseconds.
    expr = f"1000 * max by (namespace, name) ({STARTED})"
    return _annotation("Revisions", expr, "New revision", parts.BLUE).use_value_for_time(True)


def _annotation(name: str, expr: str, title: str, color: str) -> build.AnnotationQuery:
    """Return an annotation; the query is there twice, for Grafana 11 and earlier and for later ones."""
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(parts.SOURCE)
        .enable(True)
        .icon_color(color)
        .expr(expr)
        .step(INCREASE_STEP)
        .title_format(title)
        .target(parts.over_time(expr, "", "Anno"))
    )


def _numbers() -> list[stat.Panel]:
    """Return the panels about the revision that serves now."""
    panels = [
        parts.number("Serving", "The version that serves.", "string", width=6)
        .text_mode(parts.NAME_ONLY)
        .with_target(parts.now(f"max by (serving_version) ({INFO})", "A", "{{serving_version}}")),
        parts.number("Target", "The version that the tag or spec.version selects.", "string", width=6)
        .text_mode(parts.NAME_ONLY)
        .with_target(parts.now(f"max by (desired_version) ({INFO})", "A", "{{desired_version}}")),
        parts.number(
            "Revision since",
            "Start of the current revision: the one that serves, or that rolls out.",
            "dateTimeFromNow",
            width=6,
        ).with_target(parts.now(f"1000 * max by (namespace, name) ({STARTED})")),
    ]
    ready, total = (f"max(pennant_modeldeployment_{each}{{{ONE}}})" for each in ("ready_replicas", "replicas"))
    pods = parts.number("Pods", "Ready pods, and all pods.", width=6)
    return [*panels, pods.with_target(parts.now(ready, "A", "ready")).with_target(parts.now(total, "B", "all"))]


def _versions() -> statetimeline.Panel:
    """Return one band of the serving versions, and one of the target versions."""
    query = parts.rows_over_time(f"max by (serving_version, desired_version) ({INFO})")
    hidden = {"Value": True, "Value #A": True}
    names = {"serving_version": "Serving", "desired_version": "Target"}
    order = {"Time": 0, "serving_version": 1, "desired_version": 2}
    return (
        parts.states("Versions", "Which version served, and which one was to serve. They differ after a rollback.", 6)
        .with_target(query)
        .with_transformation(parts.transformation("sortBy", sort=[{"field": "Time"}]))
        .with_transformation(
            parts.transformation("organize", excludeByName=hidden, indexByName=order, renameByName=names)
        )
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    )


def _conditions() -> statetimeline.Panel:
    panel = parts.states("Conditions", "The conditions of the status.", 9).with_target(
        parts.over_time(parts.condition(ONE, "condition"), "{{condition}}")
    )
    for name, words in parts.CONDITIONS.items():
        panel = panel.override_by_name(name, [parts.override("mappings", [parts.mapping(words)])])
    return panel


def _metric() -> timeseries.Panel:
    """Return a panel that is repeated for each metric."""
    selected = f'{ONE},metric=~"$metric"'
    value = f"max by (metric) (pennant_metric_check_value{{{selected}}})"
    limit = f"max by (metric, bound) (pennant_metric_check_threshold{{{selected}}})"
    threshold = [parts.override("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})]
    threshold += [parts.override("color", {"mode": "fixed", "fixedColor": parts.RED})]
    return (
        parts.plain_graph(
            "$metric", "The value of each check, and the threshold. Vertical lines are rollbacks and revisions."
        )
        .repeat("metric")
        .repeat_direction("h")
        .max_per_row(2)
        .span(24)
        .with_target(parts.over_time(value, "{{metric}}", "Value"))
        .with_target(parts.over_time(limit, "{{metric}} threshold {{bound}}", "Threshold"))
        .override_by_query("Threshold", threshold)
    )


def _checks() -> timeseries.Panel:
    expr = f"sum by (metric, result) (increase(pennant_metric_checks_total{{{ONE}}}[$__rate_interval]))"
    text = "Checks in an interval, by metric and result. `no_data` and `error` do not roll back by default."
    return parts.bars("Checks", text).with_target(parts.over_time(expr, "{{metric}} {{result}}"))


def _pods() -> timeseries.Panel:
    panel = parts.graph("Pods", "Pods of the Deployment.").decimals(0)
    for ref, series, legend in (("A", "replicas", "all"), ("B", "ready_replicas", "ready")):
        panel = panel.with_target(parts.over_time(f"max(pennant_modeldeployment_{series}{{{ONE}}})", legend, ref))
    return panel
