"""What the conditions say while something is under way, and while nothing is."""

from cluster.stage import Stage


def test_conditions_of_a_first_rollout_and_of_rest(stage: Stage) -> None:
    """Rule: R7."""
    stage.accuracy("1.0.0", 0.95)
    stage.deployment()
    stage.until(lambda: stage.condition("Reconciling") == ("True", "TagUnassigned"), what="waiting for a version")
    assert stage.condition("Available") == ("False", "NotDeployed")
    assert stage.condition("Stalled") == ("False", "NotStalled"), "to be there before its versions is no error"

    stage.unready("1.0.0")
    stage.version("1.0.0", "production")
    stage.until(lambda: stage.condition("Reconciling") == ("True", "RolloutInProgress"))
    stage.until(lambda: stage.condition("Available") == ("False", "PodsUnavailable"))
    assert stage.condition("MetricsHealthy") == ("Unknown", "AwaitingFirstCheck")
    assert stage.condition("Ready")[0] == "False"

    stage.unready("1.0.0", False)
    stage.until_verified("1.0.0")
    found = {each["type"]: (each["status"], each["reason"]) for each in stage.status["conditions"]}
    assert found == {
        "Ready": ("True", "Serving"),
        "Available": ("True", "MinimumAvailable"),
        "TagResolved": ("True", "TagHeld"),
        "Reconciling": ("False", "UpToDate"),
        "Stalled": ("False", "NotStalled"),
        "MetricsHealthy": ("True", "MetricsPassing"),
        "RolledBack": ("False", "NotRolledBack"),
        "Verified": ("True", "Verified"),
        "Suspended": ("False", "NotPaused"),
        "HistoryIntact": ("True", "HistoryConsistent"),
    }
    assert stage.status["observedGeneration"] == stage.get("modeldeployment")["metadata"]["generation"]


def test_conditions_while_a_rollback_is_under_way(serving: Stage) -> None:
    serving.accuracy("1.1.0", 0.95)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.unready("1.0.0")
    serving.accuracy("1.1.0", 0.2)
    serving.until(lambda: serving.condition("Reconciling") == ("True", "RollbackInProgress"))
    serving.until(lambda: serving.condition("RolledBack") == ("True", "MetricBreach"))
    assert "1.0.0 takes its place" in serving.message("RolledBack")
    assert serving.condition("Available") == ("True", "MinimumAvailable"), "the bad pods serve until others can"

    serving.unready("1.0.0", False)
    serving.until_rolled_back_to("1.0.0")
    serving.until(lambda: serving.condition("Reconciling") == ("False", "UpToDate"))


def test_a_template_that_the_api_server_refuses_is_told_and_tried_again_when_it_is_mended(serving: Stage) -> None:
    before = serving.get("deployment")["spec"]
    refused = serving.a_deployment()
    refused["spec"]["template"]["spec"]["containers"][0]["image"] = ""
    serving.apply(refused)
    serving.until_stalled("DeploymentRefused")
    assert "spec.template.spec.containers[0].image: Required value" in serving.message("Stalled")
    assert serving.get("deployment")["spec"] == before, "what serves goes on serving"
    serving.deployment()
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    serving.until_verified("1.0.0")
