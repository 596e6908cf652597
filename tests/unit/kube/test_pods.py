"""Pods and ReplicaSets in the API server's JSON."""

from datetime import UTC, datetime
from typing import Any

from pennant.core.facts.pods import Container, Ended, Pod, Running, Waiting
from pennant.kube.codec.pods import pods, replica_set_of


def a_set(uid: str, number: str, controller: str = "d") -> dict[str, Any]:
    owner = {"uid": controller, "controller": True}
    metadata = {"uid": uid, "generation": 2, "ownerReferences": [owner], "labels": {"pod-template-hash": "5d9c"}}
    return {
        "metadata": metadata | {"annotations": {"deployment.kubernetes.io/revision": number}},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, "replicas": 1, "readyReplicas": 1},
    }


def a_pod(name: str, spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    owner = {"uid": "s", "controller": True}
    return {"metadata": {"name": name, "ownerReferences": [owner], **metadata}, "spec": spec, "status": status}


def test_of_two_replica_sets_with_the_same_label_the_newest_is_returned() -> None:
    """`kubectl rollout restart` makes another ReplicaSet with the same template hash."""
    sets = [a_set("old", "9"), a_set("new", "10"), a_set("foreign", "11", "other")]
    newest = replica_set_of(sets, "d")
    assert newest is not None
    assert newest["metadata"]["uid"] == "new"
    assert replica_set_of(sets, "nobody") is None


def test_a_pod_is_decoded_from_its_conditions_and_container_statuses() -> None:
    started = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    terminated = {"exitCode": 1, "reason": "Error", "startedAt": "x", "finishedAt": "y"}
    running = {
        "phase": "Running",
        "conditions": [started, {"type": "PodScheduled", "status": "True"}],
        "initContainerStatuses": [
            {"name": "load", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}, "ready": True},
            {"name": "proxy", "state": {"running": {}}, "ready": True},
        ],
        "containerStatuses": [
            {
                "name": "server",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": terminated},
                "restartCount": 3,
            }
        ],
    }
    sidecars = {"nodeName": "n", "initContainers": [{"name": "load"}, {"name": "proxy", "restartPolicy": "Always"}]}
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    raws = [
        a_pod("a", sidecars, running),
        a_pod("b", {}, {"phase": "Pending", "conditions": [unscheduled]}),
        a_pod("c", {"nodeName": "n"}, {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
        a_pod("gone", {}, {}, deletionTimestamp="2026-01-01T00:00:00Z"),
        {**a_pod("foreign", {}, {}), "metadata": {"name": "foreign"}},
    ]
    seen = pods("hash", a_set("s", "1"), raws)
    assert seen.replica_set is not None
    assert (seen.replica_set.pod_template_hash, seen.replica_set.wanted, seen.replica_set.ready) == ("5d9c", 2, 1)
    crashed = Container("server", Waiting("CrashLoopBackOff", "back-off"), restarts=3, last_end=Ended(1, "Error"))
    assert seen.pods == (
        Pod(
            "a",
            "Running",
            datetime(2026, 1, 1, tzinfo=UTC),
            "n",
            containers=(
                Container("load", Ended(0, "Completed"), ready=True, is_init=True),
                Container("proxy", Running(), ready=True),
                crashed,
            ),
        ),
        Pod("b", "Pending", unscheduled="Unschedulable: 0/1 nodes"),
        Pod("c", "Failed", node="n", evicted="Evicted: low on memory"),
    )
