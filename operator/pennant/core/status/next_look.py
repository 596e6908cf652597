"""When time alone can change a decision."""

from datetime import datetime

from pennant.core.analysis import schedule
from pennant.core.facts.observation import Observation
from pennant.core.rollout.judgement import Judgement, good_at, overdue_at
from pennant.core.rollout.next_revision import Situation
from pennant.core.rollout.progress import Attempt, next_look_at
from pennant.core.status import conditions
from pennant.core.status.inputs import Facts


def look_again_at(seen: Observation, at: Situation, found: Judgement, facts: Facts) -> datetime | None:
    """Return the next moment at which to decide anew though nothing has happened; None: there is none."""
    analysis, active = at.spec.analysis, at.active
    times: list[datetime | None] = [good_at(analysis, found.active, found.verdict), overdue_at(analysis, found.active)]
    if active is not None:
        attempt = Attempt(seen, at.spec, active, found.is_known_good)
        times.append(next_look_at(attempt, found.progress))
    if active is not None and analysis.metrics and schedule.is_watched(analysis, active):
        times.append(schedule.next_check_at(analysis, active, seen.now))
    if facts.unresolved_since is not None:
        times.append(facts.unresolved_since + conditions.TAG_GRACE)
    times += [each.retry_at for each in seen.refusals]
    if facts.withheld is not None:
        times.append(facts.withheld.brake.until)
    if facts.gate is not None:
        times.append(facts.gate.until)
    return min((each for each in times if each is not None and each > seen.now), default=None)
