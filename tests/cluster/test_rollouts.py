"""What becomes of a rollout whose pods do not become available, on the real controllers.

A version is condemned for what its own containers do, and for nothing else.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.stage import Manifest, Stage

DEADLINE = 5
QUICK: dict[str, Any] = {
    "replicas": 1,
    "analysis": {"bakeSeconds": 2},
    "rollout": {"progressDeadlineSeconds": DEADLINE},
}
"""No metrics: what is known of a version is what its pods show."""


def a_container(stage: Stage, **container: Any) -> Manifest:
    """Return the pod template of a stage with other fields of its container."""
    template = stage.a_deployment()["spec"]["template"]
    first = template["spec"]["containers"][0] | container
    return {**template, "spec": {**template["spec"], "containers": [first]}}


def with_pods(stage: Stage, **pod: Any) -> Manifest:
    """Return the pod template of a stage with other fields of its pods."""
    template = stage.a_deployment()["spec"]["template"]
    return {**template, "spec": template["spec"] | pod}


@pytest.fixture
def quick(stage: Stage) -> Stage:
    """Return a stage on which 1.0.0 is known good, and a rollout has little time."""
    stage.version("1.0.0", "production")
    stage.version("1.1.0")
    stage.deployment(**QUICK)
    stage.until_verified("1.0.0")
    return stage


def promote(stage: Stage, new: str = "1.1.0", old: str = "1.0.0") -> None:
    stage.version(new)
    stage.move_tag(old, new)


@pytest.mark.parametrize("rollout", [{}, {"maxSurge": 0, "maxUnavailable": 1}], ids=["surge", "no surge"])
def test_the_version_gone_back_to_is_not_judged_by_the_deadline_of_the_one_before(stage: Stage, rollout: Any) -> None:
    """The Deployment keeps the condition of the template before where an old ReplicaSet is taken up again.

    Rule: R19.
    """
    stage.version("1.0.0", "production")
    stage.deployment(**QUICK | {"rollout": {"progressDeadlineSeconds": DEADLINE, **rollout}})
    stage.until_verified("1.0.0")
    stage.unready("1.1.0")
    promote(stage)
    stage.until_rolled_back_to("1.0.0")
    stage.until_verified("1.0.0")
    assert stage.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]
    assert stage.condition("Stalled") == ("True", "RolledBack")
    assert "server" in stage.message("RolledBack"), "the message names the container"
    assert stage.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Failed"),
        ("1.0.0", "AutomaticRollback", "Verified"),
    ]


def test_a_version_known_good_that_gets_the_tag_back_is_not_frozen_with_the_failed_one(quick: Stage) -> None:
    """Rule: R19."""
    quick.deployment(**QUICK, rollback={"action": "Pause"})
    quick.unready("1.1.0")
    promote(quick)
    quick.until_stalled("BreachPaused")
    quick.move_tag("1.1.0", "1.0.0")
    quick.until(lambda: quick.versions_in_history()[2:] == [("1.0.0", "TagMoved", "Verified")])
    assert (quick.quarantined(), quick.condition("Ready")) == ([], ("True", "Serving"))
    assert quick.pods("1.1.0") == []


def test_a_retry_has_its_whole_time_again_and_a_late_version_is_reinstated(stage: Stage) -> None:
    """Rule: R24."""
    stage.version("1.0.0", "production")
    stage.unready("1.0.0")
    stage.deployment(**QUICK)
    stage.until_stalled("NoRollbackTarget")
    assert "0 of 1 pods became available, and none within 5 s: container server" in stage.message("Stalled")
    assert stage.condition("Verified") == ("False", "ProgressDeadlineExceeded")
    stage.command(retry="1.0.0", requested_at="t1")
    stage.until(lambda: stage.history[-1]["trigger"] == "Retry")
    stage.stays(lambda: not stage.quarantined(), DEADLINE - 2, "the second chance")
    stage.until_stalled("NoRollbackTarget")
    stage.unready("1.0.0", False)
    stage.until_verified("1.0.0")
    assert (stage.quarantined(), stage.condition("Ready")) == ([], ("True", "Serving"))
    assert stage.condition("Verified") == ("True", "Verified")
    stage.until_told("Reinstated")
    stage.unready("1.1.0")
    promote(stage)
    stage.until_rolled_back_to("1.0.0")
    assert stage.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_a_bad_template_of_a_good_version_is_taken_back_and_the_version_stays(quick: Stage) -> None:
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


def test_a_crash_is_told_with_its_exit_code(quick: Stage) -> None:
    """Rule: R20."""
    quick.crash("1.1.0")
    promote(quick)
    quick.until_rolled_back_to("1.0.0")
    assert "exit code 3" in quick.message("RolledBack")
    assert quick.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_what_a_quota_refuses_is_said_at_once_and_condemns_nobody(quick: Stage) -> None:
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


NOWHERE = {"nodeSelector": {"pennant.dev/late": "yes"}}


def test_pods_without_a_node_wait_and_condemn_nobody(stage: Stage) -> None:
    stage.version("1.0.0", "production")
    stage.deployment(**QUICK, template=with_pods(stage, nodeSelector={"late": stage.namespace}))
    stage.until_stalled("PodsUnschedulable")
    assert "didn't match Pod's node affinity/selector" in stage.message("Stalled")
    stage.stays(lambda: not stage.quarantined(), DEADLINE, "the version")
    node = stage.kubectl("get", "nodes", "-o", "name").split()[0]
    stage.kubectl("label", node, f"late={stage.namespace}", "--overwrite")
    stage.until_verified("1.0.0")
    stage.kubectl("label", node, "late-")
    assert stage.condition("Ready") == ("True", "Serving")


def test_pods_without_a_node_may_count_as_a_failure(quick: Stage) -> None:
    spec = QUICK | {"rollout": {"progressDeadlineSeconds": DEADLINE, "onUnschedulable": "Rollback"}}
    template = with_pods(quick, nodeSelector={"late": "never"})
    template["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    quick.deployment(**spec, template=template)
    quick.until_rolled_back_to("1.0.0")
    assert quick.quarantined() == [("1.0.0", "ProgressDeadlineExceeded")]
    quick.until_told("SurgeNeedsRoom")


def test_a_restart_that_fails_condemns_nobody(quick: Stage) -> None:
    """Rule: R23."""
    quick.crash("1.0.0")
    quick.kubectl("rollout", "restart", "deployment/fraud")
    quick.until_stalled("PodsUnavailable")
    assert "exit code 3" in quick.message("Stalled")
    assert (quick.quarantined(), quick.served()) == ([], "1.0.0")
    quick.crash("1.0.0", False)
    quick.until_verified("1.0.0")
    assert quick.condition("Ready") == ("True", "Serving")


def test_zero_replicas_are_neither_good_nor_bad(quick: Stage) -> None:
    """Rule: R48."""
    quick.deployment(**QUICK | {"replicas": 0})
    quick.until(lambda: quick.condition("Ready") == ("False", "ScaledToZero"))
    assert quick.condition("Available") == ("False", "ScaledToZero")
    quick.unready("1.1.0")
    promote(quick)
    quick.until(lambda: quick.condition("Verified") == ("False", "ScaledToZero") and quick.served() == "1.1.0")
    quick.stays(lambda: "rolledOutAt" not in quick.history[-1] and not quick.quarantined(), DEADLINE + 2, "1.1.0")
    assert quick.condition("Stalled") == ("False", "NotStalled")
    quick.deployment(**QUICK)
    quick.until_rolled_back_to("1.0.0")
    assert quick.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_the_bake_time_begins_anew_after_a_loss_of_all_pods(quick: Stage) -> None:
    """Rule: R47."""
    quick.deployment(**QUICK | {"analysis": {"bakeSeconds": 6}, "rollout": {"progressDeadlineSeconds": 30}})
    promote(quick)
    quick.until(lambda: quick.condition("Verified") == ("False", "Baking"))
    quick.unready("1.1.0")
    quick.until(lambda: quick.condition("Verified") == ("False", "PodsUnavailable"))
    assert quick.condition("Available") == ("False", "PodsUnavailable")
    quick.stays(lambda: "verifiedAt" not in quick.history[-1], 7, "a revision without a pod")
    quick.unready("1.1.0", False)
    quick.until_verified("1.1.0")
    last = quick.history[-1]
    assert last["cleanSince"] > last["rolledOutAt"]
    assert quick.status.get("progress") is None


def test_a_version_that_loses_all_pods_before_it_is_known_good_is_rolled_back(quick: Stage) -> None:
    """Rule: R50."""
    quick.deployment(**QUICK | {"analysis": {"bakeSeconds": 60}})
    promote(quick)
    quick.until(lambda: quick.history[-1]["version"] == "1.1.0" and "rolledOutAt" in quick.history[-1])
    quick.unready("1.1.0")
    quick.until_rolled_back_to("1.0.0")
    assert quick.quarantined() == [("1.1.0", "PodsUnavailable")]
    assert quick.versions_in_history()[1] == ("1.1.0", "TagMoved", "Failed")


@pytest.mark.parametrize("on_unavailable", ["Report", "Rollback"])
def test_an_outage_of_a_version_known_good_is_reported_or_rolled_back(quick: Stage, on_unavailable: str) -> None:
    quick.deployment(**QUICK, rollback={"onUnavailable": on_unavailable})
    promote(quick)
    quick.until_verified("1.1.0")
    quick.unready("1.1.0")
    if on_unavailable == "Rollback":
        quick.until_rolled_back_to("1.0.0")
        assert quick.quarantined() == [("1.1.0", "PodsUnavailable")]
        return
    quick.until_stalled("PodsUnavailable")
    assert quick.condition("Available") == ("False", "PodsUnavailable")
    assert (quick.quarantined(), quick.served()) == ([], "1.1.0")
    quick.unready("1.1.0", False)
    quick.until(lambda: quick.condition("Ready") == ("True", "Serving"))


def test_readiness_that_comes_and_goes_is_no_progress(quick: Stage) -> None:
    """The Deployment's own deadline begins anew with each pod that is ready for a moment."""
    quick.deployment(**QUICK | {"rollout": {"progressDeadlineSeconds": 14, "minReadySeconds": 12}})
    quick.until_verified("1.0.0")
    promote(quick)

    def rolled_back() -> bool:
        # The probe fails three times in a row before a pod is unready.
        quick.unready("1.1.0", time.monotonic() // 4 % 2 == 1)
        return str(quick.history[-1]["trigger"]) == "AutomaticRollback"

    quick.until(rolled_back, 60, "the end of a rollout without progress")
    quick.unready("1.1.0", False)
    assert quick.quarantined() == [("1.1.0", "ProgressDeadlineExceeded")]


def test_readiness_that_comes_and_goes_in_the_bake_time_does_not_escape_the_deadline(quick: Stage) -> None:
    """Each outage is shorter than the deadline: a pod is unready after three probes, for about four seconds.

    Rule: R50.
    """
    quick.deployment(**QUICK | {"rollout": {"progressDeadlineSeconds": 8}, "analysis": {"bakeSeconds": 90}})
    promote(quick)
    quick.until(lambda: quick.history[-1]["version"] == "1.1.0" and "rolledOutAt" in quick.history[-1])

    def rolled_back() -> bool:
        quick.unready("1.1.0", time.monotonic() // 6 % 2 == 1)
        return str(quick.history[-1]["trigger"]) == "AutomaticRollback"

    quick.until(rolled_back, 60, "the end of a version that comes and goes")
    quick.unready("1.1.0", False)
    assert quick.quarantined() == [("1.1.0", "PodsUnavailable")]


def test_time_without_an_operator_does_not_count(quick: Stage) -> None:
    """Rule: R22."""
    quick.deployment(**QUICK | {"rollout": {"progressDeadlineSeconds": 10}})
    quick.unready("1.1.0")
    promote(quick)
    quick.until(lambda: quick.status.get("progress", {}).get("revision") == 2)
    quick.operator.stop()
    time.sleep(12)
    quick.operator.start()
    quick.stays(lambda: not quick.quarantined(), 6, "1.1.0")
    quick.until_rolled_back_to("1.0.0")


def test_an_outage_of_the_api_server_condemns_nobody(quick: Stage) -> None:
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


@pytest.fixture
def one_gpu(quick: Stage) -> Iterator[None]:
    """Let the node have one GPU for as long as a test runs."""
    node = quick.kubectl("get", "nodes", "-o", "name").split()[0]
    paths = [f"/status/{each}/nvidia.com~1gpu" for each in ("capacity", "allocatable")]

    def patch(operation: dict[str, str]) -> None:
        said = json.dumps([{**operation, "path": path} for path in paths])
        quick.kubectl("patch", node, "--subresource=status", "--type=json", "-p", said)

    patch({"op": "add", "value": "1"})
    yield
    patch({"op": "remove"})


@pytest.mark.usefixtures("one_gpu")
def test_a_second_pod_that_gets_no_gpu_condemns_nobody_and_it_is_told_what_helps(quick: Stage) -> None:
    """Rule: R26."""
    template = a_container(quick, resources={"limits": {"nvidia.com/gpu": "1"}})
    quick.deployment(**QUICK, template=template)
    quick.until(lambda: len(quick.history) == 2 and "verifiedAt" in quick.history[-1])
    promote(quick)
    quick.until_stalled("PodsUnschedulable")
    assert "Insufficient nvidia.com/gpu" in quick.message("Stalled")
    assert "set rollout.maxSurge: 0 and rollout.maxUnavailable: 1" in quick.message("Stalled")
    assert (quick.quarantined(), len(quick.pods("1.0.0"))) == ([], 1)
    helps = {"maxSurge": 0, "maxUnavailable": 1, "progressDeadlineSeconds": DEADLINE}
    quick.deployment(**QUICK | {"rollout": helps}, template=template)
    quick.until_verified("1.1.0")
    assert quick.quarantined() == []


def test_an_autoscaler_without_room_condemns_nobody(quick: Stage) -> None:
    """The node has room for two pods that request so much."""
    template = a_container(quick, resources={"requests": {"cpu": "25"}})
    quick.deployment(**QUICK, template=template)
    quick.until_verified("1.0.0")
    quick.kubectl("scale", "modeldeployment", "fraud", "--replicas=2")
    promote(quick)
    quick.until_stalled("PodsUnschedulable")
    assert "Insufficient cpu" in quick.message("Stalled")
    quick.stays(lambda: not quick.quarantined(), DEADLINE, "1.1.0")
    quick.kubectl("scale", "modeldeployment", "fraud", "--replicas=1")
    quick.until_verified("1.1.0")
    quick.kubectl("scale", "modeldeployment", "fraud", "--replicas=4")
    quick.until_stalled("PodsUnavailable")
    assert "Insufficient cpu" in quick.message("Stalled")
    quick.kubectl("scale", "modeldeployment", "fraud", "--replicas=1")
    quick.until(lambda: quick.condition("Ready") == ("True", "Serving"))
    quick.applied["ModelDeployment/fraud"]["spec"]["replicas"] = 1
    assert quick.quarantined() == []


def test_an_outage_of_kubernetes_own_controllers_condemns_nobody(quick: Stage) -> None:
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


@pytest.fixture
def bare_node(quick: Stage) -> Iterator[str]:
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


def play_the_kubelet(stage: Stage, pod: str, **status: Any) -> None:
    stage.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def test_pods_that_do_not_start_or_are_evicted_condemn_nobody(quick: Stage, bare_node: str) -> None:
    there = {"nodeSelector": {"kubernetes.io/hostname": bare_node}, "tolerations": [{"operator": "Exists"}]}
    quick.deployment(**QUICK, template=with_pods(quick, **there))
    quick.until_stalled("PodsNotStarted")
    assert bare_node in quick.message("Stalled")

    def on_the_node() -> list[str]:
        pods = quick.all_of("pod", "pennant.dev/modeldeployment=fraud")
        there = [each for each in pods if each["spec"].get("nodeName") == bare_node]
        return [each["metadata"]["name"] for each in there if each["status"]["phase"] == "Pending"]

    (pod,) = on_the_node()
    play_the_kubelet(quick, pod, phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    quick.until_stalled("PodsEvicted")
    assert "low on resource: memory" in quick.message("Stalled")
    quick.until(lambda: len(on_the_node()) == 1, what="another pod")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
    server = {"name": "server", "image": "i", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": {}}}
    play_the_kubelet(quick, on_the_node()[0], phase="Running", conditions=[ready], containerStatuses=[server])
    quick.until_verified("1.0.0")
    assert (quick.quarantined(), quick.history[-1]["revision"]) == ([], 2)


def test_a_version_that_does_not_become_known_good_is_told_of_once(stage: Stage) -> None:
    """Rule: R51."""
    metric = {"name": "errors", "prometheus": {"query": "model_errors_total"}, "threshold": {"max": "1"}}
    stage.version("1.0.0", "production")
    analysis = {"intervalSeconds": 1, "bakeSeconds": 1, "metrics": [metric]}
    stage.deployment(**QUICK | {"analysis": analysis})
    stage.until(lambda: stage.condition("Verified") == ("False", "NoData"))
    stage.until_told("NotVerified")
    (event,) = [each for each in stage.all_of("event") if each["reason"] == "NotVerified"]
    assert "errors" in str(event.get("note", event.get("message", "")))
    assert stage.condition("Ready") == ("True", "Serving"), "it is not known to be bad either"


def test_ready_needs_a_pod_whatever_may_be_unavailable(stage: Stage) -> None:
    """Rule: R49."""
    stage.version("1.0.0", "production")
    stage.deployment(**QUICK | {"rollout": {"maxSurge": 0, "maxUnavailable": 1}, "analysis": {"bakeSeconds": 5}})
    stage.until(lambda: stage.condition("Ready") == ("True", "Serving"))
    stage.unready("1.0.0")
    stage.until(lambda: stage.condition("Ready") == ("False", "PodsUnavailable"))
    assert stage.get("deployment")["status"]["conditions"][0]["type"] in ("Available", "Progressing")
    stage.stays(lambda: "verifiedAt" not in stage.history[-1], 7, "a revision without a pod")
    assert stage.condition("Verified") == ("False", "PodsUnavailable")
