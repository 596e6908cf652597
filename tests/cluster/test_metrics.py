"""What speaks against a version, read from a real Prometheus and a real Alertmanager."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from cluster.stage import QUERY, Stage

SAMPLES = QUERY.replace("avg(", "sum(count_over_time(").replace("})", "}[${window}]))")
WORSE = {"name": "accuracy", "prometheus": {"query": QUERY}, "compareTo": "Stable", "maxDecreasePercent": "10"}
BAD = {"name": "accuracy", "prometheus": {"query": QUERY}, "threshold": {"min": "0.9"}}
ALERT = {
    "name": "inaccurate",
    "alert": {"matchLabels": {"alertname": "Inaccurate", "namespace": "${namespace}", "version": "${version}"}},
}


def watching(*metrics: dict[str, Any], interval: int = 1) -> dict[str, Any]:
    return {"intervalSeconds": interval, "bakeSeconds": 2, "metrics": list(metrics)}


def started(stage: Stage, **spec: Any) -> None:
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production")
    stage.deployment(**spec)
    stage.until_verified("1.0.0")


def reason(stage: Stage) -> str:
    return str(stage.status["analysis"][0]["reason"])


def promote(stage: Stage, accuracy: float) -> None:
    stage.accuracy("1.1.0", accuracy)
    stage.version("1.1.0")
    stage.move_tag("1.0.0", "1.1.0")


def test_a_version_that_is_much_worse_than_the_stable_one_is_rolled_back(stage: Stage) -> None:
    started(stage, analysis=watching(WORSE))
    promote(stage, 0.8)
    stage.until_rolled_back_to("1.0.0")
    (evidence,) = stage.history[1]["evidence"]
    assert (evidence["value"], evidence["threshold"]) == ("0.8", "at most 10 % below 0.95 of 1.0.0")


def test_what_a_comparison_says(stage: Stage) -> None:
    """Rule: R41."""
    started(stage, analysis=watching(WORSE), rollback={"action": "Report"})
    assert reason(stage) == "NothingToCompare"
    promote(stage, 0.8)
    stage.until(lambda: stage.condition("MetricsHealthy") == ("False", "WorseThanStable"))
    stage.until_stalled("MetricBreach")
    assert "accuracy is 0.8, more than 10 % below 0.95 of 1.0.0, in 3 of 3 checks" in stage.message("Stalled")


def test_without_a_number_from_before_there_is_nothing_to_compare_with(stage: Stage) -> None:
    comparing = watching({**WORSE, "onNoData": "Ignore"})
    stage.version("1.0.0", "production")
    stage.deployment(analysis=comparing)
    stage.until_verified("1.0.0")
    # Once it is known good itself there is nothing to compare, and it may be that before its pods are scraped.
    stage.deployment(analysis=comparing | {"bakeSeconds": 600})
    promote(stage, 0.1)
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "NoBaseline"))


def test_a_version_that_is_a_little_worse_than_the_stable_one_is_not(stage: Stage) -> None:
    started(stage, analysis=watching(WORSE))
    promote(stage, 0.9)
    stage.until_verified("1.1.0")


def test_a_check_on_too_few_samples_holds(stage: Stage) -> None:
    """Rule: R40.

    Rule: R59.
    """
    started(stage, analysis=watching({**BAD, "minimumSamples": {"query": SAMPLES, "count": 1}}))
    stage.deployment(analysis=watching({**BAD, "minimumSamples": {"query": SAMPLES, "count": 1_000_000}}))
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "TooFewSamples"))
    stage.accuracy("1.0.0", 0.1)
    stage.stays(lambda: stage.condition("MetricsHealthy") == ("Unknown", "TooFewSamples"), 4, "not knowing")
    stage.deployment(analysis=watching({**BAD, "minimumSamples": {"query": SAMPLES, "count": 2}}))
    stage.until_stalled("NoRollbackTarget")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param("sum(", "QueryRefused", id="a query that Prometheus cannot parse"),
        pytest.param('model_accuracy{namespace="${namespace}"}', "MultipleSeries", id="one series for each pod"),
        pytest.param("vector(0) / 0", "NotANumber", id="no traffic"),
        pytest.param("no_such_metric", "NoData", id="no such metric"),
    ],
)
def test_a_query_that_gives_no_number_holds(stage: Stage, query: str, why: str) -> None:
    """Rule: R35."""
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production")
    stage.deployment(analysis=watching({**BAD, "prometheus": {"query": query}}))
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", why))
    stage.stays(lambda: "verifiedAt" not in stage.history[-1], 4, "what is not known to be good")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param("no_such_metric", "no series is called no_such_metric", id="no such metric"),
        pytest.param(
            QUERY.replace("pennant_dev_template_hash", "template_hash"),
            "no series of model_accuracy has template_hash=",
            id="a label that the scrape configuration drops",
        ),
    ],
)
def test_it_is_told_why_a_query_gives_nothing(stage: Stage, query: str, why: str) -> None:
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production")
    stage.deployment(analysis=watching({**BAD, "prometheus": {"query": query}}))
    stage.until(lambda: why in stage.message("MetricsHealthy"))
    assert reason(stage) == "NoData"


def test_where_no_series_means_that_all_is_well_it_is_told_what_helps_and_that_helps(stage: Stage) -> None:
    """Rule: R38."""
    stage.version("1.0.0", "production")
    errors: dict[str, Any] = {
        "name": "errors",
        "prometheus": {"query": 'sum(rate(http_5xx_total{namespace="${namespace}"}[5s]))'},
        "threshold": {"max": "0.05"},
    }
    alert_expression = {"name": "waiting", "prometheus": {"query": "waiting > 10"}, "threshold": {"max": "10"}}
    stage.deployment(analysis=watching(errors, alert_expression))
    stage.until(lambda: "add `or vector(0)` to the query, or set onNoData: Pass" in stage.message("MetricsHealthy"))
    assert "leave the comparison to the threshold, or write `> bool`" in stage.message("MetricsHealthy")
    guarded = {**errors, "prometheus": {"query": f"{errors['prometheus']['query']} or vector(0)"}}
    passing = {**alert_expression, "onNoData": "Pass"}
    stage.deployment(analysis=watching(guarded, passing))
    stage.until_verified("1.0.0")
    found = {each["name"]: (each["state"], each["reason"]) for each in stage.status["analysis"]}
    assert found == {"errors": ("Passing", "WithinThreshold"), "waiting": ("Passing", "NoData")}


def test_from_an_observed_metric_nothing_follows(stage: Stage) -> None:
    """Rule: R45."""
    started(stage, analysis=watching({**BAD, "mode": "Observe"}))
    promote(stage, 0.2)
    stage.until_verified("1.1.0")
    stage.until(lambda: stage.status["analysis"][0]["state"] == "Breaching")
    assert stage.condition("Ready") == ("True", "Serving")
    assert stage.condition("MetricsHealthy") == ("True", "NoMetrics")
    stage.assert_silent()


def test_a_second_source_has_a_name_and_credentials_of_its_own(stage: Stage) -> None:
    other = {**BAD, "name": "other", "prometheus": {"query": QUERY, "source": "second"}}
    unknown = {**BAD, "name": "unknown", "prometheus": {"query": QUERY, "source": "third"}, "mode": "Observe"}
    started(stage, analysis=watching(other, unknown))
    found = {each["name"]: (each["state"], each["reason"]) for each in stage.status["analysis"]}
    assert found == {"other": ("Passing", "WithinThreshold"), "unknown": ("Unknown", "SourceUnknown")}
    promote(stage, 0.2)
    stage.until_rolled_back_to("1.0.0")


def test_what_a_range_reaches_back_to_is_held_against_neither_the_way_back_nor_a_retry(stage: Stage) -> None:
    """The query names no revision, so its range holds samples of whatever served before.

    Rule: R31.
    """
    worst = {"query": 'min(min_over_time(model_accuracy{namespace="${namespace}"}[8s]))'}
    started(stage, replicas=1, analysis=watching({**BAD, "prometheus": worst}))
    promote(stage, 0.5)
    stage.until_rolled_back_to("1.0.0")
    stage.until_verified("1.0.0")
    assert stage.quarantined() == [("1.1.0", "MetricBreach")]
    stage.accuracy("1.1.0", 0.97)
    stage.command(retry="1.1.0", requested_at="t1")
    stage.until(lambda: stage.versions_in_history()[-1] == ("1.1.0", "Retry", "Verified"))
    assert [outcome for _, _, outcome in stage.versions_in_history()] == [
        *("Superseded", "RolledBack", "Superseded", "Verified")
    ]


def by(source: str, interval: int = 1) -> dict[str, Any]:
    """Return the analysis by which the accuracy is read from this source."""
    return watching({**BAD, "prometheus": {"query": QUERY, "source": source}}, interval=interval)


def test_a_source_that_takes_longer_than_the_interval_is_used_all_the_same(stage: Stage) -> None:
    """Rule: R33."""
    started(stage, analysis=by("slow", interval=2))
    promote(stage, 0.2)
    stage.until_rolled_back_to("1.0.0")


def test_a_source_that_rounds_times_to_whole_steps_is_read_as_any_other(stage: Stage) -> None:
    """Rule: R32."""
    started(stage, analysis=by("aligned", interval=3))
    promote(stage, 0.2)
    stage.until_rolled_back_to("1.0.0")


@pytest.mark.parametrize("source", ["partial", "half"])
def test_an_answer_that_says_that_it_is_partial_is_not_believed(stage: Stage, source: str) -> None:
    """Rule: R36."""
    stage.accuracy("1.0.0", 0.2)
    stage.version("1.0.0", "production")
    stage.deployment(analysis=by(source))
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "SourcePartial"))
    stage.stays(lambda: stage.condition("Stalled")[0] == "False", 4, "not knowing")


def test_a_source_that_is_too_slow_makes_no_version_good_and_finds_a_bad_one(stage: Stage) -> None:
    """Rule: R34."""
    started(stage)
    stage.deployment(analysis=by("slow"))
    promote(stage, 0.95)
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "SourceSlow"))
    stage.stays(lambda: "verifiedAt" not in stage.history[-1], 8, "what is not known to be good")
    stage.accuracy("1.1.0", 0.2)
    stage.until_rolled_back_to("1.0.0")


@pytest.fixture
def alerting(stage: Stage) -> Iterator[Stage]:
    """Return a stage with an alert on the accuracy of each version, which Alertmanager hints the operator at."""
    average = f'avg by (namespace, pennant_dev_version) (model_accuracy{{namespace="{stage.namespace}"}})'
    named = f'label_replace({average}, "version", "$1", "pennant_dev_version", "(.*)") < 0.9'
    rules = stage.rig.rules / f"{stage.namespace}.yaml"
    rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"alert": "Inaccurate", "expr": named}]}]}))
    stage.rig.reload("prometheus")
    hook = {
        "url": f"http://127.0.0.1:{stage.operator.webhook_port}/alerts",
        "http_config": {"authorization": {"credentials_file": str(stage.operator.token_file)}},
        "send_resolved": True,
    }
    route = {"receiver": "pennant", "group_wait": "0s", "group_interval": "1s", "group_by": ["namespace", "version"]}
    receivers = [{"name": "pennant", "webhook_configs": [hook]}]
    configuration = stage.rig.directory / "alertmanager.json"
    before = configuration.read_text()
    configuration.write_text(json.dumps({"route": route, "receivers": receivers}))
    stage.rig.reload("alertmanager")
    yield stage
    rules.unlink()
    stage.rig.reload("prometheus")
    configuration.write_text(before)
    stage.rig.reload("alertmanager")


def test_an_alert_that_fires_rolls_back(alerting: Stage) -> None:
    """Rule: R42."""
    started(alerting, analysis=watching(ALERT))
    assert alerting.condition("MetricsHealthy") == ("True", "MetricsPassing")
    assert reason(alerting) == "NoAlertFiring"
    promote(alerting, 0.5)
    alerting.until_rolled_back_to("1.0.0")
    (evidence,) = alerting.history[1]["evidence"]
    assert (evidence["value"], evidence["threshold"]) == ("1 firing", "no alert")
    assert alerting.condition("RolledBack") == ("True", "MetricBreach")
    assert "the alert Inaccurate fires since" in alerting.message("RolledBack")
    alerting.until(lambda: "verifiedAt" in alerting.history[-1])


def test_an_alert_that_nobody_defined_makes_no_version_good(stage: Stage) -> None:
    """Rule: R43."""
    misspelt = {"name": "misspelt", "alert": {"matchLabels": {"alertname": "HighQueueDepht"}}}
    by_regex = {"name": "regex", "alert": {"matchLabels": {"alertname": "High.*", "severity": "critical|warning"}}}
    stage.version("1.0.0", "production")
    stage.deployment(analysis=watching(misspelt, by_regex))
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "AlertUnknown"))
    assert "misspelt: metric source default has no alerting rule HighQueueDepht" in stage.message("MetricsHealthy")
    stage.stays(lambda: "verifiedAt" not in stage.history[-1], 4, "what nobody watches")


def test_an_alert_of_a_source_that_lists_no_rules_is_believed_to_be_there(stage: Stage) -> None:
    alert = {"name": "unlisted", "alert": {"source": "unruly", "matchLabels": {"alertname": "HighQueueDepht"}}}
    stage.version("1.0.0", "production")
    stage.deployment(analysis=watching(alert))
    stage.until_verified("1.0.0")


@pytest.fixture
def burning(stage: Stage) -> Iterator[Callable[[bool], None]]:
    """Return how to have an alert of this namespace fire, whatever is served, or not."""
    rules = stage.rig.rules / f"{stage.namespace}-burning.yaml"

    def fire(fires: bool) -> None:
        rule = {"alert": "Burning", "expr": f"vector(1) > {0 if fires else 1}", "labels": {"in": stage.namespace}}
        rules.write_text(json.dumps({"groups": [{"name": stage.namespace, "interval": "500ms", "rules": [rule]}]}))
        stage.rig.reload("prometheus")

    fire(True)
    yield fire
    rules.unlink()
    stage.rig.reload("prometheus")


def test_an_alert_from_before_a_revision_holds_it_until_it_stops(stage: Stage, burning: Callable[[bool], None]) -> None:
    """Rule: R42."""
    named = {"key": "alertname", "operator": "In", "values": ["Burning"]}
    here = {"key": "in", "operator": "In", "values": ["${namespace}", "everywhere"]}
    metric = {"name": "burning", "alert": {"matchExpressions": [named, here]}}
    time.sleep(3)
    stage.version("1.0.0", "production")
    stage.deployment(analysis=watching(metric))
    stage.until(lambda: stage.condition("MetricsHealthy") == ("Unknown", "AlertFiringBefore"))
    stage.stays(lambda: "verifiedAt" not in stage.history[-1], 4, "what an older alert hides")
    burning(False)
    stage.until_verified("1.0.0")


def test_an_alert_is_told_by_the_condition(alerting: Stage) -> None:
    started(alerting, analysis=watching(ALERT), rollback={"action": "Report"})
    promote(alerting, 0.5)
    alerting.until(lambda: alerting.condition("MetricsHealthy") == ("False", "AlertFiring"))


def test_a_notification_of_alertmanager_has_the_alert_looked_at_before_the_next_check(alerting: Stage) -> None:
    """Rule: R44."""
    started(alerting, analysis=watching(ALERT, interval=1))
    alerting.deployment(analysis=watching(ALERT, interval=600))
    promote(alerting, 0.5)
    alerting.until_rolled_back_to("1.0.0")
    bad, good = alerting.history[-2:]
    waited = datetime.fromisoformat(good["startedAt"]) - datetime.fromisoformat(bad["availableAt"])
    assert waited.total_seconds() < 600, "the first check would have been then"
