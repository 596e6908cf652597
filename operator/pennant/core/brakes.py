"""What keeps a bad version from being rolled back automatically, and how long.

Rule: Cooldown and budget bound the rate of rollbacks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.deployment_status import Trigger
from pennant.api.model_deployment import ModelDeploymentSpec, RollbackAction
from pennant.api.reasons import Reason
from pennant.core.history import History


@dataclass(frozen=True, slots=True)
class Brake:
    """Why nothing is condemned now."""

    reason: Reason
    message: str
    until: datetime | None = None
    """When it is off by itself; None: time alone does not end it."""


def brake(spec: ModelDeploymentSpec, history: History, now: datetime) -> Brake | None:
    """Return what forbids an automatic rollback at this moment; None: nothing does.

    Rule: While paused nothing is changed, and health is measured.
    """
    if spec.paused:
        return Brake(Reason.PAUSED, "spec.paused is true")
    if spec.rollback.action is RollbackAction.REPORT:
        return Brake(Reason.METRIC_BREACH, "rollback.action is Report, so nothing is done")
    return exhausted(spec, history, now) or _cooling(spec, history, now)


def exhausted(spec: ModelDeploymentSpec, history: History, now: datetime) -> Brake | None:
    """Return why there may be no further automatic rollback in this window."""
    budget = spec.rollback.budget
    if budget is None:
        return None
    window = timedelta(seconds=budget.window_seconds)
    counted = [each for each in _rollbacks(history) if now - each < window]
    if len(counted) < budget.count:
        return None
    message = (
        f"there were {len(counted)} automatic rollbacks within {budget.window_seconds} s, "
        f"and rollback.budget allows {budget.count}"
    )
    return Brake(Reason.ROLLBACK_BUDGET_EXHAUSTED, message, counted[-budget.count] + window)


def _cooling(spec: ModelDeploymentSpec, history: History, now: datetime) -> Brake | None:
    last = max(_rollbacks(history), default=None)
    cooldown = timedelta(seconds=spec.rollback.cooldown_seconds)
    if last is None or now - last >= cooldown:
        return None
    message = f"the last automatic rollback is less than {spec.rollback.cooldown_seconds} s ago"
    return Brake(Reason.ROLLBACK_COOLING_DOWN, message, last + cooldown)


def _rollbacks(history: History) -> list[datetime]:
    return [each.started_at for each in history if each.trigger is Trigger.AUTOMATIC_ROLLBACK]
