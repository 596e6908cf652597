"""The longest possible status on a real API server with a real etcd."""

import json

from cluster.scenario import NAME, Scenario
from unit.api.longest import longest_status

SPEC = "long" * 25_000


def test_the_longest_status_is_taken_beside_a_long_spec_and_the_operator_goes_on_from_it(scenario: Scenario) -> None:
    """Each of its characters is one that the API server writes as six bytes.

    Rule: R75.
    """
    scenario.version("1.0.0", "production")
    scenario.version("1.1.0")
    manifest = scenario.a_deployment(replicas=0, historyLimit=100, statusHistoryLimit=100, analysis={"bakeSeconds": 0})
    manifest["spec"]["template"]["metadata"]["annotations"]["notes"] = SPEC
    scenario.apply(manifest)
    scenario.until(lambda: scenario.condition("Ready") == ("False", "ScaledToZero"), what="the end of its rollout")

    scenario.merge("modeldeployment", NAME, {"status": longest_status("<").to_json()}, "status")
    scenario.until(
        lambda: scenario.condition("HistoryIntact") == ("False", "HistoryTampered"), what="the operator's answer"
    )
    assert len(scenario.history) == 100

    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until(lambda: scenario.history[-1]["version"] == "1.1.0", what="the next revision")
    assert len(scenario.history) == 100
    assert len(scenario.history[0]["reason"]) == 512, "the old entries are there as they were"
    assert len(json.dumps(scenario.get("modeldeployment"))) > 400_000
