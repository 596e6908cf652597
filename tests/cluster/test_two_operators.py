"""Two processes that both believe to lead, on one real control plane, through a whole story."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.chain import assert_chained
from cluster.operator_process import Operator
from cluster.stage import Stage
from rig import Rig


@pytest.fixture
def second(rig: Rig, stage: Stage, tmp_path: Path) -> Iterator[Operator]:
    """Start another operator for the stage's namespace, which asks nobody whether it leads."""
    settings = {"PENNANT_LEADER_ELECTION": "false", "PENNANT_NAMESPACE": stage.namespace}
    operator = Operator(rig, tmp_path / "second", stage.operator.installation, **settings)
    operator.start()
    operator.wait_for("Leading")
    yield operator
    operator.kill()


def test_two_operators_lose_nothing_and_double_nothing(stage: Stage, second: Operator) -> None:
    """A first deploy, a promotion, a breach, and two promotions at once.

    Rule: One replica leads.
    """
    for version, accuracy in (("1.0.0", 0.95), ("1.1.0", 0.97), ("1.2.0", 0.97), ("1.3.0", 0.97)):
        stage.accuracy(version, accuracy)
        stage.version(version, *(("production",) if version == "1.0.0" else ()))
    stage.deployment(replicas=1)
    stage.until_verified("1.0.0")
    stage.move_tag("1.0.0", "1.1.0")
    stage.until_verified("1.1.0")
    stage.accuracy("1.1.0", 0.5)
    stage.until_rolled_back_to("1.0.0")
    stage.until(lambda: "verifiedAt" in stage.history[-1])
    assert stage.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "RolledBack"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]
    stage.move_tag("1.1.0", "1.2.0")
    stage.move_tag("1.2.0", "1.3.0")
    stage.until_verified("1.3.0")
    assert stage.served() == "1.3.0"
    assert [each["version"] for each in stage.history[3:]] in (["1.3.0"], ["1.2.0", "1.3.0"])
    stage.assert_silent()
    assert_chained(stage)
    for each in (stage.operator, second):
        assert each.alive
        assert "by a mistake of this program" not in each.log.read_text()
