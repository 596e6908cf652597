"""The conditions during a first rollout, at rest, and where the API server refuses the Deployment."""

from cluster.scenario import Scenario


def test_conditions_of_a_first_rollout_and_of_rest(scenario: Scenario) -> None:
    """Rule: R7."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.deployment(analysis=scenario.a_deployment()["spec"]["analysis"] | {"bakeSeconds": 3})
    scenario.until(lambda: scenario.condition("Reconciling") == ("True", "TagUnassigned"), what="waiting for a version")
    assert scenario.condition("Available") == ("False", "NotDeployed")
    assert scenario.condition("Stalled") == ("False", "NotStalled"), "to be there before its versions is no error"

    scenario.unready("1.0.0")
    scenario.version("1.0.0", "production")
    scenario.until(lambda: scenario.condition("Reconciling") == ("True", "RolloutInProgress"))
    scenario.until(lambda: scenario.condition("Available") == ("False", "PodsUnavailable"))
    assert scenario.condition("MetricsHealthy") == ("Unknown", "AwaitingFirstCheck")
    assert scenario.condition("Ready")[0] == "False"

    scenario.unready("1.0.0", False)
    scenario.until(lambda: scenario.condition("Verified") == ("False", "Baking"))
    scenario.until_verified("1.0.0")
    found = {each["type"]: (each["status"], each["reason"]) for each in scenario.status["conditions"]}
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
        "TemplateValid": ("True", "TemplateAccepted"),
    }
    assert scenario.status["observedGeneration"] == scenario.get("modeldeployment")["metadata"]["generation"]


def test_a_template_that_the_api_server_refuses_is_told_and_tried_again_when_it_is_mended(serving: Scenario) -> None:
    before = serving.get("deployment")["spec"]
    refused = serving.a_deployment()
    refused["spec"]["template"]["spec"]["containers"][0]["image"] = ""
    serving.apply(refused)
    serving.until_stalled("TemplateRefused")
    assert serving.condition("TemplateValid") == ("False", "TemplateRefused")
    assert "spec.template.spec.containers[0].image: is required; 1.0.0 keeps serving" in serving.message("Stalled")
    assert serving.get("deployment")["spec"] == before, "the current version keeps serving"
    assert len(serving.status["history"]) == 1
    serving.deployment()
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    serving.until_verified("1.0.0")


def test_metadata_of_the_deployment_that_the_api_server_refuses_are_named_where_the_spec_has_them(
    serving: Scenario,
) -> None:
    refused = serving.a_deployment()
    refused["spec"]["metadata"] = {"annotations": {"no key": "1"}}
    serving.apply(refused)
    serving.until_stalled("DeploymentRefused")
    assert serving.condition("TemplateValid") == ("False", "DeploymentRefused")
    assert "spec.metadata.annotations: Invalid value: " in serving.message("Stalled")
