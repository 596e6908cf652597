"""What the operator learns from an answer before its watch tells it."""

from cluster.operator_process import Operator
from cluster.proxy import Proxy
from cluster.stage import NAME, Stage


def test_a_promotion_that_a_refused_write_tells_of_first_is_not_lost(
    leader: Operator, proxy: Proxy, stage: Stage
) -> None:
    """The tag comes while the first status of the version is on its way, and the watch is late.

    Rule: News reaches everyone whom it concerns, whoever learned it.
    """
    stage.deployment()
    stage.until(lambda: stage.condition("TagResolved")[0] == "False", what="a deployment that waits for its version")
    stage.assert_falls_silent()
    status = proxy.hold("PATCH", f"/namespaces/{stage.namespace}/modelversions/{NAME}-1.0.0/status")
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0")
    status.wait()
    with proxy.deaf_to("modelversions"):
        stage.version("1.0.0", "production")
        assert status.pass_on() == 409
        stage.until_verified("1.0.0")
    assert leader.alive
