"""Which version is asked for, what blocks its rollout, and a command that is refused; 1.0.0 serves all the time."""

from typing import Any

from cluster.chain import assert_chained
from cluster.scenario import Scenario

PART = {"split": "Test", "slice": "class 7/Größe"}
GATE = {"metric": "f1_score", **PART, "maxRegression": 0.01}
# The API server writes these numbers otherwise than Python; the hashes of the history cover them.
OTHERS = [{"name": f"other_{number}", "value": value} for number, value in enumerate((8.88e-16, 2e-05, 1e20, 1e21, 3))]


def f1(value: float) -> dict[str, Any]:
    metric = {"name": "f1_score", "value": value, **PART, "direction": "Maximize"}
    return {"metrics": [metric, *OTHERS], "hyperparameters": [{"name": "learning_rate", "value": 2e-05}]}


def test_pins_several_holders_and_gates_leave_what_serves(scenario: Scenario) -> None:
    """Rule: R6.

    Rule: R10, R121, R124.
    """
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production", **f1(0.9))
    scenario.deployment()
    scenario.until_verified("1.0.0")
    scenario.deployment(version="9.9.9")
    scenario.until(lambda: scenario.condition("TagResolved") == ("False", "VersionNotFound"))
    scenario.deployment(version="1.0.0")
    scenario.until(lambda: scenario.condition("TagResolved") == ("True", "VersionPinned"))
    scenario.version("0.9.0", "production")
    scenario.deployment(promotion={"onAmbiguousTag": "Newest"})
    scenario.until(lambda: scenario.condition("TagResolved") == ("True", "NewestOfSeveral"))

    scenario.deployment(promotion={"gates": [GATE]})
    scenario.version("0.9.0")
    scenario.apply(scenario.a_version("1.0.0", **f1(0.9)), scenario.a_version("1.1.0", "production", **f1(0.8)))
    scenario.until_stalled("GateFailed")
    assert scenario.message("Stalled").startswith(
        "promotion gate f1_score/Test/class 7/Größe blocks 1.1.0: 0.8 is worse than 0.9 of 1.0.0 by 0.1, "
        "maximum 0.01; "
        "1.0.0 keeps serving. "
    )
    scenario.deployment(promotion={"requireComplete": True})
    scenario.until_stalled("RecordIncomplete")

    scenario.command(rollback_to="7", requested_at="t1")
    scenario.until(lambda: scenario.said() == ("Refused", "revision 7 does not exist. Revisions in the history: 1"))
    scenario.until_told("GateFailed", "RecordIncomplete", "CommandRefused")
    assert (scenario.served(), len(scenario.history)) == ("1.0.0", 1)
    assert_chained(scenario)
