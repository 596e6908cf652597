"""What keeps a breach from being rolled back, on a real control plane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    serving.deployment(rollback={"cooldownSeconds": 20})
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    breach(serving, "1.1.0", "1.2.0")
    serving.until_rolled_back_to("1.1.0")
    serving.accuracy("1.1.0", 0.4)
    serving.until(lambda: serving.condition("Reconciling") == ("True", "RollbackCoolingDown"))
    assert len(serving.history) == 4
    serving.until_rolled_back_to("1.0.0")


def test_an_exhausted_budget_stops_rollbacks_and_promotions(serving: Stage) -> None:
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
def two(own_rig: Rig, tmp_path: Path) -> Iterator[tuple[Stage, Stage]]:
    """Return two stages of an operator that doubts a source when two deployments breach at once."""
    operator = Operator(own_rig, tmp_path / "operator", PENNANT_MASS_BREACH_COUNT="2")
    operator.start()
    one, other = (Stage(own_rig, name, tmp_path / name, operator) for name in ("one", "other"))
    yield one, other
    for each in (one, other):
        each.assert_left_alone()
    operator.kill()


def test_when_many_breach_at_once_the_source_is_not_believed(two: tuple[Stage, Stage]) -> None:
    for stage in two:
        stage.accuracy("1.0.0", 0.95)
        stage.version("1.0.0", "production")
        stage.deployment()
    for stage in two:
        stage.until_verified("1.0.0")
    for stage in two:
        stage.accuracy("1.1.0", 0.97)
        stage.version("1.1.0")
        stage.move_tag("1.0.0", "1.1.0")
    for stage in two:
        stage.until_verified("1.1.0")
    # Each of them alone would be rolled back after three checks.
    for stage in two:
        stage.accuracy("1.1.0", 0.2)
    for stage in two:
        stage.until_stalled("MassBreachSuspected")
        assert "2 of 2 deployments breach at once against the metric source default" in stage.message("Stalled")
    one, other = two
    one.stays(lambda: one.served() == other.served() == "1.1.0", 4, "1.1.0 of both")
    assert "MassBreachSuspected" in one.events()
    one.accuracy("1.1.0", 0.97)
    other.until_rolled_back_to("1.0.0")
    assert one.served() == "1.1.0", "the other one was bad in truth"
    assert one.condition("Ready") == ("True", "Serving")
