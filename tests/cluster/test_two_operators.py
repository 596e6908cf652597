"""Two processes that both believe to lead, at work on the same objects of a real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.chain import assert_chained
from cluster.operator_process import Operator
from cluster.stage import Stage

WRITES = ("create", "update", "patch", "delete")


@pytest.fixture
def second(stage: Stage, tmp_path: Path) -> Iterator[Operator]:
    """Start another operator beside the one that was elected, which asks nobody whether it may lead."""
    environment = {
        "PENNANT_LEADER_ELECTION": "false",
        "PENNANT_NAMESPACE": stage.namespace,
    }
    operator = Operator(stage.rig, tmp_path / "second", stage.operator.installation, **environment)
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


def test_two_that_both_believe_to_lead_lose_nothing_and_double_nothing(stage: Stage, second: Operator) -> None:
    """Rule: R16."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        stage.accuracy(version, 0.97)
        stage.version(version)
    stage.version("1.0.0", "production")
    stage.deployment()
    stage.until_verified("1.0.0")
    stage.move_tag("1.0.0", "1.1.0")
    stage.move_tag("1.1.0", "1.2.0")
    stage.until_verified("1.2.0")
    stage.accuracy("1.2.0", 0.4)
    stage.until(lambda: stage.history[-1]["trigger"] == "AutomaticRollback")
    stage.until(lambda: "verifiedAt" in stage.history[-1], what="the way back, known good")

    history = stage.history
    assert_chained(stage)
    assert history[0]["previousHash"] == ""
    assert [each["trigger"] for each in history].count("AutomaticRollback") == 1
    assert stage.served() == history[-1]["version"] != "1.2.0"
    assert stage.condition("RolledBack") == ("True", "MetricBreach")

    stage.assert_silent()
    assert 0 < written_by(second) < len(stage.operator_writes()), "both were at work"
    for each in (stage.operator, second):
        each.assert_sound()
