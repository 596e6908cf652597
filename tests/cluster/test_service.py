"""The Service that `spec.service` asks for."""

from typing import Any

from cluster.scenario import Scenario

SERVICE = {"ports": [{"port": 80, "targetPort": 8080}], "labels": {"team": "payments"}}


def service(scenario: Scenario) -> dict[str, Any]:
    return scenario.get("service")


def pods(scenario: Scenario) -> list[str]:
    """Return the names of the pods that the Service selects. The addresses of the rig's pods get no EndpointSlice."""
    selector = ",".join(f"{key}={value}" for key, value in service(scenario)["spec"]["selector"].items())
    return [each["metadata"]["name"] for each in scenario.all_of("pod", selector)]


def test_a_service_is_created_corrected_and_deleted(serving: Scenario) -> None:
    """Rule: R106."""
    serving.deployment(service=SERVICE)
    serving.until(lambda: serving.exists("service", "fraud"))
    found = service(serving)
    assert pods(serving) == serving.pods()
    assert found["metadata"]["labels"]["team"] == "payments"
    assert found["metadata"]["ownerReferences"][0]["kind"] == "ModelDeployment"
    serving.assert_falls_silent()

    serving.merge("service", "fraud", {"spec": {"selector": {"pennant.dev/modeldeployment": "other"}}})
    serving.until(lambda: pods(serving) == serving.pods(), what="a correction")
    serving.kubectl("delete", "service", "fraud")
    serving.until(lambda: serving.exists("service", "fraud"), what="a new Service")

    other = {"spec": {"ports": [{"name": "http", "port": 90}], "selector": {"pennant.dev/modeldeployment": "other"}}}
    serving.merge("service", "fraud", other)
    serving.until(lambda: [each["port"] for each in service(serving)["spec"]["ports"]] == [80], what="our ports")
    serving.until(lambda: pods(serving) == serving.pods())
    serving.deployment(service={"ports": SERVICE["ports"], "name": "scores"})
    serving.until(lambda: serving.exists("service", "scores") and not serving.exists("service", "fraud"))
    assert "team" not in serving.get("service", "scores")["metadata"]["labels"]
    serving.deployment()
    serving.until(lambda: not serving.exists("service", "scores"))
    serving.assert_falls_silent()
    assert len(serving.history) == 1, "a Service is no part of a revision"


def test_a_service_of_somebody_else_is_not_changed_and_stops_no_rollout(serving: Scenario) -> None:
    """Rule: R106."""
    serving.kubectl("create", "service", "clusterip", "fraud", "--tcp=80:80")
    before = service(serving)["spec"]
    serving.deployment(service=SERVICE)
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until(lambda: serving.served() == "1.1.0")
    serving.until(lambda: serving.condition("Stalled") == ("True", "WriteFailing"))
    message = serving.message("Stalled")
    assert "Service fraud could not be written since" in message
    assert (
        "it exists and does not belong to this ModelDeployment. Delete or rename it, or set another spec.service"
        in message
    )
    assert service(serving)["spec"] == before
    serving.deployment(service={**SERVICE, "name": "scores"})
    serving.until(lambda: serving.condition("Stalled")[0] == "False", what="the end of the report")
    serving.deployment(service=SERVICE)
    serving.until(lambda: serving.condition("Stalled") == ("True", "WriteFailing"))
    assert serving.exists("service", "scores"), "the old one stays until the new one exists"
    serving.deployment()
    serving.until(lambda: serving.condition("Stalled")[0] == "False", what="the end of the report")
