"""What the dashboards have in common: their variables, queries, colours and links.

Only the leader has series of ModelDeployments, and each replica is a target of its own. So every query aggregates them
without the labels of the target: gauges with `max`, counters with `sum` over the increase of each target.
"""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import common as common_build
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG = "pennant"
FLEET, DEPLOYMENT, OPERATOR = "pennant-fleet", "pennant-modeldeployment", "pennant-operator"
"""The uids of the dashboards."""
SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
RED, GREEN, ORANGE, BLUE, GREY = "red", "green", "orange", "blue", "text"
# What a query gives for a condition: 1 is True, 0 is False, 2 is Unknown.
NAME_ONLY = common.BigValueTextMode.NAME
GOOD_IF_TRUE = {"1": ("True", GREEN), "0": ("False", RED), "2": ("Unknown", ORANGE)}
BAD_IF_TRUE = {"1": ("True", RED), "0": ("False", GREEN), "2": ("Unknown", ORANGE)}
NEUTRAL = {"1": ("True", BLUE), "0": ("False", GREY), "2": ("Unknown", ORANGE)}
CONDITIONS = {
    "Ready": GOOD_IF_TRUE,
    "Available": GOOD_IF_TRUE,
    "MetricsHealthy": GOOD_IF_TRUE,
    "Verified": GOOD_IF_TRUE,
    "HistoryIntact": GOOD_IF_TRUE,
    "TagResolved": GOOD_IF_TRUE,
    "RolledBack": BAD_IF_TRUE,
    "Stalled": BAD_IF_TRUE,
    "Reconciling": NEUTRAL,
    "Suspended": NEUTRAL,
}


def new(title: str, uid: str, description: str) -> build.Dashboard:
    """Return a dashboard without panels, with the variable `datasource` and links to the other dashboards."""
    links = build.DashboardLink("Pennant").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    return (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .link(links.icon("external link").keep_time(True).include_vars(True))
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )


def variable(name: str, label: str, values: str, *, several: bool = False) -> build.QueryVariable:
    """Return a variable with the values of a label; `several`: any number of them, all by default."""
    made = (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": values, "refId": name})
        .definition(values)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )
    if several:
        every = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
        made = made.multi(True).include_all(True).all_value(".*").current(every)
    return made


def over_time(expr: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query of a graph."""
    return prometheus.Dataquery().datasource(SOURCE).expr(expr).range().legend_format(legend).ref_id(ref)


def rows_over_time(expr: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query whose labels become columns, with a row for each time."""
    return over_time(expr, "", ref).format(PromQueryFormat.TABLE)


def now(expr: str, ref: str = "A", legend: str = "") -> prometheus.Dataquery:
    """Return a query of the newest values."""
    return prometheus.Dataquery().datasource(SOURCE).expr(expr).instant().legend_format(legend).ref_id(ref)


def rows_now(expr: str, ref: str) -> prometheus.Dataquery:
    """Return a query whose labels become columns, with the newest values."""
    return now(expr, ref).format(PromQueryFormat.TABLE)


def condition(selector: str, *by: str) -> str:
    """Return a query with 1 where a condition is True, 0 where it is False, 2 where it is Unknown."""
    true, unknown, false = (
        f'pennant_modeldeployment_status_condition{{{selector},status="{status}"}}'
        for status in ("true", "unknown", "false")
    )
    return f"max by ({', '.join(by)}) ({true} or 2 * {unknown} or 0 * {false})"


def mapping(words: Mapping[str, tuple[str, str]]) -> dashboard.ValueMap:
    """Return a mapping of values to words and colours."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(words.items())
    }
    return dashboard.ValueMap(results)


def colored(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return thresholds: from each value on, its colour; None is the beginning."""
    found = [dashboard.Threshold(value=value, color=color) for value, color in steps]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def override(name: str, value: object) -> dashboard.DynamicConfigValue:
    """Return one property of a field."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def transformation(name: str, **options: object) -> dashboard.DataTransformerConfig:
    """Return a transformation of what the queries of a panel return."""
    return dashboard.DataTransformerConfig(id_val=name, options=options)


def graph(title: str, description: str, unit: str = "short") -> timeseries.Panel:
    """Return a graph of what is never negative, half as wide as the dashboard."""
    return plain_graph(title, description, unit).min(0)


def plain_graph(title: str, description: str, unit: str = "short") -> timeseries.Panel:
    """Return a graph without queries, half as wide as the dashboard."""
    legend = common_build.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST)
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .fill_opacity(10)
        .span(12)
        .height(8)
        .legend(legend.placement(common.LegendPlacement.BOTTOM))
    )


def bars(title: str, description: str) -> timeseries.Panel:
    """Return a graph of events: what is counted in each interval, stacked."""
    stacking = common_build.StackingConfig().mode(common.StackingMode.NORMAL)
    panel = graph(title, description).draw_style(common.GraphDrawStyle.BARS).stacking(stacking)
    # An interval is then about as long as $__rate_interval: an event is in one bar, not in several.
    return panel.interval("2m").fill_opacity(70).decimals(0)


def outcomes(selector: str) -> tuple[timeseries.Panel, timeseries.Panel]:
    """Return the panels with the rollouts and the automatic rollbacks of the series that `selector` names."""

    def increase(counter: str, by: str) -> prometheus.Dataquery:
        return over_time(f"sum by ({by}) (increase({counter}{{{selector}}}[$__rate_interval]))", f"{{{{{by}}}}}")

    rollouts = bars("Rollouts", "Rollouts that ended in an interval, by result.")
    rollbacks = bars("Automatic rollbacks", "Automatic rollbacks in an interval, by reason.")
    return (
        rollouts.with_target(increase("pennant_rollouts_total", "result")),
        rollbacks.with_target(increase("pennant_rollbacks_total", "reason")),
    )


def number(title: str, description: str, unit: str = "short", width: int = 4) -> stat.Panel:
    """Return a panel with one number."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(4)
        .reduce_options(common_build.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .thresholds(colored((None, GREY)))
        .no_value("no data")
    )


def states(title: str, description: str, height: int = 8) -> statetimeline.Panel:
    """Return a timeline of states, as wide as the dashboard."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(24)
        .height(height)
        .merge_values(True)
        .show_value(common.VisibilityMode.AUTO)
    )


def rows(title: str, description: str, height: int = 12) -> table.Panel:
    """Return a table, as wide as the dashboard."""
    return table.Panel().title(title).description(description).datasource(SOURCE).span(24).height(height)
