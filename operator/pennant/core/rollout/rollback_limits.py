"""What keeps a bad version from being rolled back automatically, and how long.

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
"""What made a revision that goes on with the attempt before it."""


@dataclass(frozen=True, slots=True)
class RollbackLimit:
    """Why nothing is condemned now."""

    reason: Reason
    message: str
    until: datetime | None = None
    """When it is off by itself; None: time alone does not end it."""


def unwanted(spec: ModelDeploymentSpec) -> RollbackLimit | None:
    """Return why no version is to be rolled back automatically by the spec's own words; None: it may be.

    Rule: R13.
    """
    if spec.paused:
        return RollbackLimit(Reason.PAUSED, "spec.paused is true")
    if spec.rollback.action is RollbackAction.REPORT:
        return RollbackLimit(Reason.METRIC_BREACH, "rollback.action is Report, so nothing is changed")
    return None


def too_soon(spec: ModelDeploymentSpec, history: History, now: datetime) -> RollbackLimit | None:
    """Return why there were enough automatic rollbacks for now; None: there may be another one."""
    return exhausted(spec, history, now) or _cooling(spec, history, now)


def exhausted(spec: ModelDeploymentSpec, history: History, now: datetime) -> RollbackLimit | None:
    """Return why there may be no further automatic rollback in this window."""
    budget = spec.rollback.budget
    # They are counted in the history: a short one cannot hold more than this.
    most = min(budget.count, spec.history_limit - 1)
    window = timedelta(seconds=budget.window_seconds)
    counted = [each for each in _rollbacks(history, now) if now - each < window]
    if len(counted) < most:
        return None
    message = f"{len(counted)} automatic rollbacks within {budget.window_seconds} s, rollback.budget allows {most}"
    return RollbackLimit(Reason.ROLLBACK_BUDGET_EXHAUSTED, message, counted[-most] + window)


def unhelpful(spec: ModelDeploymentSpec, history: History, breached: Iterable[str]) -> RollbackLimit | None:
    """Return why the newest revision is not rolled back for a breach of these metrics; None: it may be.

    A version that was known good and breaches as soon as it serves again shows that the cause lies elsewhere: in its
    data, its dependencies or its traffic. So no more than `rollback.limit` automatic rollbacks follow each other
    without one of them becoming known good.

    Rule: R56.
    """
    number = _in_a_row(history)
    if number < spec.rollback.limit:
        return None
    # The revision before the last rollback; of the oldest one that is told, the limit may have taken it away.
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
    """Return how many automatic rollbacks the history ends with of which none became known good.

    A restart of what was gone back to is no other attempt.
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
    """Return when the automatic rollbacks were.

    One that lies in the future is from before the clock was set back. How long ago that was nobody knows, and to count
    it would put off every rollback by as much as the clock was set back.

    Rule: R86.
    """
    found = (each.started_at for each in history if each.trigger is Trigger.AUTOMATIC_ROLLBACK)
    return [each for each in found if each <= now]
