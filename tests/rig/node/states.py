"""What a container is doing, in the words of Kubernetes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

START_ERROR_CODE = 128


class Role(Enum):
    """What a container is in its pod."""

    APP = auto()
    """One of `containers`."""
    INIT = auto()
    """It must complete before the next container starts."""
    SIDECAR = auto()
    """An init container that stays: once it has started, the next one may."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """It does not run, and may still."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """It runs since a time, which says nothing of readiness."""

    started_at: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """It has ended."""

    exit_code: int
    reason: str
    started_at: str
    finished_at: str
    signal: int = 0
    message: str = ""


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """All that a pod's status says of one of its containers."""

    name: str
    image: str
    state: State
    last_end: Terminated | None
    ready: bool
    restarts: int
    container_id: str
    role: Role = Role.APP
    started: bool = False
    """Whether it runs and its startup probe, if there is one, has passed."""

    @property
    def end(self) -> Terminated | None:
        """How it ended, the last time if it runs or waits now; None: it never ended."""
        return self.state if isinstance(self.state, Terminated) else self.last_end

    @property
    def is_initialised(self) -> bool:
        """Whether the container after it may start."""
        return self.started if self.role is Role.SIDECAR else self.ready


def ended(return_code: int, started_at: str, finished_at: str, message: str = "") -> Terminated:
    """Return the end of a process; a negative code is the signal that killed it, as in `subprocess`."""
    if return_code < 0:
        return Terminated(128 - return_code, "Error", started_at, finished_at, signal=-return_code, message=message)
    reason = "Completed" if return_code == 0 else "Error"
    return Terminated(return_code, reason, started_at, finished_at, message=message)


def not_started(message: str, at: str) -> Terminated:
    """Return the end of a process that could not begin."""
    return Terminated(START_ERROR_CODE, "StartError", at, at, message=message)


def end_known_from(status: Mapping[str, Any], now: str) -> Terminated | None:
    """Return how a container ended by what an earlier node wrote; one that ran was lost with that node."""
    state = status.get("state") or {}
    if running := state.get("running"):
        return Terminated(137, "Error", running["startedAt"], now, signal=9, message="the test node ended")
    end = state.get("terminated") or (status.get("lastState") or {}).get("terminated")
    if not end:
        return None
    return Terminated(
        end["exitCode"],
        end.get("reason", ""),
        end.get("startedAt", now),
        end.get("finishedAt", now),
        end.get("signal", 0),
        end.get("message", ""),
    )


def init_role(container: Mapping[str, Any]) -> Role:
    """Return the role of one of `initContainers`."""
    return Role.SIDECAR if container.get("restartPolicy") == "Always" else Role.INIT


def restart_policy(role: Role, of_pod: str) -> str:
    """Return the restart policy of a container: an init container that completed is not restarted, a sidecar always."""
    match role:
        case Role.SIDECAR:
            return "Always"
        case Role.INIT:
            return "Never" if of_pod == "Never" else "OnFailure"
        case Role.APP:
            return of_pod


def runs_again(restart_policy: str, end: Terminated) -> bool:
    """Return whether a container is to be started again after this end."""
    return restart_policy == "Always" or (restart_policy == "OnFailure" and end.exit_code != 0)


def pause_seconds(base_seconds: float, ends_before: int) -> float:
    """Return the pause before a restart: none the first time, then the base, doubled each time up to 5 minutes."""
    if ends_before == 0:
        return 0
    # The exponent is bounded because a float is.
    return min(base_seconds * 2.0 ** min(ends_before - 1, 20), 300)
