"""The dashboards: generated, of Grafana's types, by the usual rules of dashboards, and only with metrics there are."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from chart.dashboards import DASHBOARDS, Query, queries
from chart.rendering import CHART, only, rendered
from pennant.runtime.own_metrics import object_definitions, process_definitions
from pennant.runtime.own_metrics.definition import MetricType
from pennant_chart.__main__ import files, main

UIDS = {"fleet": "pennant-fleet", "modeldeployment": "pennant-modeldeployment", "operator": "pennant-operator"}
"""A uid is part of the links that users keep: it never changes."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
OF_TARGETS = {"job", "instance"}
WIDTH = 24
QUERIES = [query for each in DASHBOARDS for query in queries(each)]


def panels(dashboard: Any) -> Iterator[Any]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def labels_of_series() -> dict[str, set[str]]:
    """Return the labels of each series of the operator, by its name on /metrics."""
    found: dict[str, set[str]] = {}
    for definition in (*object_definitions.DEFINITIONS, object_definitions.SUSPECTED, *process_definitions.DEFINITIONS):
        labels = definition.labels.keys() | OF_TARGETS
        if definition.type is MetricType.HISTOGRAM:
            found |= {f"{definition.name}_bucket": labels | {"le"}, f"{definition.name}_count": labels}
        else:
            found[definition.name] = labels
    return found


SERIES = labels_of_series()


def test_the_generated_files_are_current() -> None:
    assert main(["--check"]) == 0
    assert {path.name for path in files()} == {each.name for each in (CHART / "files" / "dashboards").iterdir()} | {
        "README.md"
    }


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each["uid"])
def test_a_dashboard_is_of_grafanas_types(dashboard: Any) -> None:
    """A field that the types do not know would be lost on the way."""
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard))) == dashboard


def test_the_uids_never_change() -> None:
    assert {each["uid"] for each in DASHBOARDS} == set(UIDS.values())


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each["uid"])
def test_a_dashboard_works_with_any_data_source(dashboard: Any) -> None:
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert not dashboard["editable"]
    for each in variables.values():
        # A value that appears while the dashboard is open is found when the time range moves.
        assert each["type"] == "datasource" or (each["refresh"], each["datasource"]) == (2, SOURCE)
    for each in (*panels(dashboard), *dashboard["annotations"].get("list", ())):
        assert each["datasource"] == SOURCE
    for query in queries(dashboard):
        named = set(re.findall(r"\$\{?(\w+)", query.expr)) - {"__rate_interval", "__range"}
        assert named <= variables.keys(), query.expr


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each["uid"])
def test_a_panel_says_what_it_shows(dashboard: Any) -> None:
    found = list(panels(dashboard))
    assert len({each["id"] for each in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        references = [each["refId"] for each in panel["targets"]]
        assert len(set(references)) == len(references), panel["title"]
        if panel["type"] in ("stat", "timeseries"):
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < WIDTH, panel["title"]
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_query_names_metrics_and_labels_of_the_operator(query: Query) -> None:
    names = set(re.findall(r"\bpennant_\w+", query.expr))
    assert names
    assert names <= SERIES.keys(), names - SERIES.keys()
    known = set.union(*(SERIES[name] for name in names))
    grouped = re.findall(r"\bby \(([^)]*)\)", query.expr)
    used = {label for each in grouped for label in each.split(", ")} | set(re.findall(r'(\w+)(?:=~|!=|=)"', query.expr))
    assert used <= known, used - known
    assert set(re.findall(r"{{(\w+)}}", query.legend)) <= known


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_counter_is_used_by_its_increase(query: Query) -> None:
    for name in re.findall(r"\bpennant_\w+_(?:total|bucket|count)\b", query.expr):
        selected = rf"(?:rate|increase)\({name}(?:{{[^}}]*}})?\[(\$__rate_interval|\$__range|2m)\]\)"
        assert re.search(selected, query.expr), query.expr


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_the_target_of_a_series_does_not_matter(query: Query) -> None:
    """Each replica is a target, and another one leads after a change of leader."""
    for match in re.finditer(r"\bpennant_modeldeployment_\w+|\bpennant_metric_\w+", query.expr):
        before = query.expr[: match.start()]
        assert re.search(r"\b(max|sum)( by \([^)]*\))? ?\(", before) or query.of_variable, query.expr


def test_the_chart_gives_them_to_the_sidecar_of_grafana() -> None:
    manifests = rendered({"dashboards": {"enabled": True, "namespace": "monitoring"}})
    for name, uid in UIDS.items():
        found = only(manifests, "ConfigMap", f"-dashboard-{name}")
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert found["metadata"]["annotations"] == {"grafana_folder": "Pennant"}
        assert found["metadata"]["namespace"] == "monitoring"
        ((key, text),) = found["data"].items()
        assert key == f"{name}.json"
        assert json.loads(text)["uid"] == uid
        # What etcd stores of an object.
        assert len(text) < 1_000_000
