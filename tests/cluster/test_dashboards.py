"""Each query of the dashboards, sent to a real Prometheus that scrapes two replicas of the operator."""

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from chart.dashboards import DASHBOARDS, Query, queries
from cluster.operator_process import Operator
from cluster.scenario import NAME, Scenario
from rig import Rig

QUERIES = [query for each in DASHBOARDS for query in queries(each)]
OF_OBJECTS = ("pennant_modeldeployment_", "pennant_metric_check_", "pennant_tag_holders")
Series = dict[str, Any]
SCRAPES = 60
"""Number of scrapes, twice a second, that queries may wait for data."""


class Prometheus:
    """The server of the rig, with the values that the variables of the dashboards have for one scenario."""

    def __init__(self, rig: Rig, namespace: str) -> None:
        self.url, self.begin = rig.prometheus_url, time.time()
        chosen = {"namespace": namespace, "name": NAME, "job": "pennant", "instance": ".*", "metric": "accuracy"}
        self.variables = {**chosen, "__rate_interval": "5s", "__range": "5m"}

    def ask(self, query: Query) -> list[Series]:
        """Return the series that Grafana would get: the newest values, or those since the beginning."""
        return self.now(query) if query.instant else self.over_time(query)

    def now(self, query: Query) -> list[Series]:
        return self._get("query", query=query.sent(self.variables))

    def over_time(self, query: Query) -> list[Series]:
        span = {"start": str(self.begin), "end": str(time.time()), "step": "1"}
        return self._get("query_range", query=query.sent(self.variables), **span)

    def _get(self, path: str, **parameters: str) -> list[Series]:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            found: list[Series] = json.load(answer)["data"]["result"]
        return found


def numbers(series: Series) -> list[float]:
    samples = series["values"] if "values" in series else [series["value"]]
    return [number for _, text in samples if not math.isnan(number := float(text))]


@pytest.fixture
def prometheus(rig: Rig, scenario: Scenario, second: Operator) -> Iterator[Prometheus]:
    """Have Prometheus scrape both replicas as a ServiceMonitor with `honorLabels` does."""
    path = rig.directory / "prometheus.json"
    before = path.read_text()
    targets = [f"127.0.0.1:{each.port}" for each in (scenario.operator, second)]
    job = {
        "job_name": "pennant",
        "honor_labels": True,
        "static_configs": [{"targets": targets, "labels": {"namespace": "pennant-system", "pod": "pennant"}}],
    }
    configuration = json.loads(before)
    configuration["scrape_configs"].append(job)
    path.write_text(json.dumps(configuration))
    rig.reload("prometheus")
    yield Prometheus(rig, scenario.namespace)
    path.write_text(before)
    rig.reload("prometheus")


def played(scenario: Scenario) -> None:
    """Play a promotion, a breach and a rollback."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment()
    scenario.until_verified("1.0.0")
    for old, new, accuracy in (("1.0.0", "1.1.0", 0.97), ("1.1.0", "1.2.0", 0.5)):
        scenario.accuracy(new, accuracy)
        scenario.version(new)
        scenario.move_tag(old, new)
        if accuracy > 0.9:
            scenario.until_verified(new)
    scenario.until_rolled_back_to("1.1.0")
    scenario.until_verified("1.1.0")


def notified(operator: Operator) -> None:
    """Send the alert webhook a notification without its token."""
    request = urllib.request.Request(f"http://127.0.0.1:{operator.webhook_port}/alerts", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=5)


def leads(operator: Operator) -> bool:
    """Return whether this replica leads; false while it does not answer."""
    try:
        return "pennant_leader 1.0" in operator.fetch("/metrics", operator.port)[1]
    except urllib.error.URLError:
        return False


def test_every_query_has_data_and_a_change_of_leader_doubles_none(
    scenario: Scenario, second: Operator, prometheus: Prometheus
) -> None:
    replicas = scenario.operator, second
    scenario.until(lambda: sum(map(leads, replicas)) == 1, what="one leader")
    leader, other = sorted(replicas, key=leads, reverse=True)
    # A counter has no increase before its second sample.
    notified(leader)
    played(scenario)
    notified(leader)
    for _ in range(SCRAPES):
        if not (missing := without_data(prometheus)):
            break
        time.sleep(0.5)
    assert missing == []

    (versions,) = (each for each in QUERIES if each.where == "panel Versions A")
    band = [each["metric"] for each in prometheus.ask(versions)]
    # Prometheus drops an empty label: nothing serves yet.
    served = {(each.get("serving_version"), each.get("desired_version")) for each in band}
    assert served >= {("1.0.0", "1.0.0"), ("1.1.0", "1.1.0"), ("1.1.0", "1.2.0")}
    (marked,) = (each for each in QUERIES if each.where == "annotation Automatic rollbacks")
    assert [each["metric"] for each in prometheus.ask(marked)] == [{"reason": "MetricBreach"}]
    before = state(prometheus)

    leader.kill()
    scenario.until(lambda: leads(other), what="another leader")
    scenario.until(lambda: state(prometheus) == before, what="the same series of the new leader")
    leader.start()
    leaders = Query("", "", 'sum(pennant_leader{job="pennant"})', instant=True)
    scenario.until(lambda: [numbers(each) for each in prometheus.now(leaders)] == [[1]], what="one leader")
    scenario.stays(lambda: state(prometheus) == before, 3, "the series of the new leader")


def without_data(prometheus: Prometheus) -> list[str]:
    return [str(query) for query in QUERIES if not any(numbers(each) for each in prometheus.ask(query))]


def state(prometheus: Prometheus) -> dict[str, list[tuple[str, list[float]]]]:
    """Return what the queries of the newest state of the ModelDeployment return, without times."""
    asked = [each for each in QUERIES if each.instant and any(name in each.expr for name in OF_OBJECTS)]
    return {
        str(query): sorted((str(each["metric"]), numbers(each)) for each in prometheus.now(query)) for query in asked
    }
