"""The ReplicaSets and pods of a ModelDeployment, read with the user's permissions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import Json
from pennant.cli.session import Session
from pennant.core.facts.observation import Snapshot
from pennant.core.facts.pods import Pods
from pennant.core.rollout.revision import DEPLOYMENT_LABEL, TEMPLATE_HASH_LABEL
from pennant.kube.codec.metadata import controller_uid
from pennant.kube.codec.pods import pods, replica_set_of
from pennant.kube.http.errors import Forbidden
from pennant.kube.http.resources import RESOURCES, Kind

NUMBER = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Children:
    """What belongs to the Deployment, as the API server gives it, the newest ReplicaSet first."""

    replica_sets: tuple[Json, ...] = ()
    pods: tuple[Json, ...] = ()
    unread: tuple[str, ...] = ()
    """What the user may not list, a sentence each."""

    def of_template(self, template_hash: str) -> tuple[Json, ...]:
        """Return the ReplicaSets of a pod template; `kubectl rollout restart` makes a second one of the same."""
        return tuple(each for each in self.replica_sets if _labels(each).get(TEMPLATE_HASH_LABEL) == template_hash)

    def pods_of(self, replica_set: Json) -> tuple[Json, ...]:
        """Return the pods of a ReplicaSet, the oldest first."""
        uid = replica_set["metadata"]["uid"]
        return tuple(each for each in self.pods if controller_uid(each) == uid)

    def looked_at(self, snapshot: Snapshot, template_hash: str) -> Pods | None:
        """Return the pods of a template as the operator sees them; None: they could not be read."""
        if self.unread or snapshot.workload is None:
            return None
        return pods(template_hash, replica_set_of(self.of_template(template_hash), snapshot.workload.uid), self.pods)


async def children(session: Session, snapshot: Snapshot) -> Children:
    """Return the ReplicaSets and pods of a ModelDeployment; what the user may not list is in `unread`."""
    if snapshot.workload is None:
        return Children()
    selector = snapshot.status.selector or f"{DEPLOYMENT_LABEL}={snapshot.key.name}"
    unread: list[str] = []
    found: dict[Kind, list[Json]] = {}
    for kind in (Kind.REPLICA_SET, Kind.POD):
        try:
            found[kind] = await session.client.all_of(kind, snapshot.key.namespace, labelSelector=selector)
        except Forbidden:
            found[kind] = []
            unread.append(f"you may not list {RESOURCES[kind].plural} in namespace {snapshot.key.namespace}")
    uid = snapshot.workload.uid
    own = [each for each in found[Kind.REPLICA_SET] if controller_uid(each) == uid]
    own.sort(key=lambda each: (_number(each), each["metadata"].get("creationTimestamp", "")), reverse=True)
    listed = sorted(found[Kind.POD], key=lambda e: (e["metadata"].get("creationTimestamp", ""), e["metadata"]["name"]))
    return Children(tuple(own), tuple(listed), tuple(unread))


def pod_status(pod: Json) -> str:
    """Return a pod's status in one word, as the column STATUS of `kubectl get pods` has it."""
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    if status.get("reason"):
        return str(status["reason"])
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state: Mapping[str, Any] = each.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason") not in (None, "PodInitializing"):
            return str(waiting["reason"])
        if ended and ended.get("exitCode"):
            return str(ended.get("reason") or f"ExitCode:{ended['exitCode']}")
    return str(status.get("phase") or "Unknown")


def readiness(pod: Json) -> tuple[int, int, int]:
    """Return the ready containers of a pod, all of them, and how often they were restarted."""
    statuses: Sequence[Json] = (pod.get("status") or {}).get("containerStatuses") or ()
    total = len((pod.get("spec") or {}).get("containers") or statuses)
    return (
        sum(bool(each.get("ready")) for each in statuses),
        total,
        sum(int(each.get("restartCount") or 0) for each in statuses),
    )


def _labels(raw: Json) -> Mapping[str, str]:
    return raw["metadata"].get("labels") or {}


def _number(raw: Json) -> int:
    number = str((raw["metadata"].get("annotations") or {}).get(NUMBER, ""))
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0
