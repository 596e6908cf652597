"""Manual changes of the Deployment with kubectl: an undo is adopted, other changes are corrected and recorded."""

import json
from functools import partial

from cluster.scenario import Scenario


def container(scenario: Scenario) -> dict[str, object]:
    found: dict[str, object] = scenario.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return found


IMAGE = "spec.template.spec.containers[name=server].image"
VARIABLES = "spec.template.spec.containers[name=server].env"
WITHOUT_REPLICAS = '[{"op":"remove","path":"/spec/replicas"}]'
EDITS = (
    (("set", "image", "deployment/fraud", "server=pennant.test/other:1"), "kubectl-set", IMAGE),
    (("scale", "deployment/fraud", "--replicas=3"), "kubectl", "spec.replicas"),
    (("set", "env", "deployment/fraud", "DEBUG=1"), "kubectl-set", VARIABLES),
    (("rollout", "pause", "deployment/fraud"), "kubectl-rollout", "spec.paused"),
    (("patch", "deployment", "fraud", "--type=json", "-p", WITHOUT_REPLICAS), "", ""),
)
"""What kubectl does, the field manager that it names, and the field; of a field that is removed neither is known."""


def is_corrected(scenario: Scenario, number: int) -> bool:
    """Return whether so many manual changes have been corrected."""
    return bool(scenario.status.get("drift", {}).get("count") == number)


def test_an_edit_is_corrected_and_recorded(serving: Scenario) -> None:
    """Rule: R69."""
    # One replica is what the API server takes where the field is removed.
    serving.deployment(replicas=2)
    serving.until(lambda: serving.status.get("readyReplicas") == 2)
    before = serving.get("deployment")["spec"]
    for number, (edit, manager, field) in enumerate(EDITS, 1):
        serving.kubectl(*edit)
        serving.until(partial(is_corrected, serving, number), 30, f"a record of {edit}")
        serving.until(lambda: serving.get("deployment")["spec"] == before, 30, "the Deployment as it was")
        drift = serving.status["drift"]
        if field:
            assert drift["fieldManager"] == manager
            assert any(each.startswith(field) for each in drift["fields"]), drift
    serving.until_told("DriftCorrected")
    assert len(serving.history) == 1
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    # While pods were replaced there may have been nothing to measure.
    serving.assert_falls_silent()
    assert serving.status["drift"]["count"] == len(EDITS)


def test_a_deleted_deployment_is_made_again(serving: Scenario) -> None:
    serving.delete("deployment", "fraud")
    serving.until(lambda: len(serving.pods()) == 1 and serving.condition("Ready")[0] == "True")
    serving.until(lambda: serving.status.get("drift", {}).get("message") == "the Deployment was deleted")
    assert len(serving.history) == 1


def test_kubectl_rollout_undo_is_adopted(serving: Scenario) -> None:
    """Rule: R28.

    Rule: R67.
    """
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    told = serving.kubectl("rollout", "history", "deployment/fraud")
    assert "fraud 1.0.0, revision 1: TagMoved" in told, "the native history reads well too"
    serving.kubectl("rollout", "undo", "deployment/fraud")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))

    assert serving.history[-1]["actor"] == "kubectl"
    assert serving.versions_in_history()[1] == ("1.1.0", "TagMoved", "RolledBack")
    assert serving.condition("RolledBack") == ("True", "Undone")
    assert "drift" not in serving.status
    serving.stays(lambda: serving.served() == "1.0.0", 2, "1.0.0")
    replica_sets = serving.all_of("replicaset")
    assert len(replica_sets) == 2, "no pod template but the two"
    serving.assert_silent()


def test_kubectl_rollout_undo_to_a_version_found_bad_is_put_right(rolled_back: Scenario) -> None:
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.kubectl("rollout", "undo", "deployment/fraud")
    rolled_back.until(lambda: rolled_back.status.get("drift"))
    rolled_back.until(lambda: rolled_back.served() == "1.0.0")
    assert len(rolled_back.history) == 3


def test_kubectl_rollout_restart_is_left_in_place_and_recorded(serving: Scenario) -> None:
    """Rule: R68."""
    pods = serving.pods()
    serving.kubectl("rollout", "restart", "deployment/fraud")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Restart", "Verified"))
    serving.until(lambda: len(serving.pods()) == 1)
    assert not set(pods) & set(serving.pods())
    assert serving.history[-1]["actor"] == "kubectl-rollout"
    template = serving.get("deployment")["spec"]["template"]
    restarted_at = template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]
    assert restarted_at in serving.history[-1]["reason"]
    assert "drift" not in serving.status
    serving.assert_silent()

    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    assert len(serving.history) == 3, "what is left of the restart is no second one"


def test_a_horizontal_pod_autoscaler_is_followed_and_not_fought(serving: Scenario) -> None:
    """Rule: R70."""
    manifest = serving.a_deployment()
    del manifest["spec"]["replicas"]
    serving.apply(manifest)
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "fraud", "namespace": serving.namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "pennant.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud"},
            "minReplicas": 3,
            "maxReplicas": 5,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
    }
    serving.kubectl("apply", "-f", "-", stdin=json.dumps(autoscaler))
    serving.until(lambda: len(serving.pods()) == 3, 60, "the three pods that the autoscaler asks for")
    serving.apply(manifest)
    serving.stays(lambda: serving.get("modeldeployment")["spec"]["replicas"] == 3, 2, "the autoscaler's number")

    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    assert len(serving.pods("1.1.0")) == 3
    assert "drift" not in serving.status
    assert [each["version"] for each in serving.history] == ["1.0.0", "1.1.0"]
    serving.kubectl("delete", "hpa", "fraud")
