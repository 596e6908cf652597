"""Two processes that both act as the leader on the same objects of a real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.chain import assert_chained
from cluster.operator_process import Operator
from cluster.scenario import Scenario

WRITES = ("create", "update", "patch", "delete")


@pytest.fixture
def second(scenario: Scenario, tmp_path: Path) -> Iterator[Operator]:
    """Start another operator without leader election beside the leader."""
    environment = {
        "PENNANT_LEADER_ELECTION": "false",
        "PENNANT_NAMESPACE": scenario.namespace,
    }
    operator = Operator(scenario.rig, tmp_path / "second", scenario.operator.installation, **environment)
    operator.start()
    operator.wait_for("Starting")
    yield operator
    operator.kill()


def written_by(operator: Operator) -> int:
    """Return how many writes of this process the API server has accepted."""
    code, text = operator.fetch("/metrics", operator.port)
    assert code == 200
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    accepted = (
        each.value
        for each in samples
        if each.name == "pennant_api_requests_total"
        and each.labels["verb"] in WRITES
        and each.labels["code"].startswith("2")
    )
    return int(sum(accepted))


def test_two_that_both_believe_to_lead_lose_nothing_and_double_nothing(scenario: Scenario, second: Operator) -> None:
    """Rule: R16."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        scenario.accuracy(version, 0.97)
        scenario.version(version)
    scenario.version("1.0.0", "production")
    scenario.deployment()
    scenario.until_verified("1.0.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.move_tag("1.1.0", "1.2.0")
    scenario.until_verified("1.2.0")
    scenario.accuracy("1.2.0", 0.4)
    scenario.until(lambda: scenario.history[-1]["trigger"] == "AutomaticRollback")
    scenario.until(lambda: "verifiedAt" in scenario.history[-1], what="the way back, known good")

    history = scenario.history
    assert_chained(scenario)
    assert history[0]["previousHash"] == ""
    assert [each["trigger"] for each in history].count("AutomaticRollback") == 1
    assert scenario.served() == history[-1]["version"] != "1.2.0"
    assert scenario.condition("RolledBack") == ("True", "MetricBreach")

    scenario.assert_silent()
    assert 0 < written_by(second) < len(scenario.operator_writes()), "both were at work"
    for each in (scenario.operator, second):
        each.assert_healthy()
