"""The API server's JSON to the core's values: pods and ReplicaSets."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pennant.api.meta import Json
from pennant.core.facts.pods import Container, Ended, Pod, Pods, ReplicaSet, Running, Waiting
from pennant.kube.codec.metadata import controller_uid

POD_TEMPLATE_HASH = "pod-template-hash"
_NUMBER = "deployment.kubernetes.io/revision"
_NO_CODE = 0


def replica_set_of(raws: Iterable[Json], deployment_uid: str) -> Json | None:
    """Return the newest of these ReplicaSets that the Deployment owns; None where it owns none.

    Several may have the same label: `kubectl rollout restart` changes the pod template, but not our template hash.
    """
    owned = [each for each in raws if controller_uid(each) == deployment_uid]
    return max(owned, key=revision_of, default=None)


def revision_of(raw: Json) -> int:
    """Return the number that the Deployment controller gave a ReplicaSet; 0 where there is none yet."""
    number = str((raw["metadata"].get("annotations") or {}).get(_NUMBER, ""))
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def pods(template_hash: str, replica_set: Json | None, raws: Iterable[Json]) -> Pods:
    """Return the ReplicaSet with its pods, except those that are being deleted."""
    if replica_set is None:
        return Pods(template_hash, None)
    uid = replica_set["metadata"]["uid"]
    own = (each for each in raws if controller_uid(each) == uid and "deletionTimestamp" not in each["metadata"])
    return Pods(template_hash, _replica_set(replica_set), tuple(_pod(each) for each in own))


def _replica_set(raw: Json) -> ReplicaSet:
    metadata, status = raw["metadata"], raw.get("status") or {}
    return ReplicaSet(
        pod_template_hash=str((metadata.get("labels") or {}).get(POD_TEMPLATE_HASH, "")),
        wanted=raw["spec"].get("replicas", 1),
        is_observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        total=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        refusal=refusal(status),
    )


def refusal(status: Json) -> str:
    """Return the message of the condition ReplicaFailure of a Deployment or ReplicaSet; empty where it is not True."""
    found = _conditions(status).get("ReplicaFailure", {})
    return str(found.get("message") or found.get("reason")) if found.get("status") == "True" else ""


def since(status: Json, kind: str) -> datetime | None:
    """Return since when a condition is True; None where it is not."""
    found = _conditions(status).get(kind, {})
    return datetime.fromisoformat(found["lastTransitionTime"]) if found.get("status") == "True" else None


def _pod(raw: Json) -> Pod:
    spec, status = raw["spec"], raw.get("status") or {}
    conditions = _conditions(status)
    scheduled = conditions.get("PodScheduled", {})
    unscheduled = "" if scheduled.get("status") != "False" else _words(scheduled)
    sidecars = {each["name"] for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    return Pod(
        name=raw["metadata"]["name"],
        phase=str(status.get("phase", "")),
        ready_since=since(status, "Ready"),
        node=str(spec.get("nodeName", "")),
        unscheduled=unscheduled,
        evicted=_evicted(status, conditions),
        containers=tuple(_containers(status, sidecars)),
    )


def _evicted(status: Json, conditions: Mapping[str, Json]) -> str:
    """Return why the cluster removed the pod from its node; empty where it did not.

    Only an evicted pod has a `status.reason`: one that failed by its containers has none.
    """
    disrupted = conditions.get("DisruptionTarget", {})
    if disrupted.get("status") == "True":
        return _words(disrupted)
    return _words(status) if status.get("phase") == "Failed" and status.get("reason") else ""


def _containers(status: Json, sidecars: set[str]) -> Iterator[Container]:
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            yield Container(
                name=str(each["name"]),
                state=_state(each.get("state") or {}),
                ready=bool(each.get("ready")),
                is_init=field == "initContainerStatuses" and each["name"] not in sidecars,
                restarts=each.get("restartCount", 0),
                last_end=_ended((each.get("lastState") or {}).get("terminated")),
            )


def _state(state: Json) -> Waiting | Running | Ended:
    if state.get("running") is not None:
        return Running()
    if (ended := _ended(state.get("terminated"))) is not None:
        return ended
    waiting = state.get("waiting") or {}
    return Waiting(str(waiting.get("reason", "")), str(waiting.get("message", "")))


def _ended(terminated: Json | None) -> Ended | None:
    if terminated is None:
        return None
    reason, message = str(terminated.get("reason", "")), str(terminated.get("message", ""))
    return Ended(terminated.get("exitCode", _NO_CODE), reason, message)


def _words(condition: Json) -> str:
    """Return `reason: message`."""
    return ": ".join(str(condition[each]) for each in ("reason", "message") if condition.get(each))


def _conditions(status: Json) -> dict[str, Any]:
    return {each["type"]: each for each in status.get("conditions") or ()}
