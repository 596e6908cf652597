"""The time of the next pass, if no object changes before."""

from datetime import datetime

from pennant.core.analysis import schedule
from pennant.core.rollout.judgement import overdue_at, verification_due_at
from pennant.core.rollout.pass_state import Pass
from pennant.core.rollout.progress import Attempt, next_look_at
from pennant.core.status.inputs import unresolved_since
from pennant.core.status.targeting import TAG_GRACE
from pennant.core.workload import adoption


def look_again_at(at: Pass, until: datetime | None) -> datetime | None:
    """Return the earliest time after now at which the decision may change without a change of objects; None: never.

    Such times are the next check, and `until`, which `steady_until` returns.
    """
    analysis, active = at.spec.analysis, at.active
    times = [until]
    if active is not None and analysis.metrics and schedule.is_watched(analysis, active):
        times.append(schedule.next_check_at(analysis, active, at.now))
    return min((each for each in times if each is not None and each > at.now), default=None)


def steady_until(at: Pass) -> datetime | None:
    """Return the earliest time after now at which the decision may change although all checks pass; None: never.

    Such times are deadlines, the end of the bake time, of limits and of the grace of the tag, and retries.
    """
    analysis, active = at.spec.analysis, at.active
    times: list[datetime | None] = [verification_due_at(analysis, active, at.verdict), overdue_at(analysis, active)]
    if active is not None:
        attempt = Attempt(at.observation, at.spec, active, at.was_verified)
        times.append(next_look_at(attempt, at.status.progress))
    if (since := unresolved_since(at)) is not None:
        times.append(since + TAG_GRACE)
    times += [each.retry_at for each in at.observation.refusals]
    if at.rollback_blocked is not None:
        times.append(at.rollback_blocked.limit.until)
    if at.gate is not None:
        times.append(at.gate.until)
    if adoption.is_under_way(at):
        times.append(at.now + adoption.LOOK_AGAIN_AFTER)
    return min((each for each in times if each is not None and each > at.now), default=None)
