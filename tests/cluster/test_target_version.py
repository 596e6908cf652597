"""Which version is asked for, what blocks its rollout, and a command that is refused; 1.0.0 serves all the time."""

from typing import Any

from cluster.scenario import Scenario

GATE = {"metric": "auc", "split": "Test", "maxRegression": "0.01"}


def auc(value: str) -> dict[str, Any]:
    return {"metrics": [{"name": "auc", "value": value, "split": "Test", "direction": "Maximize"}]}


def test_pins_several_holders_and_gates_leave_what_serves(scenario: Scenario) -> None:
    """Rule: R6.

    Rule: R10.
    """
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production", **auc("0.90"))
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
    scenario.apply(scenario.a_version("1.0.0", **auc("0.90")), scenario.a_version("1.1.0", "production", **auc("0.80")))
    scenario.until_stalled("GateFailed")
    assert scenario.message("Stalled").startswith(
        "promotion gate auc/Test blocks 1.1.0: 0.80 is worse than 0.90 of 1.0.0 by 0.1, maximum 0.01; "
        "1.0.0 keeps serving. "
    )
    scenario.deployment(promotion={"requireComplete": True})
    scenario.until_stalled("RecordIncomplete")

    scenario.command(rollback_to="7", requested_at="t1")
    scenario.until(lambda: scenario.said() == ("Refused", "revision 7 does not exist. Revisions in the history: 1"))
    scenario.until_told("GateFailed", "RecordIncomplete", "CommandRefused")
    assert (scenario.served(), len(scenario.history)) == ("1.0.0", 1)
