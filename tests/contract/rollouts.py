"""Rollouts as scripts: what users and pods do, and what the status of the Deployment tells of it.

Pod templates and their pods are called by letters. Pods become ready by hand alone, so that a script says when.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pennant.api.meta import Json

NAME = "rollout"
NO_HURRY = 600
"""Seconds until a rollout is late, where that is not the question: a slow machine does not get there."""
NO_DEADLINE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Told:
    """What the status of a Deployment tells, but for times and words."""

    observed: bool
    """Whether it is about the newest generation."""
    replicas: int
    updated: int
    ready: int
    available: int
    unavailable: int
    conditions: frozenset[tuple[str, str, str]]
    """Type, status and reason."""

    def __str__(self) -> str:
        said = ", ".join(f"{kind}={status} {reason}" for kind, status, reason in sorted(self.conditions))
        counts = f"{self.replicas} pods, {self.updated} updated, {self.ready} ready, {self.available} available"
        return f"{'' if self.observed else 'not '}observed: {counts}, {self.unavailable} unavailable; {said}"

    def says(self, reason: str) -> bool:
        """Return whether a condition has this reason."""
        return any(each[2] == reason for each in self.conditions)


class Rollout(Protocol):
    """A Deployment whose controllers are under test."""

    @property
    def told(self) -> list[Told]:
        """Every status so far that differs from the one before it."""
        ...

    async def create(self, spec: Json) -> None:
        """Create the Deployment."""
        ...

    async def change(self, spec: Json) -> None:
        """Merge fields into its spec."""
        ...

    async def ready(self, template: str, is_ready: bool) -> None:
        """Have one more pod of a template become ready, or cease to be."""
        ...

    async def evict(self, template: str) -> None:
        """Have the node end a pod of a template."""
        ...

    async def limit_pods(self, number: int | None) -> None:
        """Have a quota allow so many pods; None: any number."""
        ...

    async def have_controllers(self, away: bool) -> None:
        """Stop the kube-controller-manager, or start it again."""
        ...

    async def pass_a_second(self) -> None:
        """Let time pass."""
        ...


Act = Callable[[Rollout], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """Acts one after the other, before all is at rest again."""

    words: str
    acts: tuple[Act, ...]


def create(letter: str = "a", **spec: Any) -> Step:
    whole = {"replicas": 1, "progressDeadlineSeconds": NO_HURRY, **spec, "template": _template(letter)}
    return Step(f"create with {spec}", (lambda rollout: rollout.create(whole),))


def change(**spec: Any) -> Step:
    return Step(f"change {spec}", (lambda rollout: rollout.change(spec),))


def template(letter: str, **spec: Any) -> Step:
    changed = {**spec, "template": _template(letter)}
    return Step(f"template {letter} {spec or ''}", (lambda rollout: rollout.change(changed),))


def ready(letter: str, number: int = 1) -> Step:
    return Step(f"{number} of {letter} ready", (lambda rollout: rollout.ready(letter, True),) * number)


def unready(letter: str, number: int = 1) -> Step:
    return Step(f"{number} of {letter} not ready", (lambda rollout: rollout.ready(letter, False),) * number)


def evict(letter: str) -> Step:
    return Step(f"one of {letter} evicted", (lambda rollout: rollout.evict(letter),))


def quota(number: int) -> Step:
    return Step(f"a quota of {number}", (lambda rollout: rollout.limit_pods(number),))


def no_quota(seconds: int) -> Step:
    """Lift the quota, and wait until creating pods is tried again."""
    return Step("no quota", (lambda rollout: rollout.limit_pods(None), *_seconds(seconds)))


def wait(seconds: int) -> Step:
    return Step(f"{seconds} s pass", _seconds(seconds))


def _seconds(number: int) -> tuple[Act, ...]:
    return (lambda rollout: rollout.pass_a_second(),) * number


CONTROLLERS_GO = Step("no controllers", (lambda rollout: rollout.have_controllers(away=True),))
CONTROLLERS_COME = Step("controllers again", (lambda rollout: rollout.have_controllers(away=False),))


def at_most(surge: int | str, unavailable: int | str) -> dict[str, Any]:
    """Return a strategy with so many pods more, and so many fewer, than are asked for."""
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def _template(letter: str) -> Json:
    """Return a pod template whose pods no scheduler looks at."""
    container = {"name": "server", "image": f"registry.example/{letter}:1"}
    labels = {"app": NAME, "pennant.dev/version": letter, "pennant.dev/template-hash": letter}
    return {"metadata": {"labels": labels}, "spec": {"schedulerName": "nobody", "containers": [container]}}
