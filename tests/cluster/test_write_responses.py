"""The answer to a write tells the operator of a change before its watch does."""

from cluster.operator_process import Operator
from cluster.proxy import Proxy
from cluster.scenario import NAME, Scenario


def test_a_promotion_that_a_refused_write_tells_of_first_is_not_lost(
    leader: Operator, proxy: Proxy, scenario: Scenario
) -> None:
    """The tag comes while the first status of the version is on its way, and the watch is late.

    Rule: R96.
    """
    scenario.deployment()
    scenario.until(
        lambda: scenario.condition("TagResolved")[0] == "False", what="a deployment that waits for its version"
    )
    scenario.assert_falls_silent()
    status = proxy.hold("PATCH", f"/namespaces/{scenario.namespace}/modelversions/{NAME}-1.0.0/status")
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0")
    status.wait()
    with proxy.without_events_of("modelversions"):
        scenario.version("1.0.0", "production")
        assert status.pass_on() == 409
        scenario.until_verified("1.0.0")
    assert leader.alive
