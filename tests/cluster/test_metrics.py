"""Metrics and alerts of a version, read from a real Prometheus and a real Alertmanager."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from cluster.scenario import QUERY, Scenario

WORSE = {"name": "accuracy", "prometheus": {"query": QUERY}, "compareTo": "Stable", "maxDecreasePercent": "10"}
BAD = {"name": "accuracy", "prometheus": {"query": QUERY}, "threshold": {"min": "0.9"}}
ALERT = {
    "name": "inaccurate",
    "alert": {"matchLabels": {"alertname": "Inaccurate", "namespace": "${namespace}", "version": "${version}"}},
}


def watching(*metrics: dict[str, Any], interval: int = 1) -> dict[str, Any]:
    return {"intervalSeconds": interval, "bakeSeconds": 1, "metrics": list(metrics)}


def started(scenario: Scenario, **spec: Any) -> None:
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment(**spec)
    scenario.until_verified("1.0.0")


def reason(scenario: Scenario) -> str:
    return str(scenario.status["analysis"][0]["reason"])


def promote(scenario: Scenario, accuracy: float) -> None:
    scenario.accuracy("1.1.0", accuracy)
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")


def test_a_version_that_is_much_worse_than_the_stable_one_is_rolled_back(scenario: Scenario) -> None:
    """It is only reported first.

    Rule: R41.
    """
    started(scenario, analysis=watching(WORSE), rollback={"action": "Report"})
    assert reason(scenario) == "NothingToCompare"
    promote(scenario, 0.8)
    scenario.until(lambda: scenario.condition("MetricsHealthy") == ("False", "WorseThanStable"))
    scenario.deployment(analysis=watching(WORSE))
    scenario.until_rolled_back_to("1.0.0")
    (evidence,) = scenario.history[1]["evidence"]
    assert (evidence["value"], evidence["threshold"]) == ("0.8", "at most 10 % below 0.95 of 1.0.0")


def test_without_a_number_from_before_there_is_nothing_to_compare_with(scenario: Scenario) -> None:
    comparing = watching({**WORSE, "onNoData": "Ignore"})
    scenario.version("1.0.0", "production")
    scenario.deployment(analysis=comparing)
    scenario.until_verified("1.0.0")
    # It must not be verified before its pods are scraped: then there is nothing to compare.
    scenario.deployment(analysis=comparing | {"bakeSeconds": 600})
    promote(scenario, 0.1)
    scenario.until(lambda: scenario.condition("MetricsHealthy") == ("Unknown", "NoBaseline"))


QUERIES = {
    "unparsed": ("sum(", "QueryRefused", ""),
    "several": ('model_accuracy{namespace="${namespace}"} or vector(1)', "MultipleSeries", ""),
    "no-traffic": ("vector(0) / 0", "NotANumber", ""),
    "missing": ("no_such_metric", "NoData", "no series has the name no_such_metric"),
    "relabelled": (
        QUERY.replace("pennant_dev_template_hash", "template_hash"),
        "NoData",
        "no series of model_accuracy has template_hash=",
    ),
}
"""Queries that give no number, each with the reason and the explanation in the message."""
SAMPLES = QUERY.replace("avg(", "sum(count_over_time(").replace("})", "}[${window}]))")
UNKNOWN: tuple[tuple[dict[str, Any], str], ...] = (
    ({**BAD, "name": "few", "minimumSamples": {"query": SAMPLES, "count": 1_000_000}}, "TooFewSamples"),
    ({**BAD, "name": "slow", "prometheus": {"query": QUERY, "source": "slow"}}, "SourceSlow"),
    ({**BAD, "name": "partial", "prometheus": {"query": QUERY, "source": "partial"}}, "SourcePartial"),
    ({"name": "misspelt", "alert": {"matchLabels": {"alertname": "HighQueueDepht"}}}, "AlertUnknown"),
)
"""Metrics that are unknown for another reason."""


def test_queries_that_give_no_number_hold_the_version_and_say_why(scenario: Scenario) -> None:
    """Rule: R35."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    metrics = [{**BAD, "name": name, "prometheus": {"query": query}} for name, (query, *_) in QUERIES.items()]
    scenario.deployment(analysis=watching(*metrics, *(metric for metric, _ in UNKNOWN)))
    wanted = {name: why for name, (_, why, _) in QUERIES.items()} | {each["name"]: why for each, why in UNKNOWN}
    scenario.until(lambda: {each["name"]: each["reason"] for each in scenario.status.get("analysis", ())} == wanted)
    words = [says for *_, says in QUERIES.values()]
    scenario.until(lambda: all(each in scenario.message("MetricsHealthy") for each in words), what="all explanations")
    scenario.until_told("NotVerified")
    scenario.stays(lambda: "verifiedAt" not in scenario.history[-1], 2, "what is not known to be good")


def test_where_no_series_means_that_all_is_well_it_is_told_what_helps_and_that_helps(scenario: Scenario) -> None:
    """Rule: R38."""
    scenario.version("1.0.0", "production")
    errors: dict[str, Any] = {
        "name": "errors",
        "prometheus": {"query": 'sum(rate(http_5xx_total{namespace="${namespace}"}[5s]))'},
        "threshold": {"max": "0.05"},
    }
    alert_expression = {"name": "waiting", "prometheus": {"query": "waiting > 10"}, "threshold": {"max": "10"}}
    scenario.deployment(analysis=watching(errors, alert_expression))
    scenario.until(
        lambda: "add `or vector(0)` to the query, or set onNoData: Pass" in scenario.message("MetricsHealthy")
    )
    assert "set threshold instead of the comparison, or write `> bool`" in scenario.message("MetricsHealthy")
    guarded = {**errors, "prometheus": {"query": f"{errors['prometheus']['query']} or vector(0)"}}
    passing = {**alert_expression, "onNoData": "Pass"}
    scenario.deployment(analysis=watching(guarded, passing))
    scenario.until_verified("1.0.0")
    found = {each["name"]: (each["state"], each["reason"]) for each in scenario.status["analysis"]}
    assert found == {"errors": ("Passing", "WithinThreshold"), "waiting": ("Passing", "NoData")}


def test_a_second_source_has_a_name_and_credentials_of_its_own(scenario: Scenario) -> None:
    other = {**BAD, "name": "other", "prometheus": {"query": QUERY, "source": "second"}}
    unknown = {**BAD, "name": "unknown", "prometheus": {"query": QUERY, "source": "third"}, "mode": "Observe"}
    started(scenario, analysis=watching(other, unknown))
    found = {each["name"]: (each["state"], each["reason"]) for each in scenario.status["analysis"]}
    assert found == {"other": ("Passing", "WithinThreshold"), "unknown": ("Unknown", "SourceUnknown")}
    promote(scenario, 0.2)
    scenario.until_rolled_back_to("1.0.0")


def test_what_a_range_reaches_back_to_is_held_against_neither_the_way_back_nor_a_retry(scenario: Scenario) -> None:
    """The query names no revision, so its range holds samples of whatever served before.

    Rule: R31.
    """
    worst = {"query": 'min(min_over_time(model_accuracy{namespace="${namespace}"}[8s]))'}
    started(scenario, replicas=1, analysis=watching({**BAD, "prometheus": worst}))
    promote(scenario, 0.5)
    scenario.until_rolled_back_to("1.0.0")
    scenario.until_verified("1.0.0")
    assert scenario.quarantined() == [("1.1.0", "MetricBreach")]
    scenario.accuracy("1.1.0", 0.97)
    scenario.command(retry="1.1.0", requested_at="t1")
    scenario.until(lambda: scenario.versions_in_history()[-1] == ("1.1.0", "Retry", "Verified"))
    assert [outcome for _, _, outcome in scenario.versions_in_history()] == [
        *("Superseded", "RolledBack", "Superseded", "Verified")
    ]


def by(source: str, interval: int = 1) -> dict[str, Any]:
    """Return the analysis by which the accuracy is read from this source."""
    return watching({**BAD, "prometheus": {"query": QUERY, "source": source}}, interval=interval)


def test_a_source_that_takes_longer_than_the_interval_is_used_all_the_same(scenario: Scenario) -> None:
    """Rule: R33."""
    started(scenario, analysis=by("slow", interval=2))
    promote(scenario, 0.2)
    scenario.until_rolled_back_to("1.0.0")


@pytest.fixture
def alerting(scenario: Scenario) -> Iterator[Scenario]:
    """Return a scenario with an alert on the accuracy of each version, which Alertmanager hints the operator at."""
    average = f'avg by (namespace, pennant_dev_version) (model_accuracy{{namespace="{scenario.namespace}"}})'
    named = f'label_replace({average}, "version", "$1", "pennant_dev_version", "(.*)") < 0.9'
    rules = scenario.rig.rules / f"{scenario.namespace}.yaml"
    rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"alert": "Inaccurate", "expr": named}]}]}))
    scenario.rig.reload("prometheus")
    hook = {
        "url": f"http://127.0.0.1:{scenario.operator.webhook_port}/alerts",
        "http_config": {"authorization": {"credentials_file": str(scenario.operator.token_file)}},
        "send_resolved": True,
    }
    route = {"receiver": "pennant", "group_wait": "0s", "group_interval": "1s", "group_by": ["namespace", "version"]}
    receivers = [{"name": "pennant", "webhook_configs": [hook]}]
    configuration = scenario.rig.directory / "alertmanager.json"
    before = configuration.read_text()
    configuration.write_text(json.dumps({"route": route, "receivers": receivers}))
    scenario.rig.reload("alertmanager")
    yield scenario
    rules.unlink()
    scenario.rig.reload("prometheus")
    configuration.write_text(before)
    scenario.rig.reload("alertmanager")


def test_an_alert_that_fires_rolls_back(alerting: Scenario) -> None:
    """Rule: R42."""
    started(alerting, analysis=watching(ALERT))
    assert alerting.condition("MetricsHealthy") == ("True", "MetricsPassing")
    assert reason(alerting) == "NoAlertFiring"
    promote(alerting, 0.5)
    alerting.until_rolled_back_to("1.0.0")
    (evidence,) = alerting.history[1]["evidence"]
    assert (evidence["value"], evidence["threshold"]) == ("1 firing", "no alert")
    assert alerting.condition("RolledBack") == ("True", "MetricBreach")
    assert "alert Inaccurate fires since" in alerting.message("RolledBack")
    alerting.until(lambda: "verifiedAt" in alerting.history[-1])


@pytest.fixture
def older_alert(scenario: Scenario) -> Iterator[Callable[[bool], None]]:
    """Return how to have an alert of this namespace fire, whatever is served, or not."""
    rules = scenario.rig.rules / f"{scenario.namespace}-older_alert.yaml"

    def fire(fires: bool) -> None:
        rule = {"alert": "Older", "expr": f"vector(1) > {0 if fires else 1}", "labels": {"in": scenario.namespace}}
        rules.write_text(json.dumps({"groups": [{"name": scenario.namespace, "interval": "500ms", "rules": [rule]}]}))
        scenario.rig.reload("prometheus")

    fire(True)
    yield fire
    rules.unlink()
    scenario.rig.reload("prometheus")


def test_an_alert_from_before_a_revision_holds_it_until_it_stops(
    scenario: Scenario, older_alert: Callable[[bool], None]
) -> None:
    """Rule: R42."""
    named = {"key": "alertname", "operator": "In", "values": ["Older"]}
    here = {"key": "in", "operator": "In", "values": ["${namespace}", "everywhere"]}
    metric = {"name": "older", "alert": {"matchExpressions": [named, here]}}
    time.sleep(3)
    scenario.version("1.0.0", "production")
    scenario.deployment(analysis=watching(metric))
    scenario.until(lambda: scenario.condition("MetricsHealthy") == ("Unknown", "AlertFiringBefore"))
    scenario.stays(lambda: "verifiedAt" not in scenario.history[-1], 3, "what an older alert hides")
    older_alert(False)
    scenario.until_verified("1.0.0")


def test_a_notification_of_alertmanager_has_the_alert_looked_at_before_the_next_check(alerting: Scenario) -> None:
    """Rule: R44."""
    started(alerting, analysis=watching(ALERT, interval=1))
    alerting.deployment(analysis=watching(ALERT, interval=600))
    promote(alerting, 0.5)
    alerting.until_rolled_back_to("1.0.0")
    bad, good = alerting.history[-2:]
    waited = datetime.fromisoformat(good["startedAt"]) - datetime.fromisoformat(bad["availableAt"])
    assert waited.total_seconds() < 600, "the first check would have been then"
