"""The limits that block an automatic rollback, and when each ends.

Rule: R60.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.history import Trigger
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.api.reasons import Reason
from pennant.core.rollout.history import History

GOES_ON = frozenset({Trigger.AUTOMATIC_ROLLBACK, Trigger.RESTART})
"""Triggers of a revision that continues the attempt before it, instead of beginning a new one."""


@dataclass(frozen=True, slots=True)
class RollbackLimit:
    """Why no automatic rollback is permitted."""

    reason: Reason
    message: str
    until: datetime | None = None
    """When the limit ends by itself; None: it needs a change."""


def unwanted(spec: ModelDeploymentSpec) -> RollbackLimit | None:
    """Return the limit of `spec.paused` or `rollback.action: Report`; None: the spec permits rollbacks.

    Rule: R13.
    """
    if spec.paused:
        return RollbackLimit(Reason.PAUSED, "spec.paused is true")
    if spec.rollback.action is RollbackAction.REPORT:
        return RollbackLimit(Reason.METRIC_BREACH, "rollback.action is Report, so nothing is changed")
    return None


def too_soon(spec: ModelDeploymentSpec, history: History, now: datetime) -> RollbackLimit | None:
    """Return the limit of the budget or of the cooldown; None: neither applies."""
    return exhausted(spec, history, now) or _cooling(spec, history, now)


def exhausted(spec: ModelDeploymentSpec, history: History, now: datetime) -> RollbackLimit | None:
    """Return the limit of `rollback.budget`; None: the window has fewer automatic rollbacks."""
    budget = spec.rollback.budget
    # Rollbacks are counted in the history, and a short history cannot have more than this.
    most = min(budget.count, spec.history_limit - 1)
    window = timedelta(seconds=budget.window_seconds)
    counted = [each for each in _rollbacks(history, now) if now - each < window]
    if len(counted) < most:
        return None
    message = f"{len(counted)} automatic rollbacks within {budget.window_seconds} s, rollback.budget allows {most}"
    return RollbackLimit(Reason.ROLLBACK_BUDGET_EXHAUSTED, message, counted[-most] + window)


def unhelpful(spec: ModelDeploymentSpec, history: History, breached: Iterable[str]) -> RollbackLimit | None:
    """Return the limit of `rollback.limit`, for a breach of these metrics or, without metrics, a failed rollout.

    If a verified version breaches as soon as it serves again, the cause is elsewhere: in data, dependencies or traffic.
    So at most `rollback.limit` consecutive automatic rollbacks are made without one that is verified again. None: there
    were fewer.

    Rule: R56.
    """
    number = _in_a_row(history)
    if number < spec.rollback.limit:
        return None
    # The revision that failed first; it may be beyond historyLimit.
    first = next((each for each in reversed(history) if each.evidence or each.trigger not in GOES_ON), history[0])
    known = {each.metric: each for each in first.evidence}
    same = [known[name] for name in breached if name in known]
    came_from = f"{first.version} (revision {first.revision})"
    if not same:
        rollbacks = f"{number} consecutive automatic rollback{'s' * (number > 1)} from {came_from}"
        message = f"{rollbacks}, rollback.limit allows {spec.rollback.limit}"
        return RollbackLimit(Reason.ROLLBACK_LIMIT_REACHED, message)
    read = "; ".join(f"{each.metric} {each.value}, {each.threshold}" for each in same)
    return RollbackLimit(
        Reason.ROLLBACK_DID_NOT_HELP,
        f"{came_from} breached the same metric before the rollback ({read}), so the version is not the cause",
    )


def _in_a_row(history: History) -> int:
    """Return the number of consecutive automatic rollbacks at the end of the history of which none is verified.

    A restart between them does not count and does not interrupt them.
    """
    number = 0
    for entry in reversed(history):
        if entry.trigger not in GOES_ON or entry.verified_at is not None:
            break
        number += entry.trigger is Trigger.AUTOMATIC_ROLLBACK
    return number


def _cooling(spec: ModelDeploymentSpec, history: History, now: datetime) -> RollbackLimit | None:
    last = max(_rollbacks(history, now), default=None)
    cooldown = timedelta(seconds=spec.rollback.cooldown_seconds)
    if last is None or now - last >= cooldown:
        return None
    message = (
        f"the last automatic rollback was less than rollback.cooldownSeconds ({spec.rollback.cooldown_seconds} s) ago"
    )
    return RollbackLimit(Reason.ROLLBACK_COOLING_DOWN, message, last + cooldown)


def _rollbacks(history: History, now: datetime) -> list[datetime]:
    """Return the times of the automatic rollbacks.

    One in the future was made before the clock was set back, so its age is not known, and it is not counted.

    Rule: R86.
    """
    found = (each.started_at for each in history if each.trigger is Trigger.AUTOMATIC_ROLLBACK)
    return [each for each in found if each <= now]
