"""A pause stops the real Deployment in the middle of its rollout."""

from cluster.scenario import Scenario


def test_a_pause_in_mid_rollout_freezes_it(serving: Scenario) -> None:
    """Rule: R13."""
    serving.deployment(replicas=3)
    serving.until(lambda: serving.status.get("readyReplicas") == 3)
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.unready("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until(lambda: len(serving.pods("1.1.0")) == 1)
    serving.deployment(replicas=3, paused=True)
    serving.until(lambda: serving.condition("Suspended") == ("True", "Paused"))
    serving.until(lambda: serving.get("deployment")["spec"].get("paused"))
    serving.unready("1.1.0", False)
    frozen = serving.pods()
    serving.stays(lambda: serving.pods() == frozen, 3, "the pods of both versions")
    assert serving.condition("Ready") == ("False", "Paused")
    serving.until_told("Paused")

    serving.deployment(replicas=3)
    serving.until_verified("1.1.0")
    assert serving.condition("Suspended") == ("False", "NotPaused")
    assert len(serving.history) == 2
