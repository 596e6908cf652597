"""Rollouts whose pods do not become available, with the real controllers, scheduler and admission.

A version is condemned for what its own containers do, and for nothing else.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.scenario import Manifest, Scenario

DEADLINE = 5
QUICK: dict[str, Any] = {
    "replicas": 1,
    "analysis": {"bakeSeconds": 1},
    "rollout": {"progressDeadlineSeconds": DEADLINE},
}
"""Without metrics; a version is verified by its pods alone."""


def a_container(scenario: Scenario, **container: Any) -> Manifest:
    """Return the pod template of a scenario with other fields of its container."""
    template = scenario.a_deployment()["spec"]["template"]
    first = template["spec"]["containers"][0] | container
    return {**template, "spec": {**template["spec"], "containers": [first]}}


def with_pods(scenario: Scenario, **pod: Any) -> Manifest:
    """Return the pod template of a scenario with other fields of its pods."""
    template = scenario.a_deployment()["spec"]["template"]
    return {**template, "spec": template["spec"] | pod}


@pytest.fixture
def quick(scenario: Scenario) -> Scenario:
    """Return a scenario in which 1.0.0 is known good, and a rollout has little time."""
    scenario.version("1.0.0", "production")
    scenario.version("1.1.0")
    scenario.deployment(**QUICK)
    scenario.until_verified("1.0.0")
    return scenario


def promote(scenario: Scenario, new: str = "1.1.0", old: str = "1.0.0") -> None:
    scenario.version(new)
    scenario.move_tag(old, new)


def test_the_version_gone_back_to_is_not_judged_by_the_deadline_of_the_one_before(scenario: Scenario) -> None:
    """The Deployment keeps the condition of the template before where an old ReplicaSet is taken up again.

    Rule: R19.
    """
    scenario.version("1.0.0", "production")
    scenario.deployment(**QUICK)
    scenario.until_verified("1.0.0")
    scenario.unready("1.1.0")
    promote(scenario)
    scenario.until_rolled_back_to("1.0.0")
    scenario.until_verified("1.0.0")
    assert scenario.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]
    assert scenario.condition("Stalled") == ("True", "RolledBack")
    assert "server" in scenario.message("RolledBack"), "the message names the container"
    assert scenario.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Failed"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]


def test_a_bad_template_of_a_good_version_is_taken_back_and_the_version_stays(quick: Scenario) -> None:
    """Rule: R54."""
    promote(quick)
    quick.until_verified("1.1.0")
    quick.deployment(**QUICK, template=a_container(quick, image="unpullable.example/server:2"))
    quick.until_rolled_back_to("1.1.0")
    quick.until_verified("1.1.0")
    assert "ErrImagePull" in quick.message("RolledBack") or "ImagePullBackOff" in quick.message("RolledBack")
    assert "1.1.0 with the pod template of revision 3" in quick.message("RolledBack")
    (entry,) = quick.status["quarantine"]
    assert entry["inputsHash"] == quick.history[2]["inputsHash"]
    assert quick.history[-1]["templateHash"] == quick.history[1]["templateHash"]
    # The repaired template is another pair, and nobody has to release anything.
    quick.deployment(
        **QUICK,
        template=a_container(
            quick, env=[*a_container(quick)["spec"]["containers"][0]["env"], {"name": "FIX", "value": "1"}]
        ),
    )
    quick.until(lambda: quick.history[-1]["trigger"] == "SpecChanged" and quick.history[-1]["revision"] == 5)
    quick.until_verified("1.1.0")
    assert quick.condition("Ready") == ("True", "Serving")


def test_a_crash_is_told_with_its_exit_code(quick: Scenario) -> None:
    """Rule: R20."""
    quick.crash("1.1.0")
    promote(quick)
    quick.until_rolled_back_to("1.0.0")
    assert "exit code 3" in quick.message("RolledBack")
    assert quick.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_what_a_quota_refuses_is_said_at_once_and_condemns_nobody(quick: Scenario) -> None:
    """Rule: R21."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    quick.kubectl("apply", "-f", "-", stdin=json.dumps(quota))
    promote(quick)
    quick.until_stalled("PodsRefused")
    assert "exceeded quota: few" in quick.message("Ready")
    quick.stays(lambda: quick.condition("Stalled") == ("True", "PodsRefused"), DEADLINE + 2, "the refusal")
    assert (quick.quarantined(), quick.served()) == ([], "1.1.0")
    assert len(quick.pods("1.0.0")) == 1, "what served keeps serving"
    quick.kubectl("patch", "resourcequota", "few", "--type=merge", "-p", '{"spec":{"hard":{"pods":"5"}}}')
    quick.until_verified("1.1.0")
    assert quick.condition("Stalled") == ("False", "NotStalled")


def test_pods_without_a_node_wait_and_condemn_nobody(scenario: Scenario) -> None:
    scenario.version("1.0.0", "production")
    scenario.deployment(**QUICK, template=with_pods(scenario, nodeSelector={"late": scenario.namespace}))
    scenario.until_stalled("PodsUnschedulable")
    assert "didn't match Pod's node affinity/selector" in scenario.message("Stalled")
    scenario.stays(lambda: not scenario.quarantined(), DEADLINE, "the version")
    node = scenario.kubectl("get", "nodes", "-o", "name").split()[0]
    scenario.kubectl("label", node, f"late={scenario.namespace}", "--overwrite")
    scenario.until_verified("1.0.0")
    scenario.kubectl("label", node, "late-")
    assert scenario.condition("Ready") == ("True", "Serving")


def test_a_restart_that_fails_condemns_nobody(quick: Scenario) -> None:
    """Rule: R23."""
    quick.crash("1.0.0")
    quick.kubectl("rollout", "restart", "deployment/fraud")
    quick.until_stalled("PodsUnavailable")
    assert "exit code 3" in quick.message("Stalled")
    assert (quick.quarantined(), quick.served()) == ([], "1.0.0")
    quick.crash("1.0.0", False)
    quick.until_verified("1.0.0")
    assert quick.condition("Ready") == ("True", "Serving")


def test_an_outage_of_the_api_server_condemns_nobody(quick: Scenario) -> None:
    """The operator ends without its Lease, and is started anew as a kubelet would."""
    quick.deployment(**QUICK | {"rollout": {"progressDeadlineSeconds": 10}})
    quick.unready("1.1.0")
    promote(quick)
    quick.until(lambda: quick.status.get("progress", {}).get("revision") == 2)
    operator = quick.operator
    assert operator.process is not None
    quick.rig.stop_part("kube-apiserver")
    try:
        operator.process.wait(30)
        time.sleep(6)
    finally:
        quick.rig.start_part("kube-apiserver")
        operator.start()
    quick.stays(lambda: not quick.quarantined(), 4, "1.1.0")
    quick.unready("1.1.0", False)
    quick.until_verified("1.1.0")
    assert quick.versions_in_history() == [("1.0.0", "TagMoved", "Superseded"), ("1.1.0", "TagMoved", "Verified")]


def test_an_outage_of_kubernetes_own_controllers_condemns_nobody(quick: Scenario) -> None:
    """Rule: R22."""
    quick.rig.stop_part("kube-controller-manager")
    try:
        promote(quick)
        quick.until_stalled("ControllersAway")
        quick.stays(lambda: not quick.quarantined(), DEADLINE, "1.1.0")
    finally:
        quick.rig.start_part("kube-controller-manager")
    quick.until_verified("1.1.0")
    assert quick.condition("Stalled") == ("False", "NotStalled")


def test_a_first_version_that_starts_late_is_reinstated_and_a_surge_without_room_is_told(scenario: Scenario) -> None:
    """Rule: R24.

    Rule: R26.
    """
    scenario.version("1.0.0", "production")
    scenario.unready("1.0.0")
    scenario.deployment(**QUICK)
    scenario.until_stalled("NoRollbackTarget")
    scenario.unready("1.0.0", False)
    scenario.until_verified("1.0.0")
    assert scenario.condition("MetricsHealthy") == ("True", "NoMetrics")
    assert (scenario.quarantined(), scenario.condition("Ready")) == ([], ("True", "Serving"))
    scenario.until_told("Reinstated")
    scenario.deployment(**QUICK, template=a_container(scenario, resources={"limits": {"nvidia.com/gpu": "1"}}))
    scenario.until_told("SurgeNeedsRoom")


@pytest.fixture
def bare_node(quick: Scenario) -> Iterator[str]:
    """Return the name of a node without a kubelet: what its pods do is what a test writes into their status."""
    name = f"bare-{quick.namespace[-6:]}"
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    quick.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": metadata}))
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
    room = {"pods": "10", "cpu": "8", "memory": "8Gi"}
    status = {"status": {"conditions": [ready], "capacity": room, "allocatable": room}}
    quick.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))
    yield name
    quick.kubectl("delete", "node", name, "--wait=false")


def write_pod_status(scenario: Scenario, pod: str, **status: Any) -> None:
    scenario.merge("pod", pod, {"status": status}, "status")


def test_pods_that_do_not_start_or_are_evicted_condemn_nobody(quick: Scenario, bare_node: str) -> None:
    there = {"nodeSelector": {"kubernetes.io/hostname": bare_node}, "tolerations": [{"operator": "Exists"}]}
    quick.deployment(**QUICK, template=with_pods(quick, **there))
    quick.until_stalled("PodsNotStarted")
    assert bare_node in quick.message("Stalled")

    def on_the_node() -> list[str]:
        pods = quick.all_of("pod", "pennant.dev/modeldeployment=fraud")
        there = [each for each in pods if each["spec"].get("nodeName") == bare_node]
        return [each["metadata"]["name"] for each in there if each["status"]["phase"] == "Pending"]

    (pod,) = on_the_node()
    write_pod_status(quick, pod, phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    quick.until_stalled("PodsEvicted")
    assert "low on resource: memory" in quick.message("Stalled")
    quick.until(lambda: len(on_the_node()) == 1, what="another pod")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
    server = {"name": "server", "image": "i", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": {}}}
    write_pod_status(quick, on_the_node()[0], phase="Running", conditions=[ready], containerStatuses=[server])
    quick.until_verified("1.0.0")
    assert (quick.quarantined(), quick.history[-1]["revision"]) == ([], 2)


def test_strategy_and_labels_of_the_deployment_change_without_a_new_revision(serving: Scenario) -> None:
    """Kubernetes refuses Recreate beside the limits of a rolling update, also beside their defaults."""
    pods = serving.pods()
    metadata = {"labels": {"team": "payments"}, "annotations": {"reloader.stakater.com/auto": "true"}}
    serving.deployment(rollout={"strategy": "Recreate"}, metadata=metadata, revisionHistoryLimit=1)
    serving.until(lambda: serving.get("deployment")["spec"]["strategy"] == {"type": "Recreate"})
    deployment = serving.get("deployment")
    assert deployment["spec"]["revisionHistoryLimit"] == 1
    for field, values in metadata.items():
        assert values.items() <= deployment["metadata"][field].items()
    assert (serving.pods(), len(serving.history)) == (pods, 1)

    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    serving.deployment(rollout={"strategy": "RollingUpdate"})
    serving.until(lambda: serving.get("deployment")["spec"]["strategy"]["type"] == "RollingUpdate")
    deployment = serving.get("deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert "team" not in deployment["metadata"]["labels"]
    assert len(serving.history) == 2
    serving.assert_falls_silent()
