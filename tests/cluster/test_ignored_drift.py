"""Changes of the Deployment that `spec.ignoreDrift` leaves to others, made with kubectl as an injector makes them."""

import json
from typing import Any

from cluster.scenario import Scenario

CHECKSUM = {"metadata": {"annotations": {"reloader.example.com/checksum": "1"}}}
LIMITS = {"limits": {"memory": "64Mi"}}
IGNORED = {"fieldManagers": ["reloader"], "fields": ["spec.template.spec.containers[name=server].resources"]}


def change(scenario: Scenario, manager: str, template: dict[str, Any]) -> None:
    """Change the pod template of the Deployment by a strategic merge patch, as a client of this name."""
    patch = json.dumps({"spec": {"template": template}})
    scenario.kubectl("patch", "deployment/fraud", f"--field-manager={manager}", "-p", patch)


def server(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "server", **fields}]}}


def template(scenario: Scenario) -> dict[str, Any]:
    found: dict[str, Any] = scenario.get("deployment")["spec"]["template"]
    return found


def is_left(scenario: Scenario) -> bool:
    """Return whether the fields that are left to others have their values, and the server also ours."""
    found = template(scenario)
    names = {each["name"]: each for each in found["spec"]["containers"]}
    env = [each["name"] for each in names["server"]["env"]]
    return (
        names.keys() == {"server"}
        and names["server"].get("resources") == LIMITS
        and "RELOADED" in env
        and "MODEL_VERSION" in env
        and found["metadata"]["annotations"]["reloader.example.com/checksum"] == "1"
    )


def test_what_is_ignored_is_left_alone_and_kept_through_a_rollout_and_anything_else_is_corrected(
    serving: Scenario,
) -> None:
    """Rule: R105."""
    serving.deployment(ignoreDrift=IGNORED)
    change(serving, "reloader", CHECKSUM)
    change(serving, "reloader", server(env=[{"name": "RELOADED", "value": "now"}]))
    change(serving, "tuner", server(resources=LIMITS))
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    serving.assert_falls_silent()
    assert is_left(serving)
    assert "drift" not in serving.status
    assert len(serving.history) == 1

    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    assert is_left(serving)
    assert template(serving)["metadata"]["labels"]["pennant.dev/version"] == "1.1.0"

    change(serving, "tuner", server(image="pennant.test/other:1"))
    serving.until(lambda: serving.status.get("drift"))
    serving.until(lambda: serving.served() == "1.1.0" and is_left(serving))
    assert serving.status["drift"]["fieldManager"] == "tuner"
    change(serving, "reloader", {"metadata": {"labels": {"pennant.dev/version": "9.9.9"}}})
    serving.until(lambda: serving.status["drift"]["count"] == 2, what="our labels are ours")
    serving.until(lambda: template(serving)["metadata"]["labels"]["pennant.dev/version"] == "1.1.0")
    serving.assert_falls_silent()
    assert is_left(serving)


def test_what_is_no_longer_ignored_is_corrected(serving: Scenario) -> None:
    serving.deployment(ignoreDrift=IGNORED)
    change(serving, "reloader", CHECKSUM)
    change(serving, "tuner", server(resources=LIMITS))
    serving.stays(lambda: "drift" not in serving.status, 2, "no drift")
    serving.deployment(ignoreDrift={"fields": IGNORED["fields"]})
    serving.until(lambda: "reloader.example.com/checksum" not in template(serving)["metadata"].get("annotations", {}))
    assert serving.status["drift"]["message"] == (
        "reloader changed spec.template.metadata.annotations.reloader.example.com/checksum"
    )
    assert template(serving)["spec"]["containers"][0]["resources"] == LIMITS, "it is still ignored"
    serving.deployment()
    serving.until(lambda: not template(serving)["spec"]["containers"][0].get("resources"), what="a correction")
    serving.assert_falls_silent()
