"""What keeps a breach from being rolled back, on a real control plane."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.installation import install
from cluster.operator_process import Operator
from cluster.stage import Stage
from rig import Rig


def breach(stage: Stage, old: str = "1.0.0", new: str = "1.1.0") -> None:
    stage.accuracy(new, 0.5)
    stage.version(new)
    stage.move_tag(old, new)


def test_report_says_so_and_changes_nothing(serving: Stage) -> None:
    serving.deployment(rollback={"action": "Report"})
    breach(serving)
    serving.until_stalled("MetricBreach")
    assert "accuracy is 0.5, below 0.9, in 3 of 3 checks" in serving.message("Stalled")
    serving.stays(lambda: serving.served() == "1.1.0", 3, "1.1.0")
    assert serving.status.get("quarantine", []) == []


def test_pause_freezes_the_rollout_until_a_person_decides(serving: Stage) -> None:
    """Rule: R62."""
    serving.deployment(rollback={"action": "Pause"})
    breach(serving)
    serving.until_stalled("BreachPaused")
    serving.until(lambda: serving.get("deployment")["spec"].get("paused"))
    frozen = serving.pods()
    serving.stays(lambda: serving.pods() == frozen, 3, "the pods")
    serving.command(rollback_to="", requested_at="t1")
    serving.until(lambda: serving.history[-1]["version"] == "1.0.0" and "rolledOutAt" in serving.history[-1])


def test_a_breach_within_the_cooldown_waits(serving: Stage) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.deployment(rollback={"cooldownSeconds": 20, "limit": 2})
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    breach(serving, "1.1.0", "1.2.0")
    serving.until_rolled_back_to("1.1.0")
    serving.accuracy("1.1.0", 0.4)
    serving.until(lambda: serving.condition("Reconciling") == ("True", "RollbackCoolingDown"))
    assert len(serving.history) == 4
    serving.until_rolled_back_to("1.0.0")


def test_an_exhausted_budget_stops_rollbacks_and_promotions(serving: Stage) -> None:
    """Rule: R60."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.deployment(rollback={"budget": {"count": 1, "windowSeconds": 3600}})
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    breach(serving, "1.1.0", "1.2.0")
    serving.until_rolled_back_to("1.1.0")
    serving.accuracy("1.3.0", 0.97)
    serving.version("1.3.0")
    serving.move_tag("1.2.0", "1.3.0")
    serving.until_stalled("RollbackBudgetExhausted")
    serving.accuracy("1.1.0", 0.4)
    serving.until(lambda: serving.condition("MetricsHealthy")[0] == "False")
    serving.stays(lambda: serving.served() == "1.1.0", 3, "1.1.0")
    serving.deployment()
    serving.until_verified("1.3.0")


@pytest.fixture
def doubting(rig: Rig, operator: Operator, tmp_path: Path) -> Iterator[Stage]:
    """Return a stage on which an operator of its own doubts a source as soon as two deployments breach.

    It looks after this namespace alone; the one that all scenarios share looks after all, and has to stand aside.
    """
    operator.kill()
    try:
        stage = Stage(rig, f"doubting-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
        values = {"namespace": stage.namespace, "settings": {"massBreachCount": 2}}
        installed = install(rig, tmp_path, release="doubting", namespace="doubting-system", values=values)
        stage.operator = Operator(rig, tmp_path / "operator", installed)
        stage.operator.start()
        yield stage
        assert installed.refusals() == [], "the rights of the chart suffice for one namespace"
        stage.assert_preconditioned()
        stage.operator.kill()
        stage.end()
    finally:
        operator.start()


def test_a_source_against_which_many_breach_at_once_is_not_believed(doubting: Stage) -> None:
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
    assert "2 of 2 deployments, with 2 different contents, breach at once" in doubting.message("Stalled")
    doubting.stays(lambda: doubting.served() == "1.1.0" and len(doubting.history) == 2, 4, "1.1.0")
    assert len(doubting.get("modeldeployment", "fraud-shadow")["status"]["history"]) == 2


def stable(stage: Stage) -> list[str]:
    names = ("fraud", "fraud-shadow")
    statuses = (stage.get("modeldeployment", name).get("status", {}) for name in names)
    return [each.get("stable", {}).get("version", "") for each in statuses]
