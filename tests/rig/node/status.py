"""A pod's status, rendered from what its containers are doing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from rig.node.states import ContainerStatus, Running, State, Terminated, Waiting

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
        "containerStatuses": [_container(each) for each in seen.containers],
    }


def phase(seen: Seen) -> Phase:
    """Return the phase by the rules of a kubelet."""
    ends = [_end(each) for each in seen.containers]
    running = any(isinstance(each.state, Running) for each in seen.containers)
    if any(isinstance(each.state, Waiting) and each.last_end is None for each in seen.containers):
        return Phase.PENDING
    over = seen.deleted or seen.restart_policy != "Always"
    if running or not over:
        return Phase.RUNNING
    if all(end is not None and end.exit_code == 0 for end in ends):
        return Phase.SUCCEEDED
    return Phase.FAILED if seen.deleted or seen.restart_policy == "Never" else Phase.RUNNING


def _end(container: ContainerStatus) -> Terminated | None:
    return container.state if isinstance(container.state, Terminated) else container.last_end


def _conditions(seen: Seen, now_phase: Phase, before: Mapping[str, Any]) -> list[Rendered]:
    unready = [each.name for each in seen.containers if not each.ready]
    ready = not unready and not seen.deleted
    why = {
        Phase.SUCCEEDED: {"reason": "PodCompleted"},
        Phase.FAILED: {"reason": "PodFailed"},
    }.get(now_phase, {"reason": "ContainersNotReady", "message": f"containers with unready status: {unready}"})
    known = {each["type"]: each for each in before.get("conditions", ())}
    return [
        _condition(seen, kind, holds, {} if holds else why, known.get(kind))
        for kind, holds in (
            ("PodReadyToStartContainers", True),
            ("Initialized", True),
            ("ContainersReady", ready),
            ("Ready", ready),
        )
    ]


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
        "started": isinstance(status.state, Running),
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
