"""Which changes of a status can wait for the next write.

Each status write costs the API server in proportion to the length of the status, and a rollout changes it many times.
Progress that nobody waits for is gathered for at most two seconds: numbers of pods, a pod that becomes available, a
revision that is verified, a tag that is moved by two writes.

Rule: R176.
"""

from datetime import timedelta

from pennant.api.conditions import ConditionStatus, find
from pennant.api.deployment_status import MetricState, ModelDeploymentStatus
from pennant.api.history import BAD

LONGEST_WAIT = timedelta(seconds=2)
AT_ONCE = (
    "observed_generation",
    "desired",
    "serving",
    "checked_spec",
    "applied",
    "drift",
    "adoption",
    "last_command",
    "commands",
    "quarantine",
)
"""Fields whose changes are written at once: intents, results of writes, and what users wait for."""
WATCHED = ("Stalled", "RolledBack", "Suspended", "HistoryIntact", "TemplateValid")
"""Conditions whose changes are written at once."""
AWAITED = (("Ready", ConditionStatus.TRUE), ("MetricsHealthy", ConditionStatus.FALSE))
"""Conditions whose change to this status is written at once."""


def can_wait(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> bool:
    """Return whether a status may be written up to `LONGEST_WAIT` later; `before` is the stored one."""
    if any(getattr(before, name) != getattr(after, name) for name in AT_ONCE):
        return False
    known = {each.revision: each for each in before.history}
    if known.keys() != {each.revision for each in after.history}:
        return False
    if any(each.outcome in BAD and each.outcome is not known[each.revision].outcome for each in after.history):
        return False
    return not _is_news(before, after) and not _breaches(before, after)


def _is_news(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> bool:
    """Return whether a condition changed that users or their tools wait for."""
    if any(_status(before, each) != _status(after, each) for each in WATCHED):
        return True
    return any(_status(after, each) is news and _status(before, each) is not news for each, news in AWAITED)


def _status(status: ModelDeploymentStatus, name: str) -> ConditionStatus | None:
    found = find(status.conditions, name)
    return found.status if found is not None else None


def _breaches(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> bool:
    known = {each.name: each.state for each in before.analysis}
    return any(
        each.state is MetricState.BREACHING and known.get(each.name) is not each.state for each in after.analysis
    )
