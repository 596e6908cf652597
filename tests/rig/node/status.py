"""A pod's status, rendered from what its containers are doing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from rig.node.states import ContainerStatus, Role, Running, State, Terminated, Waiting, restart_policy, runs_again

Rendered = dict[str, Any]


class Phase(StrEnum):
    """Where a pod is in its life."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the node knows of a pod at one moment."""

    init: tuple[ContainerStatus, ...]
    """Init containers and sidecars, in their order."""
    containers: tuple[ContainerStatus, ...]
    restart_policy: str
    deleted: bool
    generation: int
    pod_ip: str
    host_ip: str
    started_at: str
    now: str


def rendered(seen: Seen, before: Mapping[str, Any]) -> Rendered:
    """Return the status; a condition that is as it was `before` keeps the time of its last transition."""
    now_phase = phase(seen)
    return {
        "observedGeneration": seen.generation,
        "phase": now_phase.value,
        "hostIP": seen.host_ip,
        "hostIPs": [{"ip": seen.host_ip}],
        "podIP": seen.pod_ip,
        "podIPs": [{"ip": seen.pod_ip}],
        "startTime": seen.started_at,
        "conditions": _conditions(seen, now_phase, before),
        **({"initContainerStatuses": [_container(each) for each in seen.init]} if seen.init else {}),
        "containerStatuses": [_container(each) for each in seen.containers],
    }


def phase(seen: Seen) -> Phase:
    """Return the phase by the rules of a kubelet: `getPhase` of pkg/kubelet/kubelet_pods.go."""
    if any(has_failed_for_good(each, seen.restart_policy) for each in seen.init):
        return Phase.FAILED
    staying = [*(each for each in seen.init if each.role is Role.SIDECAR), *seen.containers]
    if _initialises(seen) or any(_has_not_begun(each) for each in staying):
        return Phase.PENDING
    over = seen.deleted or seen.restart_policy != "Always"
    if any(isinstance(each.state, Running) for each in staying) or not over:
        return Phase.RUNNING
    ends = [each.end for each in seen.containers]
    if all(end is not None and end.exit_code == 0 for end in ends):
        return Phase.SUCCEEDED
    return Phase.FAILED if seen.deleted or seen.restart_policy == "Never" else Phase.RUNNING


def has_failed_for_good(container: ContainerStatus, policy: str) -> bool:
    """Return whether an init container failed and is not restarted, which fails its pod."""
    end = None if isinstance(container.state, Running) else container.end
    again = end is not None and runs_again(restart_policy(container.role, policy), end)
    return container.role is Role.INIT and end is not None and end.exit_code != 0 and not again


def _initialises(seen: Seen) -> bool:
    """Return whether an init container runs or did not begin, or a sidecar has not started before all others did."""
    if any(each.role is Role.INIT and (_has_not_begun(each) or _runs(each)) for each in seen.init):
        return True
    return not _was_initialised(seen) and any(
        each.role is Role.SIDECAR and (_has_not_begun(each) or (_runs(each) and not each.started)) for each in seen.init
    )


def _was_initialised(seen: Seen) -> bool:
    """Return whether any container proper has started: then the pod stays initialised while a sidecar restarts."""
    return any(not isinstance(each.state, Waiting) or each.last_end is not None for each in seen.containers)


def _has_not_begun(container: ContainerStatus) -> bool:
    return isinstance(container.state, Waiting) and container.last_end is None


def _runs(container: ContainerStatus) -> bool:
    return isinstance(container.state, Running)


def _conditions(seen: Seen, now_phase: Phase, before: Mapping[str, Any]) -> list[Rendered]:
    counted = [*(each for each in seen.init if each.role is Role.SIDECAR), *seen.containers]
    unready = [each.name for each in counted if not each.ready]
    ready = not unready and not seen.deleted
    why_unready = {
        Phase.SUCCEEDED: {"reason": "PodCompleted"},
        Phase.FAILED: {"reason": "PodFailed"},
    }.get(now_phase, _why("ContainersNotReady", "unready", unready))
    incomplete = [] if _was_initialised(seen) else [each.name for each in seen.init if not each.is_initialised]
    why_not_initialised = _why("ContainersNotInitialized", "incomplete", incomplete)
    known = {each["type"]: each for each in before.get("conditions", ())}
    return [
        _condition(seen, kind, holds, {} if holds else why, known.get(kind))
        for kind, holds, why in (
            ("PodReadyToStartContainers", True, {}),
            ("Initialized", not incomplete, why_not_initialised),
            ("ContainersReady", ready, why_unready),
            ("Ready", ready, why_unready),
        )
    ]


def _why(reason: str, word: str, names: list[str]) -> dict[str, str]:
    return {"reason": reason, "message": f"containers with {word} status: [{' '.join(names)}]"}


def _condition(
    seen: Seen, kind: str, holds: bool, why: Mapping[str, str], before: Mapping[str, Any] | None
) -> Rendered:
    status = "True" if holds else "False"
    stays = before is not None and before["status"] == status
    return {
        "type": kind,
        "status": status,
        "observedGeneration": seen.generation,
        "lastTransitionTime": before["lastTransitionTime"] if before is not None and stays else seen.now,
        # The API server merges conditions: what no longer holds is said to be nothing.
        "reason": why.get("reason"),
        "message": why.get("message"),
    }


def _container(status: ContainerStatus) -> Rendered:
    return {
        "name": status.name,
        "image": status.image,
        "imageID": status.image if status.container_id else "",
        "containerID": status.container_id,
        "ready": status.ready,
        "started": status.started,
        "restartCount": status.restarts,
        "state": _state(status.state),
        "lastState": _state(status.last_end) if status.last_end is not None else {},
    }


def _state(state: State) -> Rendered:
    match state:
        case Waiting(reason, message):
            return {"waiting": _said({"reason": reason, "message": message})}
        case Running(started_at):
            return {"running": {"startedAt": started_at}}
        case Terminated():
            times = {"startedAt": state.started_at, "finishedAt": state.finished_at}
            rest = _said({"reason": state.reason, "signal": state.signal, "message": state.message})
            return {"terminated": {"exitCode": state.exit_code, **times, **rest}}
        case _:
            assert_never(state)


def _said(fields: Rendered) -> Rendered:
    return {name: value for name, value in fields.items() if value}
