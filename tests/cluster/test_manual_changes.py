"""What people do to the Deployment itself, with the real kubectl: adopted by content, or put right and recorded."""

import json

import pytest

from cluster.stage import Stage


def container(stage: Stage) -> dict[str, object]:
    found: dict[str, object] = stage.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize(
    ("edit", "manager", "field"),
    [
        pytest.param(
            ("set", "image", "deployment/fraud", "server=pennant.test/other:1"),
            "kubectl-set",
            "spec.template.spec.containers[name=server].image",
            id="set image",
        ),
        pytest.param(("scale", "deployment/fraud", "--replicas=5"), "kubectl", "spec.replicas", id="scale"),
        pytest.param(
            ("set", "env", "deployment/fraud", "DEBUG=1"),
            "kubectl-set",
            "spec.template.spec.containers[name=server].env",
            id="set env",
        ),
        pytest.param(("rollout", "pause", "deployment/fraud"), "kubectl-rollout", "spec.paused", id="rollout pause"),
        pytest.param(
            ("patch", "deployment", "fraud", "--type=json", "-p", '[{"op":"remove","path":"/spec/replicas"}]'),
            "kubectl-patch",
            "",
            id="a field that is removed",
        ),
    ],
)
def test_an_edit_is_put_right_and_recorded(serving: Stage, edit: tuple[str, ...], manager: str, field: str) -> None:
    """Rule: R69."""
    before = serving.get("deployment")["spec"]
    serving.kubectl(*edit)
    serving.until(lambda: serving.status.get("drift"), 30, "the record of the drift")
    serving.until(lambda: serving.get("deployment")["spec"] == before, 30, "the Deployment as it was")

    drift = serving.status["drift"]
    assert drift["count"] == 1
    if field:
        assert drift["fieldManager"] == manager
        assert any(each.startswith(field) for each in drift["fields"]), drift
    serving.until_told("DriftCorrected")
    assert len(serving.history) == 1
    serving.until(lambda: serving.condition("Ready") == ("True", "Serving"))
    # While pods were replaced and put back there may have been nothing to measure.
    serving.assert_falls_silent()
    assert serving.status["drift"] == drift


def test_a_deleted_deployment_is_made_again(serving: Stage) -> None:
    serving.kubectl("delete", "deployment", "fraud", "--wait=true")
    serving.until(lambda: len(serving.pods()) == 2 and serving.condition("Ready")[0] == "True")
    serving.until(lambda: serving.status["drift"]["message"] == "the Deployment was deleted")
    assert len(serving.history) == 1


def test_kubectl_rollout_undo_is_adopted(serving: Stage) -> None:
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
    serving.stays(lambda: serving.served() == "1.0.0", 4, "1.0.0")
    replica_sets = serving.all_of("replicaset")
    assert len(replica_sets) == 2, "no pod template but the two"
    serving.assert_silent()


def test_kubectl_rollout_undo_to_a_version_found_bad_is_put_right(rolled_back: Stage) -> None:
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.kubectl("rollout", "undo", "deployment/fraud")
    rolled_back.until(lambda: rolled_back.status.get("drift"))
    rolled_back.until(lambda: rolled_back.served() == "1.0.0")
    assert len(rolled_back.history) == 3


def test_kubectl_rollout_restart_is_left_in_place_and_recorded(serving: Stage) -> None:
    """Rule: R68."""
    pods = serving.pods()
    serving.kubectl("rollout", "restart", "deployment/fraud")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.0.0", "Restart", "Verified"))
    serving.until(lambda: len(serving.pods()) == 2)
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


def test_a_horizontal_pod_autoscaler_is_followed_and_not_fought(serving: Stage) -> None:
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
    serving.stays(lambda: serving.get("modeldeployment")["spec"]["replicas"] == 3, 3, "the autoscaler's number")

    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    assert len(serving.pods("1.1.0")) == 3
    assert "drift" not in serving.status
    assert [each["version"] for each in serving.history] == ["1.0.0", "1.1.0"]
    serving.kubectl("delete", "hpa", "fraud")


def test_a_status_that_was_wiped_is_rebuilt_from_the_records(rolled_back: Stage) -> None:
    """Rule: R72."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    rolled_back.assert_falls_silent()
    before = rolled_back.status
    rolled_back.kubectl("patch", "modeldeployment", "fraud", "--subresource=status", "--type=json", "-p", WIPE)
    rolled_back.until(lambda: rolled_back.status.get("history") == before["history"], what="the history as it was")
    rolled_back.until(lambda: rolled_back.condition("RolledBack") == ("True", "MetricBreach"))
    after = rolled_back.status
    for name in ("stable", "serving"):
        assert after[name] == before[name]
    assert [each["digest"] for each in after["quarantine"]] == [each["digest"] for each in before["quarantine"]]
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 3, "1.0.0")


WIPE = '[{"op":"replace","path":"/status","value":{"observedGeneration":-1}}]'


def test_an_entry_of_the_history_that_was_tampered_with_is_named_and_restored(rolled_back: Stage) -> None:
    forged = '[{"op":"replace","path":"/status/history/1/version","value":"9.9.9"}]'
    rolled_back.kubectl("patch", "modeldeployment", "fraud", "--subresource=status", "--type=json", "-p", forged)
    rolled_back.until(lambda: [each["version"] for each in rolled_back.history] == ["1.0.0", "1.1.0", "1.0.0"])
    rolled_back.until_told("HistoryTampered")


def test_a_record_that_was_made_anew_with_another_content_is_named(rolled_back: Stage) -> None:
    """Rule: R76."""
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    record = rolled_back.get("controllerrevision", "fraud-2")
    answer = rolled_back.kubectl(
        *("patch", "controllerrevision", "fraud-2", "--type=merge", "-p", '{"data":{"entry":{"version":"9.9.9"}}}'),
        check=False,
    )
    assert answer == "", "the API server lets nobody change a record"
    record["data"]["entry"]["version"] = "9.9.9"
    record["metadata"] = {key: record["metadata"][key] for key in ("name", "namespace", "labels", "ownerReferences")}
    rolled_back.kubectl("delete", "controllerrevision", "fraud-2")
    rolled_back.kubectl("create", "-f", "-", stdin=json.dumps(record))
    # Records are read when the operator starts: nobody but it writes them.
    rolled_back.operator.restart()
    rolled_back.until(lambda: rolled_back.condition("HistoryIntact") == ("False", "HistoryTampered"))
    says = "the record of revision 2 does not fit its hash: its history entry was changed"
    assert says in rolled_back.message("HistoryIntact")
