"""The alerting rules: each is tested by promtool, uses what is exported, and no fact fires twice."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, KUBERNETES, HelmError, only, rendered, run_helm
from pennant.api.reasons import Reason
from pennant.runtime.own_metrics import object_definitions, process_definitions, sync_definitions
from rig.binaries import ensure
from unit.test_layout import examples
from unit.test_runbooks import arguments, blocks, commands

RULES = CHART / "files" / "rules.yaml"
CASES = Path(__file__).with_name("alerts")
ALERTS: dict[str, Any] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
METRICS = {
    each.name: set(each.labels)
    for each in (
        *object_definitions.DEFINITIONS,
        object_definitions.SUSPECTED,
        *process_definitions.DEFINITIONS,
        *sync_definitions.DEFINITIONS,
    )
}
OF_THE_TARGET = {"job", "instance", "namespace"}
"""Labels that Prometheus adds; `namespace` only to metrics without a label of this name."""
RENAMED = "exported_namespace"
"""What Prometheus makes of the label `namespace` if it does not honor labels."""
SELECTOR = re.compile(r"\b(pennant_\w+)(?:\{(.*?)\})?", re.DOTALL)
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
GROUPING = re.compile(r"\b(?:by|on|group_left|group_right|without|ignoring)\s*\(([^()]*)\)")
SEVERITIES = {"critical", "warning"}
STALLED = 'pennant_modeldeployment_status_condition{condition="Stalled",status="true",'
WHERE = 'namespace="shop",name="fraud",instance="a",job="pennant"'
ALSO: dict[Reason, tuple[str, ...]] = {
    Reason.ROLLED_BACK: (
        'pennant_modeldeployment_status_condition{condition="RolledBack",status="true",reason="MetricBreach",',
        'pennant_modeldeployment_info{desired_version="1.1.0",',
    ),
    Reason.TAG_UNASSIGNED: (
        'pennant_modeldeployment_status_condition{condition="TagResolved",status="false",reason="TagUnassigned",',
        'pennant_modeldeployment_info{model="fraud",tag="production",serving_version="1.0.0",',
    ),
    Reason.TAG_AMBIGUOUS: (
        'pennant_modeldeployment_status_condition{condition="TagResolved",status="false",reason="TagAmbiguous",',
        'pennant_modeldeployment_info{model="fraud",tag="production",serving_version="1.0.0",',
    ),
    Reason.MASS_BREACH_SUSPECTED: ('pennant_suspect_metric_source_modeldeployments{source="default",',),
    Reason.WRITE_FAILING: ('pennant_failing_writes{kind="ModelDeployment",',),
    Reason.DEPLOYMENT_REFUSED: ('pennant_failing_writes{kind="ModelDeployment",',),
    Reason.DEPLOYMENT_ALTERED: ('pennant_failing_writes{kind="ModelDeployment",',),
    Reason.HISTORY_TAMPERED: (
        'pennant_modeldeployment_status_condition{condition="HistoryIntact",status="false",reason="HistoryTampered",',
    ),
    Reason.PODS_UNAVAILABLE: (
        'pennant_modeldeployment_status_condition{condition="Available",status="false",reason="PodsUnavailable",',
        'pennant_modeldeployment_info{model="fraud",tag="production",serving_version="1.0.0",',
    ),
}
"""What else is exported where `Stalled` has this reason: the other sides of the same fact."""


def promtool(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ensure(["promtool"])["promtool"]), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def linted(path: Path) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def cases_of(alert: str) -> list[Any]:
    cases: list[Any] = yaml.safe_load((CASES / f"{alert}.yaml").read_text())["tests"]
    return cases


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric of an expression with the labels of its matchers."""
    for name, matchers in SELECTOR.findall(expression):
        yield name, set(MATCHER.findall(matchers))


def exported(series: str) -> str:
    """Return the definition behind a series: a histogram has several."""
    return re.sub(r"_(count|sum|bucket)$", "", series) if series not in METRICS else series


def test_the_rules_pass_the_lint_of_promtool() -> None:
    linted(RULES)


def test_the_cases_of_all_alerts_pass() -> None:
    done = promtool("test", "rules", *map(str, sorted(CASES.glob("*.yaml"))))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_cases_and_all_cases_have_an_alert() -> None:
    assert {each.stem for each in CASES.glob("*.yaml")} == ALERTS.keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_in_which_it_fires_and_resolves_and_one_in_which_it_does_not_fire(alert: str) -> None:
    cases = {each["name"]: each["alert_rule_test"] for each in cases_of(alert)}
    assert {each["alertname"] for checks in cases.values() for each in checks} == {alert}
    fires = [bool(each["exp_alerts"]) for each in cases["fires and resolves"]]
    assert fires[0] is fires[-1] is False, "it begins and ends without the alert"
    assert True in fires
    quiet = [checks for name, checks in cases.items() if name.startswith("does not fire: ")]
    assert quiet
    assert not [each for checks in quiet for each in checks if each["exp_alerts"]]


@pytest.mark.parametrize("alert", ALERTS)
def test_a_case_has_series_as_the_operator_exports_them(alert: str) -> None:
    for test in cases_of(alert):
        for each in test["input_series"]:
            ((name, labels),) = used(each["series"])
            extra = labels - METRICS[exported(name)] - OF_THE_TARGET
            assert extra <= ({RENAMED} if alert == "PennantLabelsNotHonored" else set()), each


@pytest.mark.parametrize("alert", ALERTS)
def test_an_expression_uses_what_is_exported(alert: str) -> None:
    expression = ALERTS[alert]["expr"]
    metrics = list(used(expression))
    assert metrics
    known: set[str] = set()
    for name, labels in metrics:
        has = METRICS[exported(name)] | OF_THE_TARGET
        assert labels - has <= ({RENAMED} if alert == "PennantLabelsNotHonored" else set()), name
        known |= has
    grouped = {label.strip() for listed in GROUPING.findall(expression) for label in listed.split(",")} - {""}
    assert grouped <= known


@pytest.mark.parametrize("alert", ALERTS)
def test_the_reasons_of_an_expression_are_reasons(alert: str) -> None:
    found = re.findall(r"reason\s*[!=]~?\s*\"([^\"]*)\"", ALERTS[alert]["expr"])
    assert {word for each in found for word in each.split("|")} <= {each.value for each in Reason}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_it_is_about(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["summary"].endswith(".")
    assert "{{" not in notes["summary"]
    # `absent` has no labels.
    assert "$labels." in notes["description"] or alert == "PennantOperatorDown"
    assert notes["runbook_url"].endswith(f"/docs/runbooks/{alert}.md")


def test_no_reason_of_stalled_fires_two_alerts_or_none(tmp_path: Path) -> None:
    """Any reason will do: one that is new is reported by `PennantStalled`."""
    tests = [
        {
            "name": reason.value,
            "interval": "1m",
            "input_series": [
                {"series": f"{each}{WHERE}}}", "values": "1x60"}
                for each in (f'{STALLED}reason="{reason.value}",', *ALSO.get(reason, ()))
            ]
            + [{"series": f"{name}{{{WHERE}}}", "values": values} for name, values in THE_REST],
            "promql_expr_test": [
                {
                    "expr": 'count(ALERTS{alertstate="firing"})',
                    "eval_time": "50m",
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
            ],
        }
        for reason in Reason
    ]
    path = tmp_path / "reasons.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


THE_REST = (
    ("pennant_build_info", "1x60"),
    ("pennant_leader", "1x60"),
    ("pennant_modeldeployment_ready_replicas", "0x60"),
)
"""What an operator that is well exports beside it."""


@pytest.mark.parametrize("alert", ALERTS)
def test_kubectl_takes_the_commands_of_a_runbook(alert: str) -> None:
    """`--help` at the end: flags are checked, and nothing is run."""
    for words in commands(alert):
        if arguments(words) is None:
            done = subprocess.run(
                [str(ensure(["kubectl"])["kubectl"]), *words[1:], "--help"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"{words}: {done.stderr}"


@pytest.mark.parametrize("alert", ALERTS)
def test_the_queries_of_a_runbook_can_be_parsed_and_use_what_is_exported(alert: str, tmp_path: Path) -> None:
    queries = blocks(alert, "promql")
    records = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    linted(path)
    for query in queries:
        assert all(labels <= METRICS[exported(name)] for name, labels in used(query))


def test_the_configurations_in_the_documentation_are_valid(tmp_path: Path) -> None:
    scraping, routing = examples((CHART.parents[1] / "docs" / "alerts.md").read_text())
    (tmp_path / "pennant-rules.yaml").write_text(RULES.read_text())
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(scraping))
    done = promtool("check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "prometheus.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    receivers = {each["name"] for each in routing["receivers"]}
    assert {routing["route"]["receiver"], *(each["receiver"] for each in routing["route"]["routes"])} == receivers


def spec_of(tmp_path: Path, values: Any) -> dict[str, Any]:
    """Return the alerts of the PrometheusRule by name; its groups pass the lint of promtool."""
    spec = only(rendered({"prometheusRule": {"enabled": True, **values}}), "PrometheusRule")["spec"]
    path = tmp_path / "rendered.yaml"
    path.write_text(yaml.safe_dump(spec))
    linted(path)
    return {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}


def test_the_prometheusrule_has_the_rules_of_the_file(tmp_path: Path) -> None:
    assert spec_of(tmp_path, {}) == ALERTS


def test_values_change_labels_runbooks_durations_and_severities(tmp_path: Path) -> None:
    values = {
        "additionalLabels": {"release": "kube-prometheus-stack"},
        "runbookBaseUrl": "https://wiki.example.com/runbooks/",
        "disabled": ["PennantQueueSlow"],
        "overrides": {"PennantRolloutStuck": {"for": "2h", "severity": "info"}},
    }
    labels = only(rendered({"prometheusRule": {"enabled": True, **values}}), "PrometheusRule")["metadata"]["labels"]
    assert labels["release"] == "kube-prometheus-stack"
    found = spec_of(tmp_path, values)
    assert found.keys() == ALERTS.keys() - {"PennantQueueSlow"}
    stuck = found["PennantRolloutStuck"]
    assert (stuck["for"], stuck["labels"]) == ("2h", {"severity": "info"})
    assert stuck["annotations"]["runbook_url"] == "https://wiki.example.com/runbooks/PennantRolloutStuck.md"
    assert found["PennantStalled"]["for"] == ALERTS["PennantStalled"]["for"]


def test_there_is_no_prometheusrule_by_default() -> None:
    assert not [each for each in rendered() if each["kind"] == "PrometheusRule"]


def test_a_cluster_without_the_prometheus_operator_is_refused(major: int) -> None:
    with pytest.raises(HelmError, match=r"the cluster does not have the API monitoring\.coreos\.com/v1"):
        run_helm(
            *(major, "template", "pennant", str(CHART), "--kube-version", KUBERNETES),
            values={"prometheusRule": {"enabled": True}},
        )


@pytest.mark.parametrize("values", [{"disabled": ["PennantStaled"]}, {"overrides": {"PennantStaled": {"for": "1h"}}}])
def test_an_alert_that_does_not_exist_is_refused_by_its_name(major: int, values: Any) -> None:
    with pytest.raises(HelmError, match="there is no alert PennantStaled; there are PennantRolledBack, "):
        rendered({"prometheusRule": {"enabled": True, **values}}, major=major)
