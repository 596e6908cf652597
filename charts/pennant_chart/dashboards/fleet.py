"""All ModelDeployments: which version each serves and since when, and which ones need a user."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, table
from grafana_foundation_sdk.models import dashboard as model

from pennant_chart.dashboards import parts

ALL = 'namespace=~"$namespace"'
OBJECT = "namespace, name"
INFO = f"pennant_modeldeployment_info{{{ALL}}}"
STARTED = f"pennant_modeldeployment_revision_start_timestamp_seconds{{{ALL}}}"
SHOWN = ("Ready", "Available", "MetricsHealthy", "RolledBack", "Stalled")


def dashboard() -> build.Dashboard:
    """Return the dashboard."""
    made = parts.new(
        "Pennant / Fleet", parts.FLEET, "All ModelDeployments: versions, health, rollouts and rollbacks."
    ).with_variable(
        parts.variable("namespace", "Namespace", "label_values(pennant_modeldeployment_info, namespace)", several=True)
    )
    for panel in _counts():
        made = made.with_panel(panel)
    rollouts, rollbacks = parts.outcomes(ALL)
    return (
        made.with_panel(_table())
        .with_panel(rollouts)
        .with_panel(rollbacks)
        .with_panel(
            _durations("Rollout duration", "rollout", "From the creation of a revision until all its pods run.")
        )
        .with_panel(_durations("Rollback duration", "rollback", "From the failure until all pods run the old version."))
    )


def _counts() -> list[stat.Panel]:
    """Return how many ModelDeployments there are, and how many are in a state that matters."""
    everything = parts.number("ModelDeployments", "Number of ModelDeployments in the selected namespaces.")
    panels = [everything.with_target(parts.now(f"count(max by ({OBJECT}) ({INFO}))"))]
    for title, description, condition, status in (
        ("Not ready", "The target version does not serve: Ready is not True.", "Ready", 'status!="true"'),
        ("Not available", "No version serves with enough pods: Available is False.", "Available", 'status="false"'),
        ("Breached", "A metric is beyond its threshold: MetricsHealthy is False.", "MetricsHealthy", 'status="false"'),
        ("Rolled back", "The version with the tag was rolled back.", "RolledBack", 'status="true"'),
        ("Stalled", "A user must act: Stalled is True.", "Stalled", 'status="true"'),
    ):
        series, selector = "pennant_modeldeployment_status_condition", f'{ALL},condition="{condition}"'
        # Without the second part the sum would be empty if none is in the state, as if nothing was scraped.
        each = f"max by ({OBJECT}) ({series}{{{selector},{status}}} or 0 * {series}{{{selector}}})"
        panels.append(
            parts.number(title, description)
            .thresholds(parts.colored((None, parts.GREEN), (1, parts.RED)))
            .with_target(parts.now(f"sum({each})"))
        )
    return panels


def _table() -> table.Panel:
    """Return a row for each ModelDeployment."""
    panel = parts.rows("Serving versions", "One row for each ModelDeployment. A name opens its dashboard.").with_target(
        parts.rows_now(f"max by ({OBJECT}, model, tag, desired_version, serving_version) ({INFO})", "Info")
    )
    columns = {"namespace": "Namespace", "name": "Name", "model": "Model", "tag": "Tag"}
    columns |= {"desired_version": "Target", "serving_version": "Serving", "Value #Started": "Revision since"}
    panel = panel.with_target(parts.rows_now(f"1000 * max by ({OBJECT}) ({STARTED})", "Started"))
    for name in SHOWN:
        panel = panel.with_target(
            parts.rows_now(parts.condition(f'{ALL},condition="{name}"', "namespace", "name"), name)
        )
        columns[f"Value #{name}"] = name
    ready = f'pennant_modeldeployment_status_condition{{{ALL},condition="Ready"}}'
    panel = panel.with_target(parts.rows_now(f"max by ({OBJECT}, reason) ({ready})", "Reason"))
    columns["reason"] = "Reason"
    for ref, series in (("Pods", "replicas"), ("ReadyPods", "ready_replicas")):
        selected = f"pennant_modeldeployment_{series}{{{ALL}}}"
        panel = panel.with_target(parts.rows_now(f"max by ({OBJECT}) ({selected})", ref))
        columns[f"Value #{ref}"] = ref.replace("ReadyPods", "Ready pods")
    order = {name: index for index, name in enumerate(columns)}
    panel = panel.with_transformation(parts.transformation("merge")).with_transformation(
        parts.transformation(
            "organize",
            excludeByName={"Time": True, "Value #Info": True, "Value #Reason": True},
            indexByName=order,
            renameByName=columns,
        )
    )
    return _formatted(panel)


def _formatted(panel: table.Panel) -> table.Panel:
    """Add the times, colours and links of the columns."""
    url = f"/d/{parts.DEPLOYMENT}?${{datasource:queryparam}}&var-namespace=${{__data.fields.Namespace}}"
    link = {"title": "Open the ModelDeployment", "url": f"{url}&var-name=${{__value.raw}}&${{__url_time_range}}"}
    panel = panel.override_by_name("Name", [parts.override("links", [link])])
    panel = panel.override_by_name("Revision since", [parts.override("unit", "dateTimeFromNow")])
    for name in SHOWN:
        mapping: model.ValueMap = parts.mapping(parts.CONDITIONS[name])
        cell = {"type": "color-text"}
        panel = panel.override_by_name(
            name, [parts.override("mappings", [mapping]), parts.override("custom.cellOptions", cell)]
        )
    return panel


def _durations(title: str, name: str, description: str) -> stat.Panel:
    """Return the median and the 95th percentile in the time range of the dashboard."""
    buckets = f"sum by (le) (increase(pennant_{name}_duration_seconds_bucket[$__range]))"
    text = f"{description} Over all namespaces, in the time range of the dashboard."
    return (
        parts.number(title, text, "s", width=12)
        .with_target(parts.now(f"histogram_quantile(0.5, {buckets})", "A", "median"))
        .with_target(parts.now(f"histogram_quantile(0.95, {buckets})", "B", "95th percentile"))
    )
