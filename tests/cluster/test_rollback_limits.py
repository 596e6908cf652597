"""What keeps a breach from being rolled back, or a rollback from being the last one, in one scenario after another."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.scenario import Scenario
from rig import Rig

QUICK = {"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 3}


def promote(scenario: Scenario, old: str, new: str, accuracy: float = 0.5) -> None:
    scenario.accuracy(new, accuracy)
    scenario.version(new)
    scenario.move_tag(old, new)


def test_a_breach_is_reported_then_paused_and_then_rolled_back(serving: Scenario) -> None:
    """Rule: R62."""
    serving.deployment(rollback={"action": "Report"})
    promote(serving, "1.0.0", "1.1.0")
    serving.until_stalled("MetricBreach")
    assert serving.condition("MetricsHealthy") == ("False", "ThresholdBreached")
    assert "accuracy is 0.5, below 0.9, in 3 of 3 checks" in serving.message("Stalled")
    assert (serving.served(), serving.quarantined()) == ("1.1.0", [])

    serving.deployment(rollback={"action": "Pause"})
    serving.until_stalled("BreachPaused")
    serving.until(lambda: serving.get("deployment")["spec"].get("paused"))
    serving.unready("1.0.0")
    serving.deployment()
    serving.until(lambda: serving.condition("Reconciling") == ("True", "RollbackInProgress"))
    serving.unready("1.0.0", False)
    serving.until_rolled_back_to("1.0.0")


def test_cooldown_and_budget_bound_the_rate_of_rollbacks(rolled_back: Scenario) -> None:
    """Rule: R60."""
    rolled_back.until_verified("1.0.0")
    rolled_back.deployment(rollback={"budget": {"count": 1, "windowSeconds": 3600}})
    promote(rolled_back, "1.1.0", "1.2.0")
    rolled_back.until_stalled("RollbackBudgetExhausted")
    assert rolled_back.served() == "1.0.0"
    rolled_back.deployment(rollback={"cooldownSeconds": 600})
    rolled_back.until(lambda: rolled_back.condition("Reconciling") == ("True", "RollbackCoolingDown"))
    assert rolled_back.served() == "1.2.0"
    rolled_back.deployment()
    rolled_back.until_rolled_back_to("1.0.0")


def test_rollbacks_end_where_they_do_not_help_and_at_their_limit(rolled_back: Scenario) -> None:
    """Rule: R56.

    Rule: R58.
    """
    rolled_back.accuracy("1.0.0", 0.5)
    rolled_back.until_stalled("RollbackDidNotHelp")
    assert (rolled_back.served(), rolled_back.quarantined()) == ("1.0.0", [("1.1.0", "MetricBreach")])
    rolled_back.accuracy("1.0.0", 0.95)
    rolled_back.until_verified("1.0.0")

    rolled_back.deployment(rollout=QUICK)
    rolled_back.crash("1.2.0")
    promote(rolled_back, "1.1.0", "1.2.0", 0.97)
    rolled_back.until(lambda: rolled_back.history[-1]["revision"] == 5)
    rolled_back.accuracy("1.0.0", 0.5)
    rolled_back.until_stalled("RollbackLimitReached")
    assert rolled_back.quarantined() == [("1.2.0", "ProgressDeadlineExceeded")]

    rolled_back.crash("1.2.0", False)
    rolled_back.command(retry="1.2.0", requested_at="t1")
    rolled_back.until(lambda: rolled_back.versions_in_history()[-1] == ("1.2.0", "Retry", "Verified"))
    rolled_back.until_told("Released")


@pytest.fixture
def doubting(rig: Rig, operator: Operator, tmp_path: Path) -> Iterator[Scenario]:
    """Return a scenario with an operator of its own that suspects a metric source when two deployments breach.

    It serves this namespace alone. The shared operator serves all namespaces, so it is stopped meanwhile.
    """
    operator.kill()
    try:
        scenario = Scenario(rig, f"doubting-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
        values = {"namespace": scenario.namespace, "settings": {"massBreachCount": 2}}
        installed = install(rig, tmp_path, release="doubting", namespace="doubting-system", values=values)
        scenario.operator = Operator(rig, tmp_path / "operator", installed)
        scenario.operator.start()
        yield scenario
        assert installed.refusals() == [], "the rights of the chart suffice for one namespace"
        scenario.assert_preconditioned()
        scenario.operator.kill()
        scenario.end()
    finally:
        operator.start()


def test_a_source_against_which_many_breach_at_once_is_not_believed(doubting: Scenario) -> None:
    """Rule: R61."""
    other = doubting.a_deployment()
    other["metadata"]["name"] = "fraud-shadow"
    doubting.accuracy("1.0.0", 0.95)
    doubting.version("1.0.0", "production")
    doubting.deployment()
    doubting.apply(other)
    doubting.until(lambda: stable(doubting) == ["1.0.0", "1.0.0"])
    for version in ("1.1.0", "1.2.0"):
        doubting.accuracy(version, 0.95)
        doubting.version(version)
    other["spec"]["version"] = "1.2.0"
    doubting.apply(other)
    doubting.move_tag("1.0.0", "1.1.0")
    doubting.until(lambda: stable(doubting) == ["1.1.0", "1.2.0"])

    for version in ("1.1.0", "1.2.0"):
        doubting.accuracy(version, 0.2)
    doubting.until(lambda: doubting.condition("Stalled") == ("True", "MassBreachSuspected"))
    assert "2 of 2 deployments, with 2 different contents, breach at the same time" in doubting.message("Stalled")
    doubting.stays(lambda: doubting.served() == "1.1.0" and len(doubting.history) == 2, 3, "1.1.0")
    assert len(doubting.get("modeldeployment", "fraud-shadow")["status"]["history"]) == 2


def stable(scenario: Scenario) -> list[str]:
    names = ("fraud", "fraud-shadow")
    statuses = (scenario.get("modeldeployment", name).get("status", {}) for name in names)
    return [each.get("stable", {}).get("version", "") for each in statuses]
