"""What the operator learns from an answer before its watch tells it."""

from itertools import pairwise

from cluster.operator_process import Operator
from cluster.proxy import Proxy
from cluster.stage import NAME, Stage


def test_a_promotion_that_a_refused_write_tells_of_first_is_not_lost(
    leader: Operator, proxy: Proxy, stage: Stage
) -> None:
    """The tag comes while the first status of the version is on its way, and the watch is late.

    Rule: R96.
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


def test_after_ten_quick_moves_the_next_one_is_followed_at_once(serving: Stage) -> None:
    """Rule: R90."""
    versions = ["1.0.0", *(f"1.{number}.0" for number in range(1, 5))]
    for each in versions[1:]:
        serving.accuracy(each, 0.95)
        serving.version(each)
    moves = [versions[number % len(versions)] for number in range(11)]
    for old, new in pairwise(moves):
        serving.move_tag(old, new)
    serving.move_tag(moves[-1], "1.4.0")
    serving.until(lambda: serving.served() == "1.4.0", 10, "the version that the tag came to")
