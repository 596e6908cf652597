"""Statuses that wait a moment for more to write.

A rollout changes the status of a ModelDeployment many times, and each write costs the API server in proportion to its
length. Of a status in which only progress changed, the write waits; decisions go on from the held status, so that
every time in it is that of the event and not that of the write. If the process ends, the next one finds the same
progress in the objects.

Rule: R176.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from pennant.api.conditions import carried
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.core.facts.decision import Deciding, Decision
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.status import urgency


@dataclass(frozen=True, slots=True)
class _Held:
    stored: ModelDeploymentStatus
    """What the API server has; a status that somebody else wrote ends the wait."""
    status: ModelDeploymentStatus
    until: datetime


class HeldStatuses:
    """The statuses that wait, by ModelDeployment."""

    def __init__(self, longest: timedelta = urgency.LONGEST_WAIT) -> None:
        """Hold each for at most `longest`; zero writes each at once."""
        self._longest = longest
        self._held: dict[Key, _Held] = {}

    def shown(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the held status in place of the stored one, if there is one."""
        held = self._held.get(snapshot.key)
        if held is None:
            return snapshot
        if held.stored != snapshot.status:
            del self._held[snapshot.key]
            return snapshot
        return replace(snapshot, status=held.status)

    def waits_until(self, snapshot: Snapshot, decision: Decision, now: datetime) -> datetime | None:
        """Return until when the status of a decision waits; None: it is written now, or is as it is stored.

        `snapshot` has the stored status.
        """
        key, stored = snapshot.key, snapshot.status
        if decision.actions or decision.status == stored or not urgency.can_wait(stored, decision.status):
            return None
        held = self._held.get(key)
        # The clock may have been set back.
        until = now + self._longest if held is None else min(held.until, now + self._longest)
        if until <= now:
            return None
        self._held[key] = _Held(stored, decision.status, until)
        return until

    def released(self, snapshot: Snapshot, decision: Decision) -> Decision:
        """Return a decision that was made from a held status as one about the stored one, which `snapshot` has.

        A condition that changed and changed back keeps its time. Copies of the status wait until it is written.
        """
        if snapshot.key not in self._held:
            return decision
        conditions = carried(snapshot.status.conditions, decision.status.conditions)
        status = decision.status.model_copy(update={"conditions": conditions})
        is_deciding = any(isinstance(each, get_args(Deciding)) for each in decision.actions)
        actions = decision.actions if is_deciding or status == snapshot.status else ()
        return replace(decision, status=status, actions=actions)

    def written(self, key: Key) -> None:
        """End the wait: the status was written, or is equal to the stored one."""
        self._held.pop(key, None)
